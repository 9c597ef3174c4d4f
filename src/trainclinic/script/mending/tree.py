"""The syntax tree of a text with all of its white space, searched by offsets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from trainclinic.record.errors import TrainclinicError
from trainclinic.script.mending.lines import Lines
from trainclinic.script.mending.patch import Refused, Span

if TYPE_CHECKING:
    import libcst
    from libcst.metadata import CodeRange


def need_libcst() -> None:
    """Make sure that libcst can be imported.

    Raises:
        TrainclinicError: If it is not installed.
    """
    try:
        import libcst  # noqa: F401
    except ImportError as error:
        message = "mending scripts needs `libcst`, which is not installed"
        raise TrainclinicError(message, hint="install it with `pip install 'trainclinic[fix]'`") from error


@dataclass(frozen=True, eq=False)
class Statement:
    """A statement and what stands beside it.

    Attributes:
        node: The statement.
        span: Its characters, without decorators and without a semicolon.
        start: Where it begins with its decorators.
        block: What owns it: a module, an indented block, or what stands behind the colon of a one-line `if x: y()`.
        beside: Spans of the statements that share its line, itself included.
        index: Its position among them.
        is_suite: Whether it stands behind the colon of its `if`, `for` ...
        is_only: Whether its block holds nothing else.
        comments: Number of comment lines directly above it that speak of it.
    """

    node: libcst.CSTNode
    span: Span
    start: int
    block: libcst.CSTNode
    beside: tuple[Span, ...]
    index: int
    is_suite: bool
    is_only: bool
    comments: int

    @property
    def has_line(self) -> bool:
        """Whether no other statement shares its line."""
        return len(self.beside) == 1 and not self.is_suite

    @property
    def begins_line(self) -> bool:
        """Whether it is the first thing in its line."""
        return self.index == 0 and not self.is_suite


class Tree:
    """The syntax tree of a text.

    Attributes:
        text: The text.
        lines: Its lines.
    """

    def __init__(self, text: str) -> None:
        import libcst
        from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider

        self.text, self.lines = text, Lines(text)
        try:
            wrapper = MetadataWrapper(libcst.parse_module(text), unsafe_skip_copy=True)
            positions = wrapper.resolve(PositionProvider)
            self._parents = dict(wrapper.resolve(ParentNodeProvider))
        except (libcst.ParserSyntaxError, RecursionError) as error:
            message = "the file cannot be parsed"
            raise Refused(message) from error
        self._spans = {node: self._span_of(position) for node, position in positions.items()}
        self._at: dict[Span, list[libcst.CSTNode]] = {}
        for node, span in self._spans.items():
            for one in {span, self._in_own_brackets(node)}:
                self._at.setdefault(one, []).append(node)

    def _span_of(self, position: CodeRange) -> Span:
        start, end = position.start, position.end
        return Span(self.lines.offset(start.line, start.column), self.lines.offset(end.line, end.column))

    def _in_own_brackets(self, node: libcst.CSTNode) -> Span:
        """The span that `ast` gives a node: tuples and generators are spanned with their brackets."""
        import libcst

        span = self._spans[node]
        if isinstance(node, (libcst.Tuple, libcst.GeneratorExp)) and node.lpar:
            return Span(self._spans[node.lpar[-1]].start, self._spans[node.rpar[0]].end)
        return span

    def span(self, node: libcst.CSTNode) -> Span:
        """Characters of a node, without brackets around it."""
        return self._spans[node]

    def full_span(self, node: libcst.BaseExpression) -> Span:
        """Characters of an expression with all brackets around it."""
        if not node.lpar:
            return self._spans[node]
        return Span(self._spans[node.lpar[0]].start, self._spans[node.rpar[-1]].end)

    def at(self, span: Span) -> list[libcst.CSTNode]:
        """Nodes that have exactly these characters.

        Raises:
            Refused: If there is none.
        """
        if span not in self._at:
            message = f"`{_short(self.text[span.start : span.end])}` is no whole piece of code"
            raise Refused(message)
        return self._at[span]

    def is_in_string(self, node: libcst.CSTNode) -> bool:
        """Whether a node stands inside an f-string."""
        import libcst

        return any(isinstance(one, libcst.FormattedString) for one in self._above(node))

    def _above(self, node: libcst.CSTNode) -> list[libcst.CSTNode]:
        found = []
        while node in self._parents:
            node = self._parents[node]
            found.append(node)
        return found

    def statement(self, span: Span) -> Statement:
        """The innermost statement that holds a span.

        Raises:
            Refused: If none does, or if it is an `elif`.
        """
        import libcst

        kinds = (libcst.BaseSmallStatement, libcst.BaseCompoundStatement)
        holding = [
            node
            for node, other in self._spans.items()
            if isinstance(node, kinds) and Span(self._start(node), other.end).holds(span)
        ]
        if not holding:
            message = f"no statement holds `{_short(self.text[span.start : span.end])}`"
            raise Refused(message)
        innermost = max(holding, key=lambda node: (self._spans[node].start, -self._spans[node].end))
        return self._described(innermost)

    def _start(self, node: libcst.CSTNode) -> int:
        import libcst

        if isinstance(node, (libcst.FunctionDef, libcst.ClassDef)) and node.decorators:
            return self._spans[node.decorators[0]].start
        return self._spans[node].start

    def _described(self, node: libcst.CSTNode) -> Statement:
        import libcst

        owner = self._parents[node]
        if isinstance(owner, libcst.If):
            message = "it is an `elif`, which cannot stand alone"
            raise Refused(message)
        shared: list[libcst.CSTNode] = [node]
        line, block = node, owner
        if isinstance(owner, (libcst.SimpleStatementLine, libcst.SimpleStatementSuite)):
            shared = list(owner.body)
        if isinstance(owner, libcst.SimpleStatementLine):
            line, block = owner, self._parents[owner]
        return Statement(
            node=node,
            span=self._spans[node],
            start=self._start(node),
            block=block,
            beside=tuple(self._spans[one] for one in shared),
            index=shared.index(node),
            is_suite=isinstance(owner, libcst.SimpleStatementSuite),
            is_only=len(shared) == 1 and _size(block) == 1,
            comments=_comments_above(line),
        )


def _size(block: libcst.CSTNode) -> int:
    import libcst

    if isinstance(block, libcst.Module):
        return 0  # a module may be empty, so that nothing in it is ever the only one
    return len(block.body) if isinstance(block, (libcst.IndentedBlock, libcst.SimpleStatementSuite)) else 0


def _comments_above(line: libcst.CSTNode) -> int:
    """Comment lines directly above a line; `# %%` begins a cell and belongs to no statement."""
    found = 0
    for empty in reversed(getattr(line, "leading_lines", ())):
        if empty.comment is None or not empty.indent or empty.comment.value.startswith("# %%"):
            break
        found += 1
    return found


def _short(code: str) -> str:
    first, *others = code.strip().splitlines() or [""]
    return first if not others and len(first) <= 40 else f"{first[:40]} ..."


@lru_cache(maxsize=8)
def tree_of(text: str) -> Tree:
    """The syntax tree of a text; the last few are kept, since most edits of a round look at the same one.

    Raises:
        Refused: If the text cannot be parsed.
    """
    return Tree(text)
