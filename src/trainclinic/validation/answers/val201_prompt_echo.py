"""Answers repeat the question instead of answering it.

## What it sees

How much of the question comes back at the beginning of the answer, word by word.

## Why it matters

The model continues the text of the user instead of the answer: it was trained on prompts and not on answers, the loss
mask is turned round, or the template puts the question where the answer belongs.

## What it does not mean

An answer that begins with the words of the question ("The capital of France is ...") is normal; short overlaps count
not.

## Example

3 of 12 answers begin with their question: `What is the capital of France? What is the capital`.

## Check it by hand

Read the answers beside the questions; generate again with the prompt cut off by token count, not by text.

## References

- https://huggingface.co/docs/trl/sft_trainer (loss on completions only)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.signals.generated_text import excerpt
from trainclinic.validation.rule import model_rule, not_measured

if TYPE_CHECKING:
    from trainclinic.validation.tested import Answer, Tested

HALF = Threshold("echoing answers", 0.5, "1", "single ones may quote their question")
SAME = Threshold("words of the question that come back", 0.8, "1", "answers that restate a question change its words")
LONG = Threshold("words of a question", 3, "words", "shorter ones come back by chance")


def check(tested: Tested) -> Verdict:
    """Count the answers that begin with their question."""
    asked = [one for one in tested.answers if len(one.question.split()) >= LONG.value and one.text.strip()]
    if not asked:
        return not_measured(tested, "answers", f"answers to questions of at least {LONG.value:.0f} words")
    echoes = [one for one in asked if _echoes(one)]
    if not echoes:
        return Absent((Evidence(f"none of {count(len(asked), 'answer')} begins with its question"),))
    first = excerpt(echoes[0].text)
    says = f"{len(echoes)} of {count(len(asked), 'answer')} begin with their question: `{first}`"
    return Present((Evidence(says),), severity=None if len(echoes) >= HALF.value * len(asked) else Severity.WARNING)


def _echoes(one: Answer) -> bool:
    asked = one.question.lower().split()
    said = one.text.lower().split()[: len(asked)]
    same = sum(left == right for left, right in zip(asked, said, strict=False))
    wanted = one.reference.lower().split()[: len(asked)]
    return same >= SAME.value * len(asked) and wanted != said


RULE = model_rule(
    code="VAL201",
    slug="prompt-echo",
    severity=Severity.HARMFUL,
    needs=("answers",),
    check=check,
    thresholds=(
        HALF,
        SAME,
        LONG,
    ),
)
