"""Some answers are much shorter than the others.

## What it sees

Answers of one or two words, in data whose answers have more than 20 words in the middle: more than 5 % of them. Data
whose answers are labels, numbers or choices have short answers everywhere and are not meant.

## Why it matters

Two kinds of answers to one kind of prompt are a draw: the model answers in a word where a paragraph was wanted, and
which of them comes depends on chance. Short answers among long ones are often rests of a conversion that lost the text.

## What it does not mean

Multi-turn conversations have "Yes." beside long turns, and a mixture of tasks may want both. An early end of generation
has other reasons too.

## Example

300 of 4,000 answers are "See above." in a set of answers of 120 words.

## Check it by hand

    python -c "import json; print(sum(len(json.loads(l)['completion'].split()) < 3 for l in open('data.jsonl')))"

## References

- Zhou et al. 2023, LIMA: Less Is More for Alignment, https://arxiv.org/abs/2305.11206
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Severity, Verdict
from trainclinic.dataset.answer_lengths import lengths_of
from trainclinic.dataset.rule import SINCE, Shares, quoted, verdict_on
from trainclinic.dataset.tally import Tally

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

SHORT = Threshold("words of a short answer", 3, "words", "fewer are a label, a yes, or a rest")
LONG = Threshold("words of the median answer", 20, "words", "below it short answers are the form of the data")
SOME = Threshold("share of answers", 0.05, "1", "expert choice, to be calibrated")


def check(data: Data) -> Verdict:
    """Count short answers among long ones."""
    lengths = lengths_of(data)
    if not lengths:
        return NotEvaluated("rows with an answer")
    middle = median(length.words for length in lengths)
    if middle <= LONG.value:
        return Absent((Evidence(f"the median answer has {middle:g} words: short answers are the form of these data"),))
    tally = Tally()
    for length in lengths:
        is_short = length.words < SHORT.value and not length.is_structured
        tally.add(length.sample.source, quoted(length.answer) if is_short else None)
    what = f"have an answer of one or two words, where the median has {middle:g}"
    return verdict_on(tally, what, Shares(SOME), severity=Severity.WARNING, total=data.survey.rows)


RULE: Rule[Data] = Rule(
    code="ANS005",
    slug="short-answers",
    severity=Severity.WARNING,
    needs=("kept rows with an answer",),
    check=check,
    thresholds=(SHORT, LONG, SOME),
    since=SINCE,
)
