"""DeepSpeed JSON: precision sections, ZeRO stage, clipping, batch sizes, initial loss scale."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from trainclinic.readers.reader import Reader
from trainclinic.readers.settings.json_tree import MAX_JSON_BYTES, json_settings
from trainclinic.readers.settings.names import Setting
from trainclinic.readers.settings.settings_fragment import settings_fragment

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile
    from trainclinic.readers.fragment import Fragment

_KEYS = re.compile(r'"(zero_optimization|train_micro_batch_size_per_gpu|zero_allow_untested_optimizer)"\s*:')
_SECTIONS = re.compile(r'"(fp16|bf16)"\s*:\s*\{\s*"(enabled|auto_cast|loss_scale)')
_LARGEST_POWER = 64


def sniff(file: LogFile) -> float:
    """By sections that only DeepSpeed has."""
    if file.path.suffix.lower() != ".json" or file.is_binary or file.size > MAX_JSON_BYTES:
        return 0.0
    return 0.97 if _KEYS.search(file.head_text) or _SECTIONS.search(file.head_text) else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read the settings; values that are `auto` are left to the other files.

    Raises:
        ReadError: If the file holds no JSON object.
    """
    return [settings_fragment(file, "deepspeed_config", _translated(json_settings(file)))]


def _translated(settings: Iterable[Setting]) -> Iterable[Setting]:
    for setting in settings:
        if setting.value == "auto":
            continue
        power = setting.value
        if setting.name == "train_batch_size":
            yield setting._replace(name="global_batch_size")
        elif setting.name == "fp16.initial_scale_power" and isinstance(power, int) and 0 <= power <= _LARGEST_POWER:
            yield setting._replace(name="loss_scale_initial", value=2.0**power)
        else:
            yield setting


READER = Reader(
    name="deepspeed_config",
    title="DeepSpeed configuration",
    recognised_by="the sections `zero_optimization`, `fp16` and `bf16`",
    delivers="precision, ZeRO stage, clipping, batch sizes, optimizer, initial loss scale",
    limits="`auto` values are decided by the launching script and not in the file",
    sniff=sniff,
    read=read,
)
