"""What the name of an accelerator tells: its maker, and for NVIDIA its compute capability.

A table of names, not a rule: names that are not in it are unknown.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Literal

Maker = Literal["NVIDIA", "AMD", "Apple"]

TURING, AMPERE = 7.5, 8.0
"""First compute capabilities with int8 matrix units and with bfloat16."""
_APPLE = r"\bapple\b|\bm[1-9](?: (?:pro|max|ultra))?\b|\bmps\b|\bmacbook"
_AMD = r"\bamd\b|\brocm\b|\bgfx\d{3,4}|\binstinct\b|\bradeon\b|\bmi\d{2,3}x?\b"


def compute_capability(name: str) -> float | None:
    """Compute capability of an NVIDIA GPU by its marketing name, or `None` for names that are not in the table."""
    return next((value for pattern, value in _capabilities() if re.search(pattern, name.lower())), None)


def maker_of(name: str) -> Maker | None:
    """Who made an accelerator, by its name; `None` when the name does not tell."""
    text = name.lower()
    if re.search(_AMD, text):
        return "AMD"
    if re.search(r"nvidia|geforce|tesla|quadro|\brtx\b|\bgtx\b", text) or compute_capability(text) is not None:
        return "NVIDIA"
    return "Apple" if re.search(_APPLE, text) else None


@cache
def _capabilities() -> tuple[tuple[str, float], ...]:
    table = json.loads((files(__package__) / "gpu_capabilities.json").read_text(encoding="utf-8"))
    return tuple((row["pattern"], float(row["capability"])) for row in table["gpus"])
