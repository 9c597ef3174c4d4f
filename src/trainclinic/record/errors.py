"""The errors a user may see: one base class, so that each becomes a message and never a traceback."""

from __future__ import annotations


class TrainclinicError(Exception):
    """Something that the user can understand and act on.

    Args:
        message: What was found, where, and what was expected; literals in back-ticks, no full stop.
        hint: What to do about it, in one line; empty when there is nothing useful to say.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """The message, then a blank line and the hint when there is one."""
        return f"{self.message}\n\nhint: {self.hint}" if self.hint else self.message


class ReadError(TrainclinicError):
    """A file or folder that could not be read as what it claims to be."""
