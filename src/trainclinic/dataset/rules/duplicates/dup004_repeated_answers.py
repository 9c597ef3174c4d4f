"""One and the same answer is given to many different prompts.

## What it sees

The answer that the most different prompts have, when that is more than 5 % of all pairs of prompt and answer and at
least 5 prompts; case and white space do not count. Labels are no repeated answers: when there are between 2 and 50
kinds of answers (or at most one kind for 20 rows) and 95 % of them have at most 60 characters, the data are a
classification. An answer of at most 20 characters ("yes", "0", "not in the text") among longer ones makes a note.
Empty answers are left to another rule.

## Why it matters

The model learns that this answer fits everything: it needs no prompt to predict it. Such blocks come from refusals,
error messages of an API that were saved as answers, wrong joins of two tables, or oversampling.

## What it does not mean

Refusals that were put in on purpose, a fixed text for "I do not know", and routing to a few standard replies look the
same. That the model will give this answer to everything does not follow from 5 %.

## Example

Of 8,000 generated answers 610 read "I'm sorry, but I can't help with that request.", whatever was asked.

## Check it by hand

    python -c "import json, collections as c
    print(c.Counter(json.loads(l)['completion'].strip() for l in open('data.jsonl')).most_common(3))"

## References

- Wang et al. 2022, Self-Instruct, on filtering of generated instances, https://arxiv.org/abs/2212.10560
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import percent
from trainclinic.dataset.duplicates.exact import normal_digests
from trainclinic.dataset.repeats import Answers, answers_of
from trainclinic.dataset.row_places import place_of, sample_at
from trainclinic.dataset.row_text import answer_text
from trainclinic.dataset.rule import SINCE, quoted

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

SHARE = Threshold("share of pairs of prompt and answer", 0.05, "1", "expert choice, to be calibrated")
FEWEST = Threshold("different prompts", 5, "prompts", "fewer are chance in small files")
SHORT = Threshold("length of the answer", 20, "characters", "yes, no, numbers and 'unknown' are right many times")


def check(data: Data) -> Verdict:
    """Find the answer that the most prompts have."""
    found = answers_of(data)
    if not len(found.rows):
        return NotEvaluated("rows with a prompt and an answer")
    kinds = len(found.rows) - found.by_answer.extra
    if found.are_labels:
        return Absent((Evidence(f"the answers are {kinds:,} short labels, which repeat by nature"),))
    at, prompts = _most(data, found)
    pairs = len(found.rows) - found.by_both.extra
    if prompts <= 1:
        return Absent((Evidence(f"no answer is given to two of {pairs:,} different prompts"),))
    source = place_of(data, int(found.rows[at]))
    says = f"one answer is given to {prompts:,} of {pairs:,} prompts ({percent(prompts / pairs)})"
    if prompts < FEWEST.value or prompts / pairs <= SHARE.value:
        return Absent((Evidence(says, source),))
    sample = sample_at(data, int(found.rows[at]))
    text = (Evidence(f"it is {quoted(answer_text(sample))}", source),) if sample else ()
    milder = Severity.NOTE if found.lengths[at] <= SHORT.value else None
    return Present((Evidence(says, source), *text), severity=milder)


def _most(data: Data, found: Answers) -> tuple[int, int]:
    """Index of the first row with the answer that the most different prompts have, and their number."""
    counted = found.by_answer.first[~found.by_both.is_extra]
    prompts = np.bincount(counted, minlength=len(found.rows))
    empty = normal_digests([""])[0]
    prompts[data.survey.prints.answer[found.rows] == empty] = 0
    at = int(prompts.argmax())
    return at, int(prompts[at])


RULE: Rule[Data] = Rule(
    code="DUP004",
    slug="repeated-answers",
    severity=Severity.WARNING,
    needs=("conversations", "prompts with answers"),
    check=check,
    thresholds=(SHARE, FEWEST, SHORT),
    since=SINCE,
)
