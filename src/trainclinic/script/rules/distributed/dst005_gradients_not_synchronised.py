"""The model is wrapped for several processes, and the training step goes around what synchronises its gradients.

## What it sees
`model.module(...)` as the forward pass of a training loop of a `DistributedDataParallel` model, which is never called
itself there; or forward and backward passes that all lie inside `no_sync()`.

## Why it matters
The wrapper gets the gradients ready for averaging in its own forward pass. Without it every process trains a model of
its own: the weights drift apart, only those of the first process are saved, and a run on eight devices learns like one
on a single device.

## What it does not mean
`model.module` is right for saving, generation and evaluation. `no_sync()` around all but the last micro-step of an
accumulation is right as well.

## Example
Bad:

    import torch
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel
    from transformers import AutoModelForCausalLM
    from mydata import batches

    dist.init_process_group("nccl")
    model = DistributedDataParallel(AutoModelForCausalLM.from_pretrained("openai-community/gpt2").cuda())
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for batch in batches(dist.get_rank(), dist.get_world_size()):
        loss = model.module(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

Good:

    import torch
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel
    from transformers import AutoModelForCausalLM
    from mydata import batches

    dist.init_process_group("nccl")
    model = DistributedDataParallel(AutoModelForCausalLM.from_pretrained("openai-community/gpt2").cuda())
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for batch in batches(dist.get_rank(), dist.get_world_size()):
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

## Check it by hand
After some steps print the sum of one weight on every process: all must be equal to the last digit.

## References
- https://pytorch.org/docs/stable/generated/torch.nn.parallel.DistributedDataParallel.html
- https://pytorch.org/docs/stable/notes/ddp.html
- https://github.com/pytorch/pytorch/pull/20282
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.events import CallEvent, Event
from trainclinic.script.program.processes import wrapping_call
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import condition_text
from trainclinic.script.program.training_loops import TrainingLoop, training_loops
from trainclinic.script.program.values import Attribute, Call, Value
from trainclinic.script.rule import script_rule

WITHOUT_GRADIENT = frozenset({"no_grad", "inference_mode"})
BY_HAND = frozenset({"all_reduce", "average_gradients", "sync_gradients", "reduce_gradients", "allreduce", "reduce"})


def find(program: Program) -> Iterator[Alarm]:
    """Look at the forward and backward passes of every training loop."""
    for loop in training_loops(program):
        forward = _forward_passes(loop)
        if not forward or any(event.call.method in BY_HAND for event in loop.events):
            continue
        around = [event for event in forward if _goes_around(event.call)]
        if len(around) == len(forward):
            yield from _alarm(around[0])
        elif all(_is_unsynchronised(event) for event in (*forward, *loop.backward)):
            yield from _never_synchronised(loop, forward[0])


def _alarm(event: CallEvent) -> Iterator[Alarm]:
    wrapped, place = wrapping_call(_model_of(event.call)), event.call.place
    if wrapped is not None and place is not None:
        says = "the forward pass goes to `module` of the wrapped model, so that gradients are not averaged"
        flow = (Step(wrapped.event.place, "the model is wrapped"), Step(place, "the wrapper is not called"))
        mending = Mending("call the wrapped model itself")
        yield Alarm(place, says, Certainty.PROOF, flow, condition_text(wrapped.event.conditions), mending)


def _never_synchronised(loop: TrainingLoop, first: CallEvent) -> Iterator[Alarm]:
    place = loop.backward[0].place
    says = "every forward and backward pass lies inside `no_sync()`, so that gradients are never averaged"
    flow = (Step(first.place, "the forward pass, inside `no_sync()`"), Step(place, "the backward pass as well"))
    mending = Mending("leave `no_sync()` for the last micro-step before `optimizer.step()`")
    yield Alarm(place, says, Certainty.PROOF, flow, mending=mending)


def _forward_passes(loop: TrainingLoop) -> list[CallEvent]:
    """Calls of a wrapped model, or of what is in it, that make a gradient."""
    return [
        event
        for event in loop.events
        if _is_forward(event.call) and not any(_named(one) in WITHOUT_GRADIENT for one in event.contexts)
    ]


def _model_of(call: Call) -> Value:
    """What is called, be it by its `forward`."""
    function = call.function
    return function.base if isinstance(function, Attribute) and function.name == "forward" else function


def _is_forward(call: Call) -> bool:
    model = _model_of(call)
    is_method = isinstance(model, Attribute) and model.name != "module"
    return not is_method and wrapping_call(model) is not None


def _goes_around(call: Call) -> bool:
    model = _model_of(call)
    return isinstance(model, Attribute) and model.name == "module"


def _is_unsynchronised(event: Event) -> bool:
    return any(_named(one) == "no_sync" for one in event.contexts)


def _named(context: Value) -> str:
    return context.method if isinstance(context, Call) else getattr(context, "name", "").rpartition(".")[2]


def _looked(program: Program) -> bool:
    return any(_forward_passes(loop) for loop in training_loops(program))


RULE = script_rule(
    code="DST005",
    slug="gradients-not-synchronised",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("a training loop with a model that is wrapped in `DistributedDataParallel`",),
    find=find,
    looked=_looked,
    missing="an own training loop that calls a wrapped model",
)
