"""`trainclinic train`: complete a recipe, check rows and model, train with the guard on."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainclinic.cli.output import columns, wants_color
from trainclinic.cli.sections import SectionedCommand
from trainclinic.cli.stack import needs_the_stack
from trainclinic.cli.waiting import waiting

if TYPE_CHECKING:
    from trainclinic.diagnosis.training import Checked, Supervised
    from trainclinic.recipe.model import Recipe
    from trainclinic.training.job import Job, Planned
    from trainclinic.training.progress import Moment

HELP = """Fine-tune a causal language model so that nothing can fail in silence.

RECIPE is a YAML file, such as the one that `trainclinic prescribe` writes; --model and --data do without one. What is
left open is chosen for this model, these rows and this machine, printed with its reason, and saved as recipe.yaml in
the output folder. Before the first step rows and model are checked in seconds, and a harmful finding stops the run.
While it trains, a guard records every step in flight.jsonl and stops on values that are not finite, on losses of
exactly 0 and on divergence; checkpoints say whether they are good. Local files need no connection.

\b
trainclinic train recipe.yaml -o runs/first
trainclinic train --model models/tinyllama --data train.jsonl -o runs/first
trainclinic train recipe.yaml --show-batch 3 --check-only
trainclinic train recipe.yaml -o runs/first --resume
torchrun --nproc-per-node 2 -m trainclinic train recipe.yaml -o runs/first
"""
SHORT = {
    "model": "model.name", "data": "data.train", "held_out": "data.evaluation", "device": "precision.device",
    "epochs": "schedule.epochs", "steps": "schedule.steps", "rate": "optimizer.learning_rate",
    "on_spike": "guard.on_spike",
}  # fmt: skip
"""Options that set a key of the recipe."""
SECTIONS = {
    "What to train": ("model", "data", "held_out", "settings", "device", "epochs", "steps", "rate"),
    "Before the first step": ("show_batch", "check_only", "ignored", "skip_checks", "list_checks"),
    "The run": ("output", "resume", "start", "on_spike", "force"),
    "What to show": ("color",),
}
FINDINGS, STOPPED = 1, 1


@click.command(
    cls=SectionedCommand,
    sections=SECTIONS,
    help=HELP,
    epilog="Exit codes: 0 trained, 1 a check failed or the guard stopped the run, 2 could not read or train.",
)
@click.argument("recipe", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--model", metavar="M", help="Folder of a model, or its name on the hub.")
@click.option("--data", metavar="FILE", help="Training rows: any format that `trainclinic data` reads.")
@click.option("--eval", "held_out", metavar="FILE", help="Held-out rows; a share of the training rows without it.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Any key of a recipe, e.g. adapter.rank=8.")
@click.option("--device", type=click.Choice(["auto", "cpu", "mps", "cuda"]), help="Where to train.")
@click.option("--epochs", type=click.FloatRange(min=0, min_open=True), metavar="X", help="Passes over the rows.")
@click.option("--max-steps", "steps", type=click.IntRange(min=1), metavar="N", help="Optimizer steps.")
@click.option("--learning-rate", "rate", type=click.FloatRange(min=0, min_open=True), metavar="X", help="Peak rate.")
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Where to.")
@click.option("--resume", is_flag=True, help="Go on from the newest good checkpoint in DIR.")
@click.option(
    "--from",
    "start",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="CHECKPOINT",
    help="Go on from this one.",
)
@click.option("--on-spike", type=click.Choice(["warn", "stop", "rollback"]), help="What a spike of the loss does.")
@click.option("--show-batch", type=click.IntRange(min=1), metavar="N", help="Show N rows: tokens, targets, end tokens.")
@click.option("--check-only", is_flag=True, help="Stop after the checks.")
@click.option("--list-checks", is_flag=True, help="List checks that found nothing as well.")
@click.option("--ignore", "ignored", multiple=True, metavar="RULE", help="Train although this check fails.")
@click.option("--skip-checks", is_flag=True, help="Train without looking at rows and model first.")
@click.option("--force", is_flag=True, help="Write into the folder of another run; go on from a suspect checkpoint.")
@click.option("--color/--no-color", default=None, help="Force colour on or off; by default it follows the terminal.")
def command(**given: Any) -> None:
    """Plan, check, train, and say what came of it."""
    needs_the_stack("training")
    recipe = _recipe(given)
    output: Path = given["output"] or Path("trainclinic-run")
    is_first = int(os.environ.get("RANK", "0")) == 0
    with waiting("reading model, tokenizer and rows"):
        from trainclinic.training.job import plan

        planned = plan(recipe)
    if is_first:
        click.echo(_plan_told(planned), nl=False)
    if given["show_batch"] and is_first:
        click.echo(_batch_told(planned, given), color=True)
    job, checked, start = _prepared(planned, output, given, is_first=is_first)
    if checked.stops:
        if is_first:
            click.echo("\nnot trained: a check failed (--ignore RULE trains all the same)", err=True)
        sys.exit(FINDINGS)
    if given["check_only"]:
        sys.exit(0)
    with _bar(is_shown=is_first) as tell:
        from trainclinic.diagnosis.training import train

        supervised = train(job, start=start, tell=tell)
    if is_first:
        click.echo(_outcome_told(supervised, output), nl=False)
    sys.exit(0 if supervised.is_good else STOPPED)


def _recipe(given: dict[str, Any]) -> Recipe:
    """The recipe of the file, with the options over it."""
    import yaml

    from trainclinic.recipe.keys import all_keys, with_value
    from trainclinic.recipe.model import Recipe
    from trainclinic.recipe.read import read_recipe
    from trainclinic.recipe.validate import checked, unknown_key

    path = given["recipe"]
    if path is None and given["resume"] and given["output"] and (given["output"] / "recipe.yaml").is_file():
        path = given["output"] / "recipe.yaml"
    recipe = read_recipe(path) if path is not None else Recipe()
    pairs = [(key, given[option], f"--{option}") for option, key in SHORT.items() if given[option] is not None]
    for text in given["settings"]:
        name, equals, value = text.partition("=")
        if not equals:
            message = f"`--set {text}`: expected a key and a value, such as `adapter.rank=8`"
            raise click.UsageError(message)
        pairs.append((name.strip(), yaml.safe_load(value), "--set"))
    for name, value, where in pairs:
        key = all_keys().get(name)
        if key is None:
            raise unknown_key(name, where)
        recipe = with_value(recipe, name, checked(key, value, where))
    return recipe


def _plan_told(planned: Planned) -> str:
    from trainclinic.report.training import choices, outcome

    rows, recipe = planned.rows, planned.recipe
    left_out = ", ".join(f"{number:,} {reason}" for reason, number in rows.left_out.most_common())
    told = outcome(
        {
            "model": recipe.model.name,
            "rows": f"{len(rows.training):,} to train on, {len(rows.held_out):,} held out",
            "targets": f"{rows.targets:,} tokens with a loss in the training rows",
            "left out": left_out or None,
            "steps": f"{recipe.schedule.steps:,} on {planned.processes} process{'es' * (planned.processes > 1)}",
            "note": "; ".join(rows.notes) or None,
        }
    )
    chosen = choices([(one.key, one.value, one.why) for one in planned.choices], width=columns(None))
    return f"{told}\n{chosen}\n"


def _batch_told(planned: Planned, given: dict[str, Any]) -> str:
    from trainclinic.diagnosis.training import shown_rows
    from trainclinic.report.data.terminal import rows_to_terminal

    rows = tuple(shown_rows(planned, given["show_batch"]))
    return rows_to_terminal(rows, color=wants_color(given["color"], None), width=columns(None))


def _prepared(
    planned: Planned, output: Path, given: dict[str, Any], *, is_first: bool
) -> tuple[Job, Checked, Path | None]:
    from trainclinic.diagnosis.training import check, go_on_from
    from trainclinic.report.training import checks
    from trainclinic.training.job import build

    start = None
    if not given["check_only"]:
        start = go_on_from(output, resume=given["resume"], start=given["start"], even_if_suspect=given["force"])
    with waiting("loading the model"):
        job = build(planned, output)
    looks = not given["skip_checks"]
    with waiting("checking rows and model"):
        checked = check(job, data=looks, model=looks, ignored=given["ignored"])
    if is_first and looks:
        found = checked.findings
        listed = given["list_checks"]
        color = wants_color(given["color"], None)
        click.echo(checks(found, all_of_them=listed, color=color, width=columns(None)), color=True)
    return job, checked, start


def _outcome_told(supervised: Supervised, output: Path) -> str:
    from trainclinic.report.training import outcome

    found = supervised.outcome
    facts: dict[str, object] = {
        "steps": found.steps,
        "first loss": found.first_loss,
        "last loss": found.last_loss,
        "held-out loss": found.best_loss,
        "best": str(found.best) if found.best is not None else None,
        "answers": supervised.answers or None,
        "stopped": supervised.stopped or None,
        "go on from": str(supervised.last_good) if supervised.stopped and supervised.last_good else None,
        "saved": None if supervised.stopped else str(output),
        "next": f"trainclinic diagnose {output}" if supervised.stopped else f"trainclinic export {output} -o merged",
    }
    return outcome(facts)


@contextmanager
def _bar(*, is_shown: bool) -> Iterator[Callable[[Moment], None] | None]:
    """A bar on stderr with loss, rate, pace and time left; a line every tenth of the run where there is no terminal."""
    if not is_shown:
        yield None
        return
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    shape = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[told]}"))
    with Progress(*shape, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("training", total=None, told="")

        def tell(moment: Moment) -> None:
            progress.update(task, completed=moment.step, total=moment.steps or None, told=_moment_told(moment))

        yield tell


class _Lines:
    """A line at every tenth of the run, for logs."""

    def __init__(self) -> None:
        self.told = 0

    def __call__(self, moment: Moment) -> None:
        tenth = 10 * moment.step // max(1, moment.steps)
        if tenth > self.told and moment.loss is not None:
            self.told = tenth
            click.echo(f"step {moment.step}/{moment.steps}  {_moment_told(moment)}", err=True)


def _moment_told(moment: Moment) -> str:
    from trainclinic.catalogue.wording import duration

    parts = [
        f"loss {moment.loss:.3f}" if moment.loss is not None else "",
        f"held out {moment.held_out:.3f}" if moment.held_out is not None else "",
        f"rate {moment.rate:.2e}" if moment.rate is not None else "",
        f"{moment.pace:.3g} steps/s" if moment.pace else "",
        f"{duration(moment.seconds_left)} left" if moment.seconds_left is not None else "",
    ]
    return "  ".join(part for part in parts if part)
