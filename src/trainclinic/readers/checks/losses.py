# ruff: noqa: E501 (expressions are easier to read on one line)
"""Losses in reports: before and after an operation, and beside what a log shows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from trainclinic.readers.checks.line import NOT_FINITE, NUMBER, Claim, Line, number_of, pattern, shortened

_BOTH = rf"\bbefore\b[^\d\n]{{0,40}}({NUMBER})\b.{{0,40}}?\bafter\b[^\d\n]{{0,40}}({NUMBER})(?![\w.]\w)"
_ONE = rf"\b(before|after)\b.{{0,60}}?[:=\s]({NUMBER})\s*$"
_ARROW = rf"({NUMBER})\s*(?:->|=>|→|to)\s*({NUMBER})\s*$"
_LOSS = r"\b(?:\w+_)?(?:loss|nll|ce|cross.?entropy|ppl|perplexity)(?:es)?\b"
_NO_LOSS = (
    r"\b(?:memory|mem|[gmk]i?b|rows?|samples?|examples?|filter\w*|lengths?|seconds?|secs?|size|params?|parameters?|count"
    r"|acc\w*|min|max|norm|md5|sha\d*|hash|dedup\w*|tokens? left|step|epoch|lr|score|reward)\b"
)
_RESIZE = (
    r"resiz|add(?:ed|ing)?\b.{0,20}tokens?|new tokens?|token_embeddings|pad(?:ding)? token|special tokens?|vocab"
    r"|mean.?init"
)
_RELOAD = r"\b(?:re-?load\w*|load\w*|sav(?:e|ed|ing)|from disk|restor\w+)"
_OTHER = r"\b(?:train\w*|fine-?tun\w*|optimi[sz]er|update|merg\w+|quanti[sz]\w*|export\w*|convert\w*|resum\w*|warm)"
_SEEN = r"\b(?:hook\w*|batch at|micro[- ]?batch\w*|raw|true|actual|unfiltered|per[- ]step|before (?:the )?filter)\b"
_SHOWN = rf"\b(?:log(?:s|ged)?|trainer|report(?:s|ed)?|print(?:s|ed)?|show(?:s|n)?|display(?:s|ed)?|tracker|wandb)\b[^\d\n]{{0,30}}({NUMBER})\s*$"
_LABELLED = rf"\b(?:\w+_)?(?:loss|nll|ppl|perplexity)\b[^\d\n]{{0,40}}({NUMBER})(?![\w.]\w)"
_STORED = r"\b(?:merged|re-?loaded|exported|converted|gguf|saved|from disk|requanti[sz]ed)\b"
_LIVE = r"\b(?:live|adapter|unmerged|in[ -]memory|as trained|not merged|original)\b"
LARGEST_LOSS = 1000.0


def claims(lines: Sequence[Line]) -> Iterator[Claim]:
    """What the lines say about losses."""
    yield from _before_and_after(lines)
    yield from _live_and_stored(lines)
    for line in lines:
        if _hides(line.text):
            yield Claim("hidden-non-finite-loss", shortened(line.text), line.number)


def _before_and_after(lines: Sequence[Line]) -> Iterator[Claim]:
    """Pairs of losses, on one line or on two; the value is the second over the first."""
    waiting: tuple[Line, float] | None = None
    for line in lines:
        text = line.text
        if pattern(_NO_LOSS).search(text):
            continue
        if both := _both(text):
            told, before, after = line, *both
        elif pattern(_LOSS).search(text) is None or (one := pattern(_ONE).search(text)) is None:
            continue
        elif one[1].lower() == "before" or waiting is None:
            waiting = (line, number_of(one[2])) if one[1].lower() == "before" else None
            continue
        else:
            told = Line(line.number, f"{waiting[0].text.strip()}; {text.strip()}")
            before, after, waiting = waiting[1], number_of(one[2]), None
        if claim := _ratio(told, before, after):
            yield claim


def _live_and_stored(lines: Sequence[Line]) -> Iterator[Claim]:
    """The loss of a model as it was trained and of the same model merged, saved or converted, a line each."""
    told: dict[str, tuple[Line, float]] = {}
    for line in lines:
        found = pattern(_LABELLED).search(line.text)
        if (
            found is None
            or pattern(_LOSS).search(line.text) is None
            or pattern(r"\b(?:before|after)\b").search(line.text)
        ):
            continue
        words = line.text[: found.end()]
        side = "stored" if pattern(_STORED).search(words) else "live" if pattern(_LIVE).search(words) else ""
        if side:
            told.setdefault(side, (line, number_of(found[1])))
    if len(told) == 2 and 0.0 < told["live"][1] < LARGEST_LOSS and told["stored"][1] > 0.0:
        live, stored = told["live"], told["stored"]
        says = shortened(f"{live[0].text.strip()}; {stored[0].text.strip()}")
        yield Claim("loss-at-reload", says, stored[0].number, stored[1] / live[1])


def _both(text: str) -> tuple[float, float] | None:
    """The loss before and the loss after, when one line has both."""
    found = pattern(_BOTH).search(text)
    if found is None and pattern(_RESIZE).search(text) and pattern(_LOSS).search(text):
        found = pattern(_ARROW).search(text)
    return None if found is None else (number_of(found[1]), number_of(found[2]))


def _ratio(line: Line, before: float, after: float) -> Claim | None:
    """A claim about two losses, named for what was done between them as far as the line says it."""
    text = line.text
    if not (0.0 < before < LARGEST_LOSS and after > 0.0 and math.isfinite(before)):
        return None
    named = pattern(_LOSS).search(text) is not None
    if pattern(_RESIZE).search(text):
        kind = "loss-at-token-resize"
    elif pattern(_RELOAD).search(text):
        kind = "loss-at-reload"
    elif pattern(_OTHER).search(text) or (not named and len(text.split()) > 7) or "." not in text:
        return None
    else:
        kind = "loss-before-and-after"
    return Claim(kind, shortened(text), line.number, after / before)


def _hides(text: str) -> bool:
    """Whether a line says that a value was not finite and that the log shows a finite one."""
    if pattern(NOT_FINITE).search(text) is None or pattern(_SEEN).search(text) is None:
        return False
    shown = pattern(_SHOWN).search(text)
    return shown is not None and math.isfinite(number_of(shown[1]))
