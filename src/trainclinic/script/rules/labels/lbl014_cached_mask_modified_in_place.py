"""A tensor that is kept between batches is written to for one batch, and stays changed for all that follow.

## What it sees
A tensor that an object, a module or a cached function keeps, handed out without a copy, and an in-place write into it
whose positions or values depend on the batch.

## Why it matters
Positions that were masked for one batch stay masked in all later ones. More and more of the loss or of the attention
is lost: the loss drifts for no reason, a rerun from a checkpoint jumps back, and every process has a mask of its own.

## What it does not mean
Writes that build the tensor when it is made are fine, and so are writes into a `clone()`, or running averages that
are meant to change.

## Example
Bad:

    from functools import lru_cache

    import torch

    @lru_cache(maxsize=4)
    def ones(length):
        return torch.ones(length)

    def loss_mask(tokens, end):
        mask = ones(tokens.shape[0])
        mask[tokens == end] = 0.0
        return mask

    def mean_loss(losses, tokens, end):
        mask = loss_mask(tokens, end)
        return (losses * mask).sum() / mask.sum()

Good:

    from functools import lru_cache

    import torch

    @lru_cache(maxsize=4)
    def ones(length):
        return torch.ones(length)

    def loss_mask(tokens, end):
        mask = ones(tokens.shape[0]).clone()
        mask[tokens == end] = 0.0
        return mask

    def mean_loss(losses, tokens, end):
        mask = loss_mask(tokens, end)
        return (losses * mask).sum() / mask.sum()

## Check it by hand
Print `mask.sum()` for the same batch at the first and at the hundredth step: it must not change.

## References
- https://docs.python.org/3/library/functools.html#functools.lru_cache
- https://pytorch.org/docs/stable/tensor_view.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Place, Step
from trainclinic.script.program.definitions import Instance
from trainclinic.script.program.events import ReturnEvent, StoreEvent
from trainclinic.script.program.names import name_of
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import contains
from trainclinic.script.program.values import Attribute, Call, Choice, Constant, Item, Mapping, Operation, Span, Value
from trainclinic.script.rule import script_rule

CACHES = frozenset({"functools.lru_cache", "functools.cache"})
SHARES_MEMORY = frozenset({"view", "expand", "expand_as", "squeeze", "unsqueeze", "transpose", "detach", "narrow", "t"})
COMPARED = frozenset({"==", "!=", "<", ">", "<=", ">="})
KEPT = re.compile(r"mask|cache", re.I)
MENDING = Mending("write into a `clone()` of it")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every write into a tensor where a test of the batch holds."""
    returned, attributes = _returned_by_caches(program), _kept_in_attributes(program)
    for event in program.stores:
        if event.kind != "item" or not isinstance(event.key, Value) or isinstance(event.key, Constant):
            continue
        for kept in _memories(event.base):
            test = _test_of_batch(event.key, kept)
            sure = _kept_by_cache(program, kept, event, returned) if test is not None else None
            place = sure or _kept_by_object(event, attributes.get(kept, ()))
            if test is not None and place is not None:
                says = f"a tensor kept between batches is overwritten where `{test.code}`, for all later batches"
                flow = (Step(place, "is kept from here on"), Step(event.place, "is changed for one batch"))
                certain = Certainty.PROOF if sure is not None else Certainty.LIKELY
                yield Alarm(event.place, says, certain, flow, mending=MENDING)
                break


def _memories(value: Value | None) -> Iterator[Value]:
    """The tensors whose memory a value may share."""
    if isinstance(value, Choice):
        for option in value.options:
            yield from _memories(option.value)
    elif isinstance(value, Call) and isinstance(value.function, Attribute) and value.method in SHARES_MEMORY:
        yield from _memories(value.function.base)
    elif isinstance(value, Item) and contains(value.index, lambda one: isinstance(one, Span), limit=20) is not None:
        yield from _memories(value.base)
    elif value is not None:
        yield value


def _returned_by_caches(program: Program) -> dict[Value, ReturnEvent]:
    """What functions under `lru_cache` return."""
    found: dict[Value, ReturnEvent] = {}
    for event in program.returns:
        function = event.activation.function
        marks = function.decorators if function is not None else ()
        if any(name_of(mark.function if isinstance(mark, Call) else mark) in CACHES for mark in marks):
            found[event.value] = event
    return found


def _kept_in_attributes(program: Program) -> dict[Value, list[StoreEvent]]:
    """Tensors that objects keep under the name of a mask or cache, with the stores."""
    found: dict[Value, list[StoreEvent]] = {}
    for event in program.stores:
        if event.kind == "attribute" and isinstance(event.base, Instance) and KEPT.search(str(event.key)):
            for kept in _memories(event.value):
                found.setdefault(kept, []).append(event)
    return found


def _kept_by_cache(
    program: Program, kept: Value, event: StoreEvent, returned: dict[Value, ReturnEvent]
) -> Place | None:
    """Where a cached function, or a dictionary that is filled once, gives a tensor; `None` when none does."""
    if kept in returned:
        outside = event.activation.function is not returned[kept].activation.function
        return returned[kept].place if outside else None
    if isinstance(kept, Item) and isinstance(kept.base, Mapping) and KEPT.search(kept.code):
        return _filled_at(program, kept.base, event)
    return None


def _kept_by_object(event: StoreEvent, stores: Sequence[StoreEvent]) -> Place | None:
    """Where an object is given a tensor at its making, or under a test, so that it is not made anew for each batch."""
    for store in stores:
        function = store.activation.function
        once = function is not None and function.name == "__init__"
        if once or any(one not in event.conditions for one in store.conditions):
            return store.place
    return None


def _filled_at(program: Program, kept: Mapping, event: StoreEvent) -> Place | None:
    """Where a dictionary of a module gets an entry only when it has none."""
    fills = program.stores_into(kept)
    once = [one for one in fills if len(one.conditions) > len(event.conditions)]
    is_global = any(
        one.kind == "name" and one.value is kept and one.activation.function is None for one in program.stores
    )
    return once[0].place if is_global and once and len(once) == len(fills) else None


def _test_of_batch(key: Value, kept: Value) -> Value | None:
    """The comparison by which positions are chosen; `None` where there is none, or the tensor is compared itself."""
    if contains(key, lambda one: one is kept) is not None:
        return None
    return contains(key, lambda one: isinstance(one, Operation) and one.symbol in COMPARED)


def _looked(program: Program) -> bool:
    return bool(_returned_by_caches(program)) or bool(_kept_in_attributes(program))


RULE = script_rule(
    code="LBL014",
    slug="cached-mask-modified-in-place",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("tensors that objects, modules or cached functions keep", "writes into tensors"),
    find=find,
    looked=_looked,
    missing="a mask that is kept between batches",
)
