"""Training goes on from a saved adapter that was loaded for inference.

## What it sees
`PeftModel.from_pretrained` (or its automatic kin) without `is_trainable=True`, whose model is then trained; or
`from_pretrained` of transformers on a folder that holds an adapter, whose model is trained without a new one.

## Why it matters
The adapter is loaded frozen, like the base. The optimizer gets no parameter, or the backward pass stops with "does not
require grad"; where something else is trainable, the loss stays flat.

## What it does not mean
Loading for generation, for a merge, or as a frozen reference is right without it. Code that sets `requires_grad`
itself is left out.

## Example
Bad:

    from peft import PeftModel
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import rows

    base = AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.1", torch_dtype="bfloat16")
    model = PeftModel.from_pretrained(base, "out/adapter")
    args = TrainingArguments("out2", learning_rate=1e-4, bf16=True, seed=7)
    Trainer(model=model, args=args, train_dataset=rows()).train()

Good:

    from peft import PeftModel
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import rows

    base = AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.1", torch_dtype="bfloat16")
    model = PeftModel.from_pretrained(base, "out/adapter", is_trainable=True)
    args = TrainingArguments("out2", learning_rate=1e-4, bf16=True, seed=7)
    Trainer(model=model, args=args, train_dataset=rows()).train()

## Check it by hand
`model.print_trainable_parameters()` says 0 when the adapter is frozen.

## References
- https://huggingface.co/docs/peft/package_reference/peft_model
- https://github.com/tloen/alpaca-lora/issues/352
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.adapters import attached_by, is_given, loads_adapter, trained
from trainclinic.script.program.objects import is_causal_lm, model_id, root
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, constants, flag, is_open, literal_texts
from trainclinic.script.program.trainers import trainers
from trainclinic.script.program.values import Call, Value
from trainclinic.script.rule import script_rule

UNFREEZING = (
    *(".requires_grad_", ".set_adapter", ".add_adapter", ".load_adapter", "*.mark_only_lora_as_trainable"),
    *("*.unfreeze", ".set_requires_grad", ".enable_adapters", ".train_adapter"),
)
ADAPTER_FILES = re.compile(r"adapter_(config|model)")
ADAPTER_NAME = re.compile(r"(^|[/_.-])(q?lora|adapters?|peft)([/_.-]|$)", re.I)
WHOLE = re.compile(r"merge|fuse|full|base", re.I)


def find(program: Program) -> Iterator[Alarm]:
    """Look at the model of everything that is trained."""
    if program.calls_of(*UNFREEZING) or program.attributes_set("requires_grad"):
        return
    for loader, maker, named in _subjects(program):
        if loader.place is None or maker.place is None or is_open(loader):
            continue
        given = argument(loader, "is_trainable", _position(loader))
        if named is None and given is not None and flag(given) is not False:
            continue
        says = (
            "an adapter is loaded without `is_trainable=True`, and then trained: its weights are frozen"
            if named is None
            else f"`{named}` holds an adapter, which `from_pretrained` loads frozen, and the model is trained"
        )
        flow = (Step(maker.place, "training"), Step(loader.place, "the adapter is loaded frozen"))
        edits = (Edit("set_argument", loader.place, code="True", name="is_trainable"),) if named is None else ()
        mending = Mending("load it by `PeftModel.from_pretrained(base, folder, is_trainable=True)`", edits=edits)
        yield Alarm(loader.place, says, Certainty.LIKELY, flow, mending=mending)


def _position(loader: Call) -> int:
    return 2 if "Auto" in loader.function.code else 3


def _subjects(program: Program) -> Iterator[tuple[Call, Call, str | None]]:
    """What loads a trained model's adapter, what trains it, and the folder where transformers loads it."""
    for model, maker in trained(program):
        if is_given(argument(maker, "peft_config")) or is_open(maker):
            continue
        adapter = attached_by(model)
        if adapter is not None and loads_adapter(adapter):
            yield adapter, maker, None
        elif adapter is None and is_causal_lm(model):
            loader = root(model)
            named = _adapter_folder(program, model_id(loader)) if isinstance(loader, Call) else None
            if isinstance(loader, Call) and named is not None:
                yield loader, maker, named


def _adapter_folder(program: Program, name: Value | None) -> str | None:
    """The name of what is loaded, when it plainly is an adapter; `None` otherwise."""
    runs = _adapter_runs(program)
    for text in literal_texts(name):
        line = text.file.line_text(text.place.line, text.place.cell) if text.file and text.place else ""
        of_run = any(text.value == run or text.value.startswith(f"{run}/") for run in runs)
        by_name = ADAPTER_NAME.search(text.value) is not None and WHOLE.search(text.value) is None
        if ADAPTER_FILES.search(line) or by_name or of_run:
            return str(text.value)
    return None


def _adapter_runs(program: Program) -> set[str]:
    """Folders into which trainers of the same program write adapters."""
    if program.calls_ending("merge_and_unload", "save_pretrained_merged"):
        return set()
    folders: set[str] = set()
    for one in trainers(program):
        if is_given(one.part("peft_config")) or attached_by(one.model) is not None:
            folders |= {name.rstrip("/") for name in constants(one.option("output_dir")) if isinstance(name, str)}
    return folders


def _looked(program: Program) -> bool:
    return any(True for _ in _subjects(program))


RULE = script_rule(
    code="ADP009",
    slug="adapter-loaded-frozen",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("a saved adapter that is loaded, and training of its model",),
    find=find,
    looked=_looked,
    missing="a saved adapter that is loaded and trained further",
    fix="unsafe",
)
