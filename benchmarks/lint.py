"""Time the linter against other linters on the same tree in the same run: `python benchmarks/lint.py FOLDER`.

Installs TorchFix and ruff into an environment of their own, and runs each tool on all Python files below FOLDER in
turns. Prints files and lines, wall seconds, CPU seconds and peak memory, each the median of several runs, the number of
messages, and the ratio of CPU to TorchFix, the only other linter of training code.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from commands import Cost, measure, peer_environment

PEERS = ("torchfix==0.7.0", "ruff==0.14.5")
COULD_NOT = 2


def size_of(folder: Path) -> tuple[int, int]:
    """Python files and lines below a folder."""
    files = list(folder.rglob("*.py"))
    return len(files), sum(file.read_bytes().count(b"\n") for file in files)


def count_of(command: list[str], folder: Path) -> int:
    """Lines that a tool prints about the tree."""
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False)
    return sum(".py" in line for line in done.stdout.splitlines())


def main() -> int:
    """Run the tools and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a tree of training code")
    parser.add_argument("--repeats", type=int, default=3, help="counted runs of each tool")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds after which a tool is given up")
    parser.add_argument("--peers", type=Path, default=Path(".venv-lint-peers"), help="environment of the peers")
    options = parser.parse_args()
    peers = peer_environment(options.peers, "torchfix", PEERS)
    ours = str(Path(sys.executable).with_name("trainclinic"))
    ruff = [str(peers / "ruff"), "check", "--isolated", "--no-cache", "-q", "--output-format", "concise"]
    tools = {
        "trainclinic": [ours, "lint", "--no-config", "--format", "github"],
        "TorchFix": [str(peers / "torchfix"), "--select", "ALL"],
        "ruff, all rules": [*ruff, "--select", "ALL"],
        "ruff, default": ruff,
    }
    files, lines = size_of(options.folder)
    print(f"{files:,} files, {lines:,} lines")
    found = measure(tools, options.folder, options.repeats, options.limit)
    for name, cost in found.items():
        print(f"  {name:16s} {shown(cost)}   {count_of(tools[name], options.folder):6,} messages")
    ours_cost, torchfix = found["trainclinic"], found["TorchFix"]
    if ours_cost is not None and torchfix is not None:
        print(f"  ratio of CPU to TorchFix: {ours_cost.cpu / torchfix.cpu:.2f}")
        print(f"  100 files take {100 * ours_cost.cpu / max(files, 1):.2f} s of CPU")
    return 0


def shown(cost: Cost | None) -> str:
    """One tool's figures."""
    if cost is None:
        return "not done in the time limit"
    return f"wall {cost.wall:6.2f} s   CPU {cost.cpu:6.2f} s   peak {cost.megabytes:5.0f} MB"


if __name__ == "__main__":
    raise SystemExit(main())
