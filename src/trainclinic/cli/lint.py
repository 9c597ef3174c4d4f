"""`trainclinic lint`: look for mistakes in training scripts, print or write what was found, mend what can be mended."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainclinic.cli.output import columns, deliver, wants_color
from trainclinic.cli.waiting import waiting

if TYPE_CHECKING:
    from trainclinic.diagnosis.lint import Lint
    from trainclinic.script.preferences import Preferences

FORMAT_OF_SUFFIX = {".json": "json", ".sarif": "sarif", ".md": "md", ".markdown": "md", ".txt": "terminal"}
COUNTED = {"terminal", "md"}
"""Formats that can count alarms instead of showing them."""
HELP = """Look for mistakes in fine-tuning scripts without running them.

PATH is a script, a notebook, a launch script, or a folder of them; several may be given. Each mistake is shown with
its code, and with the way that a value takes to it. Settings are read from [tool.trainclinic.lint] of the nearest
pyproject.toml; options replace them.

\b
trainclinic lint train.py
trainclinic lint src/ --select LBL,TOK --fail-on warning
trainclinic lint . --format sarif -o lint.sarif
trainclinic lint train.py --diff
"""


def _names(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """`--select A,B --select C` as three names."""
    del context, parameter
    return tuple(name.strip() for part in value for name in part.split(",") if name.strip())


@click.command(
    help=HELP, epilog="Exit codes: 0 nothing harmful found, 1 harmful mistakes (see --fail-on), 2 could not read."
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "json", "sarif", "github", "gitlab", "md"]),
    help="What to print; taken from the ending of FILE when there is one, else `terminal`.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write to FILE.")
@click.option("--select", multiple=True, callback=_names, metavar="RULES", help="Codes, slugs, groups, or ALL.")
@click.option("--ignore", multiple=True, callback=_names, metavar="RULES", help="Rules not to ask.")
@click.option("--exclude", multiple=True, callback=_names, metavar="GLOBS", help="Files to leave out.")
@click.option("--certainty", type=click.Choice(["hint", "likely", "proof"]), help="The least certain alarms to show.")
@click.option(
    "--fail-on", type=click.Choice(["note", "warning", "harmful"]), help="The mildest severity that exits with 1."
)
@click.option("--fix", is_flag=True, help="Mend what can be mended without changing what a correct script does.")
@click.option("--diff", is_flag=True, help="Print the mending instead of making it.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: also what changes the training.")
@click.option("--statistics", is_flag=True, help="Count alarms by rule instead of showing them.")
@click.option("--no-config", is_flag=True, help="Do not read pyproject.toml.")
@click.option("--color/--no-color", default=None, help="Force colour on or off; by default it follows the terminal.")
def command(
    *, paths: tuple[str, ...], form: str | None, output: Path | None, color: bool | None, statistics: bool, **given: Any
) -> None:
    """Look for mistakes in scripts, print or write what was found, mend what can be mended."""
    form = form or (FORMAT_OF_SUFFIX.get(output.suffix.lower()) if output else None) or "terminal"
    _refuse_contradictions(form, given, statistics=statistics)
    preferences = _preferences(paths, given)
    for note in preferences.notes:
        click.echo(f"note: {note}", err=True)
    with waiting("reading and following values"):
        from trainclinic.diagnosis.lint import lint

        found = lint(paths, preferences)
    if given["diff"]:
        text = _mended(found, unsafe=given["unsafe_fixes"], write=False)
    else:
        if given["fix"]:
            _mended(found, unsafe=given["unsafe_fixes"], write=True)
            found = lint(paths, preferences)
        text = found.render(form, color=wants_color(color, output), width=columns(output), statistics=statistics)
    deliver(text, output)
    sys.exit(found.exit_code(preferences.fail_on))


def _refuse_contradictions(form: str, given: dict[str, Any], *, statistics: bool) -> None:
    if given["fix"] and given["diff"]:
        message = "`--fix` and `--diff` exclude each other: make the changes, or print them"
    elif given["unsafe_fixes"] and not (given["fix"] or given["diff"]):
        message = "`--unsafe-fixes` needs `--fix` or `--diff`"
    elif statistics and form not in COUNTED:
        message = f"`--statistics` is for the terminal and for Markdown, not for `{form}`"
    else:
        return
    raise click.UsageError(message)


def _preferences(paths: tuple[str, ...], given: dict[str, Any]) -> Preferences:
    """The settings of the nearest `pyproject.toml`, each replaced by its option where one is given."""
    from dataclasses import replace

    from trainclinic.catalogue.verdict import Severity
    from trainclinic.script.alarm import Certainty
    from trainclinic.script.examine import all_rules
    from trainclinic.script.preferences import Preferences, checked_names, read_preferences

    rules = all_rules()
    settings = Preferences() if given["no_config"] else read_preferences(paths, rules)
    changed: dict[str, Any] = {
        name: checked_names(given[name], rules, f"`--{name}`") for name in ("select", "ignore") if given[name]
    }
    if given["exclude"]:
        changed["exclude"] = given["exclude"]
    if given["certainty"]:
        changed["certainty"] = Certainty[given["certainty"].upper()]
    if given["fail_on"]:
        changed["fail_on"] = Severity[given["fail_on"].upper()]
    return replace(settings, **changed)


def _mended(found: Lint, *, unsafe: bool, write: bool) -> str:
    """Mend, say on stderr what was done and what was not, and return the difference."""
    from trainclinic.diagnosis.mend import mend

    mended = mend(found, unsafe=unsafe, write=write)
    for done in mended.applied if write else ():
        click.echo(f"mended: {done}", err=True)
    for reason in mended.left:
        click.echo(f"left as it is: {reason}", err=True)
    return mended.diff
