r"""Prompt and answer are joined and then cut from the right, so that long prompts leave no answer to train on.

## What it sees
Ids of prompt and answer are put together and cut at one limit, `(prompt + answer)[:limit]`, or encoded together with
`truncation=True`, the prompt is masked with -100, and nothing drops rows without a label left.

## Why it matters
What is cut off is the answer and its end token. Rows whose prompt fills the limit have no label at all: a batch of
them gives a loss of NaN or 0. The others learn answers without an end.

## What it does not mean
A limit that no row of the data reaches cuts nothing. Only the lengths of the data tell.

## Example
Bad:

    from transformers import AutoTokenizer

    LIMIT = 512
    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B")

    def encode(row):
        start = tokenizer(row["document"] + " Summary: ")["input_ids"]
        end = tokenizer(row["summary"] + tokenizer.eos_token)["input_ids"]
        ids = (start + end)[:LIMIT]
        labels = ([-100] * len(start) + end)[:LIMIT]
        return {"input_ids": ids, "labels": labels, "attention_mask": [1] * len(ids)}

Good:

    from transformers import AutoTokenizer

    LIMIT = 512
    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B")

    def encode(row):
        end = tokenizer(row["summary"] + tokenizer.eos_token)["input_ids"]
        start = tokenizer(row["document"] + " Summary: ")["input_ids"][: LIMIT - len(end)]
        ids = start + end
        labels = [-100] * len(start) + end
        return {"input_ids": ids, "labels": labels, "attention_mask": [1] * len(ids)}

## Check it by hand
Count the rows whose labels are all -100, and those whose last label is not the end token: both must be few.

## References
- https://huggingface.co/docs/transformers/pad_truncation
- https://github.com/huggingface/transformers/issues/22794
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.encodings import origin_of_ids
from trainclinic.script.program.masking import IGNORED, held_values, layers
from trainclinic.script.program.names import name_of
from trainclinic.script.program.program import Program
from trainclinic.script.program.prompt_masks import PromptMask, prompt_masks
from trainclinic.script.program.reading import argument, constants, contains, flag
from trainclinic.script.program.values import Attribute, Call, Constant, Item, Operation, Span, Value
from trainclinic.script.rule import script_rule

SHORT = Threshold("limit", 1024, "tokens", "retrieved passages and documents to summarise are often longer than that")
MENDING = Mending("cut the prompt to what the answer leaves of the limit, and drop rows without a label")
LENGTHS = frozenset({"builtins.len", "builtins.min", "builtins.max"})


def find(program: Program) -> Iterator[Alarm]:
    """Look at every masked prompt whose row is cut as a whole."""
    if _drops_rows(program):
        return
    for one, cut, limit in _cuts(program):
        if cut.place is None or any(contains(c.test, _is_length) is not None for c in one.mask.event.conditions):
            continue
        limits = [number for number in constants(limit) if isinstance(number, int)]
        certain = Certainty.LIKELY if limits and max(limits) <= SHORT.value else Certainty.HINT
        number = f"`{limits[0]}`" if limits else f"`{limit.code}`"
        says = f"prompt and answer share one limit of {number} tokens: a long prompt leaves no label"
        masked = Step(one.mask.place, "the prompt is masked")
        steps = sorted(
            (masked, Step(cut.place, "the row is cut on the right")), key=lambda step: step.place == cut.place
        )
        yield Alarm(cut.place, says, certain, tuple(steps) if masked.place != cut.place else (), mending=MENDING)


def _cuts(program: Program) -> Iterator[tuple[PromptMask, Value, Value]]:
    """Masked prompts with what cuts their row from the right, and the limit."""
    spans = _cut_on_the_right(program)
    for one in prompt_masks(program):
        if one.mask.masked in spans and not _is_prompt_cut(program, one):
            yield one, *spans[one.mask.masked]
        elif one.whole and len(one.joint) == 1:
            call = one.joint[0]
            limit = argument(call, "max_length")
            if limit is not None and flag(argument(call, "truncation")) is True and not _has_own_limit(one, limit):
                yield one, call, limit


def _cut_on_the_right(program: Program) -> dict[Value, tuple[Value, Value]]:
    """What is cut by `[:limit]`, with the cut and the limit."""
    found: dict[Value, tuple[Value, Value]] = {}
    for event in program.events:
        for value in held_values(event):
            if isinstance(value, Item) and isinstance(value.index, Span) and value.index.start is None:
                stop = value.index.stop
                if stop is not None and contains(stop, _is_length, limit=50) is None:
                    found.setdefault(value.base, (value, stop))
    return found


def _is_length(value: Value) -> bool:
    if isinstance(value, Call):
        return name_of(value.function) in LENGTHS
    return isinstance(value, Attribute) and value.name == "shape"


def _is_prompt_cut(program: Program, one: PromptMask) -> bool:
    """Whether the ids of the prompt were cut before, so that room for the answer may be left."""
    counted = one.length.args[0] if isinstance(one.length, Call) and one.length.args else None
    below = list(layers(program, counted))
    calls = [call for value in below if (call := origin_of_ids(value)) is not None]
    cut = any(isinstance(value, Item) and isinstance(value.index, Span) for value in below)
    return cut or any(argument(call, "truncation") is not None for call in calls)


def _has_own_limit(one: PromptMask, limit: Value) -> bool:
    """Whether the prompt alone was encoded with a limit other than that of the row."""
    own = argument(one.prompt, "max_length") if one.prompt is not None else None
    return own is not None and constants(own) != constants(limit)


def _drops_rows(program: Program) -> bool:
    """Whether the files filter rows, or ask anywhere whether a label is ignored."""
    if program.calls_of(".filter"):
        return True
    return any(_asks_for_labels(value) for event in program.events for value in held_values(event)) or any(
        _asks_for_labels(condition.test) for event in program.events for condition in event.conditions
    )


def _asks_for_labels(value: Value) -> bool:
    if not isinstance(value, Operation) or value.symbol not in {"==", "!="}:
        return False
    return any(isinstance(one, Constant) and one.value == IGNORED for one in value.operands)


def _looked(program: Program) -> bool:
    masks = list(prompt_masks(program))
    return bool(masks) and (_drops_rows(program) or any(_is_prompt_cut(program, one) for one in masks))


RULE = script_rule(
    code="LBL012",
    slug="total-limit-after-joining",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("masks of prompts in labels", "limits on the length of a row"),
    find=find,
    looked=_looked,
    missing="a masked prompt in rows that are cut at a limit",
    thresholds=(SHORT,),
)
