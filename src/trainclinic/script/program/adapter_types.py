"""Floating-point types of adapter weights: those of the base, of a later cast, or what peft makes of them.

It knows `get_peft_model` and its relatives. Adapters that other libraries attach keep their own rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.knowledge.behaviour import CASTS_ADAPTERS_TO_FLOAT32
from trainclinic.script.alarm import Certainty
from trainclinic.script.places import Place
from trainclinic.script.program.adapters import ATTACHING, attached_by, is_given, quantised
from trainclinic.script.program.events import Condition, StoreEvent
from trainclinic.script.program.names import names_of_call
from trainclinic.script.program.precision import dtype_options, same_module, weights
from trainclinic.script.program.reading import argument, contains, flag
from trainclinic.script.program.updates import Training, types_of
from trainclinic.script.program.values import Call, Value

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program


@dataclass(frozen=True, slots=True)
class HalfAdapter:
    """An adapter whose weights are trained in float16.

    Attributes:
        place: The code that makes them so.
        why: What makes them so, as a clause.
        certainty: How sure that is.
        when: The conditions under which it is so.
    """

    place: Place
    why: str
    certainty: Certainty
    when: tuple[Condition, ...] = ()


def half_adapter(program: Program, training: Training) -> HalfAdapter | None:
    """What leaves the adapter of a trained model in float16; `None` when nothing is known to.

    Args:
        program: The program.
        training: The model and who trains it.
    """
    attached = attached_by(training.model)
    if attached is None and not (training.trainer is not None and is_given(training.trainer.part("peft_config"))):
        return None
    if attached is not None and not (set(ATTACHING) & set(names_of_call(attached))):
        return None
    if attached is not None:
        found = _cast_later(program, training, attached) or _stored_later(program, training, attached)
        if found is not None:
            return found
    return None if quantised(training.model) is not None else _as_its_base(program, training, attached)


def _cast_later(program: Program, training: Training, attached: Call) -> HalfAdapter | None:
    """The whole model is cast after the adapter was attached."""
    after = attached.event.order
    for one in weights(program, training.model, training.at):
        if one.made.event.order <= after or one.made.place is None:
            break
        if one.dtype == "float16":
            certainty = Certainty.PROOF if one.is_fixed else Certainty.LIKELY
            return HalfAdapter(one.made.place, f"`{one.made.code}` casts it", certainty, one.when)
        if not one.when:
            break
    return None


def _stored_later(program: Program, training: Training, attached: Call) -> HalfAdapter | None:
    """Parameters get float16 data one by one."""
    for event in program.attributes_set("data"):
        if not attached.event.order < event.order < training.at or not _is_cast(event):
            continue
        if contains(event.base, lambda value: _gives_parameters(value, training.model), limit=60) is not None:
            return HalfAdapter(event.place, f"`{event.value.code}` becomes its data", Certainty.PROOF)
    return None


def _is_cast(event: StoreEvent) -> bool:
    value = event.value
    if not isinstance(value, Call) or value.method not in {"to", "half"}:
        return False
    types = [name for arg in (*value.args, *dict(value.keywords).values()) for name, _, _ in dtype_options(arg)]
    return value.method == "half" or types == ["float16"]


def _gives_parameters(value: Value, model: Value) -> bool:
    named = isinstance(value, Call) and value.method in {"parameters", "named_parameters"}
    return named and isinstance(value, Call) and same_module(value.receiver, model)


def _as_its_base(program: Program, training: Training, attached: Call | None) -> HalfAdapter | None:
    """The adapter has the type of a float16 base unless peft casts it to float32."""
    base = next((one for one in types_of(program, training) if one.dtype == "float16"), None)
    if base is None or base.made.place is None:
        return None
    certainty = Certainty.PROOF if base.is_fixed else Certainty.LIKELY
    if attached is not None and flag(argument(attached, "autocast_adapter_dtype")) is False:
        return HalfAdapter(base.made.place, "`autocast_adapter_dtype=False` keeps the type", certainty, base.when)
    version = program.version_of("peft")
    casts = CASTS_ADAPTERS_TO_FLOAT32.holds(version)
    if casts == "yes":
        return None
    if casts == "unknown":
        return HalfAdapter(base.made.place, "", Certainty.HINT, base.when)
    return HalfAdapter(base.made.place, f"peft {version} keeps the type of its base", certainty, base.when)
