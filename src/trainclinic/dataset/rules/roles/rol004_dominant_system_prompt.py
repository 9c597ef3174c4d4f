"""One system prompt makes up much of all text.

## What it sees

The characters of the most common system prompt, over all its rows, as a share of the characters of all kept
conversations; from 30 % on, when at least 20 rows have it.

## Why it matters

With the loss on all tokens, the model spends that share of its training on reciting one text, and the mean loss falls
to values that say nothing about the answers. With the loss on answers alone it still costs that share of the compute.

## What it does not mean

A constant system prompt is right where the same one is used later. One data set of letters had 41.5 % of its
characters in one system prompt and could be trained with the loss on answers.

## Example

A prompt of 900 characters before questions and answers of 400 characters: 69 % of the text is the same in all rows.

## Check it by hand

Multiply the length of the system prompt by the number of rows that have it and divide by the size of the file.

## References

- https://arxiv.org/abs/2405.14394 (what a loss on the instructions does, Shi et al. 2024)
- https://huggingface.co/docs/trl/sft_trainer (loss on the assistant's turns alone)
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, percent
from trainclinic.dataset.rule import SINCE, quoted

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data

SHARE = Threshold("share of characters", 0.30, "1", "expert choice; 41.5 % were measured in a run that had trouble")
ROWS = Threshold("rows with that prompt", 20, "rows", "a share of fewer rows says little about a data set")
_COSTS = "The loss is on answers alone, so this costs compute and context, not quality"


def check(data: Data) -> Verdict:
    """The share of the most common system prompt."""
    rows = [sample for sample in data.survey.samples if sample.messages]
    if len(rows) < ROWS.value:
        return NotEvaluated(f"at least {count(int(ROWS.value), 'conversation')}")
    prompts = Counter(prompt for sample in rows if (prompt := _system_prompt(sample)))
    if not prompts:
        return Absent((Evidence(f"0 of {count(len(rows), 'conversation')} have a system prompt"),))
    prompt, times = max(prompts.items(), key=lambda pair: len(pair[0]) * pair[1])
    share = len(prompt) * times / sum(len(sample.whole) for sample in rows)
    first = next(sample.source for sample in rows if _system_prompt(sample) == prompt)
    says = (
        f"one system prompt is {percent(share)} of all characters, in {times:,} of {count(len(rows), 'conversation')}"
    )
    evidence = (Evidence(says, first), Evidence(f"{count(len(prompt), 'character')}: {quoted(prompt)}", first))
    if share <= SHARE.value or times < ROWS.value:
        return Absent(evidence[:1])
    scored = data.preparation.scored
    if not scored.is_assumed and scored.value != "all":
        return Present(evidence, _COSTS, severity=Severity.NOTE)
    return Present(evidence)


def _system_prompt(sample: Sample) -> str:
    first = sample.messages[0]
    return first.content if first.role == "system" else ""


RULE: Rule[Data] = Rule(
    code="ROL004",
    slug="dominant-system-prompt",
    severity=Severity.WARNING,
    needs=("system prompts",),
    check=check,
    thresholds=(SHARE, ROWS),
    since=SINCE,
)
