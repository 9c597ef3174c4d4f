"""Time the readers of logs against the formats' own readers in the same run: `python benchmarks/readers.py`.

Writes one million scalars per format (250,000 steps of four metrics) and lets each program read them into arrays or
lists: wall seconds, CPU seconds and peak memory of the whole process with imports. Ours is the median of three, a peer
runs once. Both sides write down how many values they read and their sum, which must agree. The stores of MLflow and
trackio are made by their own clients and then filled directly, because logging a million values takes them hours. W&B
has no reader of its run files any more (0.31), so that its row stands alone. A peer that is not installed is skipped
with a word.
"""

from __future__ import annotations

import argparse
import json
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from commands import Cost, median, peer_environment, run

from trainclinic.readers.binary.checksums import masked_checksums

PEERS = ("tensorboard", "mlflow-skinny", "sqlalchemy", "alembic", "trackio", "pandas")
METRICS = ("train/loss", "train/grad_norm", "train/learning_rate", "train/epoch")
TELL = "; import math; open(sys.argv[1] + '.{who}', 'w').write(f'{{len(v)}} {{math.fsum(v):.4g}}')"

OURS = """import sys; from pathlib import Path; import numpy as np
from trainclinic.readers.file import LogFile; from trainclinic.readers.reader import pick_reader
file = LogFile(Path(sys.argv[1])); found = pick_reader(file).read(file)
v = np.concatenate([np.asarray(f.columns[n].value) for f in found for n in f.columns if n != 'time/stamp'])"""
EVENT_LOADER = """import sys; from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.util import tensor_util
v = [float(tensor_util.make_ndarray(x.tensor)) for e in EventFileLoader(sys.argv[1]).Load() for x in e.summary.value]"""
MLFLOW = """import os, sys; os.environ['MLFLOW_ALLOW_FILE_STORE'] = 'true'; import mlflow
c = mlflow.MlflowClient('{uri}' + sys.argv[1].removesuffix('{tail}').rstrip('/') )
v = [m.value for k in {metrics} for m in c.get_metric_history('{run}', k)]"""
TRACKIO = """import os, sys; os.environ['TRACKIO_DIR'] = os.path.dirname(sys.argv[1])
from trackio.sqlite_storage import SQLiteStorage
v = [r[k] for r in SQLiteStorage.get_logs('big', 'first') for k in {metrics} if k in r]"""
PANDAS = """import sys; import pandas as pd; t = pd.read_csv(sys.argv[1])
v = t[{metrics}].to_numpy().ravel().tolist()"""
JSON_LOAD = """import sys; import json; rows = json.load(open(sys.argv[1]))['log_history']
v = [r[k] for r in rows for k in ('loss', 'grad_norm', 'learning_rate', 'epoch')]"""


@dataclass(frozen=True)
class Input:
    """One file to read, and how its own reader does it.

    Attributes:
        title: What the format is called.
        path: What is given to both readers.
        peer: Name of the format's own reader; empty when there is none.
        code: What the peer runs.
    """

    title: str
    path: Path
    peer: str
    code: str


Maker = Callable[[Path, np.ndarray, Path], Input | None]


def curves(steps: int) -> np.ndarray:
    """Values of the four metrics, `[steps, 4]`."""
    noise = np.random.default_rng(0).normal(size=(steps, 4))
    return np.round(np.abs(noise) + 1 / (1 + np.arange(steps)[:, None]), 6).astype(np.float32)


def varint(number: int) -> bytes:
    """A number as protobuf writes it."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def event_records(values: np.ndarray) -> Iterator[bytes]:
    """Events with one scalar each, as torch's SummaryWriter makes them."""
    yield b"\x09" + struct.pack("<d", 1.7e9) + b"\x1a\x0dbrain.Event:2"
    for step, row in enumerate(values):
        for metric, value in zip(METRICS, row, strict=True):
            tag = metric.encode()
            inner = b"\x0a" + varint(len(tag)) + tag + b"\x15" + value.tobytes()
            summary = b"\x0a" + varint(len(inner)) + inner
            when = b"\x09" + struct.pack("<d", 1.7e9 + step) + (b"\x10" + varint(step) if step else b"")
            yield when + b"\x2a" + varint(len(summary)) + summary


def event_file(folder: Path, values: np.ndarray, _: Path) -> Input:
    """A TensorBoard file; checksums are computed for all records of one length at once."""
    records = list(event_records(values))
    by_length: dict[int, list[int]] = {}
    for at, record in enumerate(records):
        by_length.setdefault(len(record), []).append(at)
    framed = [b""] * len(records)
    for length, places in by_length.items():
        head = struct.pack("<Q", length)
        head += struct.pack("<I", int(masked_checksums(np.frombuffer(head, np.uint8)[None])[0]))
        rows = np.frombuffer(b"".join(records[at] for at in places), np.uint8).reshape(-1, length)
        for at, checksum in zip(places, masked_checksums(rows).tolist(), strict=True):
            framed[at] = head + records[at] + struct.pack("<I", checksum)
    path = folder / "events.out.tfevents.1700000000.host"
    path.write_bytes(b"".join(framed))
    return Input("TensorBoard events", path, "EventFileLoader", EVENT_LOADER)


def wandb_file(folder: Path, values: np.ndarray, _: Path) -> Input:
    """A W&B run file with one history record per step."""
    out = bytearray(b":W&B\xe1\xbe\x00")
    for step, row in enumerate(values):
        cells = {**dict(zip(METRICS, map(float, row), strict=True)), "_step": step, "_timestamp": 1.7e9 + step}
        items = b"".join(item(key.encode(), json.dumps(value).encode()) for key, value in cells.items())
        record = b"\x12" + varint(len(items)) + items
        room = 32_768 - len(out) % 32_768
        if room < len(record) + 7:
            out += bytes(room)
        out += struct.pack("<IHB", zlib.crc32(record, zlib.crc32(b"\x01")), len(record), 1) + record
    path = folder / "run-big.wandb"
    path.write_bytes(out)
    return Input("W&B run file", path, "", "")


def item(key: bytes, value: bytes) -> bytes:
    """One key and value of a W&B history."""
    inner = b"\x12" + varint(len(key)) + key + b"\x82\x01" + varint(len(value)) + value
    return b"\x0a" + varint(len(inner)) + inner


def table(folder: Path, values: np.ndarray, _: Path) -> Input:
    """A CSV file."""
    path = folder / "metrics.csv"
    with path.open("w") as out:
        out.write("step," + ",".join(METRICS) + "\n")
        out.writelines(f"{step},{','.join(map(repr, row))}\n" for step, row in enumerate(values.tolist()))
    return Input("CSV", path, "pandas", PANDAS.format(metrics=list(METRICS)))


def trainer_state(folder: Path, values: np.ndarray, _: Path) -> Input:
    """A `trainer_state.json`."""
    names = [metric.rpartition("/")[2] for metric in METRICS]
    rows = [{**dict(zip(names, row, strict=True)), "step": step} for step, row in enumerate(values.tolist())]
    path = folder / "trainer_state.json"
    path.write_text(json.dumps({"log_history": rows, "global_step": len(rows)}, indent=2))
    return Input("trainer_state.json", path, "json.load", JSON_LOAD)


MAKE_MLFLOW = """import os, sys, json; os.environ['MLFLOW_ALLOW_FILE_STORE'] = 'true'; import mlflow
mlflow.set_tracking_uri(sys.argv[1]); mlflow.set_experiment('big')
with mlflow.start_run() as run: mlflow.log_metric('first', 1.0)
print(run.info.run_id)"""


def made_by_peer(python: Path, code: str, *arguments: str) -> str | None:
    """What a script of the peers prints last, or `None` when they are not installed."""
    done = subprocess.run([str(python), "-c", code, *arguments], capture_output=True, text=True, check=False)
    return done.stdout.split()[-1] if done.returncode == 0 and done.stdout.split() else None


def mlflow_database(folder: Path, values: np.ndarray, python: Path) -> Input | None:
    """MLflow's database with one run."""
    import sqlite3

    path = folder / "mlflow.db"
    run_id = made_by_peer(python, MAKE_MLFLOW, f"sqlite:///{path}")
    if run_id is None:
        return None
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM metrics")
        for at, metric in enumerate(METRICS):
            rows = (
                (metric, float(v), 1_700_000_000_000 + s, run_id, s, 0) for s, v in enumerate(values[:, at].tolist())
            )
            columns = "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, ?)"
            connection.executemany(columns, rows)
    code = MLFLOW.format(uri="sqlite:///", tail="", metrics=METRICS, run=run_id)
    return Input("MLflow database", path, "MlflowClient", code)


def mlflow_files(folder: Path, values: np.ndarray, python: Path) -> Input | None:
    """MLflow's file store with one run."""
    run_id = made_by_peer(python, MAKE_MLFLOW, f"file://{folder}/mlruns")
    if run_id is None:
        return None
    (meta,) = (folder / "mlruns").glob(f"*/{run_id}/meta.yaml")
    (meta.parent / "metrics" / "first").unlink()
    for at, metric in enumerate(METRICS):
        path = meta.parent / "metrics" / metric
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"{1_700_000_000_000 + s} {v!r} {s}\n" for s, v in enumerate(values[:, at].tolist())))
    tail = str(meta.relative_to(folder / "mlruns"))
    code = MLFLOW.format(uri="file://", tail=tail, metrics=METRICS, run=run_id)
    return Input("MLflow file store", meta, "MlflowClient", code)


MAKE_TRACKIO = """import os, sys; os.environ['TRACKIO_DIR'] = sys.argv[1]; import trackio
trackio.init(project='big', name='first'); trackio.log({'x': 1.0}, step=0); trackio.finish(); print('made')"""


def trackio_database(folder: Path, values: np.ndarray, python: Path) -> Input | None:
    """The database of trackio with one run."""
    import sqlite3

    if made_by_peer(python, MAKE_TRACKIO, str(folder)) is None:
        return None
    path = folder / "big.db"
    with sqlite3.connect(path) as connection:
        (run_id,) = connection.execute("SELECT run_id FROM metrics").fetchone()
        connection.execute("DELETE FROM metrics")
        rows = (
            (run_id, "2026-01-01T00:00:00+00:00", "first", step, json.dumps(dict(zip(METRICS, row, strict=True))))
            for step, row in enumerate(values.tolist())
        )
        columns = "INSERT INTO metrics (run_id, timestamp, run_name, step, metrics) VALUES (?, ?, ?, ?, ?)"
        connection.executemany(columns, rows)
    return Input("trackio database", path, "SQLiteStorage", TRACKIO.format(metrics=METRICS))


def told(path: Path, who: str) -> str:
    """How many values a reader wrote down, and their sum."""
    note = Path(f"{path}.{who}")
    return note.read_text() if note.exists() else "nothing"


def shown(cost: Cost | None) -> str:
    """The figures of one reader."""
    if cost is None or cost.code:
        return "not installed, failed, or not done in the time limit"
    return f"wall {cost.wall:7.2f} s   CPU {cost.cpu:7.2f} s   peak {cost.megabytes:6.0f} MB"


def compare(entry: Input, python: Path, limit: float) -> None:
    """Read one input with both and print a row for each."""
    size = sum(
        p.stat().st_size for p in ([entry.path] if entry.path.name != "meta.yaml" else entry.path.parent.rglob("*"))
    )
    print(f"{entry.title}: {size / 1e6:.0f} MB")
    command = [sys.executable, "-c", OURS + TELL.format(who="ours"), str(entry.path)]
    costs = [cost for _ in range(3) if (cost := run(command, limit)) is not None]
    ours = median(costs) if costs else None
    print(f"  {'trainclinic':16s} {shown(ours)}")
    if not entry.peer:
        print("  its own software has no reader of these files")
        return
    peer = run([str(python), "-c", entry.code + TELL.format(who="peer"), str(entry.path)], limit)
    print(f"  {entry.peer:16s} {shown(peer)}")
    if ours is not None and peer is not None and not ours.code and not peer.code:
        agreed = "same values" if told(entry.path, "ours") == told(entry.path, "peer") else "OTHER VALUES"
        print(f"  {peer.cpu / ours.cpu:.1f} times the CPU of ours, {agreed}: {told(entry.path, 'ours')}")


def main() -> int:
    """Write the inputs, read them and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scalars", type=int, default=1_000_000, help="values per format")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds after which a reader is given up")
    parser.add_argument("--peers", type=Path, default=Path(".venv-reader-peers"), help="environment of the peers")
    parser.add_argument("--only", default="", help="formats whose title has this word")
    options = parser.parse_args()
    python = (peer_environment(options.peers, "tensorboard", PEERS) / "python").absolute()
    values = curves(options.scalars // len(METRICS))
    makers: list[Maker] = [
        event_file,
        wandb_file,
        table,
        trainer_state,
        mlflow_database,
        mlflow_files,
        trackio_database,
    ]
    for make in makers:
        if options.only not in make.__name__:
            continue
        with tempfile.TemporaryDirectory() as folder:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                # In a process of its own: children inherit the peak memory of the one that starts them.
                entry = pool.submit(make, Path(folder), values, python).result()
            if entry is None:
                print(f"{make.__name__}: its software is not installed, skipped")
            else:
                compare(entry, python, options.limit)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
