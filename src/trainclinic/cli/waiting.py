"""A line on stderr while something takes long: only on a terminal, only after a second, gone when it is done."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE_SECONDS = 1.0


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Say what is going on, and for how long, as soon as it takes longer than a second.

    Args:
        what: Present participle, e.g. `reading`.
    """
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_count_seconds, args=(what, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _count_seconds(what: str, done: threading.Event) -> None:
    begin = time.monotonic()
    shown = ""
    while not done.wait(PATIENCE_SECONDS):
        shown = f"{what} ... {time.monotonic() - begin:.0f} s"
        sys.stderr.write(f"\r{shown}")
        sys.stderr.flush()
    if shown:  # blanks instead of an escape sequence: not every terminal that shows text knows one
        sys.stderr.write(f"\r{' ' * len(shown)}\r")
        sys.stderr.flush()
