"""How near answers are to their references: exact match, and chrF by `sacrebleu` where it is installed.

chrF is the F-score of character n-grams (Popovic 2015); it needs no tokenizer and no language. It judges nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trainclinic.validation.tested import Answer, Scored


def scores_of(answers: Sequence[Answer]) -> tuple[tuple[Scored, ...], str]:
    """Scores of the answers that have a reference, and what it takes to compute more.

    Args:
        answers: Questions with answers.
    """
    known = [one for one in answers if one.reference.strip()]
    has_base = bool(known) and all(one.base is not None for one in known)
    sides = [[one.text for one in known]] + ([[one.base or "" for one in known]] if has_base else [])
    references = [one.reference for one in known]
    exact = [[float(_plain(text) == _plain(wanted)) for text, wanted in zip(side, references, strict=True)]
             for side in sides]  # fmt: skip
    found = [Scored("exact match", *map(tuple, exact))]
    try:
        import sacrebleu
    except ImportError:
        return tuple(found), "the library `sacrebleu` (`pip install 'trainclinic[metrics]'`), for chrF"
    library: Any = sacrebleu
    chrf = [[library.sentence_chrf(text, [wanted]).score / 100 for text, wanted in zip(side, references, strict=True)]
            for side in sides]  # fmt: skip
    return (*found, Scored("chrF", *map(tuple, chrf))), ""


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
