"""Tokens of a shown row as stretches that look alike; shared by all formats that show them.

It knows what is told apart. It does not know colours or marks.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainclinic.dataset.showing import ShownRow, ShownToken

LEGEND = {
    "frame": "markup of the template", "system": "system", "user": "user", "assistant": "answer", "tool": "tool",
    "text": "plain text", "reference": "another role",
}  # fmt: skip
"""What a token can belong to, in words."""
LINE_END = "↵"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring tokens that look alike.

    Attributes:
        tokens: The tokens.
        part: What they belong to.
        is_scored: Whether they carry a loss.
        is_kept: Whether truncation leaves them.
        is_end: Whether they end an answer.
        skipped: Tokens left out before them.
    """

    tokens: tuple[ShownToken, ...]
    part: str
    is_scored: bool
    is_kept: bool
    is_end: bool
    skipped: int

    @property
    def text(self) -> str:
        """What they stand for, line ends made visible."""
        return "".join(visible(token.text) for token in self.tokens)


def stretches_of(row: ShownRow) -> list[Stretch]:
    """A row in stretches, in order."""
    found = []
    for (part, is_scored, is_kept, is_end, _), tokens in groupby(_numbered(row), key=lambda one: one[1]):
        members = tuple(token for token, _ in tokens)
        found.append(Stretch(members, part, is_scored, is_kept, is_end, members[0].skipped))
    return found


def visible(text: str) -> str:
    """A token's text with a sign before each line end."""
    return text.replace("\n", f"{LINE_END}\n")


def marked(row: ShownRow) -> str:
    """A row in plain text: `[[in the loss]]`, `~~cut off~~`, `‹end token›`."""
    return "".join(marked_stretch(stretch) for stretch in stretches_of(row))


def marked_stretch(stretch: Stretch) -> str:
    """A stretch between the marks of what it is."""
    shown = f"‹{stretch.text}›" if stretch.is_end else stretch.text
    shown = f"[[{shown}]]" if stretch.is_scored else shown
    shown = shown if stretch.is_kept else f"~~{shown}~~"
    return f" … {stretch.skipped:,} tokens … {shown}" if stretch.skipped else shown


def title_of(token: ShownToken) -> str:
    """What a token is, in one line: `id 128009, label -100; user, end token, special`."""
    ids, labels = " ".join(map(str, token.ids)), " ".join(map(str, token.labels))
    said = [LEGEND[token.part]]
    said += [
        word
        for word, holds in (
            ("in the loss", token.is_scored),
            ("cut off", not token.is_kept),
            ("end token", token.is_end),
            ("special", token.is_special),
        )
        if holds
    ]
    return f"id {ids}, label {labels}; {', '.join(said)}"


def parts_in(rows: tuple[ShownRow, ...]) -> list[str]:
    """What the tokens of some rows belong to, in the order of the legend."""
    there = {token.part for row in rows for token in row.tokens}
    return [part for part in LEGEND if part in there]


def counted(row: ShownRow) -> str:
    """The numbers of a row in one line."""
    cut = f", {row.count - row.kept:,} cut off" if row.kept < row.count else ""
    return f"{row.count:,} tokens{cut}, {row.targets:,} in the loss"


def _numbered(row: ShownRow) -> list[tuple[ShownToken, tuple[str, bool, bool, bool, int]]]:
    """Tokens with what they look like; a gap begins a stretch of its own."""
    gaps = 0
    found = []
    for token in row.tokens:
        gaps += token.skipped > 0
        found.append((token, (token.part, token.is_scored, token.is_kept, token.is_end, gaps)))
    return found
