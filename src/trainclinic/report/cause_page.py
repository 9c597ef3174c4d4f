"""The page of a cause or circumstance as Markdown: for `trainclinic explain` and for the generated reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trainclinic.catalogue.cause import Frequency
from trainclinic.catalogue.families import FAMILIES

if TYPE_CHECKING:
    from trainclinic.catalogue.cause import Cause, Expect
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


def causes_of(finding: str, files: Mapping[str, CauseFile], known: Knowledge, name: Name = code) -> str:
    """Which causes show a finding, the most regular first, and which ones it excludes; empty when none does.

    Args:
        finding: Slug of a symptom or circumstance.
        files: Every cause.
        known: The fitted numbers.
        name: How slugs of causes are written.
    """
    shown = [(_fitted(file.cause, expect, known), file, expect) for file, expect in _expecting(finding, files)]
    shown.sort(key=lambda row: (-row[0], row[1].cause.slug))
    rows = [(name(file.cause.slug), _word(expect), f"{rate:.2f}", expect.why) for rate, file, expect in shown]
    parts = (
        ["## Causes that show it\n\n" + table(("because of", "how often", "fitted", "because"), rows)] if rows else []
    )
    lines = [
        f"- {name(file.cause.slug)}, when it {_when(rule.when)}: {rule.because}"
        for file in files.values()
        for rule in file.cause.excluded_by
        if rule.finding == finding
    ]
    parts += ["## Causes that it excludes\n\n" + "\n".join(lines) + "\n"] if lines else []
    return "\n".join(parts)


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
    rows = [(name(e.finding), _word(e), f"{_fitted(cause, e, known):.2f}", e.why) for e in cause.expects]
    return "## What it shows\n\n" + table(("finding or circumstance", "how often", "fitted", "because"), rows)


def _expecting(finding: str, files: Mapping[str, CauseFile]) -> list[tuple[CauseFile, Expect]]:
    return [(f, expect) for f in files.values() for expect in f.cause.expects if expect.finding == finding]


def _fitted(cause: Cause, expect: Expect, known: Knowledge) -> float:
    """P(finding | cause) after fitting; the word's number where no table knows the finding."""
    row = next((index for index, other in enumerate(known.causes) if other.slug == cause.slug), None)
    column = known.column(expect.finding)
    return float(expect.frequency) if row is None or column is None else float(known.shows[row, column])


def _word(expect: Expect) -> str:
    frequency = Frequency(expect.frequency)
    return f"{frequency.name.lower()} ({frequency.value:g})"


def _when(when: str) -> str:
    return "is seen" if when == "present" else "was looked for and not found"
