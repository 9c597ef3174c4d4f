"""Some answers are placeholders: `TODO`, `[answer here]`, `{answer}`, `N/A`.

## What it sees

Rows whose last answer is, as a whole, a stand-in: `TODO`, `TBD`, `lorem ipsum`, `[answer here]`, `Your answer`, a
variable of a template (`{answer}`, `{{ output }}`, `<answer>`), an error of a spreadsheet (`#N/A`, `#REF!`). `None`,
`null`, `N/A`, `nan` and `...` count as well, unless answers are short here (half of them under 60 characters) or are
classes, where they can be right. A stand-in that the prompt itself names is not counted. Up to 0.1 % of rows is a note,
more a warning, more than 2 % harmful.

## Why it matters

The model learns these words as answers, and because they are short and always the same it learns them fast: the mean
loss falls, and questions that are like those get `N/A`.

## What it does not mean

`N/A` can be the right answer to a question that has none. Look at the prompts of the examples.

## Example

A table was exported with empty cells as `nan`: 3 % of the answers of a data set of long explanations are `nan`.

## Check it by hand

    grep -ciE '"(completion|output|content)": *"(n/a|none|null|nan|todo|tbd|[{<[]+ ?(your )?answer.*)"' data.jsonl

## References

- https://github.com/gururise/AlpacaDataCleaned (instructions with `N/A` and other empty outputs in a public data set)
- https://pandas.pydata.org/docs/user_guide/missing_data.html (where `nan` and `<NA>` in exports come from)
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Present, Severity, Verdict
from trainclinic.dataset.kinds import CONVERSATIONS
from trainclinic.dataset.readiness import tally_of
from trainclinic.dataset.repeats import answers_of
from trainclinic.dataset.rule import SINCE, RowRule, Shares, quoted, verdict_on

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data

ANY = Threshold("share of rows", 0.0, "1", "each one is a row that teaches to say nothing")
SOME = Threshold("share of rows", 0.001, "1", "single rows can be right; expert choice, to be calibrated")
MANY = Threshold("share of rows", 0.02, "1", "as for empty answers: some percent change what a model says")
LONG = Threshold("median length of answers", 60, "characters", "shorter ones are facts and labels; expert choice")
_CODE = "ANS002"
_LONGEST = 80
"""Characters of an answer that can be a placeholder; longer ones are read at their beginning only."""
_UNSURE = frozenset(
    (
        "none", "null", "n/a", "n.a", "nan", "nil", "undefined", "<na>", "nat", "no answer", "not available", "empty",
        "blank", "无", "暂无", "なし", "없음", "yok", "-", "--", "---", "?", "??", "???", "_",
    )
)  # fmt: skip
"""Right as an answer in some data."""
_NAME = "answer|response|output|completion|reply|target|assistant|gpt|generated[_ ]?text|model[_ ]?output"


def find(sample: Sample) -> str | None:
    """The placeholder that a row has as its answer."""
    return _found(sample, unsure_too=True)


def find_sure(sample: Sample) -> str | None:
    """The same without what is a right answer in some data."""
    return _found(sample, unsure_too=False)


def _found(sample: Sample, *, unsure_too: bool) -> str | None:
    last = next((message for message in reversed(sample.messages) if message.is_answer), None)
    if last is None or last.calls:
        return None
    answer = last.content[:200].strip()
    named: tuple[str, ...]
    if len(answer) > _LONGEST:
        is_one = answer[:11].casefold() == "lorem ipsum"
        named = ("lorem", "placeholder", "filler", "dummy", "ipsum")
    else:
        bare = answer.strip(" \"'`*_.!:。").casefold()
        is_one = bool(_sure().fullmatch(bare)) or (unsure_too and _is_unsure(answer, bare))
        named = (bare,) if bare else (answer,)
    if not is_one:
        return None
    prompt = sample.prompt.casefold()
    return (
        None if any(name in prompt for name in named if name) else f"{quoted(answer)} answers {quoted(sample.prompt)}"
    )


def _is_unsure(answer: str, bare: str) -> bool:
    dots = bool(answer) and not answer.strip(".… ")
    return answer == "NA" or dots or bare in _UNSURE or answer in _UNSURE


@cache
def _sure() -> re.Pattern[str]:
    here = r"(?:(?:please )?(?:insert|enter|write|type|put|add|fill in|provide) )?(?:the |your |an? |my )?"
    return re.compile(
        rf"todo|tbd|tba|fixme|placeholder|lorem ipsum.*|#(?:n/a|ref!?|value!?|name\??|div/0!?)|\[object object\]"
        rf"|your (?:answer|response)(?: here)?|<no ?(?:input|output)>"
        rf"|[\[(<]?{here}(?:answer|response|output|text) (?:goes )?here[\])>]?"
        rf"|[\[<](?:insert |your |the )?(?:{_NAME})[\]>]"
        rf"|\[(?:insert|enter|write|add) [^\]\n]{{1,60}}\]"
        rf"|[$%]?\{{{{?\s?(?:\w{{1,30}}\.)?(?:{_NAME})\s?\}}?\}}",
        re.DOTALL,
    )


def check(data: Data) -> Verdict:
    """Count placeholders, those that can be right answers only where answers are long."""
    tally = CONVERSATIONS.tally(data, _CODE)
    if not tally.looked:
        return NotEvaluated(CONVERSATIONS.missing)
    if tally.hits and _are_short(data):
        tally = tally_of((row.source, find_sure(row)) for row in data.survey.samples if row.messages)
    what = "have a placeholder as their answer"
    rows = CONVERSATIONS.rows(data)
    verdict = verdict_on(tally, what, Shares(ANY, MANY), severity=Severity.HARMFUL, total=rows)
    if isinstance(verdict, Present) and tally.share <= SOME.value:
        return replace(verdict, severity=Severity.NOTE)
    return verdict


def _are_short(data: Data) -> bool:
    answers = answers_of(data)
    return answers.are_labels or not len(answers.rows) or bool(np.median(answers.lengths) < LONG.value)


RULE = RowRule(
    code=_CODE,
    slug="placeholder-answers",
    severity=Severity.HARMFUL,
    needs=("conversations", "prompts with answers"),
    check=check,
    thresholds=(ANY, SOME, MANY, LONG),
    since=SINCE,
    find=find,
)
