"""Libraries of the extra `retrieval`, imported when they are needed, with a message where one is missing."""

from __future__ import annotations

import importlib
from typing import Any

from trainclinic.record.errors import TrainclinicError


def needed(module: str, package: str, what: str) -> Any:
    """A library; its functions carry no types here.

    Args:
        module: Name to import.
        package: Name to install.
        what: What needs it, as a noun phrase: `reading PDF files`.

    Raises:
        TrainclinicError: If it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        message = f"{what} needs `{package}`, which cannot be imported here: {error}"
        raise TrainclinicError(message, hint="install it with `pip install 'trainclinic[retrieval]'`") from error
