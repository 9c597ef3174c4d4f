"""`trainclinic validate`: does a model work? Pass or fail with reasons, samples, a comparison with an earlier time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainclinic.cli.data import FORMAT_OF_SUFFIX
from trainclinic.cli.output import columns, deliver, wants_color
from trainclinic.cli.sections import SectionedCommand
from trainclinic.cli.stack import needs_the_stack

if TYPE_CHECKING:
    from trainclinic.diagnosis.validating import Validation

HELP = """Test whether a fine-tuned model works: its files, its losses, and what it writes.

MODEL is a folder that `save_pretrained` wrote: whole weights or an adapter. With --endpoint it is the name of a model
that Ollama, llama.cpp, vLLM or another server serves, and only its texts are looked at. Held-out rows are those of
--data, else those that the recipe beside the model holds out. Nothing is downloaded, and nothing in a folder is
executed.

\b
trainclinic validate runs/first
trainclinic validate runs/first --data heldout.jsonl -o report.html
trainclinic validate merged/ --base models/llama --quick
trainclinic validate runs/second --data heldout.jsonl --against first.json
trainclinic validate my-model --endpoint http://localhost:11434/v1 --prompts questions.txt
"""
SECTIONS = {
    "What to test": ("base", "data", "prompts", "template", "endpoint"),
    "How": ("quick", "full", "seed", "device", "dtype", "pickles"),
    "What to show": ("against", "form", "output", "color"),
}


@click.command(
    cls=SectionedCommand,
    sections=SECTIONS,
    help=HELP,
    epilog="Exit codes: 0 pass, 1 fail, 2 could not read or load, 3 cannot tell.",
)
@click.argument("model", required=False)
@click.option("--base", default="", metavar="M", help="Its base; for an adapter it is found by itself.")
@click.option("--data", multiple=True, type=click.Path(exists=True, path_type=Path), help="Held-out rows.")
@click.option(
    "--prompts", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Questions: one a line, or rows."
)
@click.option(
    "--template", default="", metavar="T", help="Chat template: a file, or chatml, llama-3, alpaca, plain ..."
)
@click.option("--endpoint", metavar="URL", help="Test a served model (OpenAI-compatible).")
@click.option("--quick", is_flag=True, help="Fewer rows and shorter answers.")
@click.option("--full", is_flag=True, help="All rows, more and longer answers.")
@click.option("--seed", type=int, default=0, show_default=True, help="Decides rows and what is drawn by chance.")
@click.option("--device", type=click.Choice(["auto", "cpu", "mps", "cuda"]), default="auto", help="Where to run.")
@click.option("--dtype", type=click.Choice(["float32", "float16", "bfloat16"]), help="Format of the weights.")
@click.option("--allow-pickle", "pickles", is_flag=True, help="Read pickled weights, as tensors alone.")
@click.option(
    "--against",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="An earlier report in JSON: what became worse fails.",
)
@click.option("--format", "form", type=click.Choice(["terminal", "md", "html", "json"]), help="What to print.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write to FILE.")
@click.option("--color/--no-color", default=None, help="Force colour on or off; by default it follows the terminal.")
def command(**given: Any) -> None:
    """Measure, judge, print or write the report."""
    output: Path | None = given["output"]
    form = given["form"] or (FORMAT_OF_SUFFIX.get(output.suffix.lower()) if output else None) or "terminal"
    if form == "html" and output is None and sys.stdout.isatty():
        message = "a page of HTML is of no use on a terminal\n\nhint: write it to a file (`-o report.html`), or pipe it"
        raise click.UsageError(message)
    if given["quick"] and given["full"]:
        message = "`--quick` and `--full` exclude each other"
        raise click.UsageError(message)
    from trainclinic.diagnosis.validating import EXIT_CODES
    from trainclinic.report.validation.earlier import read_earlier
    from trainclinic.report.validation.render import render

    if given["against"] is not None:
        read_earlier(given["against"])  # before the work, which may take long
    with _progress() as tell:
        found = _validation(given, tell)
    report = found.report(given["against"])
    deliver(render(report, form, color=wants_color(given["color"], output), width=columns(output)), output)
    if output is not None:
        click.echo(f"{report.verdict}: {report.reason}", err=True)
    sys.exit(EXIT_CODES[report.verdict])


def _validation(given: dict[str, Any], tell: Callable[[str, int, int], None] | None) -> Validation:
    from trainclinic.diagnosis.validating import validate, validate_served

    chosen = {
        "data": given["data"], "prompts": given["prompts"], "seed": given["seed"], "tell": tell,
        "depth": "quick" if given["quick"] else "full" if given["full"] else "usual",
    }  # fmt: skip
    if given["endpoint"]:
        from trainclinic.retrieval.endpoint import Endpoint, key_from_environment

        return validate_served(Endpoint(given["endpoint"], given["model"] or "", key=key_from_environment()), **chosen)
    if not given["model"]:
        message = "Missing argument 'MODEL'."
        raise click.UsageError(message)
    needs_the_stack("validating")
    return validate(
        given["model"], base=given["base"], template=_template(given["template"]), device=given["device"],
        dtype=given["dtype"], pickles=given["pickles"], **chosen,
    )  # fmt: skip


def _template(given: str) -> str:
    """The source of a template that is a file; a name as it is."""
    from trainclinic.record.errors import TrainclinicError
    from trainclinic.validation.texts import known_template

    if not given or known_template(given):
        return given
    try:
        return Path(given).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        message = f"`{given}` is no template: neither a file nor the name of a public format"
        raise TrainclinicError(message, hint="names are chatml, llama-3, gemma, mistral, alpaca, plain ...") from error


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar on stderr for what is being measured, with the time that is left; none where nobody would see it."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    shape = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*shape, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        now = ""

        def tell(what: str, done: int, of: int) -> None:
            nonlocal now
            if what != now:
                now = what
                progress.reset(task, description=what, total=of)
            progress.update(task, advance=done)

        yield tell
