"""What a rule finds in a script: one alarm per place, with its way through the code and its mending."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Literal

from trainclinic.script.places import Place, Step


class Certainty(enum.IntEnum):
    """How sure a rule is that what it describes happens when the code runs."""

    HINT = 0
    """Often harmless, or a matter of what was intended: shown on request, never counted as evidence."""
    LIKELY = 1
    """True of nearly all code of this shape; something outside the files could excuse it."""
    PROOF = 2
    """Follows from the code and the documented behaviour of the libraries."""


Safety = Literal["safe", "unsafe"]
"""A safe edit cannot change what a correct program does; an unsafe one changes the training and needs eyes."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of the text; `script.mending` carries it out on the syntax tree.

    Brackets that new code needs at its place are added, and comments around it stay. The statement of `insert_before`
    and `insert_after` goes beside the one that holds `place`; `add_parameter` puts its parameter last, but before
    `**kwargs`; `remove_statement` leaves `pass` where a block would be empty. A change that cannot be made cleanly is
    refused, and with it the whole mending.

    Attributes:
        kind: What is done; see each field for what a kind needs.
        place: The node that is changed: an expression, a call, a statement or a `def`, exactly as the parser spans it.
        code: New code: of the expression (`replace`, `wrap` with `{}` for the old text), the value of an argument
            (`set_argument`), a whole statement (`insert_before`, `insert_after`), a parameter (`add_parameter`).
        name: Keyword of the argument (`set_argument`, `remove_argument`, `rename_argument`).
        new_name: New keyword (`rename_argument`).
        target: The statement before which a statement is moved (`move_before`).
    """

    kind: Literal[
        "replace",
        "wrap",
        "set_argument",
        "remove_argument",
        "rename_argument",
        "insert_before",
        "insert_after",
        "remove_statement",
        "move_before",
        "add_parameter",
    ]
    place: Place
    code: str = ""
    name: str = ""
    new_name: str = ""
    target: Place | None = None


@dataclass(frozen=True, slots=True)
class Mending:
    """How an alarm is mended in the code.

    Attributes:
        says: The change as an imperative, without full stop: "divide the loss by `accumulation`".
        safety: Whether it may be applied without a look.
        edits: What to change; empty where only a person can do it.
    """

    says: str
    safety: Safety = "unsafe"
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Alarm:
    """One place where a rule's symptom is.

    Attributes:
        place: The code that is wrong.
        says: What is wrong there, with the literals of this code, as a sentence without full stop.
        certainty: How sure this instance is.
        flow: The way of the value, the origin first, this place last; empty when the place says it all.
        when: Under which values of settings it happens, e.g. "`device` is `mps` or `cuda`"; empty when always.
        mending: How to mend it in this code; `None` when the page says all there is to say.
    """

    place: Place
    says: str
    certainty: Certainty
    flow: tuple[Step, ...] = ()
    when: str = ""
    mending: Mending | None = None
