"""From the settings of a configuration file to a fragment, and how well a file's keys look like settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from trainclinic.readers.fragment import Fragment
from trainclinic.readers.settings.interpreter import facts_from_settings
from trainclinic.readers.settings.meanings import BY_SETTING
from trainclinic.readers.settings.names import canonical_setting, normal_name

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile
    from trainclinic.record.facts import How

_TELLING_WORDS = """learning_rate micro_batch_size accumulation_steps planned_epochs lora_rank warmup_steps warmup_ratio
    max_grad_norm schedule planned_steps weight_decay logging_steps save_steps model_name"""
_TELLING = frozenset(_TELLING_WORDS.split())
_VAGUE_WORDS = """model device seed name method stage lora half adapter precision dtype quantization template total
    batch dataset data rows epochs gpu devices objective config trainer scheduler optimizer beta eps architectures"""
_VAGUE = frozenset(_VAGUE_WORDS.split())
"""Keys that many configurations have which do not describe a training."""


def settings_score(names: Iterable[str]) -> float:
    """How much a file with these keys looks like the configuration of a training: 0, 0.6 or 0.9."""
    known, telling = 0, 0
    for name in dict.fromkeys(names):
        fact = canonical_setting(name)
        key = normal_name(name)
        if fact is None and key.rpartition(".")[2] not in BY_SETTING:
            continue
        known += 1
        telling += fact in _TELLING and key not in _VAGUE
    if telling >= 2 or (telling and known >= 3):
        return 0.9
    return 0.6 if telling or known >= 3 else 0.0


def settings_fragment(
    file: LogFile, reader: str, pairs: Iterable[tuple[str, Any, int | None]], how: How = "config"
) -> Fragment:
    """A fragment with the facts that settings state.

    Args:
        file: The file, for sources.
        reader: Name of the reader.
        pairs: (name, value, line) as the file spells them.
        how: What kind of place they stand in.
    """
    facts, others, versions = facts_from_settings(pairs, how, file)
    fragment = Fragment(file=file.name, reader=reader)
    fragment.facts, fragment.other_facts, fragment.versions = facts, others, versions
    return fragment
