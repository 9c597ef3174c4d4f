"""`trainclinic data`: examine data, show rows token by token, name the rows of a step, write a cleaned copy."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainclinic.cli.output import columns, deliver, wants_color
from trainclinic.cli.sections import SectionedCommand

if TYPE_CHECKING:
    from trainclinic.diagnosis.data import DataExamination
    from trainclinic.encoding.preparation import Plan, Preparation
    from trainclinic.encoding.tokens.tokenizer import Tokenizer
    from trainclinic.record.facts import Facts

FORMAT_OF_SUFFIX = {
    ".html": "html", ".htm": "html", ".md": "md", ".markdown": "md", ".json": "json", ".txt": "terminal",
}  # fmt: skip
SCHEMAS = (
    "alpaca", "sharegpt", "messages", "prompt-completion", "question-answer", "preference", "kto", "text", "tokens",
)  # fmt: skip
COLLATORS = ("lm", "padding", "default")
HELP = """Show what a model sees of training data, and what is wrong with it.

PATH is a data file, a folder of them, or a quoted pattern; files called val, test, eval ... are held out. JSON, JSON
lines, CSV, TSV, Parquet, Arrow, Markdown and text are read, packed or not. Nothing is downloaded: a tokenizer is a
folder, a tokenizer.json, or a model in the local Hugging Face cache. Settings that nobody states are assumed where rows
are shown, and no verdict rests on them.

\b
trainclinic data train.jsonl
trainclinic data train.jsonl --tokenizer models/llama --loss-on answers --max-length 2048 --show 3
trainclinic data data/ --run runs/my-finetune -o data.html
trainclinic data train.jsonl --at-step 2000 --batch 8 --accum 4 --seed 42
trainclinic data train.jsonl --repair cleaned/
"""
PREPARED = {
    "template": "template", "loss_on": "scored", "end_token": "appends_end", "add_special_tokens": "adds_specials",
    "max_length": "max_length", "truncation": "truncation", "pad_token": "pad", "pad_to_max": "pads_to_maximum",
    "packing": "packing", "vocabulary": "vocabulary", "response_marker": "response_marker",
    "assistant_only": "needs_markers", "mask_by_length": "mask_by_length",
}  # fmt: skip
"""Options to fields of `Preparation`."""
PLANNED = {
    "batch": "micro_batch", "accum": "accumulation", "processes": "processes", "epochs": "epochs", "steps": "steps",
    "warmup": "warmup_steps", "seed": "seed", "order": "order", "rows": "rows", "full_weights": "full_weights",
}  # fmt: skip
"""Options to fields of `Plan`."""
SECTIONS = {
    "The data": ("held_out", "schema", "fields"),
    "How rows become examples": (
        "run", "tokenizer", "model", "template", "loss_on", "assistant_only", "response_marker", "mask_by_length",
        "end_token", "add_special_tokens", "max_length", "truncation", "collator", "pad_token", "pad_to_max", "packing",
        "vocabulary",
    ),
    "How the run goes through them": (
        "batch", "accum", "processes", "epochs", "steps", "warmup", "seed", "order", "rows", "full_weights",
    ),
    "What to show": ("show", "lines", "at_steps", "select", "ignore", "fail_on", "form", "output", "color"),
    "A cleaned copy": ("repair", "split"),
    "Large data": ("jobs", "ray"),
}  # fmt: skip
"""Options as the help lists them."""


def _names(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """`--select A,B --select C` as three names."""
    del context, parameter
    return tuple(name.strip() for part in value for name in part.split(",") if name.strip())


def _pairs(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> dict[str, str]:
    """`--column prompt=q` as a part and the field that plays it."""
    del context, parameter
    found = {}
    for pair in value:
        part, equals, column = pair.partition("=")
        if not equals or not part or not column:
            message = f"`{pair}`: expected a part and the field that plays it, such as `prompt=q`"
            raise click.BadParameter(message)
        found[part.strip()] = column.strip()
    return found


@click.command(
    cls=SectionedCommand,
    sections=SECTIONS,
    help=HELP,
    epilog="Exit codes: 0 nothing harmful found, 1 harmful findings (see --fail-on), 2 could not read.",
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--eval", "held_out", multiple=True, metavar="PATH", help="Held-out data, whatever its name.")
@click.option("--tokenizer", metavar="T", help="Folder, `tokenizer.json`, or a model in the local cache.")
@click.option("--model", default="", metavar="NAME", help="Name of the model, for what is known about its family.")
@click.option("--run", metavar="PATH", help="A run: settings that its logs, configurations and scripts state are used.")
@click.option("--template", metavar="T", help="Chat template: a file, or chatml, llama-3, gemma, mistral, alpaca ...")
@click.option("--loss-on", type=click.Choice(["all", "answers", "last-answer"]), help="Which tokens carry a loss.")
@click.option(
    "--assistant-only/--no-assistant-only", default=None, help="`assistant_only_loss`: by the template's marks."
)
@click.option("--end-token/--no-end-token", default=None, help="Whether training appends the end token.")
@click.option("--add-special-tokens/--no-add-special-tokens", default=None, help="Added to the formatted text.")
@click.option("--max-length", type=click.IntRange(min=1), metavar="N", help="Tokens that are kept of a row.")
@click.option("--truncation", type=click.Choice(["right", "left"]), help="The side that is cut off.")
@click.option("--collator", type=click.Choice(COLLATORS), help="lm masks every padding id, default scores padding.")
@click.option("--pad-token", metavar="T", help="Padding token of training.")
@click.option("--pad-to-max/--no-pad-to-max", default=None, help="Whether rows are padded to --max-length.")
@click.option("--packing/--no-packing", default=None, help="Whether several rows share a sequence.")
@click.option("--response-marker", metavar="TEXT", help="Text after which the collator begins to score.")
@click.option("--mask-by-length/--no-mask-by-length", default=None, help="Prompt masked by its own token count.")
@click.option("--vocabulary", type=click.IntRange(min=1), metavar="N", help="Rows of the model's embedding.")
@click.option("--batch", type=click.IntRange(min=1), metavar="N", help="Rows per process and forward pass.")
@click.option("--accum", type=click.IntRange(min=1), metavar="N", help="Forward passes per optimizer step.")
@click.option("--processes", type=click.IntRange(min=1), metavar="N", help="Data-parallel processes.")
@click.option("--epochs", type=click.FloatRange(min=0, min_open=True), metavar="X", help="Passes over the data.")
@click.option("--steps", type=click.IntRange(min=1), metavar="N", help="Optimizer steps of the run.")
@click.option("--warmup", type=click.IntRange(min=0), metavar="N", help="Steps of warm-up.")
@click.option("--seed", type=int, metavar="N", help="Seed of the sampler, and of rows shown by chance.")
@click.option("--order", type=click.Choice(["shuffled", "sequential", "random-windows"]), help="How rows are drawn.")
@click.option("--rows", type=click.IntRange(min=1), metavar="N", help="Rows that the run says it trains on.")
@click.option("--full-weights/--no-full-weights", default=None, help="Whether all weights are trained, or an adapter.")
@click.option("--schema", type=click.Choice(SCHEMAS), help="How rows are written; found out by default.")
@click.option("--column", "fields", multiple=True, callback=_pairs, metavar="PART=FIELD", help="e.g. prompt=q.")
@click.option("--show", type=click.IntRange(min=0), default=0, metavar="N", help="Show rows token by token.")
@click.option("--show-line", "lines", type=click.IntRange(min=1), multiple=True, metavar="N", help="Show this row.")
@click.option("--at-step", "at_steps", type=int, multiple=True, metavar="N", help="Name the rows of an optimizer step.")
@click.option("--repair", type=click.Path(path_type=Path), metavar="DIR", help="Write a cleaned copy with its log.")
@click.option(
    "--split", type=click.FloatRange(0, 0.9), default=0.0, metavar="X", help="With --repair: share to hold out."
)
@click.option(
    "--select", multiple=True, callback=_names, metavar="RULES", help="Codes, names or groups; all by default."
)
@click.option("--ignore", multiple=True, callback=_names, metavar="RULES", help="Rules not to ask.")
@click.option(
    "--fail-on", type=click.Choice(["note", "warning", "harmful"]), default="harmful", help="What exits with 1."
)
@click.option("--format", "form", type=click.Choice(["terminal", "md", "html", "json"]), help="What to print.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write to FILE.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), default=1, help="Processes for several files.")
@click.option("--ray", is_flag=True, help="Share the files out on a Ray cluster.")
@click.option("--color/--no-color", default=None, help="Force colour on or off; by default it follows the terminal.")
def command(*, paths: tuple[str, ...], form: str | None, output: Path | None, color: bool | None, **given: Any) -> None:
    """Examine data, print or write the report, write a cleaned copy."""
    from trainclinic.catalogue.verdict import Severity
    from trainclinic.report.data.render import render

    form = form or (FORMAT_OF_SUFFIX.get(output.suffix.lower()) if output else None) or "terminal"
    if form == "html" and output is None and sys.stdout.isatty():
        message = "a page of HTML is of no use on a terminal\n\nhint: write it to a file (`-o data.html`), or pipe it"
        raise click.UsageError(message)
    found = _examined(paths, given)
    report = found.report(given["show"], given["lines"], given["at_steps"], given["seed"] or 0)
    deliver(render(report, form, color=wants_color(color, output), width=columns(output)), output)
    if not report.is_complete:
        click.echo(f"interrupted after {report.rows:,} rows", err=True)
    if given["repair"] is not None:
        _repair(found, given["repair"], given["split"])
    sys.exit(found.exit_code(Severity[given["fail_on"].upper()]))


def _examined(paths: tuple[str, ...], given: dict[str, Any]) -> DataExamination:
    from trainclinic.dataset.examine import all_rules
    from trainclinic.diagnosis.data import examine_data

    facts = _facts(given["run"])
    preparation, plan = _settings(facts, given)
    model = given["model"] or (facts.text("model_name") if facts else "") or ""
    known = {
        name.lower() for code, entry in all_rules().items() for name in (code, entry.rule.slug, entry.group, code[:3])
    }
    for name in (*given["select"], *given["ignore"]):
        if name.lower() not in known:
            message = (
                f"`{name}` is no code, name or group of a rule on data\n\nhint: `trainclinic explain --list` shows them"
            )
            raise click.UsageError(message)

    def is_asked(code: str, slug: str, group: str) -> bool:
        mine = {code.lower(), code[:3].lower(), slug, group}
        wanted = not given["select"] or any(name.lower() in mine for name in given["select"])
        return wanted and not any(name.lower() in mine for name in given["ignore"])

    with _progress() as told:
        return examine_data(
            paths,
            held_out=given["held_out"],
            tokenizer=_tokenizer(facts, given["tokenizer"]),
            preparation=preparation,
            plan=plan,
            model=model,
            schema=given["schema"],
            columns=given["fields"],
            rules=is_asked,
            progress=told,
            jobs=given["jobs"],
            ray=given["ray"],
        )


def _facts(run: str | None) -> Facts | None:
    """What a run says about itself."""
    if run is None:
        return None
    from trainclinic.diagnosis.diagnose import diagnose

    return diagnose(run, data=()).record.facts


def _tokenizer(facts: Facts | None, given: str | None) -> Tokenizer | str | None:
    """The tokenizer that was given, else that of the run's model where it is on this machine."""
    from trainclinic.diagnosis.data_settings import tokenizer_of

    return given if given or facts is None else tokenizer_of(facts)


def _settings(facts: Facts | None, given: dict[str, Any]) -> tuple[Preparation, Plan]:
    """Settings that the run states, each replaced by its option where one is given."""
    from dataclasses import replace

    from trainclinic.diagnosis.data_settings import settings_of
    from trainclinic.encoding.preparation import Plan, Preparation, Stated

    preparation, plan = settings_of(facts) if facts is not None else (Preparation(), Plan())
    prepared, planned = _stated(PREPARED, given), _stated(PLANNED, given)
    if (collator := given["collator"]) is not None:
        by = f"--collator {collator}"
        prepared |= {"masks_pads": Stated(collator == "lm", by), "scores_padding": Stated(collator == "default", by)}
    return replace(preparation, **prepared), replace(plan, **planned)


def _stated(fields: dict[str, str], given: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, as settings by field, with the option as whoever stated them."""
    from trainclinic.encoding.preparation import Stated

    return {
        field: Stated(given[option], f"--{'no-' if given[option] is False else ''}{option.replace('_', '-')}")
        for option, field in fields.items()
        if given[option] is not None
    }


def _repair(found: DataExamination, folder: Path, share: float) -> None:
    from trainclinic.dataset.repair.write import LOG, repair

    made = repair(found.data, folder, held_out_share=share)
    for name, rows in sorted(made.written.items()):
        click.echo(f"wrote {folder / name}: {rows:,} rows", err=True)
    for title, counted in (("left out", made.dropped), ("mended", made.mended)):
        if counted:
            listed = ", ".join(f"{rows:,} {reason}" for reason, rows in counted.most_common())
            click.echo(f"{title}: {listed}", err=True)
    click.echo(f"every changed row is listed in {folder / LOG}", err=True)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """A bar on stderr over the bytes of the files, with the time that is left; none where nobody would see it."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    shape = (
        TextColumn("looking at rows"),
        BarColumn(),
        TaskProgressColumn(show_speed=False),
        TextColumn("{task.completed:,.0f} characters"),
        TimeRemainingColumn(),
    )
    with Progress(*shape, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("rows", total=None)
        yield lambda characters, size: progress.update(task, advance=characters, total=size or None)
