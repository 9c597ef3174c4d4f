"""Edits of whole statements: put one before or after another, take one out, move one up or down."""

from __future__ import annotations

from trainclinic.script.alarm import Edit
from trainclinic.script.mending.lines import indented, parsed
from trainclinic.script.mending.patch import Change, Patch, Refused, Span, change
from trainclinic.script.mending.tree import Statement, Tree


def insert_before(tree: Tree, edit: Edit, span: Span) -> Change:
    """A new statement before the one that holds a span, in its block.

    Raises:
        Refused: If no statement holds it, or there is no room for the new one.
    """
    return change([_before(tree, tree.statement(span), edit.code)])


def insert_after(tree: Tree, edit: Edit, span: Span) -> Change:
    """A new statement after the one that holds a span, in its block.

    Raises:
        Refused: If no statement holds it, or there is no room for the new one.
    """
    held = tree.statement(span)
    is_last = held.index == len(held.beside) - 1
    if not (held.is_suite or not is_last):
        return change([_below(tree, held, edit.code)])
    if _is_short(edit.code):
        return change([_insertion(held.span.end, f"; {edit.code.strip()}")])
    if held.is_suite:
        raise Refused(_NO_ROOM)
    return change([_between(tree, Span(held.span.end, held.beside[held.index + 1].start), edit.code)])


def remove_statement(tree: Tree, edit: Edit, span: Span) -> Change:
    """Take a statement out, with the comment behind it; `pass` stands for the only one of a block.

    Raises:
        Refused: If no statement stands exactly there.
    """
    del edit
    held = _exact(tree, span)
    if held.is_only:
        return change([Patch(Span(held.start, held.span.end), "pass")])
    return change([_removal(tree, held, comments=0)])


def move_before(tree: Tree, span: Span, target: Span) -> Change:
    """Move a statement, with the comments directly above it, before another one of its block.

    Args:
        tree: The text.
        span: The statement.
        target: The statement before which it is moved.

    Raises:
        Refused: If one of them is no statement, or they stand in different blocks.
    """
    held, other = _exact(tree, span), _exact(tree, target)
    if held.block is not other.block or held.node is other.node:
        message = "the two statements do not stand in the same block"
        raise Refused(message)
    moved = change([_moved(tree, held, other), _removal(tree, held, comments=held.comments)])
    if moved.applied_to(tree.text) == tree.text:
        message = "the statement stands there already"
        raise Refused(message)
    return moved


_NO_ROOM = "it stands behind a colon, and the new statement needs a line of its own"


def _exact(tree: Tree, span: Span) -> Statement:
    held = tree.statement(span)
    if span not in (held.span, Span(held.start, held.span.end)):
        message = f"`{tree.text[span.start : span.end].strip()}` is no whole statement"
        raise Refused(message)
    return held


def _before(tree: Tree, held: Statement, code: str) -> Patch:
    if held.begins_line:
        lines = tree.lines
        at = lines.start_of_line(held.start, held.comments)
        return _insertion(at, indented(code, lines.indent(held.start), lines.newline) + lines.newline)
    if _is_short(code):
        return _insertion(held.span.start, f"{code.strip()}; ")
    if held.is_suite:
        raise Refused(_NO_ROOM)
    return _between(tree, Span(held.beside[held.index - 1].end, held.span.start), code)


def _below(tree: Tree, held: Statement, code: str) -> Patch:
    """A statement in the line after the last one of another."""
    lines = tree.lines
    indent = lines.indent(held.beside[0].start)
    at = _end_with_comments(tree, held.span.end, len(indent))
    written = indented(code, indent, lines.newline)
    if tree.text[lines.end_of_line(at) :]:
        return _insertion(lines.next_line(at), written + lines.newline)
    return _insertion(len(tree.text), lines.newline + written)


def _end_with_comments(tree: Tree, offset: int, depth: int) -> int:
    """The end of a statement, or of the last comment below it that is indented deeper than the statement is."""
    lines, text = tree.lines, tree.text
    found, at = offset, lines.next_line(offset)
    while at < len(text):
        line = text[at : lines.end_of_line(at)]
        if line.lstrip().startswith("#") and len(line) - len(line.lstrip()) > depth:
            found = at
        elif line.strip():
            break
        at = lines.next_line(at)
    return found


def _between(tree: Tree, gap: Span, code: str) -> Patch:
    """Statements between two that share a line: each gets a line of its own."""
    lines = tree.lines
    indent = lines.indent(gap.start)
    written = indented(code, indent, lines.newline)
    return Patch(gap, f"{lines.newline}{written}{lines.newline}{indent}")


def _removal(tree: Tree, held: Statement, comments: int) -> Patch:
    """Take a statement out of a block that holds others.

    Args:
        tree: The text.
        held: The statement.
        comments: Number of lines above it that go too.
    """
    if held.has_line:
        return Patch(_whole_lines(tree, held, comments), "")
    following = held.index + 1
    if following < len(held.beside):
        return Patch(Span(held.span.start, held.beside[following].start), "")
    return Patch(Span(held.beside[held.index - 1].end, held.span.end), "")


def _whole_lines(tree: Tree, held: Statement, comments: int) -> Span:
    """The lines of a statement; at the end of a text without a last line break, the break before them."""
    lines = tree.lines
    start, end = lines.start_of_line(held.start, comments), lines.next_line(held.span.end)
    if end == len(tree.text) and start and lines.end_of_line(held.span.end) == end:
        start = lines.end_of_line(start - 1)
    return Span(start, end)


def _moved(tree: Tree, held: Statement, other: Statement) -> Patch:
    """What a moved statement is at its new place."""
    lines = tree.lines
    own = tree.text[held.start : held.span.end]
    if not held.has_line:
        same_line = held.beside == other.beside
        return _insertion(other.span.start, f"{own}; ") if same_line else _before(tree, other, own)
    if not other.begins_line:
        return _before_in_line(tree, held, other)
    text = tree.text[lines.start_of_line(held.start, held.comments) : lines.end_of_line(held.span.end)]
    return _insertion(lines.start_of_line(other.start, other.comments), text + lines.newline)


def _before_in_line(tree: Tree, held: Statement, other: Statement) -> Patch:
    """A statement with a line of its own before one that shares its line: that line is split."""
    lines = tree.lines
    text = tree.text[lines.start_of_line(held.start, held.comments) : lines.end_of_line(held.span.end)]
    gap = Span(other.beside[other.index - 1].end, other.span.start)
    return Patch(gap, f"{lines.newline}{text}{lines.newline}{lines.indent(gap.start)}")


def _is_short(code: str) -> bool:
    """Whether code is one statement that may share a line with others: a comment or a block may not."""
    with_another = f"{code.strip()}; pass"
    try:
        return len(parsed(code).body) == 1 and len(parsed(with_another).body) == 2
    except Refused:
        return False


def _insertion(offset: int, text: str) -> Patch:
    return Patch(Span(offset, offset), text)
