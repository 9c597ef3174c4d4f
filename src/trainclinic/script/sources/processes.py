"""On how many processes a command starts its program.

It knows the options of launchers that say so. It does not know the machine: "all GPUs" is no number.
"""

from __future__ import annotations

from collections.abc import Mapping

_SEVERAL = 2
"""`--multi_gpu` without a number: at least this many."""


def processes_of(
    launcher: str, options: Mapping[str, str], around: Mapping[str, str], environment: Mapping[str, str]
) -> int | None:
    """The number of processes, `None` when the command does not say it.

    Args:
        launcher: `python`, `torchrun`, `accelerate`, `deepspeed` or another word.
        options: Options of the launcher, `-` as `_`.
        around: The words before it as options (`srun -n 4`).
        environment: Variables of its environment.
    """
    if launcher == "torchrun":
        return _product(options.get("nproc_per_node", "1"), options.get("nnodes", "1"))
    if launcher == "accelerate":
        stated = _number(options.get("num_processes", ""))
        return _SEVERAL if stated is None and "multi_gpu" in options else stated
    if launcher == "deepspeed":
        return _of_deepspeed(options, environment)
    if launcher != "python":
        return None
    stated = next((_number(around[key]) for key in ("ntasks", "n", "np") if key in around), None)
    return stated if around else 1


def _of_deepspeed(options: Mapping[str, str], environment: Mapping[str, str]) -> int | None:
    if "num_gpus" in options:
        return _product(options["num_gpus"], options.get("num_nodes", "1"))
    if "include" in options:  # `host1:0,1@host2:0,1`
        return sum(len(host.partition(":")[2].split(",")) for host in options["include"].split("@"))
    visible = environment.get("CUDA_VISIBLE_DEVICES", "")
    devices = [device for device in visible.split(",") if device.strip()]
    return len(devices) if devices and "$" not in visible else None


def _product(one: str, other: str) -> int | None:
    first, second = _number(one), _number(other)
    return None if first is None or second is None else first * second


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else None
