"""`state_dict` of the model is replaced, so that every save holds adapter weights only, filtered twice.

## What it sees
`model.state_dict = ...` with a function that gives `get_peft_model_state_dict`, and afterwards a Trainer that resumes
from a checkpoint or loads the best model at its end, or `save_pretrained` of the model.

## Why it matters
The trick is from a time when peft could not save by itself. Today `save_pretrained` filters the adapter weights a
second time and finds none: an adapter file of some hundred bytes. Checkpoints hold no weights that a resume could load,
so that training starts again from a new adapter with an old optimizer.

## What it does not mean
Old versions of peft and transformers that scripts like this were written for behave as they were meant to.

## Example
Bad:

    from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import rows

    model = AutoModelForCausalLM.from_pretrained("huggyllama/llama-7b", torch_dtype="bfloat16")
    config = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    args = TrainingArguments("out", learning_rate=3e-4, bf16=True, seed=7)
    trainer = Trainer(model=model, args=args, train_dataset=rows())
    old = model.state_dict
    model.state_dict = (lambda self, *_, **__: get_peft_model_state_dict(self, old())).__get__(model, type(model))
    trainer.train()
    model.save_pretrained("out/adapter")

Good:

    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import rows

    model = AutoModelForCausalLM.from_pretrained("huggyllama/llama-7b", torch_dtype="bfloat16")
    config = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    args = TrainingArguments("out", learning_rate=3e-4, bf16=True, seed=7)
    trainer = Trainer(model=model, args=args, train_dataset=rows())
    trainer.train()
    model.save_pretrained("out/adapter")

## Check it by hand
Look at the size of `adapter_model.safetensors`: a rank of 8 on two projections of a 7B model makes about 17 MB.

## References
- https://github.com/huggingface/peft/issues/286
- https://github.com/tloen/alpaca-lora/issues/334
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Place, Step
from trainclinic.script.program.adapters import attached_by, ways
from trainclinic.script.program.events import StoreEvent
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, flag, possible
from trainclinic.script.program.trainers import trainers
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule

FILTER = "get_peft_model_state_dict"


def find(program: Program) -> Iterator[Alarm]:
    """Look at every replaced `state_dict`, and at what is saved or loaded with it."""
    stores = program.attributes_set("state_dict")
    for store in stores:
        undone = any(one.order > store.order and not _filters(one) for one in stores)
        if not _filters(store) or undone:
            continue
        harm = next(_harms(program, store), None)
        if harm is not None:
            place, what = harm
            says = f"`state_dict` gives adapter weights only, {what}"
            flow = (Step(place, what), Step(store.place, "`state_dict` is replaced"))
            yield Alarm(store.place, says, Certainty.LIKELY, flow, mending=_mending(store))


def _mending(store: StoreEvent) -> Mending:
    for node in ast.walk(store.file.tree) if store.file.tree is not None else ():
        if isinstance(node, ast.Assign) and store.node in node.targets:
            edits = (Edit("remove_statement", store.file.place(node)),)
            return Mending("remove the replacement: peft saves the adapter by itself", edits=edits)
    return Mending("remove the replacement: peft saves the adapter by itself")


def _filters(store: StoreEvent) -> bool:
    return store.value.node is not None and FILTER in ast.unparse(store.value.node)


def _harms(program: Program, store: StoreEvent) -> Iterator[tuple[Place, str]]:
    """What goes wrong with the replacement, the gravest first."""
    model = set(ways(store.base))
    for trainer in trainers(program):
        if not model & set(ways(trainer.model)):
            continue
        for call in program.calls_of(".train"):
            if call.receiver is trainer.call and _resumes(call):
                yield call.event.place, "so that no checkpoint that is resumed from holds weights"
        if flag(trainer.option("load_best_model_at_end")):
            yield trainer.call.event.place, "so that the best checkpoint holds no weights to load at the end"
    for call in program.calls_of(".save_pretrained"):
        saved = set(ways(call.receiver)) if attached_by(call.receiver) is not None else set()
        if model & saved and call.event.order > store.order:
            yield call.event.place, "so that `save_pretrained` filters them twice and writes an empty adapter"


def _resumes(call: Call) -> bool:
    found, _ = possible(argument(call, "resume_from_checkpoint", 0))
    return any(bool(one.value) for one in found)


def _looked(program: Program) -> bool:
    return any(_filters(store) for store in program.attributes_set("state_dict")) or bool(
        program.calls_of(f"peft.{FILTER}")
    )


RULE = script_rule(
    code="ADP012",
    slug="replaced-state-dict",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("an assignment to `state_dict` of a model",),
    find=find,
    looked=_looked,
    missing="a use of `get_peft_model_state_dict`",
    fix="unsafe",
)
