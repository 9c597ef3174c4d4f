"""Which token a tokenizer pads with, on which side, and which calls pad.

It knows what the script sets. What a tokenizer ships with is known for published model families only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.knowledge.models import ships_pad
from trainclinic.script.alarm import Certainty
from trainclinic.script.places import Step
from trainclinic.script.program.encodings import is_many, text_of
from trainclinic.script.program.events import Condition, Event
from trainclinic.script.program.identities import identity_of, loaded_names
from trainclinic.script.program.names import name_of
from trainclinic.script.program.objects import root
from trainclinic.script.program.once import asked_once
from trainclinic.script.program.reading import argument, constants, contains, flag, only
from trainclinic.script.program.values import Attribute, Call, Choice, Constant, Mapping, Operation, Value

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

PAD_NAMES = ("pad_token", "pad_token_id")
EOS_NAMES = frozenset({"eos_token", "eos_token_id", "eod_id", "eos_id"})


@dataclass(frozen=True, slots=True)
class PadSetting:
    """A place where a tokenizer gets its padding token.

    Attributes:
        tokenizer: The tokenizer, wrappers taken off.
        event: When.
        is_eos: Whether the padding token is the end token.
        guarded: Whether it is set only where the tokenizer has none.
        conditions: Other tests around it.
    """

    tokenizer: Value
    event: Event
    is_eos: bool
    guarded: bool
    conditions: tuple[Condition, ...]

    @property
    def step(self) -> Step:
        """The place, as the first station of a flow."""
        return Step(self.event.place, "padding gets the id of the end token")

    def certainty(self, rest: tuple[Condition, ...] = ()) -> Certainty | None:
        """How sure it is that the tokenizer pads with its end token from here on.

        Args:
            rest: Those of `conditions` that need not hold at the place in question.

        Returns:
            `None` when it does not.
        """
        shipped = {ships_pad(name) for name in loaded_names(self.tokenizer)} if self.guarded else {False}
        if not self.is_eos or shipped == {True}:
            return None
        if rest:
            return Certainty.LIKELY if len(rest) == 1 else Certainty.HINT
        known = identity_of(self.tokenizer)
        fixed = not self.guarded or (known is not None and known.is_fixed)
        return Certainty.PROOF if shipped == {False} and fixed else Certainty.LIKELY


@asked_once
def pad_settings(program: Program) -> tuple[PadSetting, ...]:
    """Every place where a padding token is set, in order.

    Args:
        program: The program.
    """
    stores = [event for name in PAD_NAMES for event in program.attributes_set(name)]
    found = [
        _setting(one, one.base, one.value) for one in stores if one.base is not None and _is_of_tokenizer(one.base)
    ]
    for call in program.calls_ending("add_special_tokens"):
        given = argument(call, "special_tokens_dict", 0)
        value = program.value_of(given, "pad_token") if isinstance(given, Mapping) else None
        if value is not None and call.receiver is not None:
            found.append(_setting(call.event, call.receiver, value))
    return tuple(sorted(found, key=lambda one: one.event.order))


def _is_of_tokenizer(base: Value) -> bool:
    """Models and configurations have a `pad_token_id` too."""
    return not (isinstance(base, Attribute) and base.name in {"config", "generation_config"})


def _setting(event: Event, base: Value, value: Value) -> PadSetting:
    tokenizer = root(base) or base
    guards = [condition for condition in event.conditions if contains(condition.test, _is_pad, limit=60) is not None]
    rest = tuple(condition for condition in event.conditions if condition not in guards)
    ways = [option.value for option in value.options] if isinstance(value, Choice) else [value]
    if isinstance(value, Operation) and value.symbol == "or":
        ways = list(value.operands)
    is_eos = any(_is_eos(way, tokenizer) for way in ways)
    return PadSetting(tokenizer, event, is_eos, bool(guards) or len(ways) > 1, rest)


def _is_pad(value: Value) -> bool:
    return isinstance(value, Attribute) and value.name in {*PAD_NAMES, "_pad_token"}


def _is_eos(value: Value, tokenizer: Value) -> bool:
    if isinstance(value, Attribute):
        return value.name in EOS_NAMES
    known = identity_of(tokenizer) if isinstance(value, Constant) and isinstance(value.value, str) else None
    return known is not None and isinstance(value, Constant) and value.value == known.family.eos_of(known.name)


def padding_with_eos(
    program: Program, tokenizer: Value | None, at: Event
) -> tuple[PadSetting, Certainty, tuple[Condition, ...]] | None:
    """Where a tokenizer was set to pad with its end token; `None` when it was not, or was set to something else later.

    Args:
        program: The program.
        tokenizer: The tokenizer.
        at: Where it matters.

    Returns:
        The place, how sure it is, and under which conditions that need not hold where it matters.
    """
    made = root(tokenizer)
    mine = [one for one in pad_settings(program) if made is not None and one.tokenizer is made]
    if not mine or not mine[-1].is_eos:
        return None
    first = next(one for one in mine if one.is_eos)
    rest = tuple(one for one in first.conditions if one not in at.conditions)
    certainty = first.certainty(rest)
    return (first, certainty, rest) if certainty is not None else None


def is_pad_id_of(value: Value, tokenizer: Value | None = None) -> bool:
    """Whether a value is the padding id of a tokenizer.

    Args:
        value: `tokenizer.pad_token_id`, or something else.
        tokenizer: The tokenizer; any when it is left out.
    """
    if not isinstance(value, Attribute) or value.name not in {"pad_token_id", "pad_id"}:
        return False
    return tokenizer is None or root(value.base) is root(tokenizer)


def pads(call: Call) -> bool:
    """Whether a call of a tokenizer puts padding behind or before a text, as far as the code shows it.

    Args:
        call: The call; `padding=True` pads only where it is given several texts.
    """
    held = constants(argument(call, "padding", 2 if call.method == "pad" else None))
    if call.method == "pad":
        return not held or held != [False]
    if not held or any(one in {False, None, "do_not_pad"} for one in held):
        return False
    return all(one == "max_length" for one in held) or is_many(call) or _is_batched(call)


def _is_batched(call: Call) -> bool:
    """Whether it happens where many rows come at once: a batched `map`, a collate function, a list made on the spot."""
    text, outer = text_of(call), call.event.activation.call
    if isinstance(text, Call) and name_of(text.function) == "builtins.list":
        return True
    if outer is None:
        return False
    collates = any(name in {"collate_fn", "data_collator"} for name in outer.callbacks)
    return collates or (outer.method == "map" and flag(argument(outer, "batched")) is True)


def padding_sides(program: Program, tokenizer: Value | None) -> Iterator[tuple[str, Step]]:
    """Sides on which a tokenizer is told to pad, in order, with the places.

    Args:
        program: The program.
        tokenizer: The tokenizer.
    """
    made = root(tokenizer)
    if isinstance(made, Call) and made.place is not None:
        side = only(argument(made, "padding_side"))
        if isinstance(side, str):
            yield side, Step(made.place, f"the tokenizer pads on the {side}")
    for event in program.attributes_set("padding_side"):
        side = only(event.value)
        if event.base is not None and root(event.base) is made and isinstance(side, str):
            yield side, Step(event.place, f"the tokenizer pads on the {side}")
