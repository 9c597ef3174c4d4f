"""The backward pass keeps its graph, although nothing runs through that graph again.

## What it sees
`backward(retain_graph=True)` as the only backward pass of a training loop whose loss is computed in the same round,
from the batch of that round alone.

## Why it matters
A backward pass frees the activations of each layer as it goes. A graph that is kept holds all of them until the next
round has replaced the loss: two rounds of activations can lie in memory at once. Where the flag silences the error
"Trying to backward through the graph a second time", it hides a tensor of an earlier round that was not detached.

## What it does not mean
Two losses that share a forward pass need the graph after the first `backward`, and so does a state that is carried from
round to round, or a tensor that was computed once before the loop. Gradients are the same with the flag.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM
    from mydata import batches

    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for ids in batches():
        loss = model(ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward(retain_graph=True)
        optimizer.step()

Good:

    import torch
    from transformers import AutoModelForCausalLM
    from mydata import batches

    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for ids in batches():
        loss = model(ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

## Check it by hand
Take the flag away. If the loop runs on, it was not needed; compare `torch.cuda.max_memory_allocated()` of both.

## References
- https://pytorch.org/docs/stable/generated/torch.Tensor.backward.html
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.program.definitions import Instance
from trainclinic.script.program.events import CallEvent, Loop
from trainclinic.script.program.gradients import backward_loss, loss_within
from trainclinic.script.program.model_calls import model_calls
from trainclinic.script.program.names import is_library, name_of
from trainclinic.script.program.objects import root
from trainclinic.script.program.open_values import Parameter
from trainclinic.script.program.own_losses import RESHAPED
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, flag
from trainclinic.script.program.training_loops import TrainingLoop, training_loops
from trainclinic.script.program.values import Attribute, Call, Constant, Element, External, Unknown, Value
from trainclinic.script.rule import script_rule

AGAIN = frozenset({"grad", "register_hook", "hvp", "jvp", "vjp", "jacobian", "hessian"})
"""Calls that run through a graph once more, or that look at it from inside."""
_MOST_VALUES = 400


def find(program: Program) -> Iterator[Alarm]:
    """Look at the only backward pass of every training loop."""
    for backward in _plain(program):
        call, again = backward.call, argument(backward.call, "create_graph")
        if flag(_kept(call)) is not True or (again is not None and flag(again) is not False):
            continue
        says = f"`{call.code}` keeps a graph that nothing runs through again"
        yield Alarm(backward.place, says, Certainty.LIKELY, mending=_mending(call))


def _kept(call: Call) -> Value | None:
    return argument(call, "retain_graph", 1 if isinstance(call.function, Attribute) else None)


def _plain(program: Program) -> Iterator[CallEvent]:
    """The backward pass of each training loop that has no other, and whose loss comes from the batch of the round."""
    for one in training_loops(program):
        backward, loss = one.backward[0], backward_loss(one.backward[0].call)
        if one.loop is None or loss is None or not one.steps or len({event.node for event in one.backward}) > 1:
            continue
        again = any(event.call.method in AGAIN for event in one.events)
        if backward.loops[-1] is not one.loop or again or _is_handed_on(program, one):
            continue
        if _is_of_this_round(program, loss, one.loop) and not _carries_on(program, one.loop):
            yield backward


def _is_handed_on(program: Program, one: TrainingLoop) -> bool:
    """Whether a function that is not in sight gets the loss with its graph."""
    outside = [event.call for event in one.events if isinstance(event.call.function, External)]
    foreign = [call for call in outside if not is_library(name_of(call.function))]
    return any(loss_within(program, value) is not None for call in foreign for value in _given(call))


def _is_of_this_round(program: Program, loss: Value, loop: Loop) -> bool:
    """Whether a loss is made of the batch and of a model that keeps no state, all within the round."""
    passes = {one.call for one in model_calls(program)}
    summed = {event.value for event in program.inside(loop, program.stores) if event.symbol}
    queue, seen = [loss], set[Value]()
    while queue and len(seen) < _MOST_VALUES:
        value = queue.pop()
        is_older = isinstance(value, Call) and loop not in value.event.loops
        if is_older or isinstance(value, (Unknown, Parameter, Instance)) or value in summed:
            return False
        if value not in seen:
            seen.add(value)
            queue += _made_of(value, is_pass=value in passes)
    return not queue


def _made_of(value: Value, *, is_pass: bool) -> list[Value]:
    """Tensors that a value is computed from; a row or batch, and what an iterator gives, is data and no more."""
    if isinstance(value, Element) or (isinstance(value, Call) and name_of(value.function) == "builtins.next"):
        return []
    if not isinstance(value, Call):
        return [*value.parts()]
    if isinstance(value.function, Attribute) and value.method in RESHAPED:
        return [value.function.base]
    is_known = is_pass or _is_layer(value) or isinstance(value.function, External)
    return _given(value) if is_known else [*value.parts()]


def _given(call: Call) -> list[Value]:
    return [*call.args, *(value for _, value in call.keywords)]


def _is_layer(value: Value) -> bool:
    """Whether a value is what a layer or loss of torch gives."""
    made = root(value.function) if isinstance(value, Call) else None
    return isinstance(made, Call) and name_of(made.function).startswith("torch.nn.")


def _carries_on(program: Program, loop: Loop) -> bool:
    """Whether a name or an object may keep a tensor of one round for the next."""
    stored = [one for one in program.inside(loop, program.stores) if one.kind != "name"]
    body = loop.node.body if isinstance(loop.node, (ast.For, ast.While)) else []
    return any(not isinstance(event.value, Constant) for event in stored) or _reads_back(body)


def _reads_back(body: list[ast.stmt]) -> bool:
    """Whether statements read a name before they give it a new value, so that the value of the last round is read."""
    read, given = set[str](), set[str]()
    for statement in (node for one in body for node in ast.walk(one) if isinstance(node, ast.stmt)):
        if hasattr(statement, "body") or isinstance(statement, ast.AugAssign):
            continue
        names = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
        read |= {node.id for node in names if isinstance(node.ctx, ast.Load)} - given
        given |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
    return not read.isdisjoint(given)


def _mending(call: Call) -> Mending:
    node = call.node
    written = isinstance(node, ast.Call) and any(keyword.arg == "retain_graph" for keyword in node.keywords)
    edits = (Edit("remove_argument", call.place, name="retain_graph"),) if written and call.place is not None else ()
    return Mending("take `retain_graph` away", edits=edits)


def _looked(program: Program) -> bool:
    return any(_kept(one.call) is None or flag(_kept(one.call)) is not None for one in _plain(program))


RULE = script_rule(
    code="LOP007",
    slug="retained-graph",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("the backward pass of an own training loop",),
    find=find,
    looked=_looked,
    missing="a training loop with one backward pass, whose loss comes from the batch of the round alone",
    fix="unsafe",
)
