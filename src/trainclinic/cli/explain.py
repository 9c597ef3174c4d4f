"""`trainclinic explain`: the page of a symptom."""

from __future__ import annotations

import difflib
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from trainclinic.record.errors import TrainclinicError

if TYPE_CHECKING:
    from trainclinic.catalogue.load import Entry

WIDEST = 100
HELP = """Print what a symptom is, what it means, what it does not mean, and how to check it by hand.

\b
trainclinic explain loss-spike
trainclinic explain NUM101
trainclinic explain --list
"""


@click.command(help=HELP)
@click.argument("symptom", required=False, metavar="[CODE|SLUG]")
@click.option("--list", "list_all", is_flag=True, help="List every symptom with its code.")
def command(*, symptom: str | None, list_all: bool) -> None:
    """Print the page of one symptom, or the list of all."""
    from trainclinic.findings.examine import all_rules

    if list_all:
        click.echo(_listing(all_rules()))
        return
    if symptom is None:
        message = "which symptom?"
        raise TrainclinicError(message, hint="`trainclinic explain --list` shows them all")
    page = _page(_find(symptom, all_rules()))
    if sys.stdout.isatty():
        _show(page)
    else:
        click.echo(page, nl=False)


def _find(wanted: str, entries: dict[str, Entry[Any]]) -> Entry[Any]:
    """The entry with that code or slug.

    Raises:
        TrainclinicError: If there is none; the hint names the closest ones.
    """
    by_name = {entry.rule.slug: entry for entry in entries.values()} | entries
    key = wanted.strip().replace("_", "-")
    if entry := by_name.get(key.upper()) or by_name.get(key.lower()):
        return entry
    close = difflib.get_close_matches(key.lower(), [name.lower() for name in by_name], n=3, cutoff=0.5)
    close += [slug for slug in by_name if key.lower() in slug and slug not in close]
    names = " or ".join(f"`{name}`" for name in close[:3])
    message = f"no symptom is called `{wanted}`"
    hint = f"did you mean {names}?" if names else "`trainclinic explain --list` shows them all"
    raise TrainclinicError(message, hint=hint)


def _listing(entries: dict[str, Entry[Any]]) -> str:
    lines: list[str] = []
    group = ""
    for code, entry in entries.items():
        if entry.group != group:
            group = entry.group
            lines += ["", group] if lines else [group]
        lines.append(f"  {code}  {entry.rule.slug:<30}  {entry.rule.severity.name.lower()}")
    return "\n".join(lines)


def _page(entry: Entry[Any]) -> str:
    """The page as Markdown."""
    rule = entry.rule
    parts = [f"# {rule.code} {rule.slug}", entry.page.title, f"Severity: {rule.severity.name.lower()}"]
    parts += [f"## {heading}\n\n{body}" for heading, body in entry.page.sections.items()]
    if rule.thresholds:
        lines = [f"- {t.name}: {t.value:g}{'' if t.unit == '1' else ' ' + t.unit}: {t.why}" for t in rule.thresholds]
        parts.append("## Thresholds\n\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _show(page: str) -> None:
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console(no_color=bool(os.environ.get("NO_COLOR")), highlight=False)
    console.width = min(WIDEST, console.width)
    console.print(Markdown(page))
