# ruff: noqa: E501 (expressions are easier to read on one line)
"""Inputs in reports: labels on padding, and stored values that are not finite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trainclinic.readers.checks.line import NUMBER, Claim, Line, number_of, pattern, shortened

_PAD_LABELS = rf"\blabels? (?:at|of|on) (?:the )?pad\w*(?: (?:positions?|tokens?))?\b[^\d\n-]{{0,20}}({NUMBER})"
_TRAINED_PADS = rf"\b(?:trained|scored|supervised|unmasked) pad\w*(?: tokens?)?\W{{1,4}}({NUMBER})"
_SIZES = rf"\b(?:(?P<pads>{NUMBER}) pads?\b|(?P<real>{NUMBER}) real\b)"
_TRAINED = rf"\b(?:trained|target|label|supervised) tokens?\W{{1,4}}({NUMBER})"
_STORED = r"\b(?:cache[ds]?|latents?|embeddings? (?:file|cache)|features?|shards?|parquet|stored|samples?|inputs?|dataset|files?|images?)\b"
_NO_INPUT = (
    r"\b(?:weights?|param\w*|adapter|lora\w*|logits?|grads?|gradients?|outputs?|loss\w*|state.?dict|checkpoint|model)\b"
)
_BAD = r"\b(?:non[- ]?finite|nans?|infs?)\b"
_COUNT = rf"({NUMBER})(?![\w.])"
_FIRST_AFTER = rf"\b(?:non[- ]?finite|nans?|infs?)\b[^\d\n]{{0,20}}({NUMBER})(?![\w.]\w)|({NUMBER}) (?:of|/) {NUMBER}\b"


def claims(lines: Sequence[Line]) -> Iterator[Claim]:
    """What the lines say about inputs and their labels."""
    speaks_of_inputs = False
    for line in lines:
        text = line.text
        if (labels := _labels_on_padding(text)) is not None:
            kind = "trained-padding" if labels else "masked-padding"
            yield Claim(kind, shortened(text), line.number, labels or None)
        speaks_of_inputs = stored(text) or (speaks_of_inputs and pattern(_NO_INPUT).search(text) is None)
        if speaks_of_inputs and pattern(_BAD).search(text) and (found := pattern(_FIRST_AFTER).search(text)):
            yield Claim("stored-data-non-finite", shortened(text), line.number, number_of(found[1] or found[2]))


def stored(text: str) -> bool:
    """Whether a line is about what is fed to a model, and not about the model."""
    return pattern(_STORED).search(text) is not None and pattern(_NO_INPUT).search(text) is None


def _labels_on_padding(text: str) -> float | None:
    """How many labels lie on padding, 1 where only that they do is told; `None` where nothing is said of it."""
    if found := pattern(_TRAINED_PADS).search(text):
        return number_of(found[1])
    if found := pattern(_PAD_LABELS).search(text):
        return 0.0 if number_of(found[1]) == -100 else 1.0
    trained = pattern(_TRAINED).search(text)
    sizes = {
        name: number_of(value)
        for one in pattern(_SIZES).finditer(text)
        for name, value in one.groupdict().items()
        if value
    }
    if trained is None or not sizes.get("pads") or "real" not in sizes:
        return None
    return max(number_of(trained[1]) - sizes["real"], 0.0)
