"""The epsilon of Adam is zero in float16, the type of the weights that it updates.

## What it sees
Weights in float16 that are trained, unscaled, by Adam or AdamW whose epsilon is 1e-8 (the default) or smaller.

## Why it matters
Numbers below 3e-8 round to zero in float16. Where a gradient is zero, as for the whole `lora_A` in the first step,
the update is 0 / (0 + 0): the weight becomes NaN after one step, and the loss NaN or, under a filter, 0.0.

## What it does not mean
With float32 weights 1e-8 is right, whatever type the forward pass computes in. `fused=True` computes in float32 and
is spared. A larger epsilon avoids NaN but not the other losses of float16 weights.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("facebook/opt-350m", torch_dtype=torch.float16).cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, eps=1e-8)
    model.train()
    for batch in batches():
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

Good:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("facebook/opt-350m", torch_dtype=torch.float32).cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, eps=1e-8)
    model.train()
    for batch in batches():
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

## Check it by hand
`torch.tensor(1e-8, dtype=torch.float16)` prints `0.`. After one step count parameters that are not finite.

## References
- https://pytorch.org/docs/stable/generated/torch.optim.AdamW.html
- https://github.com/pytorch/pytorch/issues/147437
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Place, Step
from trainclinic.script.program.adapter_types import half_adapter
from trainclinic.script.program.events import Condition
from trainclinic.script.program.loss_scaling import scaling_of
from trainclinic.script.program.precision import is_recast_in_part
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, condition_text, flag, is_open, possible
from trainclinic.script.program.updates import Training, is_full, is_plain_adam, trained_models, types_of
from trainclinic.script.program.values import Constant
from trainclinic.script.rule import script_rule

LOST_EPSILON = Threshold(
    "epsilon", 2.98e-8, "1", "half the smallest float16 number, 2**-24: what is below rounds to zero"
)
DEFAULT = 1e-8
MENDING = Mending("train float32 weights")


def find(program: Program) -> Iterator[Alarm]:
    """Look at the epsilon of every Adam that updates float16 weights."""
    for training in trained_models(program):
        place = training.by.place
        if place is None or not is_plain_adam(training) or scaling_of(program, training) != "none":
            continue
        epsilon = _epsilon(training)
        half = _half(program, training) if epsilon is not None else None
        if half is None or epsilon is None:
            continue
        says = f"the epsilon of `{training.by.method}`, {epsilon[0]:g}, is zero in float16, the type of its weights"
        flow = (Step(half[0], "the weights become float16"), Step(place, "updated with this epsilon"))
        yield Alarm(place, says, min(half[1], epsilon[1]), flow, condition_text(half[2]), MENDING)


def _epsilon(training: Training) -> tuple[float, Certainty] | None:
    """The epsilon, if it is lost in float16, and how sure that is; `None` where the update is computed in float32."""
    if training.trainer is not None:
        given, fused = training.trainer.option("adam_epsilon"), training.trainer.option("optim")
        named = fused is not None and isinstance(fused, Constant) and fused.value in {"adamw_torch", "adamw_hf"}
        certainty = Certainty.PROOF if named else Certainty.LIKELY
    else:
        given, certainty = argument(training.by, "eps", 3), Certainty.PROOF
        if flag(argument(training.by, "fused")) is not False and argument(training.by, "fused") is not None:
            return None
        if is_open(training.by):
            return None
    found, complete = possible(given) if given is not None else ([], True)
    values = [one.value for one in found if isinstance(one.value, float)] if given is not None else [DEFAULT]
    if not complete or not values or any(value >= LOST_EPSILON.value for value in values):
        return None
    return values[0], certainty


def _half(program: Program, training: Training) -> tuple[Place, Certainty, tuple[Condition, ...]] | None:
    """Where trained weights become float16, how sure that is, and when it happens."""
    if is_full(training):
        for one in types_of(program, training):
            if one.dtype == "float16" and one.made.place is not None and not is_recast_in_part(program, training.model):
                return one.made.place, Certainty.PROOF if one.is_fixed else Certainty.LIKELY, one.when
        return None
    adapter = half_adapter(program, training)
    return (adapter.place, adapter.certainty, adapter.when) if adapter is not None and adapter.why else None


def _looked(program: Program) -> bool:
    return any(types_of(program, one) for one in trained_models(program) if is_plain_adam(one))


RULE = script_rule(
    code="PRC012",
    slug="epsilon-below-half-precision",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("the type that trained weights are loaded in or cast to", "the epsilon of Adam"),
    find=find,
    looked=_looked,
    missing="Adam on weights that get a type in sight",
    thresholds=(LOST_EPSILON,),
)
