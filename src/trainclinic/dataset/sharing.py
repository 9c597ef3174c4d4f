"""Where the shards of large data are surveyed: in processes of this machine, or on a Ray cluster.

The order of the results is the order of the shards, so that nothing depends on who did the work. It does not know the
work.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from trainclinic.record.errors import TrainclinicError

Item = TypeVar("Item")
Result = TypeVar("Result")


def on_processes(jobs: int) -> Callable[[Callable[[Item], Result], Sequence[Item]], Sequence[Result]]:
    """Run work in processes of this machine.

    Args:
        jobs: How many at a time. The main module must be importable without running.
    """

    def share(work: Callable[[Item], Result], items: Sequence[Item]) -> Sequence[Result]:
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        # Forking a process that has threads may hang it, and Windows and macOS cannot; `spawn` is the same everywhere.
        with ProcessPoolExecutor(min(jobs, max(1, len(items))), mp_context=get_context("spawn")) as pool:
            return list(pool.map(work, items))

    return share


def on_ray() -> Callable[[Callable[[Item], Result], Sequence[Item]], Sequence[Result]]:
    """Run work on the Ray cluster that `RAY_ADDRESS` names, else on one that is started on this machine.

    Workers must reach the files under the same paths.

    Raises:
        TrainclinicError: If Ray is not installed.
    """
    try:
        import ray
    except ImportError as error:
        message = "running over a cluster needs `ray`"
        raise TrainclinicError(message, hint="install it with `pip install 'trainclinic[ray]'`") from error

    def share(work: Callable[[Item], Result], items: Sequence[Item]) -> Sequence[Result]:
        if not ray.is_initialized():
            ray.init(logging_level=logging.ERROR, log_to_driver=False, include_dashboard=False)

        def do(item: Item) -> Result:
            return work(item)

        remote = ray.remote(do)
        found: list[Result] = ray.get([remote.remote(item) for item in items])
        return found

    return share
