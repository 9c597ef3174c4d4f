"""Time the whole command against the peers, on the same files in the same run: `python benchmarks/diagnose.py`.

Writes a typical run (5,000 rows) and a long one (1,000,000 rows) in four formats, installs `trainproof` and `runmedic`
into an environment of their own, and runs each tool on each file in turn. Prints wall seconds, CPU seconds and peak
memory, each the median of several runs, and the ratio to the faster peer that could read the file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from commands import Cost, measure, median, peer_environment, run

PEERS = ("trainproof==0.22.0", "runmedic==0.1.1")
UNREADABLE = 2
"""Exit code with which the tools say that they could not read the input."""
UNREADABLE_WORDS = "could not be parsed"
"""What `trainproof` prints instead, with exit code 0."""


CANNOT = Cost(0.0, 0.0, 0.0, UNREADABLE)


def rows(count: int) -> Iterator[tuple[int, float, float, float, float]]:
    """Step, loss, gradient norm, learning rate and epoch of a healthy run with a little noise."""
    import numpy as np  # only in the writing process: a child's peak memory counts what its parent held

    rng = np.random.default_rng(7)
    step = np.arange(1, count + 1)
    loss = 1.8 + 1.5 * (1 + step / (count / 30)) ** -0.5 + rng.normal(0, 0.05, count)
    norm = np.exp(rng.normal(0, 0.3, count))
    rate = 2e-4 * 0.5 * (1 + np.cos(np.pi * step / count))
    columns = (step.tolist(), loss.round(4).tolist(), norm.round(4).tolist(), rate.tolist(), (step / 5000).tolist())
    return zip(*columns, strict=True)


def write_jsonl(path: Path, count: int) -> None:
    """One JSON object a line."""
    with path.open("w") as handle:
        for step, loss, norm, rate, epoch in rows(count):
            row = {"step": step, "loss": loss, "grad_norm": norm, "learning_rate": rate, "epoch": epoch}
            handle.write(json.dumps(row) + "\n")


def write_csv(path: Path, count: int) -> None:
    """A header and one row a line."""
    with path.open("w") as handle:
        handle.write("step,loss,grad_norm,learning_rate,epoch\n")
        handle.writelines(f"{step},{loss},{norm},{rate},{epoch}\n" for step, loss, norm, rate, epoch in rows(count))


def write_state(path: Path, count: int) -> None:
    """A Hugging Face trainer state, indented as the Trainer writes it."""
    with path.open("w") as handle:
        handle.write(f'{{\n  "global_step": {count},\n  "log_history": [\n')
        for step, loss, norm, rate, epoch in rows(count):
            row = {"epoch": epoch, "grad_norm": norm, "learning_rate": rate, "loss": loss, "step": step}
            body = json.dumps(row, indent=2).replace("\n", "\n    ")
            handle.write(f"    {body}{',' if step < count else ''}\n")
        handle.write(f'  ],\n  "logging_steps": 1,\n  "max_steps": {count}\n}}\n')


def write_stdout(path: Path, count: int) -> None:
    """A nanoGPT-style console log."""
    with path.open("w") as handle:
        handle.writelines(
            f"step {step}: train loss {loss:.4f}, grad norm {norm:.4f}, lr {rate:.6e}\n"
            for step, loss, norm, rate, _ in rows(count)
        )


FORMATS: dict[str, tuple[str, Callable[[Path, int], None]]] = {
    "JSONL": ("log.jsonl", write_jsonl),
    "CSV": ("metrics.csv", write_csv),
    "trainer_state": ("trainer_state.json", write_state),
    "stdout": ("train.log", write_stdout),
}


def reads(command: list[str], path: Path, limit: float) -> bool:
    """Whether the tool says that it read a short file of the same format."""
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False, timeout=limit)
    return done.returncode != UNREADABLE and UNREADABLE_WORDS not in done.stdout + done.stderr


def show(title: str, found: dict[str, Cost | None]) -> None:
    """One line per tool, and our ratio to the fastest peer that read the file."""
    print(f"\n{title}")
    for name, cost in found.items():
        if cost is None:
            print(f"  {name:12s} not done in the time limit")
        elif cost.code == UNREADABLE:
            print(f"  {name:12s} cannot read it")
        else:
            print(f"  {name:12s} wall {cost.wall:6.2f} s   CPU {cost.cpu:6.2f} s   peak {cost.megabytes:6.0f} MB")
    ours = found["trainclinic"]
    peers = [c.cpu for name, c in found.items() if c and name != "trainclinic" and c.code != UNREADABLE]
    if ours and peers:
        print(f"  ratio of CPU to the faster peer: {ours.cpu / min(peers):.2f}")


def main() -> int:
    """Write the files, run the tools, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="*", default=[5_000, 1_000_000], help="rows per file")
    parser.add_argument("--repeats", type=int, default=3, help="counted runs of each tool on each file")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds after which a tool is given up")
    parser.add_argument("--formats", nargs="*", choices=list(FORMATS), default=list(FORMATS))
    parser.add_argument("--peers", type=Path, default=Path(".venv-peers"), help="environment of the peers")
    options = parser.parse_args()
    peers = peer_environment(options.peers, "runmedic", PEERS)
    ours = [str(Path(sys.executable).with_name("trainclinic"))]
    tools = {
        "trainclinic": [*ours, "diagnose"],
        "trainproof": [str(peers / "trainproof"), "doctor"],
        "runmedic": [str(peers / "runmedic"), "diagnose"],
    }
    show("--help", {"trainclinic": median([c for c in (run([*ours, "--help"], 10) for _ in range(5)) if c])})
    with tempfile.TemporaryDirectory() as folder:
        for count in options.rows:
            for name in options.formats:
                path = Path(folder) / str(count) / FORMATS[name][0]
                path.parent.mkdir(exist_ok=True)
                sample = path.with_name("sample-" + path.name)
                with ProcessPoolExecutor(1) as writer:
                    writer.submit(FORMATS[name][1], path, count).result()
                    writer.submit(FORMATS[name][1], sample, 200).result()
                able = {tool: command for tool, command in tools.items() if reads(command, sample, options.limit)}
                found = measure(able, path, options.repeats, options.limit)
                unable: dict[str, Cost | None] = {tool: CANNOT for tool in tools if tool not in able}
                show(f"{name}, {count:,} rows", found | unable)
                sample.unlink()
                path.unlink()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
