"""Some prompts are answered in two or more different ways.

## What it sees

Rows whose prompt, everything before the last answer, stands in the data with another answer too; case and white space
do not count. Greetings and other prompts under 20 characters are left out unless all their answers are short. More
than 1 % of the rows make a warning. Where more than half of the prompts have several answers, and in data of
preferences, several answers are the form of the data: that is a note.

## Why it matters

The model cannot satisfy both: the loss on these rows has a floor, ln 2 = 0.69 nat for the first token of two equally
frequent answers that begin differently, and what it says is a draw between them. Contradicting labels are the usual
reason why a classifier stops at 80-90 % on its own training data.

## What it does not mean

Open tasks ("write a poem about autumn") have many right answers, and several sampled solutions of one problem are good
data. Only where one answer is right do two of them harm.

## Example

In a file of 5,000 tickets 240 texts were labelled by two people, and 90 of them got two different labels.

## Check it by hand

    python -c "import json, collections as c; d = c.defaultdict(set)
    for l in open('data.jsonl'): r = json.loads(l); d[r['prompt'].strip().lower()].add(r['completion'].strip())
    print(sum(len(v) > 1 for v in d.values()), 'of', len(d), 'prompts')"

## References

- Northcutt et al. 2021, Pervasive Label Errors in Test Sets Destabilize Machine Learning Benchmarks,
  https://arxiv.org/abs/2103.14749
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Present, Severity, Verdict
from trainclinic.dataset.repeats import Answers, answers_of, conflicts
from trainclinic.dataset.row_places import place_of, said_by, tally_of
from trainclinic.dataset.rule import SINCE, Shares, verdict_on
from trainclinic.dataset.tally import MOST_HITS

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

SOME = Threshold("share of rows", 0.01, "1", "expert choice, to be calibrated: single contradictions are in all data")
MEANT = Threshold("share of prompts", 0.5, "1", "so many prompts have several answers only where that is the plan")
PAIRED = ("preference", "kto")


def check(data: Data) -> Verdict:
    """Count rows whose prompt has another answer elsewhere."""
    found = answers_of(data)
    if not len(found.rows):
        return NotEvaluated("rows with a prompt and an answer")
    at = np.flatnonzero(conflicts(found))
    tally = tally_of(data, len(found.rows), _described(data, found, at))
    tally.hits = len(at)
    what = "have a prompt that another row answers differently"
    verdict = verdict_on(tally, what, Shares(SOME), severity=Severity.WARNING, total=data.survey.rows)
    if isinstance(verdict, Present) and (why := _meant(data, found)):
        return Present(verdict.evidence, means=why, severity=Severity.NOTE)
    return verdict


def _described(data: Data, found: Answers, at: np.typing.NDArray[np.int64]) -> list[tuple[int, str]]:
    """The rows with, for each, the first row that answers the prompt in another way."""
    answer = found.by_answer.first.tolist()
    prompt = found.by_prompt.first.tolist()
    seen: dict[int, list[int]] = {}
    for one in at.tolist():
        seen.setdefault(prompt[one], []).append(one)
    told = []
    for one in at[:MOST_HITS].tolist():
        other = next(two for two in seen[prompt[one]] if answer[two] != answer[one])
        row, said = int(found.rows[one]), said_by(data, int(found.rows[one]))
        told.append(
            (row, f"answered otherwise in {place_of(data, int(found.rows[other]))}" + (f": {said}" * bool(said)))
        )
    return told


def _meant(data: Data, found: Answers) -> str:
    schemas = data.survey.schemas
    if sum(schemas[name] for name in PAIRED) > data.survey.rows / 2:
        return "Data of preferences judge several answers to one prompt: nothing contradicts here."
    prompts = len(found.rows) - found.by_prompt.extra
    several = len(np.unique(found.by_prompt.first[conflicts(found)]))
    if several > MEANT.value * prompts:
        return f"{several:,} of {prompts:,} prompts have several answers: that looks like the form of these data."
    return ""


RULE: Rule[Data] = Rule(
    code="DUP003",
    slug="conflicting-answers",
    severity=Severity.WARNING,
    needs=("conversations", "prompts with answers"),
    check=check,
    thresholds=(SOME, MEANT),
    since=SINCE,
)
