"""Exceptions inside the guard: written down, logged once, and never passed on to the training.

After ten of them the guard falls silent. It does not know whether a trouble harms what was recorded so far.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from trainclinic.guard.recorder import FlightRecorder

LOGGER = logging.getLogger("trainclinic.guard")
MOST = 10
"""Troubles before silence: more of them say nothing new, and each costs the training time."""


class Troubles:
    """Counts exceptions, and says when it is enough.

    Attributes:
        count: Exceptions so far.
        step: Optimizer step that the run is in, for the record.
        recorder: Where they are written; `None` while there is no file.
    """

    def __init__(self) -> None:
        self.count = 0
        self.step = 0
        self.recorder: FlightRecorder | None = None
        self._silent = False

    @property
    def silent(self) -> bool:
        """Whether the guard has given up."""
        return self._silent or self.count >= MOST

    def give_up(self) -> None:
        """Fall silent at once: another process of the run has given up."""
        self._silent = True

    def note(self, says: str) -> None:
        """Write down what went wrong; the first one is logged as well.

        Args:
            says: What happened, without full stop.
        """
        self.count += 1
        if self.count == 1:
            LOGGER.warning("the guard has a problem of its own, training goes on: %s", says)
        if self.count == MOST:
            LOGGER.warning("the guard has had %d problems and is silent from now on", MOST)
        if self.recorder is not None:
            try:
                self.recorder.write("trouble", {"step": self.step, "says": says})
            except Exception as error:  # a full disk must not end a training
                LOGGER.debug("not even that could be written: %s", error)


Entry = TypeVar("Entry", bound=Callable[..., Any])


def told(error: BaseException) -> str:
    """An exception as a sentence."""
    return f"`{type(error).__name__}`: {error}"[:500]


def harmless(otherwise: object) -> Callable[[Entry], Entry]:
    """Wrap a method that others call: exceptions become troubles, and a silent guard does nothing.

    Args:
        otherwise: What the method answers where it cannot do its work. Its object has the attribute `troubles`.
    """

    def wrap(entry: Entry) -> Entry:
        @functools.wraps(entry)
        def safely(owner: Any, *arguments: Any, **named: Any) -> Any:
            if owner.troubles.silent:
                return otherwise
            try:
                return entry(owner, *arguments, **named)
            except Exception as error:  # whatever it is, the training goes on
                owner.troubles.note(f"{entry.__name__}: {told(error)}")
                return otherwise

        return cast("Entry", safely)

    return wrap
