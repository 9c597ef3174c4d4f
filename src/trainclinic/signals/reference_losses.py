"""Published losses and vocabulary sizes of known pretrained models, looked up by name or parameter count.

The figures and their sources are data (`reference_losses.json`). A model that is not listed gets the range of its size
class; this module does not know what a run's own loss is.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

PARAMETER_TOLERANCE = 0.03
"""A count may include adapters or lack tied rows: LoRA adds 0.1-3 %, and no two listed models are closer."""

EXACT_UNIFORM = 0.0015
"""Nats; a model that guesses is exactly uniform only when its logits are constant, and then to all printed digits."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Where the loss of an intact pretrained model lies, nats/token.

    Attributes:
        title: The model, as it is called in a sentence.
        start: Lowest and highest correct first loss of fine-tuning on ordinary text; `None` when not known.
        tuned: Range in which fine-tuning has been seen to end.
        source: Where the figures come from.
        grade: `published`, `derived` from published figures, or `unverified`.
        generic: Whether this is the range of a size class, because the model itself is not listed.
        usual: The narrower range of ordinary English prose and dialogue; `None` when not known.
    """

    title: str
    start: tuple[float, float] | None
    tuned: tuple[float, float]
    source: str
    grade: Literal["published", "derived", "unverified"]
    generic: bool = False
    usual: tuple[float, float] | None = None


@cache
def _table() -> Mapping[str, Any]:
    text = (files("trainclinic.signals") / "reference_losses.json").read_text(encoding="utf-8")
    table: Mapping[str, Any] = json.loads(text)
    return table


def known_reference(name: str, parameters: tuple[float, ...] = ()) -> Reference | None:
    """The listed model of that name or size, or `None`.

    Args:
        name: Model identifier, path and architecture name in one string; a name outranks a count, and the longest
            matching word wins.
        parameters: Counts that may be the model's own (all, or all without adapters).
    """
    text = _plain(name)
    found = [(len(word), row) for row in _table()["models"] for word in row["match"] if _stands_in(_plain(word), text)]
    if found:
        return _reference(max(found, key=lambda pair: pair[0])[1])
    for row in _table()["models"]:
        sizes = row.get("parameters", ())
        near = any(abs(p / size - 1.0) < PARAMETER_TOLERANCE for p in parameters for size in sizes)
        if near and _family_fits(row["family"], text):
            return _reference(row)
    return _gpt2_by_name(text)


def generic_reference(parameters: tuple[float, ...] = ()) -> Reference:
    """The range of a pretrained language model of that size, or of any size when it is not known."""
    large = _table()["generic"]
    is_large = any(count >= large["minimum_parameters"] for count in parameters)
    return _reference(large if is_large else _table()["generic_small"], generic=True)


def known_vocabulary(name: str) -> int | None:
    """Rows of the output embedding of that model family, or `None` when it is not listed."""
    text = _plain(name)
    for row in _table()["vocabularies"]:
        if any(_stands_in(_plain(word), text) for word in row["match"]):
            return int(row["rows"])
    return None


def vocabulary_at(level: float) -> int | None:
    """The listed vocabulary whose uniform loss this level is, to three decimals; `None` for any other level.

    Args:
        level: Loss in nats per token. Listed sizes are 0.02 nats apart or more where they differ at all.
    """
    for row in _table()["vocabularies"]:
        if abs(level - math.log(row["rows"])) < EXACT_UNIFORM:
            return int(row["rows"])
    return None


def _reference(row: Mapping[str, Any], *, generic: bool = False) -> Reference:
    start, usual = row["start"], row.get("usual")
    return Reference(
        row["title"],
        None if start is None else (start[0], start[1]),
        (row["tuned"][0], row["tuned"][1]),
        row["source"],
        row["grade"],
        generic,
        None if usual is None else (usual[0], usual[1]),
    )


def _gpt2_by_name(text: str) -> Reference | None:
    """A bare `gpt2` is the 124M model; a `gpt2` of unknown size in a longer path is not."""
    if not re.search(r"(^|\s|/)gpt-?2($|\s)", text):
        return None
    row = next(row for row in _table()["models"] if row["title"] == "GPT-2 124M")
    return _reference(row)


def _family_fits(family: str, text: str) -> bool:
    """A parameter count alone is believed unless the name speaks of another family."""
    families = {row["family"] for row in _table()["models"]}
    named = {f for f in families if f in text}
    return not named or family in named


def _plain(text: str) -> str:
    return re.sub(r"[_\s]+", "-", text.strip().lower()) if " " not in text else " ".join(map(_plain, text.split()))


def _stands_in(word: str, text: str) -> bool:
    """Whether `word` begins at a word boundary of `text`: `phi-2` in `microsoft/phi-2`, `opt` not in `adopt`."""
    return re.search(rf"(^|[^a-z0-9]){re.escape(word)}(?![a-z]{{3}})", text) is not None
