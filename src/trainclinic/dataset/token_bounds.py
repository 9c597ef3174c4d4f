"""What the length of a text says for sure about its number of tokens, whatever the tokenizer.

It knows two bounds that no usual vocabulary breaks. It does not estimate.
"""

from __future__ import annotations

import re

from trainclinic.catalogue.rule import Threshold
from trainclinic.corpus.sample import Sample

LONGEST_AVERAGE = Threshold(
    "characters per token", 8.0, "characters", "prose has 3 to 5 under every public vocabulary; twice that is safe"
)
FRAME = 256
"""Tokens that a template and its default system prompt add to a row, at most."""
FRAME_PER_TURN = 32
"""Tokens that a template adds to each turn, at most."""
_RUNS = re.compile(r"(.)\1{3,}")


def fewest_tokens(text: str) -> int:
    """A number of tokens that a text has at least; runs of one character (blanks, `-----`) count once.

    Args:
        text: Any text.
    """
    flat = " ".join(text.split())
    return int(len(_RUNS.sub(r"\1", flat)) / LONGEST_AVERAGE.value)


def most_tokens(sample: Sample) -> int:
    """A number of tokens that a row has at most, under any template: one for each byte, and generous markup.

    Args:
        sample: The row.
    """
    extra = "".join(message.reasoning + message.calls for message in sample.messages)
    text = sample.whole + extra + sample.tools
    return len(text.encode("utf-8", "replace")) + FRAME + FRAME_PER_TURN * len(sample.messages)


def surely_loses_answer(sample: Sample, limit: int) -> bool:
    """Whether the prompt alone fills the window, so that nothing of the last answer is left when the end is cut off.

    Args:
        sample: The row.
        limit: Tokens that are kept.
    """
    return bool(sample.answers) and len(sample.prompt) > limit and fewest_tokens(sample.prompt) >= limit


def surely_fits(sample: Sample, limit: int) -> bool:
    """Whether nothing of a row can be cut off.

    Args:
        sample: The row.
        limit: Tokens that are kept.
    """
    return most_tokens(sample) <= limit
