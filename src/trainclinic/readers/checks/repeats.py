# ruff: noqa: E501 (expressions are easier to read on one line)
"""Sentences which say that a failure came back although something was changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trainclinic.readers.checks.line import Claim, Line, pattern, shortened

_AGAIN = (
    r"\b(?:gives?|gave|shows?|showed|has|had|with|fails?|failed|ends?|ended)\b.{0,20}\b(?:the )?(?:same|identical(?:ly)?|alike)\b"
    r"|\bsame (?:result|failure|problem|error|nan|loss|curve|outcome|thing)|\bstill (?:nan|fails?|diverges?|0\.0|zero|inf)"
    r"|\bdo(?:es)? not help|\bdid not help|\bdidn't help|\bno (?:change|effect|difference)\b|\bmakes no difference"
)
_PRECISION = r"\b(?:float32|fp32|float16|fp16|bfloat16|bf16|full precision|half precision|tf32)\b"
_RATE = r"\b(?:learning[ _-]rates?|lr)\b"
_KERNEL = (
    r"\b(?:flash[ _-]?att\w*|sdpa|eager|xformers|liger|fused|compile\w*|attention (?:off|implementation)|triton)\b"
)
_DEVICE = r"\b(?:on (?:the )?cpu|another gpu|other gpu|single gpu|one gpu|different gpu|on cuda)\b"
KINDS = (
    ("same-failure-in-other-precision", _PRECISION),
    ("same-failure-at-other-learning-rate", _RATE),
    ("same-failure-with-other-kernel", _KERNEL),
    ("same-failure-on-other-device", _DEVICE),
)


def claims(lines: Sequence[Line]) -> Iterator[Claim]:
    """What was changed without effect, one claim for each kind of change that a sentence names."""
    for line in lines:
        if pattern(_AGAIN).search(line.text):
            for kind, word in KINDS:
                if pattern(word).search(line.text):
                    yield Claim(kind, shortened(line.text, 300), line.number)
