"""Rows of a case that are too many to write down, made by a few lines of Python that stand in the case."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def write_rows(code: str, target: Path) -> None:
    """Run the code of a `make` block, which sets `rows`, and write them as JSON lines.

    Args:
        code: Python; `random` is a generator with a fixed seed.
        target: The file.
    """
    names: dict[str, Any] = {"random": random.Random(7)}
    exec(code, names)
    rows: Iterable[Any] = names["rows"]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
