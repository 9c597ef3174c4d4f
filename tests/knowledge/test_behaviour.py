"""Behaviour by version: the boundaries, and that each names versions that were read."""

from __future__ import annotations

import pytest

from trainclinic.knowledge import behaviour
from trainclinic.knowledge.behaviour import Behaviour
from trainclinic.script.oracle.signatures import Oracle
from trainclinic.script.oracle.table import bundled

ALL = {name: value for name, value in vars(behaviour).items() if isinstance(value, Behaviour)}


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_boundary_is_a_version_that_was_read(name: str) -> None:
    entry = ALL[name]
    known = bundled().known(entry.library)
    assert all(version in known for version in (entry.since, entry.until) if version)
    assert known, "the library is one of the table"
    assert not entry.says.endswith(".")


@pytest.mark.parametrize(
    ("entry", "version", "holds"),
    [
        (behaviour.LOADS_CHECKPOINT_DTYPE, "4.57.6", "no"),
        (behaviour.LOADS_CHECKPOINT_DTYPE, "5.0.0rc1", "yes"),
        (behaviour.LOADS_CHECKPOINT_DTYPE, None, "unknown"),
        (behaviour.CASTS_ADAPTERS_TO_FLOAT32, "0.11.1", "no"),
        (behaviour.CASTS_ADAPTERS_TO_FLOAT32, "0.12.0", "yes"),
        (behaviour.SFT_APPENDS_EOS, "0.15.2", "no"),
        (behaviour.SFT_APPENDS_EOS, "0.16.0", "yes"),
        (behaviour.SFT_APPENDS_EOS_TO_CHATS, "0.16.1", "yes"),
        (behaviour.SFT_APPENDS_EOS_TO_CHATS, "0.17.0", "no"),
        (behaviour.SFT_MASKS_PAD_BY_ID, "0.15.2", "yes"),
        (behaviour.SFT_MASKS_PAD_BY_ID, "1.16.0", "no"),
        (behaviour.LM_COLLATOR_MASKS_PAD_BY_ID, None, "yes"),
        (behaviour.CHECKPOINTING_IS_REENTRANT, "5.1.0", "no"),
        (behaviour.SFT_ENABLES_INPUT_GRADS_OF_READY_ADAPTERS, "0.19.1", "no"),
    ],
)
def test_a_behaviour_holds_from_its_first_to_its_last_version(
    entry: Behaviour, version: str | None, holds: str
) -> None:
    assert entry.holds(version) == holds


@pytest.mark.parametrize(
    ("entry", "qualname", "parameter", "default"),
    [
        (behaviour.CASTS_ADAPTERS_TO_FLOAT32, "peft.get_peft_model", "autocast_adapter_dtype", "True"),
        (behaviour.SFT_CHECKPOINTS_BY_DEFAULT, "trl.SFTConfig", "gradient_checkpointing", "True"),
        (behaviour.SFT_BF16_BY_DEFAULT, "trl.SFTConfig", "bf16", "None"),
        (behaviour.PACKS_BEST_FIT, "trl.SFTConfig", "packing_strategy", "'bfd'"),
    ],
)
def test_behaviour_that_is_a_default_agrees_with_the_table(
    entry: Behaviour, qualname: str, parameter: str, default: str
) -> None:
    for version in bundled().known(entry.library):
        pins = {entry.library: version, "transformers": "4.57.6"}
        signature = Oracle(pins, installed=False).signature(qualname)
        found = None if signature is None else signature.parameter(parameter)
        has_default = found is not None and found.default == default
        assert entry.holds(version) == ("yes" if has_default else "no"), version


def test_the_collator_went_where_the_table_says() -> None:
    for version in bundled().known("trl"):
        present = Oracle({"trl": version}, installed=False).presence("trl.DataCollatorForCompletionOnlyLM") == "present"
        assert behaviour.HAS_COMPLETION_COLLATOR.holds(version) == ("yes" if present else "no"), version
