"""One piece of work at a time, a few waiting, the rest sent away: how a server shares one model among its callers.

Work is an iterator that runs in one thread; its items arrive in the event loop. It does not know what the work is.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

WAITING = 8
"""Callers that may wait; each waits for those before it."""
SECONDS = 300.0
"""Longest time of one piece of work, waiting included."""


class BusyError(Exception):
    """Too many are waiting."""


class OverdueError(Exception):
    """The work took longer than it may."""


class Turnstile:
    """Lets work in, one at a time.

    Args:
        waiting: How many may wait.
        seconds: Longest time of one piece of work, waiting included.
    """

    def __init__(self, waiting: int = WAITING, seconds: float = SECONDS) -> None:
        self.waiting = waiting
        self.seconds = seconds
        self.inside = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="answers")

    def start(self, work: Callable[[], Iterator[Any]]) -> AsyncIterator[Any]:
        """Begin, or queue, a piece of work.

        Args:
            work: Makes the iterator; it is called in the thread of the work.

        Returns:
            Its items. Whoever stops reading them stops the work after its next item.

        Raises:
            BusyError: If too many are waiting.
        """
        if self.inside > self.waiting:
            raise BusyError
        self.inside += 1
        loop, items, left = asyncio.get_running_loop(), asyncio.Queue[Any](), threading.Event()

        def put(item: object) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is gone when the server was stopped meanwhile
                loop.call_soon_threadsafe(items.put_nowait, item)

        def leave(done: Future[None]) -> None:
            del done
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._leave)

        self._thread.submit(_pump, work, put, left).add_done_callback(leave)
        return self._items(items, left, loop.time() + self.seconds)

    def _leave(self) -> None:
        self.inside -= 1

    async def _items(self, items: asyncio.Queue[Any], left: threading.Event, deadline: float) -> AsyncIterator[Any]:
        try:
            while True:
                patience = deadline - asyncio.get_running_loop().time()
                try:
                    item = await asyncio.wait_for(items.get(), max(0.0, patience))
                except asyncio.TimeoutError as error:  # another class than `TimeoutError` before Python 3.11
                    raise OverdueError from error
                if item is _END:
                    return
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            left.set()


_END = object()


def _pump(work: Callable[[], Iterator[Any]], put: Callable[[object], None], left: threading.Event) -> None:
    """In the thread of the work: hand on each item, and the exception that ended it."""
    if left.is_set():
        return
    try:
        with contextlib.closing(_generated(work)) as items:
            for item in items:
                if left.is_set():
                    return
                put(item)
    except Exception as error:  # the reader raises it where it can be told
        put(error)
    put(_END)


def _generated(work: Callable[[], Iterator[Any]]) -> Any:
    yield from work()
