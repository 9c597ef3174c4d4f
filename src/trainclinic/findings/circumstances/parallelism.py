"""Circumstances of many processes: how many, and what they share: data, optimizer states, sequences."""

from __future__ import annotations

import re

from trainclinic.catalogue.circumstance import Circumstance
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Verdict
from trainclinic.findings.stated import absent, by_flag, more_than_one, present, shown
from trainclinic.signals.measured import Measured

PARALLEL = ("tensor_parallel_processes", "pipeline_parallel_processes", "sequence_parallel_processes")


def _several(run: Measured) -> Verdict:
    facts = run.record.facts
    for name in ("world_size", *PARALLEL):
        if isinstance(found := more_than_one(run, name), Present):
            return found
    stated = by_flag(run, "is_distributed")
    if stated is not None:
        return stated
    gpu = facts.get("gpu_name")
    counted = re.match(r"(\d+)\s*[x×*]\s", str(gpu.value)) if gpu is not None else None
    if gpu is not None and counted and int(counted[1]) > 1:
        return present(gpu)
    if (by_batch := _by_batch(run)) is not None:
        return by_batch
    alone = facts.get("world_size")
    if alone is not None and "nproc" not in alone.source.key:
        return absent(alone)
    if alone is not None and not any(fact.name == "nnodes" for fact in run.record.other_facts):
        return absent(alone)
    device = facts.get("device")
    if device is not None and device.value == "mps":
        return absent(device, "an Apple machine has one GPU")
    return NotEvaluated("the number of processes (`nproc_per_node`, `num_processes`)")


def _by_batch(run: Measured) -> Verdict | None:
    """Processes out of the total batch, where the log states it with its other factors."""
    facts = run.record.facts
    total, micro, steps = (facts.get(n) for n in ("global_batch_size", "micro_batch_size", "accumulation_steps"))
    if total is None or micro is None or steps is None:
        return None
    one = float(micro.value) * float(steps.value)
    ratio = float(total.value) / one if one > 0 else 0.0
    if ratio < 1 or ratio != int(ratio):
        return None
    evidence = (shown(total, f"{int(ratio)} times micro-batch x accumulation"), shown(micro), shown(steps))
    return Present(evidence) if ratio > 1 else Absent(evidence)


def _sharded(run: Measured) -> Verdict:
    facts = run.record.facts
    stage, fsdp = facts.get("deepspeed_stage"), facts.get("fsdp")
    if stage is not None and float(stage.value) >= 1:
        return present(stage)
    if fsdp is not None and fsdp.value:
        return present(fsdp)
    deepspeed = next((f for f in run.record.other_facts if f.name.lower().rpartition(".")[2] == "deepspeed"), None)
    if deepspeed is not None and stage is None and str(deepspeed.value).lower() not in ("", "none", "false", "null"):
        return NotEvaluated(f"the ZeRO stage in `{deepspeed.value}`")
    if stage is not None:
        return absent(stage)
    if fsdp is not None:
        return absent(fsdp)
    several = _several(run)
    if isinstance(several, Absent):
        return Absent((*several.evidence, Evidence("one process has nobody to share its states with")))
    return NotEvaluated("how the processes share their states (`deepspeed`, `fsdp`)")


def _sequence(run: Measured) -> Verdict:
    split = more_than_one(run, "sequence_parallel_processes")
    if isinstance(split, Present):
        return split
    megatron = by_flag(run, "sequence_parallel")
    if isinstance(megatron, Present):
        tensor = run.record.facts.get("tensor_parallel_processes")
        return absent(tensor) if tensor is not None and float(tensor.value) <= 1 else megatron
    several = _several(run)
    alone = several if isinstance(several, Absent) else None
    return split or megatron or alone or NotEvaluated("the size of sequence or context parallelism")


CIRCUMSTANCES: tuple[Circumstance[Measured], ...] = (
    Circumstance(
        code="CIR906",
        slug="several-processes",
        title="Several processes train one model.",
        matters="Wrong averages over ranks, a scheduler that steps once per process and idle ranks need more than one.",
        needs=("world_size", "is_distributed", *PARALLEL, "global_batch_size", "gpu_name"),
        check=_several,
    ),
    Circumstance(
        code="CIR907",
        slug="sharded-training",
        title="Optimizer states, gradients or weights are sharded over processes.",
        matters="Partial saves, empty shards on load and communication that overlaps wrongly need sharding.",
        needs=("deepspeed_stage", "fsdp", "world_size"),
        check=_sharded,
    ),
    Circumstance(
        code="CIR917",
        slug="sequence-parallelism",
        title="Each sequence is split over several processes.",
        matters="Losses and masks are then averaged over parts of a sequence, which may hold no target at all.",
        needs=("sequence_parallel_processes", "sequence_parallel", "tensor_parallel_processes", "world_size"),
        check=_sequence,
    ),
)
