"""Different questions get the same answer.

## What it sees

How many answers are equal up to white space and case, where the references, or the questions, are not.

## Why it matters

The model has stopped reading: it collapsed to the most frequent answer of its training rows, or it never saw the
questions, because they were cut off or masked out of attention.

## What it does not mean

Tasks with few answers (yes or no, a label) repeat them rightly: the references then repeat as well.

## Example

11 of 12 questions get `I am sorry, I cannot help with that.`

## Check it by hand

Ask two very different questions and compare.

## References

- Holtzman et al. 2020, The curious case of neural text degeneration
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, percent
from trainclinic.signals.generated_text import excerpt
from trainclinic.validation.rule import model_rule, not_measured

if TYPE_CHECKING:
    from trainclinic.validation.tested import Tested

FEWEST = Threshold("answers", 4, "answers", "fewer are alike by chance")
MOST = Threshold("equal answers", 0.7, "1", "tasks with two answers give the more frequent one about as often")
MARGIN = Threshold("equal answers above equal references", 0.3, "1", "references that repeat excuse answers that do")


def check(tested: Tested) -> Verdict:
    """Compare the most frequent answer with the most frequent reference."""
    said = [_plain(one.text) for one in tested.answers if one.text.strip()]
    if len(said) < FEWEST.value:
        return not_measured(tested, "answers", f"at least {FEWEST.value:.0f} answers that are not empty")
    text, number_of_it = Counter(said).most_common(1)[0]
    expected = Counter(_plain(one.reference) for one in tested.answers if one.reference.strip())
    usual = expected.most_common(1)[0][1] / expected.total() if expected else 0.0
    share = number_of_it / len(said)
    if share < MOST.value or share < usual + MARGIN.value:
        return Absent((Evidence(f"{len(set(said))} different texts in {count(len(said), 'answer')}"),))
    says = f"{number_of_it} of {count(len(said), 'answer')} read `{excerpt(text)}`"
    return Present((Evidence(says), Evidence(f"{percent(usual)} of the references are alike")))


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


RULE = model_rule(
    code="VAL203",
    slug="one-answer-to-every-question",
    severity=Severity.HARMFUL,
    needs=("answers",),
    check=check,
    thresholds=(
        FEWEST,
        MOST,
        MARGIN,
    ),
)
