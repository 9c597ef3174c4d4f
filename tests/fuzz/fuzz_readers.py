"""Fuzz the readers: `python tests/fuzz/fuzz_readers.py --seconds 180`.

A reader must read or raise `ReadError`, whatever the bytes, without hanging. With `atheris` installed the mutations
follow coverage; without it the seeds are mutated blindly, which finds less but needs nothing. The seeds are the files below `tests/readers` and a few lines of each kind. A crash is written
to `crash-<reader>-<hash>` in the current folder and reported with its traceback.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMES = (
    "train.log",
    "metrics.csv",
    "metrics.jsonl",
    "trainer_state.json",
    "history.json",
    "config.json",
    "train.yaml",
    "run.sh",
    "README.md",
    "training_args.bin",
    "generations.txt",
    "config.py",
    "requirements.txt",
    "run.ipynb",
    "train.log.gz",
    "run.zip",
    "events.out.tfevents.1.host",
    "run-1.wandb",
    "run-1.swanlab",
    "mlflow.db",
    "meta.yaml",
    "messages.json",
    "wandb-summary.json",
)
SLOWEST_SECONDS = 5.0
PIECES = (
    b"{'loss': nan, 'epoch': 0.1}\r",
    b'{"log_history": [{"step": 1, "loss": NaN}',
    b"step,loss\n1,2\n",
    b"\x80\x02ctorch\nfloat16\n.",
    b"iter 10: loss 2.5, time 12.3ms, mfu 4.5%\n",
    b" 10%|#1        | 10/100 [00:10<01:30, 1.0it/s]\r",
    b"&a [*a]",
    b"9" * 40,
    b"1e999",
    b"-Infinity",
    b"\xff\xfe",
    b"\x00",
    b"\x1b[31m",
)


def try_bytes(data: bytes, scratch: Path) -> None:
    """Feed the bytes to every reader, and to the whole way from a folder to records.

    Args:
        data: The first byte chooses the file name, the rest is the file.
        scratch: An empty folder to write in.
    """
    from trainclinic.readers.collect import collect
    from trainclinic.readers.file import LogFile
    from trainclinic.readers.folders.rows import settle_rows
    from trainclinic.readers.reader import all_readers
    from trainclinic.record.errors import ReadError

    path = scratch / NAMES[data[0] % len(NAMES)] if data else scratch / NAMES[0]
    path.write_bytes(data[1:])
    begin = time.monotonic()
    try:
        for reader in all_readers():
            file = LogFile(path)
            reader.sniff(file)
            with contextlib.suppress(ReadError):
                for fragment in reader.read(file):
                    settle_rows(fragment, file)
        with contextlib.suppress(ReadError):
            collect(scratch)
    finally:
        path.unlink()
    if time.monotonic() - begin > SLOWEST_SECONDS:
        message = f"reading {len(data)} bytes took {time.monotonic() - begin:.1f} s"
        raise TimeoutError(message)


def seeds() -> list[bytes]:
    """Real inputs of the reader tests, each with the byte that gives it its name, and small pieces."""
    found = []
    for path in sorted((ROOT / "tests" / "readers").rglob("*")):
        if path.is_file() and path.suffix != ".py" and path.name != "expected.json" and path.stat().st_size < 45_000:
            content = path.read_bytes()
            found += [bytes([number]) + content for number, name in enumerate(NAMES) if _is_like(name, path)]
    return found + [bytes([number]) + piece for number in range(len(NAMES)) for piece in PIECES]


def _is_like(name: str, path: Path) -> bool:
    """Whether a seed may stand under a name: the same ending, or both of TensorBoard, whose names end with the host."""
    return "tfevents" in path.name if "tfevents" in name else name.endswith(path.suffix)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """One to four random edits: a byte flipped, a slice removed, repeated or swapped in from a piece."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(changed))
        end = min(len(changed), at + chance.randint(1, 40))
        action = chance.randint(0, 4)
        if action == 0 and at < len(changed):
            changed[at] = chance.randint(0, 255)
        elif action == 1:
            del changed[at:end]
        elif action == 2:
            changed[at:at] = changed[at:end] * chance.randint(1, 4)
        elif action == 3:
            changed[at:at] = chance.choice(PIECES)
        else:
            changed[at:end] = bytes(reversed(changed[at:end]))
    return bytes(changed)


def run_blindly(seconds: float, seed: int) -> int:
    """Mutate the seeds until the time is over; the number of crashes."""
    chance = random.Random(seed)
    corpus, crashes, tries = seeds(), 0, 0
    deadline = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < deadline:
            data = mutated(chance.choice(corpus), chance)
            tries += 1
            try:
                try_bytes(data, Path(folder))
            except Exception:
                crashes += 1
                name = f"crash-{hashlib.sha256(data).hexdigest()[:12]}"
                Path(name).write_bytes(data)
                print(f"{name}:\n{traceback.format_exc()}", file=sys.stderr)
    print(f"{tries:,} inputs, {crashes} crashes")
    return crashes


def run_by_coverage(seconds: float, seed: int) -> None:
    """Let atheris choose the mutations; it ends the process at the first crash or when the time is over."""
    import atheris

    with atheris.instrument_imports(include=["trainclinic.readers", "trainclinic.record"]):
        from trainclinic.readers.reader import all_readers

        all_readers()
    with tempfile.TemporaryDirectory() as corpus, tempfile.TemporaryDirectory() as scratch:
        for data in seeds():
            (Path(corpus) / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
        options = [f"-max_total_time={int(seconds)}", f"-seed={seed}", "-max_len=8192", "-timeout=20", corpus]
        atheris.Setup([sys.argv[0], *options], lambda data: try_bytes(data, Path(scratch)))
        atheris.Fuzz()


def main() -> int:
    """Fuzz for the given time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--blind", action="store_true", help="mutate without coverage")
    arguments = parser.parse_args()
    try:
        import atheris  # noqa: F401
    except ImportError:
        arguments.blind = True
    if arguments.blind:
        return 1 if run_blindly(arguments.seconds, arguments.seed) else 0
    run_by_coverage(arguments.seconds, arguments.seed)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
