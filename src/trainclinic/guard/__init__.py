"""Watches a running job.

This room knows live telemetry, and when to stop or roll back. It does not render, and it does not know why something
went wrong: it records what happened, and `trainclinic diagnose` reads the record. It never changes a training that is
well, and an exception inside it never reaches the training.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainclinic.guard.callback import TrainclinicCallback
    from trainclinic.guard.lightning import TrainclinicLightningCallback
    from trainclinic.guard.policy import Policy
    from trainclinic.guard.recorder import FlightRecorder
    from trainclinic.guard.watch import Guard

__all__ = ["FlightRecorder", "Guard", "Policy", "TrainclinicCallback", "TrainclinicLightningCallback"]

_HOMES = {
    "FlightRecorder": "recorder",
    "Guard": "watch",
    "Policy": "policy",
    "TrainclinicCallback": "callback",
    "TrainclinicLightningCallback": "lightning",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that a plain loop never pays for transformers.

    Raises:
        AttributeError: If there is no such name.
    """
    if name not in _HOMES:
        message = f"module `{__name__}` has no attribute `{name}`"
        raise AttributeError(message)
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
