"""The first positions of padded rows are masked as the prompt, while padding stands in front of the prompt.

## What it sees
`labels[:, :n] = -100`, or the same row by row, in ids that a tokenizer with `padding_side="left"` padded, where `n`
is the length of a prompt without padding.

## Why it matters
With padding in front the mask covers padding first, so that the end of the prompt, or all of it, stays in the loss
for every row that is shorter than the longest. Rows of one batch are trained on different things.

## What it does not mean
If prompts are padded on the left to one width and answers put behind them, the width is the right mask. Left padding
for generation is right.

## Example
Bad:

    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B", padding_side="left")

    def collate(rows):
        texts = [row["prompt"] + row["answer"] + tokenizer.eos_token for row in rows]
        batch = tokenizer(texts, padding=True, return_tensors="pt")
        labels = batch["input_ids"].clone()
        labels[batch["attention_mask"] == 0] = -100
        for i, row in enumerate(rows):
            length = len(tokenizer(row["prompt"])["input_ids"])
            labels[i, :length] = -100
        batch["labels"] = labels
        return batch

Good:

    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B", padding_side="right")

    def collate(rows):
        texts = [row["prompt"] + row["answer"] + tokenizer.eos_token for row in rows]
        batch = tokenizer(texts, padding=True, return_tensors="pt")
        labels = batch["input_ids"].clone()
        labels[batch["attention_mask"] == 0] = -100
        for i, row in enumerate(rows):
            length = len(tokenizer(row["prompt"])["input_ids"])
            labels[i, :length] = -100
        batch["labels"] = labels
        return batch

## Check it by hand
Decode the labels that are not -100 for the shortest row of a batch: they must be its answer.

## References
- https://github.com/QwenLM/Qwen3-ASR/issues/212
- https://huggingface.co/docs/transformers/pad_truncation
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.encodings import tokenizer_of
from trainclinic.script.program.padding import padding_sides, pads
from trainclinic.script.program.program import Program
from trainclinic.script.program.prompt_masks import PromptMask, prompt_masks
from trainclinic.script.program.reading import argument, only
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule

MENDING = Mending("pad on the right for training, or count the mask from the first token that is no padding")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every mask over first positions of padded rows."""
    for one, padded in _pairs(program):
        side = _side(program, padded)
        if side is None or side[0] != "left" or one.prompt is None or padded.place is None:
            continue
        says = f"the first `{one.length.code}` positions are masked, and padding stands in front of the prompt"
        flow = (side[1], Step(padded.place, "rows are padded in front"), Step(one.mask.place, "are masked in front"))
        yield Alarm(one.mask.place, says, Certainty.LIKELY, flow, mending=MENDING)


def _pairs(program: Program) -> Iterator[tuple[PromptMask, Call]]:
    """Masks as long as a prompt without padding, with the call that pads the rows they are in."""
    for one in prompt_masks(program):
        if one.prompt is None or pads(one.prompt):
            continue
        padded = next((call for call in one.joint if pads(call)), None)
        if padded is not None:
            yield one, padded


def _side(program: Program, padded: Call) -> tuple[str, Step] | None:
    """The side that the tokenizer of a call pads on, as far as it was ever told one side only."""
    own = only(argument(padded, "padding_side"))
    if isinstance(own, str) and padded.place is not None:
        return own, Step(padded.place, f"the call pads on the {own}")
    told = list(padding_sides(program, tokenizer_of(padded)))
    return told[0] if told and len({side for side, _ in told}) == 1 else None


def _looked(program: Program) -> bool:
    return any(_side(program, padded) is not None for _, padded in _pairs(program))


RULE = script_rule(
    code="LBL010",
    slug="prefix-mask-under-left-padding",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("masks over the first positions of labels", "`padding_side` of the tokenizer"),
    find=find,
    looked=_looked,
    missing="a mask as long as a prompt, in rows whose padding side the script sets",
)
