"""A keyword argument is none that the called class or function has.

## What it sees
Keyword arguments of training arguments, trainers, configurations, adapters and `Accelerator` that no known release
takes, or that the pinned or installed release does not take yet. Callables with `**kwargs` are left out.

## Why it matters
Python rejects the call with a `TypeError`. A mistyped name in a launch that waits for its place in a queue costs the
place; in a configuration that is only built when training ends, the run.

## What it does not mean
A release that is newer than the known ones may have the argument: then the pinned version tells.

## Example
Bad:

    # file: train.py
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import collate, rows

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype="float32")
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7, gradient_accumulation_step=4)
    trainer = Trainer(model=model, args=args, train_dataset=rows("train"), data_collator=collate)
    trainer.train()

Good:

    # file: train.py
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import collate, rows

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype="float32")
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7, gradient_accumulation_steps=4)
    trainer = Trainer(model=model, args=args, train_dataset=rows("train"), data_collator=collate)
    trainer.train()

## Check it by hand
`python -c "import inspect, transformers; print(inspect.signature(transformers.TrainingArguments))"` in the environment
of the run must list the name.

## References
- https://huggingface.co/docs/transformers/main_classes/trainer
- https://huggingface.co/docs/trl/sft_trainer
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.knowledge.versions import key
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.program.libraries import keywords_of, library_calls, oracle
from trainclinic.script.program.program import Program
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule

ARGUMENTS = "transformers.TrainingArguments"
CLOSE = Threshold("likeness of two names", 0.75, "1", "a letter or an ending apart; other words of the field are below")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every keyword argument that nothing accepts."""
    for call, owner in library_calls(program):
        for name, place in keywords_of(call):
            if oracle(program).verdict(owner, name) != "rejected":
                continue
            short, library = owner.partition(".")[2], _library(program, owner, name)
            since, used = oracle(program).gained(owner, name), oracle(program).version(library)
            if since is None:
                near = _nearest(program, owner, name)
                more = f"; `{near}` is the nearest name" if near else ""
                says = f"`{short}` has no argument `{name}` in any known release{more}"
                certainty = Certainty.PROOF if near or used is not None else Certainty.LIKELY
                yield Alarm(place, says, certainty, mending=_mending(call, name, near))
            elif used is not None and key(used) < key(since):
                says = f"`{short}` takes `{name}` since {library} {since}, and {used} is used"
                mending = Mending(f"use {library} {since} or newer, or leave `{name}` out")
                yield Alarm(place, says, Certainty.PROOF, mending=mending)


def _library(program: Program, owner: str, name: str) -> str:
    """The library whose releases decide: configurations of trl have the fields of training arguments too."""
    since = oracle(program).gained(owner, name)
    is_inherited = since is not None and oracle(program).gained(ARGUMENTS, name) == since
    return (ARGUMENTS if is_inherited else owner).partition(".")[0]


def _nearest(program: Program, owner: str, name: str) -> str:
    known = oracle(program).signature(owner) or oracle(program).newest(owner)
    names = [parameter.name for parameter in known.parameters] if known is not None else []
    return next(iter(get_close_matches(name, names, 1, CLOSE.value)), "")


def _mending(call: Call, name: str, near: str) -> Mending | None:
    is_written = any(n == name and p != call.place for n, p in keywords_of(call))
    if not near or call.place is None:
        return None
    is_free = is_written and not any(n == near for n, _ in call.keywords)
    edits = (Edit("rename_argument", call.place, name=name, new_name=near),) if is_free else ()
    return Mending(f"write `{near}` if that is meant", "unsafe", edits)


def _looked(program: Program) -> bool:
    return any(True for _ in library_calls(program))


RULE = script_rule(
    code="API004",
    slug="unknown-argument",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("calls of transformers, trl, peft and accelerate", "their versions"),
    find=find,
    looked=_looked,
    missing="a call of a trainer, its arguments or another class whose signature is known",
    fix="unsafe",
    thresholds=(CLOSE,),
)
