"""Each of several processes spreads the whole model over all devices.

## What it sees
`device_map="auto"` (or `balanced`, `sequential`) for a model that a trainer, `accelerator.prepare` or
`DistributedDataParallel` gets, in a program that is launched as several processes or wraps the model itself.

## Why it matters
A device map is for one process that owns all devices. With several, each process claims every device: transformers and
accelerate stop with "You can't train a model that has been loaded with `device_map='auto'` in any distributed mode", or
memory runs out on the first device.

## What it does not mean
With one process it is a slow but valid way to train a large model. `{"": local_rank}` puts a whole copy on the device
of the process, and is right.

## Example
Bad:

    # file: run.sh
    torchrun --nproc_per_node 4 train.py

    # file: train.py
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import rows

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", device_map="auto")
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7)
    Trainer(model=model, args=args, train_dataset=rows()).train()

Good:

    # file: run.sh
    torchrun --nproc_per_node 4 train.py

    # file: train.py
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import rows

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7)
    Trainer(model=model, args=args, train_dataset=rows()).train()

## Check it by hand
Print `model.hf_device_map` on every process: it must name one device, another on each.

## References
- https://github.com/huggingface/transformers/issues/31557
- https://huggingface.co/docs/accelerate/concept_guides/big_model_inference
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Place, Step
from trainclinic.script.program.adapters import ways
from trainclinic.script.program.objects import LOADERS
from trainclinic.script.program.processes import is_guarded, launches_of, root_file, wrapping_call
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, possible
from trainclinic.script.program.trainers import trainers
from trainclinic.script.program.values import Call, Value
from trainclinic.script.rule import script_rule

SPREADING = frozenset({"auto", "balanced", "balanced_low_0", "sequential"})


def find(program: Program) -> Iterator[Alarm]:
    """Look at every model that is trained."""
    for model, user in _trained(program):
        loader, spread = _spread(model)
        if loader is None or loader.place is None or spread is None or user.place is None:
            continue
        found = _several(program, user, model)
        if found is None:
            continue
        certainty, place, what = found
        says = f'`device_map="{spread}"` spreads the model over all devices in each of several processes'
        first = (Step(place, what),) if place is not None else ()
        flow = (*first, Step(user.place, "the model is trained"), Step(loader.place, "spread over all devices"))
        mending = Mending(
            "drop `device_map`, or put a whole copy on the device of each process",
            edits=(Edit("remove_argument", loader.place, name="device_map"),),
        )
        yield Alarm(loader.place, says, certainty, flow, mending=mending)


def _trained(program: Program) -> Iterator[tuple[Value, Call]]:
    for trainer in trainers(program):
        if trainer.model is not None:
            yield trainer.model, trainer.call
    for call in program.calls_of("torch.nn.parallel.DistributedDataParallel"):
        model = argument(call, "module", 0)
        if model is not None:
            yield model, call
    for call in program.calls_of(".prepare", "*.prepare_model"):
        for arg in call.args:
            yield arg, call


def _spread(model: Value) -> tuple[Call | None, str | None]:
    """The call that loads a model over all devices in every case, and the word that says so."""
    for one in ways(model):
        if isinstance(one, Call) and one.method in LOADERS and not is_guarded(one.event):
            given = argument(one, "device_map")
            found, complete = possible(given)
            words = {p.value for p in found if isinstance(p.value, str)}
            fixed = complete and all(p.setting is None or p.given for p in found)
            if fixed and len(found) == len(words) == 1 and words <= SPREADING:
                return one, words.pop()
    return None, None


def _several(program: Program, user: Call, model: Value) -> tuple[Certainty, Place | None, str] | None:
    """Whether several processes train a model, and what says so."""
    wrapped = user if user.method == "DistributedDataParallel" else wrapping_call(model)
    if wrapped is not None:
        return Certainty.LIKELY, None, ""
    launches = launches_of(program, root_file(user.event))
    for launch in launches:
        if launch.processes is not None and launch.processes > 1:
            return Certainty.PROOF, launch.place, f"`{launch.launcher}` starts {launch.processes} processes"
    for launch in launches:
        if launch.processes is None and launch.launcher == "torchrun":
            return Certainty.LIKELY, launch.place, f"`{launch.launcher}` starts several processes"
    return None


def _looked(program: Program) -> bool:
    """Whether it is in sight how a program that trains is started, or that it is wrapped."""
    return any(
        launches_of(program, root_file(user.event)) or wrapping_call(model) is not None
        for model, user in _trained(program)
    )


RULE = script_rule(
    code="DST001",
    slug="device-map-under-distributed-launch",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("how a model is loaded that is trained, and how the script is launched",),
    find=find,
    looked=_looked,
    missing="a trained model, and the command that launches the script",
    fix="unsafe",
)
