"""The page of a cause or circumstance as Markdown: for `trainclinic explain` and for the generated reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from trainclinic.catalogue.cause import Frequency
from trainclinic.catalogue.families import FAMILIES

if TYPE_CHECKING:
    from trainclinic.catalogue.cause import Cause
    from trainclinic.catalogue.circumstance import Circumstance
    from trainclinic.causes.catalogue import CauseFile
    from trainclinic.causes.knowledge import Knowledge

Name = Callable[[str], str]
"""How a slug is written: as code, or as a link to its page."""


def code(slug: str) -> str:
    """A slug between back-ticks."""
    return f"`{slug}`"


def cause_page(file: CauseFile, known: Knowledge, name: Name = code) -> str:
    """Everything that is known of a cause: its page, what it shows how often, what excludes and what decides it.

    Args:
        file: The cause.
        known: The fitted numbers.
        name: How other slugs are written.
    """
    cause, page = file.cause, file.page
    facts = [
        ("what", cause.title),
        ("family", FAMILIES[cause.family]),
        ("public incidents known", f"{cause.incidents}"),
    ]
    parts = [f"# {cause.slug}", page.title, table(("", ""), facts)]
    parts += [f"## {heading}\n\n{body}" for heading, body in page.sections.items() if heading != "References"]
    if cause.expects:
        parts.append(_expectations(cause, known, name))
    if cause.excluded_by:
        lines = [f"- {name(rule.finding)} {_when(rule.when)}: {rule.because}" for rule in cause.excluded_by]
        parts.append("## What excludes it\n\n" + "\n".join(lines))
    kinds = ", ".join(cause.decided_by)
    parts.append(
        f"## What decides it\n\n{cause.decisive_test}.\n\nKinds of evidence that can, the cheapest first: {kinds}."
    )
    if cause.confused_with:
        parts.append(f"## Taken for each other\n\n{', '.join(name(slug) for slug in cause.confused_with)}")
    parts.append(f"## References\n\n{page.sections['References']}")
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def circumstance_page(circumstance: Circumstance[Any]) -> str:
    """The short page of a circumstance."""
    needs = ", ".join(code(need) for need in circumstance.needs)
    parts = [
        f"# {circumstance.code} {circumstance.slug}",
        circumstance.title,
        f"Why it is asked: {circumstance.matters}",
    ]
    parts += [f"Read from: {needs}"] if needs else []
    parts.append("A circumstance is harmless in itself: causes need it or cannot be with it.")
    return "\n\n".join(parts) + "\n"


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table; `|` inside cells is escaped."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def _expectations(cause: Cause, known: Knowledge, name: Name) -> str:
    """How often the cause shows each finding: the expert's word, and the number after fitting to labelled runs."""
    row = next((index for index, other in enumerate(known.causes) if other.slug == cause.slug), None)
    rows = []
    for expect in cause.expects:
        column = known.column(expect.finding)
        fitted = "" if row is None or column is None else f"{known.shows[row, column]:.2f}"
        word = Frequency(expect.frequency)
        rows.append((name(expect.finding), f"{word.name.lower()} ({word.value:g})", fitted, expect.why))
    header = ("finding or circumstance", "how often", "fitted", "because")
    return "## What it shows\n\n" + table(header, rows)


def _when(when: str) -> str:
    return "is seen" if when == "present" else "was looked for and not found"
