"""Which published model a tokenizer or model of a program is, by the name that it is loaded under.

The name decides; what a folder of that name really holds is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.knowledge.models import ModelFamily, family_of
from trainclinic.script.program.objects import is_causal_lm, loader_name, model_id, root
from trainclinic.script.program.once import asked_once
from trainclinic.script.program.reading import possible
from trainclinic.script.program.values import Call, Choice, Item, Value

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program


@dataclass(frozen=True, slots=True)
class Identity:
    """A published model that an object was loaded from.

    Attributes:
        name: Hub id or folder as the code writes it.
        family: Its family.
        is_fixed: Whether the code fixes the name, so that no option of the user changes it, and it is no local folder.
    """

    name: str
    family: ModelFamily
    is_fixed: bool


def loaded_names(value: Value | None) -> list[str]:
    """Names that a tokenizer or model may be loaded under, defaults of options included.

    Args:
        value: The object.
    """
    return [one.value for one in possible(_name_value(value))[0] if isinstance(one.value, str)]


def identity_of(value: Value | None) -> Identity | None:
    """The published model behind a tokenizer or model; `None` when it is unknown or can be of several families.

    Args:
        value: The object.
    """
    found, complete = possible(_name_value(value))
    names = [one.value for one in found if isinstance(one.value, str)]
    families = [family_of(name) for name in names]
    first = families[0] if families else None
    if not complete or first is None or any(family is not first for family in families):
        return None
    fixed = all(one.setting is None for one in found) and not any(_is_local(name) for name in names)
    return Identity(names[0], first, fixed)


def identity_named(value: Value | None) -> Identity | None:
    """The published model that a name stands for, which is handed over instead of a model.

    Args:
        value: What a trainer gets as its model.
    """
    found, complete = possible(value)
    names = [one.value for one in found if isinstance(one.value, str)]
    family = family_of(names[0]) if complete and len(names) == 1 else None
    fixed = found[0].setting is None and not _is_local(names[0]) if family is not None else False
    return Identity(names[0], family, fixed) if family is not None else None


def _is_local(name: str) -> bool:
    return name.startswith((".", "/", "~")) or name.count("/") > 1 or "\\" in name


def _name_value(value: Value | None) -> Value | None:
    made = root(value)
    if isinstance(made, Choice) and made.options:
        made = made.options[0].value
    if isinstance(made, Item) and isinstance(made.base, Call) and "unsloth" in loader_name(made.base):
        made = made.base
    return model_id(made)


@asked_once
def model_loads(program: Program) -> list[Call]:
    """Calls of `from_pretrained` that load a causal language model, in order.

    Args:
        program: The program.
    """
    return [call for call in program.calls_ending("from_pretrained") if is_causal_lm(call)]
