"""`trainclinic diagnose`: read runs, judge them, print or write the report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trainclinic.cli.output import columns, deliver, wants_color
from trainclinic.cli.stack import needs_the_stack
from trainclinic.cli.waiting import waiting

if TYPE_CHECKING:
    from trainclinic.diagnosis.diagnose import Diagnosis

FORMAT_OF_SUFFIX = {
    ".html": "html",
    ".htm": "html",
    ".md": "md",
    ".markdown": "md",
    ".json": "json",
    ".txt": "terminal",
}
HARMFUL = 1
HELP = """Say what training runs show and why, each symptom with the line it was read on.

PATH is a run folder, a log file, a notebook, an archive of these, a quoted pattern such as "runs/*" or `-` for standard
input; several may be given. A single run gets a full
report, several get a table and a report each.

\b
trainclinic diagnose runs/my-finetune
trainclinic diagnose runs/my-finetune -o report.html
trainclinic diagnose train.log --script finetune.py --data train.jsonl
trainclinic diagnose runs/my-finetune --model runs/my-finetune
trainclinic diagnose "runs/*" --run runs/third
trainclinic diagnose train.log --format json | jq .verdict
trainclinic diagnose - < train.log
"""


@click.command(help=HELP, epilog="Exit codes: 0 nothing harmful found, 1 harmful findings, 2 could not read.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "md", "html", "json"]),
    help="What to print; taken from the ending of FILE when there is one, else `terminal`.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write to FILE.")
@click.option(
    "--run",
    "wanted",
    metavar="NAME",
    help="Report only on the run of this name, or of this part of a name when it is the only such run.",
)
@click.option(
    "--script",
    "scripts",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="FILE",
    help="The script that made the run, or its folder; may be given several times. By default those in a run's folder.",
)
@click.option("--no-scripts", is_flag=True, help="Do not look into scripts.")
@click.option(
    "--data",
    "data",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="FILE",
    help="The training data and held-out data; may be given several times. By default what lies in a run's folder.",
)
@click.option("--no-data", is_flag=True, help="Do not look into training data.")
@click.option(
    "--tokenizer", default="", metavar="T", help="Folder or `tokenizer.json` of the model; for what the data look like."
)
@click.option(
    "--model",
    default="",
    metavar="DIR",
    help="The model that the run ended with: it is loaded, asked, and what it shows is weighed too.",
)
@click.option("--base", default="", metavar="DIR", help="Base of that model; for an adapter it is found by itself.")
@click.option("-j", "--jobs", type=click.IntRange(min=0), default=0, help="Processes for many runs; 0 decides itself.")
@click.option("--color/--no-color", default=None, help="Force colour on or off; by default it follows the terminal.")
def command(
    *,
    paths: tuple[str, ...],
    form: str | None,
    output: Path | None,
    wanted: str | None,
    scripts: tuple[Path, ...],
    no_scripts: bool,
    data: tuple[Path, ...],
    no_data: bool,
    tokenizer: str,
    model: str,
    base: str,
    jobs: int,
    color: bool | None,
) -> None:
    """Read runs, judge them, print or write the report."""
    form = form or (FORMAT_OF_SUFFIX.get(output.suffix.lower()) if output else None) or "terminal"
    if form == "html" and output is None and sys.stdout.isatty():
        message = "a page of HTML is of no use on a terminal\n\nhint: write it to a file (`-o report.html`), or pipe it"
        raise click.UsageError(message)
    if model:
        needs_the_stack("testing a model")
    with waiting("reading and judging"):
        from trainclinic.diagnosis.diagnose import diagnose

        looked_into = () if no_scripts else scripts or None
        examined = () if no_data else data or None
        diagnosis = diagnose(
            paths, jobs=jobs, scripts=looked_into, data=examined, tokenizer=tokenizer, model=model, base=base
        )
    if wanted is not None:
        diagnosis = only_run(diagnosis, wanted)
    with waiting("writing the report"):
        text = diagnosis.render(form, color=wants_color(color, output), width=columns(output))
    deliver(text, output)
    if len(diagnosis.runs) > 1:
        _tell_unread(diagnosis)
    sys.exit(HARMFUL if any(run.verdict.word == "sick" for run in diagnosis.runs) else 0)


def _tell_unread(diagnosis: Diagnosis) -> None:
    """The report on one run lists the files that were not read; a table of runs has no place for them."""
    for damage in diagnosis.damage:
        more = f" and {damage.count - 1:,} more" if damage.count > 1 else ""
        click.echo(f"not read: {damage.source.path}{more}: {damage.says}", err=True)


def only_run(diagnosis: Diagnosis, wanted: str) -> Diagnosis:
    """The diagnosis of one of its runs alone.

    Args:
        diagnosis: The diagnosis.
        wanted: Name of the run, or a part of the name of one run.

    Raises:
        TrainclinicError: If no run or several are called so.
    """
    from dataclasses import replace

    from trainclinic.record.errors import TrainclinicError

    chosen = tuple(run for run in diagnosis.runs if run.record.name == wanted)
    chosen = chosen or tuple(run for run in diagnosis.runs if wanted in run.record.name)
    if len(chosen) == 1 or (chosen and chosen[0].record.name == wanted):
        return replace(diagnosis, runs=chosen)
    known = chosen or diagnosis.runs
    names = ", ".join(f"`{run.record.name}`" for run in known[:8])
    more = f" and {len(known) - 8} more" if len(known) > 8 else ""
    message = f"`{wanted}` is in the names of {len(chosen)} runs" if chosen else f"no run is called `{wanted}`"
    raise TrainclinicError(message, hint=f"the runs are {names}{more}")
