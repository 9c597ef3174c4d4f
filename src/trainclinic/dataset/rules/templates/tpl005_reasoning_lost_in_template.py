"""The chat template leaves out the reasoning before the last answer.

## What it sees

Conversations whose last answer comes with reasoning, in a field of its own (`reasoning_content`, `thinking`) or between
`<think>` and `</think>`, whose text does not stand in what the template writes. Reasoning of earlier answers does not
count: most templates leave it out on purpose.

## Why it matters

The rows were made to teach reasoning, and the model is trained on the bare answers: it answers at once, shorter and
less right, and on models that reason by themselves it unlearns that.

## What it does not mean

Training on the bare answers can be meant. Then nothing is wrong, and the reasoning need not stand in the file.

## Example

500 rows carry `reasoning_content`; the template knows `content` alone, and no `<think>` is in any rendered row.

## Check it by hand

Search the first words of the reasoning in `tokenizer.apply_chat_template(row["messages"], tokenize=False)`.

## References

- https://huggingface.co/Qwen/Qwen3-8B (a public template with reasoning, which drops that of earlier turns)
- https://huggingface.co/deepseek-ai/DeepSeek-R1 (a public template that cuts everything before `</think>`)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Severity, Verdict
from trainclinic.dataset.readiness import holds, needs_conversations, tally_of
from trainclinic.dataset.rule import SINCE, Shares, quoted, verdict_on

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data

ANY = Threshold(
    "share of rows with reasoning", 0.0, "1", "a template keeps the reasoning of the last answer or drops it"
)
SHARES = Shares(ANY)


def check(data: Data) -> Verdict:
    """How many rows lose their reasoning."""
    if missing := needs_conversations(data):
        return NotEvaluated(missing)
    framed = [row for row in data.encoded if data.rows.is_framed(row.sample)]
    rows = [(row, thought) for row in framed if (thought := _reasoning(row.sample))]
    if not rows:
        return NotEvaluated("conversations with reasoning before their last answer")
    tally = tally_of((row.sample.source, _lost(thought, row.text)) for row, thought in rows)
    return verdict_on(
        tally, "with reasoning lose it in the template", SHARES, severity=Severity.WARNING, total=tally.looked
    )


def _reasoning(sample: Sample) -> str:
    """What stands before the last answer as reasoning."""
    last = next((one for one in reversed(sample.messages) if one.is_answer), None)
    if last is None:
        return ""
    before, mark, _ = last.content.partition("</think>")
    return last.reasoning.strip() or (before.removeprefix("<think>").strip() if mark else "")


def _lost(thought: str, text: str) -> str | None:
    return None if holds(text, thought) else f"the template leaves out {quoted(thought, 80)}"


RULE: Rule[Data] = Rule(
    code="TPL005",
    slug="reasoning-lost-in-template",
    severity=Severity.WARNING,
    needs=("reasoning", "the chat template"),
    check=check,
    thresholds=SHARES.all,
    since=SINCE,
)
