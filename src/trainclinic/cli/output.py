"""Where a result goes, and how it looks there: a terminal with or without colour, or a file."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from trainclinic.record.errors import TrainclinicError

NARROWEST, WIDEST = 60, 120
PIPED = 80


def deliver(text: str, output: Path | None) -> None:
    """Print a result, or write it to a file and say so on stderr.

    Args:
        text: The result.
        output: The file; `None` prints.

    Raises:
        TrainclinicError: If the file cannot be written.
    """
    if output is None:
        click.echo(text, nl=bool(text) and not text.endswith("\n"), color=True)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"`{output}` cannot be written: {error.strerror or error}"
        raise TrainclinicError(message, hint="check that the folder exists and that you may write there") from error
    click.echo(f"report written to {output}", err=True)


def wants_color(forced: bool | None, output: Path | None) -> bool:  # noqa: FBT001 - three values: on, off, as fits
    """Whether to use colour: as forced, else on a terminal without `NO_COLOR` that is not dumb; never in a file."""
    if output is not None:
        return False
    fits = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return fits if forced is None else forced


def columns(output: Path | None) -> int:
    """Columns of the terminal, within what is readable; 80 where there is none."""
    import shutil

    if output is not None or not sys.stdout.isatty():
        return PIPED
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size().columns))
