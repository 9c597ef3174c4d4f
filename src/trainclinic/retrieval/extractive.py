"""An answer without a model: the best stored passage, quoted.

It can quote and nothing else: it joins no two passages and draws no conclusion, so it invents nothing either.
"""

from __future__ import annotations

from trainclinic.retrieval.prompting import shortened

LONGEST_QUOTE = 1200
"""Characters of a quotation; a whole chapter is no answer."""


def quotation(text: str) -> str:
    """The text of a passage as the answer, cited as `[1]`.

    Args:
        text: Text of the best passage that was found.
    """
    return f"{shortened(text.strip(), LONGEST_QUOTE)} [1]"
