"""Writes the SwanLab, Comet and ClearML fixtures with the real SDKs: `python tests/readers/golden/offline_archives.py`.

Needs `swanlab`, `comet_ml` and `clearml`. No account: all three run offline. Names of folders and machines are removed from
what is kept; of a SwanLab file, whose frames have checksums, nothing is changed.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).parents[1]
LOSS = {20: math.nan}
NORM = {30: math.inf, 40: -math.inf}
CONFIG = {"learning_rate": 2e-4, "per_device_train_batch_size": 4, "lora": {"r": 16}}


def values() -> list[tuple[int, float, float]]:
    return [(step, LOSS.get(step, 2.0 / (1 + step)), NORM.get(step, 1.5)) for step in range(0, 60, 10)]


def swanlab_run(scratch: Path) -> None:
    import swanlab

    swanlab.init(project="demo", experiment_name="first", mode="offline", logdir="swanlog", config=CONFIG)
    for step, loss, norm in values():
        swanlab.log({"train/loss": loss, "train/grad_norm": norm, "eval/accuracy": 0.0}, step=step)
    swanlab.finish()
    (written,) = scratch.rglob("run-*.swanlab")
    keep(written, HERE / "swanlab_run" / "offline" / "run-abcd1234.swanlab")


def comet(scratch: Path) -> None:
    from comet_ml import OfflineExperiment

    experiment = OfflineExperiment(
        project_name="demo",
        offline_directory=str(scratch / "comet"),
        log_code=False,
        log_graph=False,
        log_git_metadata=False,
        log_git_patch=False,
        log_env_details=False,
        auto_output_logging=False,
    )
    experiment.log_parameters(CONFIG)
    for step, loss, norm in values():
        experiment.log_metric("train/loss", loss, step=step)
        experiment.log_metric("train/grad_norm", norm, step=step)
    experiment.end()
    (archive,) = (scratch / "comet").glob("*.zip")
    with zipfile.ZipFile(archive) as opened:
        opened.extract("messages.json", scratch)
    keep(scratch / "messages.json", HERE / "comet_messages" / "offline" / "messages.json")


def clearml(scratch: Path) -> None:
    os.environ["CLEARML_CACHE_DIR"] = str(scratch / "cache")
    from clearml import Task

    Task.set_offline(True)
    task = Task.init(
        "demo", "first", auto_connect_frameworks=False, auto_resource_monitoring=False, auto_connect_arg_parser=False
    )
    task.connect(CONFIG)
    for step, loss, norm in values():
        task.get_logger().report_scalar("train", "loss", loss, step)
        task.get_logger().report_scalar("train", "grad_norm", norm, step)
        task.get_logger().report_scalar("eval_accuracy", "eval_accuracy", 0.0, step)
    task.close()
    (session,) = (path.parent for path in scratch.glob("cache/offline/*/metrics.jsonl"))
    for name in ("metrics.jsonl", "log.jsonl"):
        keep(session / name, HERE / "clearml_metrics" / "offline" / name)
    shown = HERE / "clearml_metrics" / "offline" / "log.jsonl"
    lines = [line for line in shown.read_text().splitlines() if "value encountered" in line]
    told = "\n".join(lines).replace(str(scratch), "").replace(str(Path(__file__).parent), "/project")
    shown.write_text(told + "\n")
    settings = {"hyperparams": json.loads((session / "task.json").read_text())["hyperparams"], "name": "first"}
    (HERE / "clearml_metrics" / "offline" / "task.json").write_text(json.dumps(settings))


def keep(written: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(written, target)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        makers = {"swanlab": swanlab_run, "comet": comet, "clearml": clearml}
        for name in sys.argv[1:] or makers:
            makers[name](Path(scratch))
