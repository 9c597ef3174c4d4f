"""What commands that load models need first: the libraries, and those silent."""

from __future__ import annotations

from typing import Any

from trainclinic.record.errors import TrainclinicError

LIBRARIES = ("torch", "transformers", "peft", "accelerate")


def needs_the_stack(what: str) -> None:
    """Say which libraries are missing before anything else is done, and keep their chatter off the terminal.

    Args:
        what: What needs them, e.g. `training`.

    Raises:
        TrainclinicError: If one is not installed.
    """
    from importlib.util import find_spec

    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        message = f"{what} needs `{'`, `'.join(missing)}`, not installed here"
        raise TrainclinicError(message, hint="install them with `pip install 'trainclinic[train]'`")
    import warnings

    from transformers.utils import logging

    warnings.filterwarnings("ignore", category=FutureWarning)
    hf: Any = logging  # its functions carry no types
    hf.set_verbosity_error()
    hf.disable_progress_bar()
