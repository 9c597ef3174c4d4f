"""The `trainclinic` command: a group whose commands are imported when they run, so that `--help` stays fast."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

COMMANDS = {
    "diagnose": "Why a run failed: causes with the evidence for and against them.",
    "prescribe": "Write the files that fix a run: plan, recipe, script, notebook, validation.",
    "train": "Fine-tune so that nothing can fail in silence: plan, checks, guard, resume.",
    "validate": "Whether a model works: its files, its losses, and what it writes.",
    "export": "Merge an adapter, check the result, and write a folder that other programs load.",
    "index": "Make data searchable, so that questions are answered without training.",
    "lint": "Mistakes in fine-tuning scripts, found without running them.",
    "data": "What a model sees of training data, and what is wrong with them.",
    "ask": "An answer from an index of your data, with its sources.",
    "serve": "A local page and an OpenAI-compatible address that answer from an index.",
    "explain": "The page of a symptom, a circumstance, a cause or a fix.",
}
COULD_NOT = 2


class LazyGroup(click.Group):
    """A group that knows its commands by name and one line of help, and imports a command only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Command names in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module (`cli.<name>`) and return its `command`."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"trainclinic.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table without importing any command."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what the user can act on becomes a message, never a traceback."""
        from trainclinic.record.errors import TrainclinicError

        try:
            return super().invoke(ctx)
        except TrainclinicError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(COULD_NOT)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="trainclinic")
def app() -> None:
    """Find out why an LLM fine-tuning run failed, and prove it."""


def main() -> None:
    """Entry point of the command line; a reader of our output that went away (`| head`) is no error."""
    _let_streams_take_any_text()
    # The matrices here are tiny: starting a pool of threads for them costs more than it brings.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        app()
    except BrokenPipeError:
        # Python flushes stdout once more at exit: give it somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _let_streams_take_any_text() -> None:
    """A terminal that cannot show a character gets a substitute instead of a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
