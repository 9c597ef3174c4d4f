"""What the name of a public checkpoint tells: its format in pretraining, tied embeddings, tuned on dialogues or not.

A table, not a rule: names that are not in it are unknown. A checkpoint's own config outranks it.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

_PACKED = re.compile(r"-(?:unsloth-)?(?:bnb-4bit|gptq|awq|gguf).*$")


def bf16_family(name: str) -> str | None:
    """The family of bfloat16-pretrained models that a name belongs to, or `None`.

    Args:
        name: Model identifier or architecture name.
    """
    row = _match("families", name.lower())
    return None if row is None else str(row["family"])


def other_precision(name: str) -> tuple[str, str] | None:
    """Family and dtype of a model that was not pretrained in bfloat16, or `None`.

    Args:
        name: Model identifier or architecture name.
    """
    row = _match("other_precisions", name.lower())
    return None if row is None else (str(row["family"]), str(row["dtype"]))


def ties_embeddings(name: str) -> bool | None:
    """Whether input and output embeddings are one matrix, `None` for names that do not tell.

    Args:
        name: Model identifier or architecture name.
    """
    row = _match("tied", name.lower())
    return None if row is None else bool(row["tied"])


def is_chat_model(name: str) -> tuple[bool, str] | None:
    """Whether a checkpoint was tuned on dialogues, with the reason; `None` for names that do not tell.

    Args:
        name: Model identifier or path; its last part decides.
    """
    last = _PACKED.sub("", name.lower().rstrip("/").replace("\\", "/").rpartition("/")[2])
    for row in _table()["chat"]:
        found = re.search(row["pattern"], last) if row["pattern"].startswith("instruct") else None
        if found or re.fullmatch(row["pattern"], last):
            return bool(row["chat"]), str(row["why"])
    return None


def _match(table: str, text: str) -> dict[str, Any] | None:
    return next((row for row in _table()[table] if re.search(row["pattern"], text)), None)


@cache
def _table() -> dict[str, list[dict[str, Any]]]:
    table: dict[str, list[dict[str, Any]]] = json.loads(
        (files(__package__) / "pretrained_families.json").read_text(encoding="utf-8")
    )
    return table
