"""Everything that the lines of a report say, and which lines of a log are worth asking."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trainclinic.readers.checks import inputs, labels, losses, padding, probes, repeats, tensors, tokens, weights
from trainclinic.readers.checks.line import Claim, Line

MOST_LINES = 1_000
"""A report is read by people: longer lists say the same again."""
_HINTS = """before after -100 trained target label mask supervised float16 float32 {'torch. grad moved changed delta md5
    hash sha checksum pads padded padding hook saved min max optimizer -> micro same help identical head weight norm
    effect loss shift ppl perplexity hidden activation logit prob nan finite"""
HINTS = tuple(_HINTS.split())
"""Lower-case words of which every telling line has one."""


def claims(lines: Sequence[Line]) -> Iterator[Claim]:
    """What the lines say, by subject.

    Args:
        lines: Lines that are no rows of a training log, in the order of the file.
    """
    told = [line for line in lines[:MOST_LINES] if any(map(str.isalpha, line.text))]
    yield from labels.claims(told)
    yield from tokens.claims(told)
    yield from losses.claims(told)
    yield from padding.claims(told)
    yield from weights.claims(told)
    yield from tensors.claims(told)
    yield from probes.claims(told)
    yield from repeats.claims(told)
    yield from inputs.claims(told)
