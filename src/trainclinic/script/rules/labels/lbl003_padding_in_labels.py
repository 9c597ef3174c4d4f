"""Texts are padded before their ids are copied into the labels, and nothing takes the padding out again.

## What it sees
A tokenizer call, a `pad` or a `pad_sequence` that pads, labels copied from those ids, and a forward pass or a trainer
that hands these labels to a causal language model, in files that write -100 nowhere.

## Why it matters
The model is trained to write padding after padding. With `padding="max_length"` most positions are such: the loss
falls to near 0 in a few steps while the answers hardly change, and the trained model ends too early or writes
nothing.

## What it does not mean
`DataCollatorForLanguageModeling` replaces the labels and masks padding itself, so that the copy is without effect
there. Padding in `input_ids` is fine.

## Example
Bad:

    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments, default_data_collator

    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained("gpt2")

    def encode(row):
        text = row["text"] + tokenizer.eos_token
        out = tokenizer(text, padding="max_length", truncation=True, max_length=1024)
        out["labels"] = out["input_ids"].copy()
        return out

    data = load_dataset("imdb", split="train")
    rows = data.map(encode, remove_columns=data.column_names)
    arguments = TrainingArguments("out", learning_rate=2e-5, num_train_epochs=1)
    Trainer(model, arguments, train_dataset=rows, data_collator=default_data_collator).train()

Good:

    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments, default_data_collator

    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained("gpt2")

    def encode(row):
        text = row["text"] + tokenizer.eos_token
        out = tokenizer(text, padding="max_length", truncation=True, max_length=1024)
        out["labels"] = [i if seen else -100 for i, seen in zip(out["input_ids"], out["attention_mask"])]
        return out

    data = load_dataset("imdb", split="train")
    rows = data.map(encode, remove_columns=data.column_names)
    arguments = TrainingArguments("out", learning_rate=2e-5, num_train_epochs=1)
    Trainer(model, arguments, train_dataset=rows, data_collator=default_data_collator).train()

## Check it by hand
In one batch count `(labels != -100).sum()` and `attention_mask.sum()`: the first must not be larger than the second.

## References
- https://github.com/huggingface/trl/issues/1625
- https://github.com/QwenLM/Qwen/issues/719
- https://huggingface.co/docs/transformers/main_classes/data_collator
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Place, Step
from trainclinic.script.program.encodings import origin_of_ids
from trainclinic.script.program.masking import ignores_positions, layers
from trainclinic.script.program.objects import is_causal_lm
from trainclinic.script.program.padding import is_pad_id_of, pads
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument
from trainclinic.script.program.supervision import Scored, scored
from trainclinic.script.program.values import Call, Each, External, Value
from trainclinic.script.rule import script_rule

MENDING = Mending("set the labels to -100 where `attention_mask` is 0")


def find(program: Program) -> Iterator[Alarm]:
    """Look at the labels of every causal model, where no label is ever ignored."""
    if ignores_positions(program):
        return
    for one in scored(program):
        padded = _padding(program, one.labels) if is_causal_lm(one.model) else None
        place = _copied_at(one)
        if padded is None or padded.place is None or place is None:
            continue
        by = f"`{padded.method}` pads" if padded.method else "were padded"
        says = f"labels are a copy of ids that {by}, and the padding is never masked"
        flow = (Step(padded.place, "ids are padded"), Step(place, "all of them become labels"))
        yield Alarm(place, says, Certainty.LIKELY, flow, mending=MENDING)


def _padding(program: Program, labels: Value) -> Call | None:
    """The call that padded the ids of which labels are a copy."""
    for layer in layers(program, labels):
        call = origin_of_ids(layer)
        if call is not None and call.method != "apply_chat_template" and pads(call):
            return call
        if isinstance(layer, Call) and isinstance(layer.function, External) and layer.method == "pad_sequence":
            with_value = argument(layer, "padding_value", 2)
            if with_value is not None and is_pad_id_of(with_value):
                return layer
    return None


def _copied_at(one: Scored) -> Place | None:
    """Where labels are made of the ids, else where they are handed over."""
    return one.labels.place if isinstance(one.labels, (Call, Each)) else one.call.place


def _looked(program: Program) -> bool:
    return any(is_causal_lm(one.model) for one in scored(program))


RULE = script_rule(
    code="LBL003",
    slug="padding-in-labels",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("labels that reach a causal language model", "calls that pad"),
    find=find,
    looked=_looked,
    missing="labels in sight that reach a causal language model",
)
