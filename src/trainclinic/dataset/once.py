"""Questions about the data that several rules share, answered once per data set."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

Answer = TypeVar("Answer")


def asked_once(question: Callable[[Data], Answer]) -> Callable[[Data], Answer]:
    """Let a function of the data remember its answer on the data themselves."""

    @wraps(question)
    def asked(data: Data) -> Answer:
        return cast("Answer", data.once(question))

    return asked
