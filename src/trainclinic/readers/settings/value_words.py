"""Words that values are written in, whatever the setting: flags and the names of number formats."""

from __future__ import annotations

from typing import Any

from trainclinic.record.facts import coerce_fact_value

Said = list[tuple[str, Any]]
"""(fact name, raw value) pairs that a setting stands for; empty when its value says nothing."""

_FLOAT16 = {"float16", "fp16", "half", "f16", "16", "torch.half"}
_BFLOAT16 = {"bfloat16", "bf16"}
_FLOAT32 = {"float32", "fp32", "float", "f32", "32", "single", "full"}


def dtype_name(raw: Any) -> str | None:
    """`float16`, `bfloat16` or `float32` for any spelling of the three, else `None` (also for `auto`)."""
    word = str(raw).strip().strip("'\"").lower().removeprefix("torch.").removeprefix("<class 'torch.")
    for name, words in (("float16", _FLOAT16), ("bfloat16", _BFLOAT16), ("float32", _FLOAT32)):
        if word in words:
            return name
    return None


def is_true(raw: Any) -> bool | None:
    """The flag that a value stands for, `None` when it is not a flag."""
    flag = coerce_fact_value("fp16", raw)
    return flag if isinstance(flag, bool) else None
