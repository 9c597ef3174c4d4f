# ruff: noqa: E501 (expressions are easier to read on one line)
"""Rows of a batch in reports: which are not finite, and which of them are padded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trainclinic.readers.checks.line import NOT_FINITE, NUMBER, Claim, Line, number_of, pairs, pattern, shortened

_PADS = {"pads", "left_pads", "right_pads", "n_pads", "num_pads", "pad", "padding", "pad_tokens", "n_pad", "padded"}
_NAN = {"nan", "nans", "is_nan", "has_nan", "nan_logits", "logits_nan", "non_finite", "finite", "isnan", "n_nan"}
_COUNTED = rf"\brows?\b.{{0,12}}?\b(with(?:out)?|no)\b.{{0,8}}?\bpad\w*\b.{{0,20}}?\b(?:nan|non-?finite)s?\b[^\d\n]{{0,20}}({NUMBER})"
_KINDS = rf"\b(un|non-?|not )?padded\b[^\d\n]{{0,12}}?({NUMBER})|({NUMBER})\s+(un|non-?|not )?padded\b"
_ROW = rf"\b({NUMBER}|no|some) (?:left[- ]|right[- ])?pad(?:s|ding(?: tokens?)?| tokens?)?\b[^\d\n]{{0,24}}?\b(nans?|non-?finite|infs?|finite|fine|ok)\b"
_ONLY = (
    r"\b(?:nans?|non-?finite)\b.{0,40}\bonly\b.{0,30}\bpad|\bnan (?:rows|mask)\b.{0,30}\b(?:equal|match)\w*.{0,30}\bpad"
)


def claims(lines: Sequence[Line]) -> Iterator[Claim]:
    """Rows of a batch whose outputs are not finite, with padding and without, counted."""
    counted: dict[str, tuple[Line, float]] = {}
    for line in lines:
        if "pad" in line.text.lower() and pattern(r"\bnan|non-?finite|finite").search(line.text):
            for kind, count in _counts(line.text):
                first, so_far = counted.get(kind, (line, 0.0))
                counted[kind] = first, so_far + count
    for kind, (line, count) in counted.items():
        if count:
            yield Claim(kind, shortened(line.text), line.number, count)


def _counts(text: str) -> Iterator[tuple[str, float]]:
    """Kinds of rows that a line speaks of, and how many of each."""
    if pattern(_ONLY).search(text):
        yield "padded-rows-non-finite", 1.0
    elif found := pattern(_COUNTED).search(text):
        yield _kind(padded=found[1].lower() == "with", bad=True), number_of(found[2])
    elif found := pattern(_ROW).search(text):
        yield (
            _kind(padded=found[1].lower() not in {"no", "0"}, bad=found[2].lower() not in {"finite", "fine", "ok"}),
            1.0,
        )
    elif pattern(NOT_FINITE).search(text) and (several := list(pattern(_KINDS).finditer(text))):
        for one in several:
            yield _kind(padded=not (one[1] or one[4]), bad=True), number_of(one[2] or one[3])
    else:
        values = dict(pairs(text))
        pads = next((value for name, value in values.items() if name in _PADS), None)
        flag = next(((name, value) for name, value in values.items() if name in _NAN), None)
        if pads is not None and flag is not None:
            yield _kind(padded=pads > 0, bad=(flag[0] == "finite") != (flag[1] != 0)), 1.0


def _kind(*, padded: bool, bad: bool) -> str:
    return f"{'padded' if padded else 'unpadded'}-rows-{'non-finite' if bad else 'finite'}"
