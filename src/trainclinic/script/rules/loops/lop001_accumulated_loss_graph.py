"""A running sum or list of losses keeps the graph of every round.

## What it sees
`total += loss` or `losses.append(loss)` of a loss that still has its graph, where the sum or list was begun before
the loop over batches and nothing propagates it back.

## Why it matters
A tensor holds on to everything that it was computed from. In a loop without `backward` (an evaluation without
`no_grad`) that is every activation of every batch: memory grows by gigabytes a step until it is full. After a
`backward` the activations are gone, but thousands of graph nodes a round stay, and host memory grows slowly.

## What it does not mean
Losses that are summed up and propagated back together need their graphs. `loss.item()`, `loss.detach()` and
`float(loss)` keep the number alone.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM
    from mydata import batches

    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    total = 0.0
    for ids in batches():
        optimizer.zero_grad()
        loss = model(ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        total += loss

Good:

    import torch
    from transformers import AutoModelForCausalLM
    from mydata import batches

    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    total = 0.0
    for ids in batches():
        optimizer.zero_grad()
        loss = model(ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        total += loss.detach()

## Check it by hand
Print `total.requires_grad`: it must be `False`. `torch.cuda.memory_allocated()` must be the same after every round.

## References
- https://pytorch.org/docs/stable/notes/faq.html
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.events import Activation, CallEvent, Loop, StoreEvent
from trainclinic.script.program.gradients import backward_loss, is_loss, loss_within, may_be_off
from trainclinic.script.program.names import is_library
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import contains
from trainclinic.script.program.training_loops import is_backward, training_loops
from trainclinic.script.program.values import Call, External, Items, Operation, Value
from trainclinic.script.rule import script_rule

HARMLESS = frozenset(
    {"append", "write", "info", "debug", "log", "add_scalar", "set_postfix", "set_description", "format"}
    | {"item", "detach", "cpu", "to", "tolist", "backward", "pop", "clear", "extend", "mean", "sum"}
)
"""Methods that may get a loss without propagating it back in secret."""


@dataclass(frozen=True, slots=True)
class Growth:
    """A sum or list that grows in each round of a loop.

    Attributes:
        event: Where it grows.
        added: What is added.
        node: Its code.
        kept: The sum or list.
    """

    event: StoreEvent | CallEvent
    added: Value
    node: ast.expr
    kept: Value


def find(program: Program) -> Iterator[Alarm]:
    """Look at every sum and list that grows by a loss in each round of a loop."""
    if program.calls_of("torch.set_grad_enabled", "torch.autograd.set_grad_enabled"):
        return
    for one in _growths(program):
        loss = loss_within(program, one.added)
        if loss is None or may_be_off(one.event) or not _outlives(program, one):
            continue
        if _is_used(program, one.kept) or _is_handed_out(program, one):
            continue
        place, added = one.event.file.place(one.node), " ".join(ast.unparse(one.node).split())
        what = "sum" if isinstance(one.event, StoreEvent) else "list"
        says = f"this {what} outlives the round and keeps its graph: `{added[:60]}` is not detached"
        flow = (Step(loss.place, "a loss with its graph"), Step(one.event.place, "is kept")) if loss.place else ()
        mending = Mending("keep the number alone", "safe", (Edit("wrap", place, "{}.detach()"),))
        yield Alarm(one.event.place, says, Certainty.PROOF, flow, mending=mending)


def _growths(program: Program) -> Iterator[Growth]:
    """Sums and lists to which something is added in a loop."""
    for store in program.stores:
        node, value = store.node, store.value
        if isinstance(node, ast.AugAssign) and store.symbol == "+" and isinstance(value, Operation) and store.loops:
            yield Growth(store, value.operands[1], node.value, value)
    for call in program.calls_of(".append"):
        held, made = call.receiver, call.node
        if isinstance(held, Items) and isinstance(made, ast.Call) and len(call.args) == 1 and call.event.loops:
            yield Growth(call.event, call.args[0], made.args[0], held)


def _outlives(program: Program, one: Growth) -> bool:
    """Whether a sum or list was begun before the loop in whose rounds it grows."""
    begun = _begun(program, one)
    return begun is not None and _round(program, one.event) not in begun.loops


def _round(program: Program, event: StoreEvent | CallEvent) -> Loop:
    """The loop whose rounds are steps of the training, else the innermost one."""
    steps = [one.loop for one in training_loops(program)]
    return next((loop for loop in reversed(event.loops) if loop in steps), event.loops[-1])


def _begun(program: Program, one: Growth) -> StoreEvent | None:
    """Where a sum or list was set to its first value; `None` when that is not in sight."""
    event = one.event
    if isinstance(event, CallEvent):
        return next((store for store in program.stores if store.value is one.kept), None)
    earlier = [store for store in program.stores if store.order < event.order and not store.symbol]
    same = [store for store in earlier if (store.kind, store.key, store.base) == (event.kind, event.key, event.base)]
    mine = [store for store in same if event.kind == "attribute" or store.activation is event.activation]
    return mine[-1] if mine else None


def _is_used(program: Program, kept: Value) -> bool:
    """Whether a sum or list is propagated back, or handed to somebody who may do so."""
    for event in program.calls:
        call = event.call
        if is_backward(call) and contains(backward_loss(call), lambda one: one is kept, limit=400) is not None:
            return True
        handed = [*call.args, *(value for _, value in call.keywords)]
        if not _is_harmless(call) and any(contains(one, lambda part: part is kept, limit=60) for one in handed):
            return True
    return False


def _is_handed_out(program: Program, one: Growth) -> bool:
    """Whether a function whose caller is out of sight returns a sum or list, which may be propagated back there."""
    around: list[Activation] = []
    held: Activation | None = one.event.activation
    while held is not None and held.function is not None:
        around.append(held)
        held = held.caller
    if all(activation.call is not None for activation in around):
        return False
    given = [event.value for event in program.returns if event.activation in around]
    return any(contains(value, lambda part: part is one.kept, limit=2_000) is not None for value in given)


def _is_harmless(call: Call) -> bool:
    if isinstance(call.function, External):
        return is_library(call.function.name) and "autograd" not in call.function.name
    return call.method in HARMLESS or call.result is not None


def _looked(program: Program) -> bool:
    return any(contains(one.added, partial(is_loss, program), limit=40) is not None for one in _growths(program))


RULE = script_rule(
    code="LOP001",
    slug="accumulated-loss-graph",
    severity=Severity.WARNING,
    certainty=Certainty.PROOF,
    needs=("a sum or list that grows in the rounds of a loop",),
    find=find,
    looked=_looked,
    missing="a loss that is summed up or collected over the rounds of a loop",
    fix="safe",
)
