"""Writes the MLflow fixtures with the real client: `python tests/readers/golden/mlflow_stores.py`.

Needs `mlflow-skinny`, `sqlalchemy` and `alembic`. The database is the one that MLflow made, without the empty tables of its
server (they are 600 kB) and packed. Run ids and times differ from run to run.
"""

from __future__ import annotations

import math
import os
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parents[1]
KEPT = {"metrics", "params", "tags", "runs", "experiments", "latest_metrics", "alembic_version"}
os.environ.update(MLFLOW_ALLOW_FILE_STORE="true", MLFLOW_DISABLE_TELEMETRY="true", USER="user", LOGNAME="user")


def log_runs(uri: str) -> None:
    import mlflow

    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("demo")
    for name, status in (("first", "FINISHED"), ("second", "FAILED")):
        mlflow.start_run(run_name=name)
        mlflow.log_params({"learning_rate": 2e-4, "per_device_train_batch_size": 4, "lora.r": 16, "bf16": True})
        for step in range(8):
            loss = math.nan if step == 5 else 2.0 / (1 + step)
            norm = {6: math.inf, 7: -math.inf}.get(step, 1.5)
            mlflow.log_metrics({"loss": loss, "grad_norm": norm, "eval/accuracy": 0.0}, step=step * 10)
        mlflow.log_metrics({"train_runtime": 12.5, "train_loss": 1.25}, step=70)
        mlflow.end_run(status)


def packed(path: Path) -> None:
    """Drop the tables that hold no run, and pack the file."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA foreign_keys = 0")
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        if name not in KEPT and not name.startswith("sqlite_"):
            connection.execute(f'DROP TABLE "{name}"')
    connection.execute("UPDATE experiments SET artifact_location = 'artifacts'")
    connection.execute("UPDATE runs SET artifact_uri = 'artifacts', user_id = 'user'")
    connection.execute("DELETE FROM tags")
    connection.commit()
    connection.execute("PRAGMA page_size = 1024")
    connection.execute("VACUUM")
    connection.close()


def neutral(folder: Path) -> None:
    """Replace places and names of the machine in what describes a run; metrics and parameters stay as written."""
    for path in folder.rglob("meta.yaml"):
        lines = path.read_text().splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith("user_id:")]
        path.write_text("".join("artifact_uri: artifacts\n" if "artifact_uri" in line else line for line in kept))
    for tags in folder.rglob("tags"):
        shutil.rmtree(tags)
        tags.mkdir()
        (tags / "mlflow.runName").write_text("first")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        if sys.argv[1:] != ["files"]:
            log_runs(f"sqlite:///{scratch}/mlflow.db")
            packed(Path(scratch) / "mlflow.db")
            case = HERE / "mlflow_database" / "two_runs"
            case.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(scratch) / "mlflow.db", case / "mlflow.db")
        log_runs(f"file://{scratch}/mlruns")
        shutil.rmtree(HERE / "mlflow_store", ignore_errors=True)
        runs = sorted(
            (path.parent for path in Path(scratch).glob("mlruns/*/*/meta.yaml")), key=lambda run: run.stat().st_mtime
        )
        for run, name in zip(runs, ("first", "second"), strict=True):
            for leftover in ("artifacts", "inputs", "outputs", "traces"):
                shutil.rmtree(run / leftover, ignore_errors=True)
            shutil.copytree(run, HERE / "mlflow_store" / name)
        neutral(HERE / "mlflow_store")
