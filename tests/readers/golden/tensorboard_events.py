"""Writes the TensorBoard fixtures with the real writers: `python tests/readers/golden/tensorboard_events.py`.

Needs `tensorboardX` and `tensorboard` in the environment; no TensorFlow. `torch_default` is what torch's and tensorboardX's
SummaryWriter write (`simple_value`), `tensors` what TensorFlow 2 writes (a tensor with plugin metadata), through
tensorboard's own classes.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
from tensorboard.compat.proto import event_pb2, summary_pb2, types_pb2
from tensorboard.plugins.scalar.metadata import create_summary_metadata
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util import tensor_util
from tensorboardX import SummaryWriter

HERE = Path(__file__).parents[1] / "tensorboard_events"


def fresh(case: str) -> Path:
    folder = HERE / case
    for old in folder.rglob("events.out.*"):
        old.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def renamed(folder: Path, name: str) -> Path:
    (written,) = folder.glob("events.out.*")
    return written.rename(folder / name)


def torch_default() -> None:
    """What `TensorBoardCallback` of transformers writes: scalars, the arguments as text, totals at the end."""
    folder = fresh("trainer")
    writer = SummaryWriter(str(folder))
    arguments = {
        "learning_rate": 2e-4,
        "per_device_train_batch_size": 4,
        "max_steps": 40,
        "bf16": True,
        "optim": "adamw_torch",
    }
    writer.add_text("args", json.dumps(arguments))
    stamp = 1.7e9
    for step in range(0, 41, 2):
        loss = math.nan if step == 30 else 3.0 / (1 + 0.1 * step)
        writer.add_scalar("train/loss", loss, step, walltime=stamp + step)
        writer.add_scalar("train/grad_norm", math.inf if step == 28 else 1.5, step, walltime=stamp + step)
        writer.add_scalar("train/learning_rate", 2e-4 * (1 - step / 40), step, walltime=stamp + step)
        if step % 10 == 0:
            writer.add_scalar("eval/loss", 3.1 / (1 + 0.1 * step), step, walltime=stamp + step)
            writer.add_histogram("weights", np.arange(20.0), step)
    writer.add_scalar("train/train_runtime", 12.5, 40, walltime=stamp + 41)
    writer.add_scalar("train/train_loss", 1.25, 40, walltime=stamp + 41)
    writer.close()
    whole = renamed(folder, "events.out.tfevents.1700000000.host.1.0")
    cut = fresh("cut") / "events.out.tfevents.1700000000.host.1.0"
    cut.write_bytes(whole.read_bytes()[:-9])
    data = bytearray(whole.read_bytes())
    data[data.index(b"train/grad_norm") + 2] ^= 0x40
    data[data.rindex(b"train/learning_rate") - 40 : data.rindex(b"train/learning_rate") - 20] = b"\xff" * 20
    (fresh("damaged") / "events.out.tfevents.1700000000.host.1.0").write_bytes(bytes(data))


def hyperparameters() -> None:
    """The hparams plugin, and a session that was resumed behind step 0."""
    folder = fresh("hparams")
    writer = SummaryWriter(str(folder), purge_step=7)
    for step in range(7, 10):
        writer.add_scalar("loss", 1.0 / step, step, walltime=1.7e9 + step)
    writer.add_hparams(
        {"lr": 1e-3, "optimizer": "adamw", "bf16": True, "lora_r": 16}, {"hparam/final": 0.5}, name="sweep"
    )
    writer.close()
    renamed(folder, "events.out.tfevents.1700000000.host.2.0")
    renamed(folder / "sweep", "events.out.tfevents.1700000001.host.2.1")


def tensors() -> None:
    """Scalars as TensorFlow 2 writes them: a tensor of one element, of every number type."""
    folder = fresh("tensors")
    writer = EventFileWriter(str(folder))
    kinds = {
        "loss": np.float32,
        "double": np.float64,
        "half": np.float16,
        "int32": np.int32,
        "int64": np.int64,
        "bool": np.bool_,
    }
    for step in range(5):
        for tag, kind in kinds.items():
            number = {"int64": -3 - step, "bool": step % 2, "int32": 300 * step}.get(tag, 2.5 - 0.25 * step)
            if tag == "loss" and step == 3:
                number = math.nan
            tensor = tensor_util.make_tensor_proto(np.asarray(number, dtype=kind))
            add(writer, tag, tensor, step)
        for tag, bits in (("bfloat16", [0x4020 - step]), ("vector", None)):
            tensor = tensor_util.make_tensor_proto(np.arange(3.0, dtype=np.float32))
            if bits is not None:
                tensor.Clear()
                tensor.dtype = types_pb2.DT_BFLOAT16
                tensor.tensor_shape.SetInParent()
                tensor.half_val.extend(bits)
            add(writer, tag, tensor, step)
        content = tensor_util.make_tensor_proto(np.asarray(0.0, dtype=np.float32))
        content.Clear()
        content.dtype = types_pb2.DT_DOUBLE
        content.tensor_content = np.float64(step / 3).tobytes()
        add(writer, "content", content, step)
    writer.close()
    renamed(folder, "events.out.tfevents.1700000000.host.3.0.v2")


def add(writer: EventFileWriter, tag: str, tensor: object, step: int) -> None:
    metadata = create_summary_metadata(display_name="", description="")
    summary = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=tag, tensor=tensor, metadata=metadata)])
    writer.add_event(event_pb2.Event(wall_time=1.7e9 + step, step=step, summary=summary))


if __name__ == "__main__":
    torch_default()
    hyperparameters()
    tensors()
