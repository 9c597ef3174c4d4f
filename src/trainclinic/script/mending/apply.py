"""Carry out edits on texts: all edits of a mending or none of them, and only what parses afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from trainclinic.script.alarm import Edit
from trainclinic.script.mending import arguments, expressions, statements
from trainclinic.script.mending.lines import Lines, parsed
from trainclinic.script.mending.patch import Change, Refused, Span
from trainclinic.script.mending.tree import Tree, need_libcst, tree_of
from trainclinic.script.places import Place

Unit = tuple[str, int]
"""A text that is parsed for itself: a path and 0, or the path of a notebook and the number of a cell."""
Edits = tuple[Edit, ...]

KINDS: Mapping[str, Callable[[Tree, Edit, Span], Change]] = {
    "replace": expressions.replace,
    "wrap": expressions.wrap,
    "set_argument": arguments.set_argument,
    "remove_argument": arguments.remove_argument,
    "rename_argument": arguments.rename_argument,
    "add_parameter": arguments.add_parameter,
    "insert_before": statements.insert_before,
    "insert_after": statements.insert_after,
    "remove_statement": statements.remove_statement,
}
"""How each kind of edit is carried out; `move_before` is about two places and stands for itself."""


@dataclass(frozen=True, slots=True)
class Applied:
    """One text after some edits.

    Attributes:
        text: The text.
        done: Edits that were carried out.
        refused: Edits that were not, each with the reason.
    """

    text: str
    done: tuple[Edit, ...]
    refused: tuple[tuple[Edit, str], ...]


@dataclass(frozen=True, slots=True)
class AppliedAll:
    """Texts after some mendings.

    Attributes:
        texts: The texts.
        done: Positions of the mendings that were carried out.
        refused: Reasons of the others by position.
    """

    texts: Mapping[Unit, str]
    done: tuple[int, ...]
    refused: Mapping[int, str]


@dataclass(frozen=True)
class _Draft:
    """A text, and how it became what it is."""

    text: str
    original: Lines
    history: tuple[Change, ...] = field(default=())

    def span(self, place: Place) -> Span:
        """Where a place of the original text is now."""
        span = self.original.span(place)
        for change in self.history:
            span = change.moved(span)
        return span

    def edited(self, edit: Edit) -> _Draft:
        tree = tree_of(self.text)
        span = self.span(edit.place)
        if edit.kind == "move_before":
            if edit.target is None:
                message = "the edit names no statement to move it before"
                raise Refused(message)
            change = statements.move_before(tree, span, self.span(edit.target))
        else:
            change = KINDS[edit.kind](tree, edit, span)
        text = change.applied_to(self.text)
        if text == self.text:
            message = "the code is like that already"
            raise Refused(message)
        return replace(self, text=text, history=(*self.history, change))


def apply_edits(text: str, edits: Sequence[Edit]) -> Applied:
    """Carry out edits of one text, each for itself; places count in the text as it is given.

    Args:
        text: Python code; line ends may be of any kind.
        edits: What to change; the paths of their places are not looked at.

    Raises:
        TrainclinicError: If libcst is not installed.
    """
    here: Unit = ("", 0)
    applied = apply_mendings({here: text}, [(edit,) for edit in edits], unit_of=lambda _: here)
    return Applied(
        text=applied.texts[here],
        done=tuple(edits[number] for number in applied.done),
        refused=tuple((edits[number], reason) for number, reason in applied.refused.items()),
    )


def unit_of(place: Place) -> Unit:
    """The text that a place stands in."""
    return place.path, place.cell


def apply_mendings(
    texts: Mapping[Unit, str], mendings: Iterable[Edits], *, unit_of: Callable[[Place], Unit] = unit_of
) -> AppliedAll:
    """Carry out mendings in order; the edits of one, which may reach into several texts, happen together or not at all.

    Args:
        texts: Every text that may be changed.
        mendings: Edits of each mending; places count in the texts as they are given.
        unit_of: Which text a place stands in.

    Raises:
        TrainclinicError: If libcst is not installed.
    """
    need_libcst()
    drafts = {unit: _Draft(text, Lines(text)) for unit, text in texts.items()}
    done: list[int] = []
    refused: dict[int, str] = {}
    for number, edits in enumerate(mendings):
        edited = _edited(drafts, edits, unit_of)
        if isinstance(edited, str):
            refused[number] = edited
        else:
            drafts |= edited
            done.append(number)
    return AppliedAll({unit: draft.text for unit, draft in drafts.items()}, tuple(done), refused)


def _edited(drafts: Mapping[Unit, _Draft], edits: Edits, unit_of: Callable[[Place], Unit]) -> dict[Unit, _Draft] | str:
    """The drafts that a mending changes, after it; or why it cannot be carried out."""
    changed: dict[Unit, _Draft] = {}
    try:
        for edit in edits:
            unit = unit_of(edit.place)
            if unit not in drafts:
                return f"`{edit.place.path}` has no such code"
            if edit.target is not None and unit_of(edit.target) != unit:
                return "both places of a move must be in one file"
            changed[unit] = changed.get(unit, drafts[unit]).edited(edit)
        for draft in changed.values():
            parsed(draft.text)
    except Refused as reason:
        return str(reason)
    return changed
