"""What a change of a text comes down to: spans of characters that get other characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class Refused(Exception):
    """An edit that cannot be carried out; its message is the reason, as the user reads it."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Characters of a text.

    Attributes:
        start: Offset of the first character, from 0.
        end: Offset after the last one.
    """

    start: int
    end: int

    def holds(self, other: Span) -> bool:
        """Whether another span lies inside this one or is the same."""
        return self.start <= other.start and other.end <= self.end


@dataclass(frozen=True, slots=True)
class Patch:
    """New characters for a span; an empty span is an insertion.

    Attributes:
        span: What goes.
        text: What comes.
    """

    span: Span
    text: str

    @property
    def growth(self) -> int:
        """By how many characters the text becomes longer."""
        return len(self.text) - (self.span.end - self.span.start)


@dataclass(frozen=True, slots=True)
class Change:
    """One edit as patches of one text.

    Attributes:
        patches: In the order of the text, without overlap.
        around: The node that is wrapped, where a node stays what it was and gets something around it.
    """

    patches: tuple[Patch, ...]
    around: Span | None = None

    def applied_to(self, text: str) -> str:
        """The text after the change."""
        parts: list[str] = []
        at = 0
        for patch in self.patches:
            parts += (text[at : patch.span.start], patch.text)
            at = patch.span.end
        return "".join((*parts, text[at:]))

    def moved(self, span: Span) -> Span:
        """Where the characters of a span stand after the change.

        Args:
            span: A span of the text before it.

        Raises:
            Refused: If the change rewrites the span or one of its ends.
        """
        is_outside = self.around is not None and span != self.around and span.holds(self.around)
        start, end = span.start, span.end
        for patch in self.patches:
            if _tears(patch.span, span):
                message = "another change rewrites the same code"
                raise Refused(message)
            before = patch.span.end < span.start if is_outside else patch.span.end <= span.start
            within = patch.span.start <= span.end if is_outside else patch.span.start < span.end
            start += patch.growth if before else 0
            end += patch.growth if before or within else 0
        return Span(start, end)


def change(patches: Sequence[Patch], around: Span | None = None) -> Change:
    """A change from patches in any order.

    Args:
        patches: The patches; of several insertions at one place the first stands first.
        around: The node that is wrapped, if one is.
    """
    return Change(tuple(sorted(patches, key=lambda patch: patch.span)), around)


def _tears(patched: Span, span: Span) -> bool:
    """Whether a patch takes away a span, or a part of it with something beside it."""
    if patched.start == patched.end or patched.end <= span.start or span.end <= patched.start:
        return False
    return patched.holds(span) or not span.holds(patched)
