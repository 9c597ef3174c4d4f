"""`trainclinic explain`: the page of a symptom, a circumstance, a cause or a fix."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from trainclinic.record.errors import TrainclinicError

if TYPE_CHECKING:
    from trainclinic.catalogue.circumstance import Circumstance
    from trainclinic.catalogue.load import Entry
    from trainclinic.causes.catalogue import CauseFile
    from trainclinic.fixes.catalogue import FixFile

WIDEST = 100
SUGGESTED = 3
SECTION_TITLES = (
    "Symptoms: this run, this script, these data, or this model show ...",
    "Circumstances: this run has ...",
    "Causes: because of ...",
    "Fixes: what to do",
)
HELP = """Print what a symptom, a circumstance, a cause or a fix is.

A symptom: what it means, what it does not mean, how to check it by hand. A cause: its mechanism, how often it shows
each symptom, what excludes and what decides it, what it is mistaken for. A fix: what to change, what to expect then.

\b
trainclinic explain loss-spike
trainclinic explain NUM101
trainclinic explain pad-equals-eos-with-lm-collator
trainclinic explain double-label-shift
trainclinic explain append-end-token
trainclinic explain --list
"""


@click.command(help=HELP)
@click.argument("wanted", required=False, metavar="[CODE|SLUG]")
@click.option("--list", "list_all", is_flag=True, help="List every symptom, circumstance, cause and fix.")
def command(*, wanted: str | None, list_all: bool) -> None:
    """Print one page, or the list of all."""
    if list_all:
        click.echo(_listing())
        return
    if wanted is None:
        message = "which symptom, circumstance, cause or fix?"
        raise TrainclinicError(message, hint="`trainclinic explain --list` shows them all")
    page = _find(wanted)()
    if sys.stdout.isatty():
        _show(page)
    else:
        click.echo(page, nl=False)


def _find(wanted: str) -> Callable[[], str]:
    """What writes the page of that code or slug.

    Raises:
        TrainclinicError: If there is none; the hint names the closest ones of any kind.
    """
    key = wanted.strip().replace("_", "-")
    pages = _pages()
    found = pages.get(key.upper()) or pages.get(key.lower())
    if found is not None:
        return found
    low = key.lower()
    close = [name for name in pages if name.lower().startswith(low)]
    close += difflib.get_close_matches(low, [name for name in pages if name.islower()], n=SUGGESTED, cutoff=0.5)
    close += [name for name in pages if low in name.lower()]
    names = " or ".join(f"`{name}`" for name in list(dict.fromkeys(close))[:SUGGESTED])
    message = f"no symptom, circumstance, cause or fix is called `{wanted}`"
    hint = f"did you mean {names}?" if names else "`trainclinic explain --list` shows them all"
    raise TrainclinicError(message, hint=hint)


def _pages() -> dict[str, Callable[[], str]]:
    """What writes a page, by slug and by code."""
    symptoms, circumstances, causes = _catalogue()
    pages: dict[str, Callable[[], str]] = {}
    for slug, fix in _fixes().items():
        pages[slug] = partial(_fix_page, fix)
    for slug, file in causes.items():
        pages[slug] = partial(_cause_page, file)
    for code, circumstance in circumstances.items():
        pages[code] = pages[circumstance.slug] = partial(_circumstance_page, circumstance)
    for code, entry in symptoms.items():
        pages[code] = pages[entry.rule.slug] = partial(_symptom_page, entry)
    return pages


def _catalogue() -> tuple[dict[str, Entry[Any]], dict[str, Circumstance[Any]], dict[str, CauseFile]]:
    from trainclinic.causes.catalogue import all_causes
    from trainclinic.diagnosis.symptoms import all_symptoms
    from trainclinic.findings.circumstances import all_circumstances

    return all_symptoms(), all_circumstances(), all_causes()


def _fixes() -> dict[str, FixFile]:
    from trainclinic.fixes.catalogue import all_fixes

    return all_fixes()


def _listing() -> str:
    """All names in four sections; symptoms and fixes by group, causes by family."""
    from trainclinic.catalogue.families import FAMILIES

    symptoms, circumstances, causes = _catalogue()
    lines: list[str] = []

    def section(title: str, rows: list[tuple[str, str]]) -> None:
        lines.extend(["", title] if lines else [title])
        group = ""
        for name, line in rows:
            if name != group:
                group = name
                lines.extend(["", f" {group}"])
            lines.append(f"  {line}")

    of_symptoms, of_circumstances, of_causes, of_fixes = SECTION_TITLES
    wide = max(
        len(slug) for slug in [e.rule.slug for e in symptoms.values()] + [c.slug for c in circumstances.values()]
    )
    section(
        of_symptoms,
        [(e.group, f"{code}  {e.rule.slug:<{wide}}  {e.rule.severity.name.lower()}") for code, e in symptoms.items()],
    )
    section(of_circumstances, [("", f"{code}  {c.slug:<{wide}}  {c.title}") for code, c in circumstances.items()])
    wide = max(len(slug) for slug in causes)
    families = list(FAMILIES)
    files = sorted(causes.values(), key=lambda file: (families.index(file.cause.family), file.cause.slug))
    section(of_causes, [(f.cause.family, f"{f.cause.slug:<{wide}}  {f.cause.title}") for f in files])
    wide = max(len(slug) for slug in _fixes())
    section(of_fixes, [(one.group, f"{slug:<{wide}}  {one.fix.title}") for slug, one in _fixes().items()])
    return "\n".join(lines)


def _symptom_page(entry: Entry[Any]) -> str:
    """The page as Markdown."""
    rule = entry.rule
    parts = [f"# {rule.code} {rule.slug}", entry.page.title, f"Severity: {rule.severity.name.lower()}"]
    parts += [f"## {heading}\n\n{body}" for heading, body in entry.page.sections.items()]
    if rule.thresholds:
        lines = [f"- {t.name}: {t.value:g}{'' if t.unit == '1' else ' ' + t.unit}: {t.why}" for t in rule.thresholds]
        parts.append("## Thresholds\n\n" + "\n".join(lines))
    return "\n\n".join([*parts, *_causes_of(rule.slug)]) + "\n"


def _causes_of(finding: str) -> list[str]:
    """Which causes show it, and which ones it excludes."""
    from trainclinic.causes.catalogue import all_causes
    from trainclinic.causes.knowledge import knowledge
    from trainclinic.report.cause_page import causes_of

    text = causes_of(finding, all_causes(), knowledge()).strip()
    return [text] if text else []


def _circumstance_page(circumstance: Circumstance[Any]) -> str:
    from trainclinic.report.cause_page import circumstance_page

    return "\n\n".join([circumstance_page(circumstance).rstrip(), *_causes_of(circumstance.slug)]) + "\n"


def _cause_page(file: CauseFile) -> str:
    from trainclinic.causes.knowledge import knowledge
    from trainclinic.report.cause_page import cause_page
    from trainclinic.report.fix_page import fixes_of

    return "\n\n".join([cause_page(file, knowledge()).rstrip(), fixes_of(file.cause.slug, _fixes())]).rstrip() + "\n"


def _fix_page(file: FixFile) -> str:
    from trainclinic.report.fix_page import fix_page

    return fix_page(file)


def _show(page: str) -> None:
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console(no_color=bool(os.environ.get("NO_COLOR")), highlight=False)
    console.width = min(WIDEST, console.width)
    console.print(Markdown(page))
