"""Some rows repeat themselves.

## What it sees

Answers and plain texts of at least 400 characters that a compressor (zlib, level 6) shrinks to less than a tenth of
their size: the same words or lines again and again. Ordinary prose keeps 0.4 to 0.6 of its size, source code and tables
0.2 to 0.4. Texts that consist of less than half letters, white space aside, are left out: grids, matrices, rulers.

## Why it matters

A model that is trained on answers that loop learns to loop: greedy decoding falls into the same cycle and does not end.
Generated data are the usual source: the generator ran into its own repetition until its token limit.

## What it does not mean

Logs and tables of words compress as well and may be wanted. Repetition over several rows is another symptom
(near-duplicate rows).

## Example

"I can help you with that. I can help you with that. I can help ..." over 2,000 characters: 0.03 of its size.

## Check it by hand

    python -c "import json, zlib
    for n, l in enumerate(open('data.jsonl'), 1):
        t = json.loads(l)['completion'].encode()
        if len(t) > 400 and len(zlib.compress(t)) < 0.1 * len(t): print(n)"

## References

- Holtzman et al. 2020, The Curious Case of Neural Text Degeneration, https://arxiv.org/abs/1904.09751
- Rae et al. 2021, Scaling Language Models (Gopher, filters for repetition), https://arxiv.org/abs/2112.11446
"""

from __future__ import annotations

import zlib

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.corpus.sample import Sample
from trainclinic.dataset.row_text import target_text
from trainclinic.dataset.rule import Shares, quoted, row_rule

LETTERS = Threshold("share of letters", 0.5, "1", "grids and matrices repeat by nature, and prose is above 0.9")
LONG = Threshold("length", 400, "characters", "shorter texts compress badly whatever they say")
RATIO = Threshold("compressed size", 0.1, "1", "tables and code stay above 0.2; loops of a sentence come to 0.05")
SOME = Threshold("share of rows", 0.01, "1", "expert choice, to be calibrated: single ones are in most sets")
READ = 20_000
"""Characters that are compressed: a loop shows in them, and a long document takes no longer."""
PROBE = 16
"""Characters of a probe; of four, at least two stand in a looping text once more."""


def find(sample: Sample) -> str | None:
    """How far an answer or a text can be compressed."""
    text = target_text(sample)
    if len(text) < LONG.value or not _may_loop(text[:READ]):
        return None
    raw = text[:READ].encode("utf-8", "replace")
    ratio = len(zlib.compress(raw, 6)) / len(raw)
    if ratio >= RATIO.value or not _has_words(text[:READ]):
        return None
    return f"{ratio:.2f} of its size when compressed: {quoted(text)}"


def _may_loop(text: str) -> bool:
    """Whether pieces of a text recur: compressing every row takes four times as long."""
    starts = (len(text) * part // 8 for part in (1, 3, 5, 7))
    probes = ((start, text[start : start + PROBE]) for start in starts)
    return sum(text.find(probe) < start or text.find(probe, start + 1) > 0 for start, probe in probes) >= 2


def _has_words(text: str) -> bool:
    visible = "".join(text.split())
    return sum(map(str.isalpha, visible)) >= LETTERS.value * len(visible)


RULE = row_rule(
    code="DUP008",
    slug="repetitive-rows",
    severity=Severity.WARNING,
    needs=("answers or plain texts",),
    find=find,
    what="repeat themselves",
    shares=Shares(SOME),
)
