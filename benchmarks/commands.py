"""Whole commands timed against each other: wall and CPU seconds, peak memory, each the median of several runs."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """What one run of one command took."""

    wall: float
    cpu: float
    megabytes: float
    code: int


def run(command: list[str], limit: float) -> Cost | None:
    """Run one command to its end, or `None` when it takes longer than `limit` seconds."""
    started = time.perf_counter()
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet, env=environment)
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        if time.perf_counter() - started > limit:
            process.kill()
            os.wait4(process.pid, 0)
            process.returncode = -9
            return None
        time.sleep(0.001)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    scale = 1e6 if sys.platform == "darwin" else 1e3
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / scale, process.returncode)


def median(costs: list[Cost]) -> Cost:
    """Median of each figure."""
    pick = statistics.median
    return Cost(
        pick(c.wall for c in costs), pick(c.cpu for c in costs), pick(c.megabytes for c in costs), costs[0].code
    )


def measure(tools: dict[str, list[str]], path: Path, repeats: int, limit: float) -> dict[str, Cost | None]:
    """Run every tool on `path`, in turns, after one warm-up each."""
    costs: dict[str, list[Cost | None]] = {name: [] for name in tools}
    for turn in range(repeats + 1):
        for name, command in tools.items():
            if turn and costs[name] and costs[name][-1] is None:
                continue
            cost = run([*command, str(path)], limit)
            if turn or cost is None:
                costs[name].append(cost)
    return {name: median([c for c in found if c]) if all(found) else None for name, found in costs.items()}


def peer_environment(folder: Path, program: str, packages: Sequence[str]) -> Path:
    """An environment with the peers of a benchmark.

    Args:
        folder: Where it is made, unless `program` is there already.
        program: A command that the packages bring.
        packages: What pip installs.

    Returns:
        Its folder of commands.
    """
    binaries = folder / "bin"
    if not (binaries / program).exists():
        venv.create(folder, with_pip=True)
        subprocess.run([str(binaries / "python"), "-m", "pip", "install", "--quiet", *packages], check=True)
    return binaries
