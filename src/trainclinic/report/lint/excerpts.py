"""Lines of code for a report: masked, cut to what matters, with the columns of what is meant still under it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trainclinic.report.clean import visible
from trainclinic.report.lint.model import CodeLine, Excerpt
from trainclinic.script.places import Place

MOST_LINES = 6
"""Lines of one place; a whole function would bury the next alarm."""
LONGEST_LINE, BEFORE = 400, 60
"""Characters kept of one line, and how many of them stand before what is meant."""
ELLIPSIS = "…"

Mask = Callable[[str], str]


def excerpt(place: Place, lines: Sequence[str], mask: Mask) -> Excerpt:
    """The code at a place.

    Args:
        place: What is meant.
        lines: The lines of the place, the first one first; fewer, or none, where the file is not known.
        mask: Replaces secrets in one line.
    """
    most = len(lines) if len(lines) <= MOST_LINES else MOST_LINES - 1
    code = tuple(_code_line(place.line + at, line, place, mask) for at, line in enumerate(lines[:most]))
    return Excerpt(place, code, len(lines) - most)


def masked_columns(raw: str, shown: str, first: int, end: int) -> tuple[int, int]:
    """Where a span of a line lies after parts of the line were replaced.

    Args:
        raw: The line as it stands in the file.
        shown: The line with replacements.
        first: First column of the span in `raw`, from 1.
        end: Column after it.

    Returns:
        The span in `shown`; an end within replaced text moves outwards to its edge.
    """
    if raw == shown:
        return first, end
    most = min(len(raw), len(shown))
    head = next((at for at in range(most) if raw[at] != shown[at]), most)
    most -= head
    tail = next((at for at in range(most) if raw[-1 - at] != shown[-1 - at]), most)
    grown = len(shown) - len(raw)
    if first > head + 1:
        first = first + grown if first > len(raw) - tail else head + 1
    if end > head + 1:
        end = max(end, len(raw) - tail + 1) + grown
    return first, end


def _code_line(number: int, raw: str, place: Place, mask: Mask) -> CodeLine:
    indent = len(raw) - len(raw.lstrip())
    first = place.column if number == place.line else indent + 1
    end = place.end_column if number == place.end_line else len(raw.rstrip()) + 1
    # Masked before it is cut: the half of a secret is not recognised as one.
    masked = mask(raw)
    short, first, end = _cut(masked, *masked_columns(raw, masked, first, min(end, len(raw) + 1)))
    shown = visible(short)
    first, end = masked_columns(short, shown, first, end)
    return CodeLine(number, shown, first, end) if end > first else CodeLine(number, shown)


def _cut(line: str, first: int, end: int) -> tuple[str, int, int]:
    """A line of at most `LONGEST_LINE` characters around a span, with the columns of the span in it."""
    if len(line) <= LONGEST_LINE:
        return line, first, end
    start = max(0, first - 1 - BEFORE)
    stop = start + LONGEST_LINE
    before, after = ELLIPSIS if start else "", ELLIPSIS if stop < len(line) else ""
    moved = len(before) - start
    return f"{before}{line[start:stop]}{after}", first + moved, min(end, stop + 1) + moved
