"""Weights that are float16 themselves are trained, and nothing scales the loss.

## What it sees
A model that is loaded with `dtype=torch.float16` or cast with `.half()`, and all of it is trained: by a trainer whose
`fp16` is off, or by an own loop without a gradient scaler. No adapter, no quantisation, no DeepSpeed, no float32 copy
of the weights is in sight.

## Why it matters
Gradients below 6e-8 become zero, and an update smaller than about 1/2000 of a weight is rounded away: at a learning
rate of 1e-5 most weights never move. The epsilon of Adam, 1e-8, is zero in float16, so that a zero gradient divides
zero by zero: the loss turns to NaN, or stays where it was.

## What it does not mean
Float16 itself is not the mistake. Float32 weights with `fp16=True`, or a frozen base in 4 bits that computes in
float16 under a float32 adapter, are right.

## Example
Bad:

    import torch
    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

    device = "mps" if torch.backends.mps.is_available() else "cpu"
    dtype = torch.float16 if device != "cpu" else torch.float32
    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    tokenizer.pad_token = "<|pad|>"
    model = AutoModelForCausalLM.from_pretrained("gpt2", torch_dtype=dtype)
    model.resize_token_embeddings(len(tokenizer))
    model.to(device)

    def encode(row):
        ids = tokenizer(row["text"]).input_ids + [tokenizer.eos_token_id]
        return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": ids}

    rows = load_dataset("json", data_files="rows.jsonl", split="train").map(encode)
    args = TrainingArguments("out", learning_rate=2e-5, max_steps=500, optim="adamw_torch", fp16=False)
    Trainer(model=model, args=args, train_dataset=rows, data_collator=DataCollatorForSeq2Seq(tokenizer)).train()

Good:

    import torch
    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

    device = "mps" if torch.backends.mps.is_available() else "cpu"
    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    tokenizer.pad_token = "<|pad|>"
    model = AutoModelForCausalLM.from_pretrained("gpt2", torch_dtype=torch.float32)
    model.resize_token_embeddings(len(tokenizer))
    model.to(device)

    def encode(row):
        ids = tokenizer(row["text"]).input_ids + [tokenizer.eos_token_id]
        return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": ids}

    rows = load_dataset("json", data_files="rows.jsonl", split="train").map(encode)
    args = TrainingArguments("out", learning_rate=2e-5, max_steps=500, optim="adamw_torch", fp16=False)
    Trainer(model=model, args=args, train_dataset=rows, data_collator=DataCollatorForSeq2Seq(tokenizer)).train()

## Check it by hand
Print `{p.dtype for p in model.parameters() if p.requires_grad}` before the first step: it must be float32 alone.
After one step count the parameters that are not finite, and those that did not change.

## References
- https://arxiv.org/abs/1710.03740
- https://github.com/huggingface/peft/pull/1706
- https://pytorch.org/docs/stable/amp.html
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.loss_scaling import scaling_of
from trainclinic.script.program.precision import Weights, is_recast_in_part
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import condition_text
from trainclinic.script.program.updates import Training, is_adam, is_full, trained_models, types_of
from trainclinic.script.rule import script_rule

MENDING = Mending("load the weights in float32 and let autocast compute in half precision")


def find(program: Program) -> Iterator[Alarm]:
    """Look at the type of all weights that are trained without loss scaling."""
    for training in trained_models(program):
        if not is_full(training) or scaling_of(program, training) != "none":
            continue
        for one in types_of(program, training):
            if one.dtype == "float16":
                yield from _alarm(program, training, one)
                break


def _alarm(program: Program, training: Training, one: Weights) -> Iterator[Alarm]:
    place = training.by.place
    if place is None or one.made.place is None:
        return
    says = f"`{training.by.method}` trains weights that are float16 themselves, and nothing scales the loss"
    flow = (Step(one.made.place, "the weights become float16"), Step(place, "trained as they are"))
    certainty = _certainty(program, training, one)
    yield Alarm(place, says, certainty, flow, condition_text(one.when), MENDING)


def _certainty(program: Program, training: Training, one: Weights) -> Certainty:
    if is_recast_in_part(program, training.model):
        return Certainty.HINT
    overridden = training.trainer is not None and training.trainer.own is not None
    other = training.trainer is None and not is_adam(training.by)
    return Certainty.PROOF if one.is_fixed and not overridden and not other else Certainty.LIKELY


def _looked(program: Program) -> bool:
    return any(types_of(program, training) for training in trained_models(program))


RULE = script_rule(
    code="PRC001",
    slug="fp16-load-without-scaler",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("the type that weights are loaded in or cast to", "a trainer's options or an own loop"),
    find=find,
    looked=_looked,
    missing="a trained model whose weights get a type in sight",
)
