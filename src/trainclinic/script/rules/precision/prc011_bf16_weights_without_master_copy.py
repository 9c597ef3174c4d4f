"""All weights are bfloat16 themselves, and updates at this learning rate are rounded away.

## What it sees
A model that is loaded in bfloat16 or cast with `.bfloat16()`, all of whose weights are trained by plain Adam or AdamW
at a learning rate below 1e-4. Also an own optimizer that stores a weight in bfloat16 right after it has added the
update.

## Why it matters
Between 0.5 and 1 neighbouring bfloat16 numbers are 0.004 apart. An Adam step has about the size of the learning rate:
at 2e-5 it is lost to rounding for every weight above 0.01, step after step. The loss falls less than it should, and
evaluation hardly moves.

## What it does not mean
`bf16=True` over float32 weights is right: only products are rounded there. Adapters in bfloat16 at 2e-4 usually
learn, for their weights are small. DeepSpeed and FSDP keep float32 copies of their own, and so do optimizers with
Kahan sums.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", torch_dtype=torch.bfloat16).cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
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
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", torch_dtype=torch.float32).cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    model.train()
    for batch in batches():
        with torch.autocast("cuda", dtype=torch.bfloat16):
            loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

## Check it by hand
Copy one weight matrix before and after ten steps and count the entries that changed: it must be nearly all of them.

## References
- https://arxiv.org/abs/2010.06192
- https://pytorch.org/docs/stable/amp.html
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.events import StoreEvent
from trainclinic.script.program.learning_rates import rates_of
from trainclinic.script.program.loss_scaling import scaling_of
from trainclinic.script.program.precision import dtype_options, is_recast_in_part
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import condition_text
from trainclinic.script.program.updates import Training, is_full, is_plain_adam, trained_models, types_of
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule

LOST_RATE = Threshold(
    "learning rate", 1e-4, "1", "an update of this size is half a step of bfloat16 at weights of 0.03, a usual size"
)
_CASTS = frozenset({"astype", "to", "float", "clone", "detach"})
MENDING = Mending("load the weights in float32 and let autocast compute in bfloat16")


def find(program: Program) -> Iterator[Alarm]:
    """Look at bfloat16 weights with small updates, and at own updates that end in bfloat16."""
    for training in trained_models(program):
        if is_full(training) and scaling_of(program, training) == "none" and is_plain_adam(training):
            yield from _alarms(program, training)
    for event in program.stores:
        if _ends_in_bfloat16(event):
            says = f"`{event.value.code}` rounds each update to bfloat16 as it is added to the weight"
            yield Alarm(event.place, says, Certainty.LIKELY, mending=Mending("keep the weight itself in float32"))


def _alarms(program: Program, training: Training) -> Iterator[Alarm]:
    rates, place = rates_of(training), training.by.place
    if place is None or not rates or any(rate.value >= LOST_RATE.value for rate in rates):
        return
    for one in types_of(program, training):
        if one.dtype == "bfloat16" and one.made.place is not None:
            says = f"`{training.by.method}` updates bfloat16 weights at a learning rate of {rates[0].value:g}"
            certainty = Certainty.HINT if is_recast_in_part(program, training.model) else Certainty.LIKELY
            flow = (Step(one.made.place, "the weights become bfloat16"), Step(place, "small updates are rounded away"))
            yield Alarm(place, says, certainty, flow, condition_text(one.when), MENDING)
            return


def _ends_in_bfloat16(event: StoreEvent) -> bool:
    """`p.w = (p.w.float() - update).to(bfloat16)`."""
    cast = event.value
    if not isinstance(cast, Call) or event.kind != "attribute" or cast.method not in {"to", "astype", "bfloat16"}:
        return False
    types = [name for arg in (*cast.args, *dict(cast.keywords).values()) for name, _, _ in dtype_options(arg)]
    changed = cast.receiver.node if cast.receiver is not None else None
    if (types != ["bfloat16"] and cast.method != "bfloat16") or not isinstance(changed, ast.BinOp):
        return False
    return isinstance(changed.op, ast.Sub) and _without_casts(changed.left) == ast.unparse(event.node)


def _without_casts(node: ast.expr) -> str:
    """The code of a weight, whatever type it is computed in."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CASTS:
        node = node.func.value
    return ast.unparse(node)


def _looked(program: Program) -> bool:
    return any(is_full(one) and types_of(program, one) for one in trained_models(program))


RULE = script_rule(
    code="PRC011",
    slug="bf16-weights-without-master-copy",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("the type that weights are loaded in or cast to", "the optimizer and its learning rate"),
    find=find,
    looked=_looked,
    missing="full training of a model whose weights get a type in sight",
    thresholds=(LOST_RATE,),
)
