"""Answers are in another language than expected.

## What it sees

The writing system or language of each answer against that of its reference, or of its question where there is none.

## Why it matters

The model falls back into the language that it knows best, mixes languages, or was trained on rows of another one.

## What it does not mean

Code, names and short answers cannot be told and are left out. A translation task has references in the other language,
which is why references go before questions.

## Example

4 of 10 answers are in English, their references in German.

## Check it by hand

Read the answers; count the languages of the training rows (`trainclinic data`).

## References

- https://github.com/pemistahl/lingua-py (a detector for finer answers)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, listed
from trainclinic.signals.text_language import language_of
from trainclinic.validation.rule import model_rule, not_measured

if TYPE_CHECKING:
    from trainclinic.validation.tested import Tested

FEWEST = Threshold("answers that can be told", 3, "answers", "fewer may quote")
MANY = Threshold("answers in another language", 0.3, "1", "single ones may quote or translate")


def check(tested: Tested) -> Verdict:
    """Tell the language of answers and of what was expected."""
    told = []
    for one in tested.answers:
        expected, said = language_of(one.reference or one.question), language_of(one.text)
        if expected and said:
            told.append((one, expected, said))
    if len(told) < FEWEST.value:
        return not_measured(tested, "answers", f"at least {FEWEST.value:.0f} answers whose language can be told")
    other = [(expected, said) for _, expected, said in told if expected != said]
    if not other:
        languages = listed(sorted({said for *_, said in told}))
        return Absent((Evidence(f"all {len(told)} answers that could be told are in {languages}"),))
    says = f"{len(other)} of {count(len(told), 'answer')} in another language: {other[0][1]} instead of {other[0][0]}"
    return Present((Evidence(says),), severity=None if len(other) >= MANY.value * len(told) else Severity.WARNING)


RULE = model_rule(
    code="VAL202",
    slug="answers-in-another-language",
    severity=Severity.HARMFUL,
    needs=("answers",),
    check=check,
    thresholds=(
        FEWEST,
        MANY,
    ),
)
