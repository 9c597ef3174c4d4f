"""The same lines stand in many rows.

## What it sees

Lines of more than 20 characters and at least four words that stand in more than 5 % of the rows and in at least 20
rows, counted in answers and plain texts; prompts and system prompts are left out, because templates belong there. A
line that is the whole answer, markup, table rows and lines of JSON do not count. Such lines make a note; when they are
more than 20 % of all characters, a warning.

## Why it matters

What stands in every answer is learned first and then costs nothing: the loss falls without anything being learned about
the task, and the model ends its own answers with the same line. Every such line also costs tokens in every row.

## What it does not mean

A disclaimer, a signature or a fixed heading may be wanted in every answer, and licence headers belong to source files.
A low loss that comes from such lines is no overfitting.

## Example

All 3,000 answers from a help desk end with "This message is confidential and intended for the addressee only.": 31 %
of the characters that are trained on.

## Check it by hand

    python -c "import json, collections as c; n = c.Counter()
    for l in open('data.jsonl'): n.update(set(json.loads(l)['completion'].splitlines()))
    print(n.most_common(10))"

## References

- Raffel et al. 2020, Exploring the Limits of Transfer Learning (C4: lines of pages are removed),
  https://arxiv.org/abs/1910.10683
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, percent
from trainclinic.dataset.duplicates.lines import CommonLine, LineCounter
from trainclinic.dataset.row_text import target_text
from trainclinic.dataset.rule import SHOWN, SINCE, quoted

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

SHARE = Threshold("share of rows with the line", 0.05, "1", "expert choice, to be calibrated")
FEWEST = Threshold("rows with the line", 20, "rows", "fewer are chance in small files")
CHARACTERS = Threshold("share of characters", 0.2, "1", "a fifth of what is trained on says nothing")
WORDS = 4
_MARKUP = re.compile(r"""^[{}\[\]()<>|"'*=_~+-]|[{}\[\](|;,:"=]$|^\W*$""")


def check(data: Data) -> Verdict:
    """Count lines of the kept rows that many of them share."""
    texts = [target_text(sample) for sample in data.survey.samples]
    characters = sum(map(len, texts))
    if len(texts) < FEWEST.value or not characters:
        return NotEvaluated(f"at least {FEWEST.value:.0f} rows with text")
    counter = LineCounter()
    counter.add([text for text in texts if "\n" in text.strip()])
    least = max(FEWEST.value, SHARE.value * len(texts))
    lines = [line for line in counter.common(SHARE.value, int(FEWEST.value)) if line.rows >= least and _is_prose(line)]
    share = sum(line.characters for line in lines) / characters
    if not lines:
        return Absent((Evidence(f"no line stands in more than {percent(SHARE.value)} of {len(texts):,} rows"),))
    first = Evidence(f"{count(len(lines), 'line')} that many rows share, {percent(share)} of the characters")
    shown = [Evidence(f"in {line.rows:,} of {len(texts):,} rows: {quoted(line.text)}") for line in lines[:SHOWN]]
    return Present((first, *shown), severity=None if share > CHARACTERS.value else Severity.NOTE)


def _is_prose(line: CommonLine) -> bool:
    """Whether a line is no markup, table or JSON."""
    text = line.text
    has_words = sum(any(map(str.isalpha, word)) for word in text.split()) >= WORDS or not text.isascii()
    return has_words and not _MARKUP.search(text)


RULE: Rule[Data] = Rule(
    code="DUP006",
    slug="boilerplate-lines",
    severity=Severity.WARNING,
    needs=("kept rows",),
    check=check,
    thresholds=(SHARE, FEWEST, CHARACTERS),
    since=SINCE,
)
