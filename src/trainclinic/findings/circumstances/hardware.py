"""Circumstances of the machine: whose accelerator it is, and which generation.

Read from the device, the accelerator's name, and settings that run on one kind of machine only.
"""

from __future__ import annotations

from trainclinic.catalogue.circumstance import Circumstance
from trainclinic.catalogue.verdict import NotEvaluated, Verdict
from trainclinic.findings.stated import absent, framework, present
from trainclinic.record.facts import Fact
from trainclinic.signals.accelerators import AMPERE, TURING, compute_capability, maker_of
from trainclinic.signals.measured import Measured

NO_GPU = "the name of the accelerator, or the device"
OTHER_DEVICES = ("cpu", "xpu", "tpu", "npu", "hpu")


def _elsewhere(run: Measured) -> Fact | None:
    """A device that is none of the GPUs asked for here."""
    device = run.record.facts.get("device")
    return device if device is not None and str(device.value) in OTHER_DEVICES else None


def _apple(run: Measured) -> Verdict:
    facts = run.record.facts
    device, gpu = facts.get("device"), facts.get("gpu_name")
    if device is not None and not (device.value == "cpu" and gpu is not None and maker_of(str(gpu.value)) == "Apple"):
        return present(device) if device.value == "mps" else absent(device)
    if device is not None:
        return NotEvaluated("the run on the GPU: this one was made on the processor beside it")
    if gpu is not None and (maker := maker_of(str(gpu.value))) is not None:
        return present(gpu) if maker == "Apple" else absent(gpu)
    tool = facts.get("framework")
    if tool is not None and "mlx" in framework(run):
        return present(tool, "it was made for Apple GPUs")
    stage, processes = facts.get("deepspeed_stage"), facts.get("world_size")
    if stage is not None:
        return absent(stage, "DeepSpeed does not run on Apple GPUs")
    if processes is not None and float(processes.value) > 1:
        return absent(processes, "an Apple machine has one GPU")
    attention = facts.get("attention_implementation")
    if attention is not None and "flash" in str(attention.value):
        return absent(attention, "not available on Apple GPUs")
    return NotEvaluated(NO_GPU)


def _amd(run: Measured) -> Verdict:
    gpu, torch, device = (
        run.record.facts.get("gpu_name"),
        run.record.versions.get("torch"),
        run.record.facts.get("device"),
    )
    if gpu is not None and (maker := maker_of(str(gpu.value))) is not None:
        return present(gpu) if maker == "AMD" else absent(gpu)
    if torch is not None and "+" in str(torch.value):
        return present(torch) if "+rocm" in str(torch.value) else absent(torch)
    if device is not None and (device.value == "mps" or device.value in OTHER_DEVICES):
        return absent(device)
    return NotEvaluated(NO_GPU)


def _before(run: Measured, capability: float) -> Verdict:
    """Whether the GPU is an NVIDIA generation below a compute capability."""
    facts = run.record.facts
    gpu, device = facts.get("gpu_name"), facts.get("device")
    if gpu is not None:
        known = compute_capability(str(gpu.value))
        if known is not None:
            because = f"compute capability {known}"
            return present(gpu, because) if known < capability else absent(gpu, because)
        if maker_of(str(gpu.value)) in ("Apple", "AMD"):
            return absent(gpu)
    if device is not None and (device.value == "mps" or _elsewhere(run) is not None):
        return absent(device)
    tf32, attention = facts.get("tf32"), facts.get("attention_implementation")
    if tf32 is not None and tf32.value:
        return absent(tf32, "only Ampere and later GPUs accept it")
    if attention is not None and "flash_attention_" in str(attention.value):
        return absent(attention, "it needs an Ampere GPU or a later one")
    return NotEvaluated("the name of the GPU")


def _without_bfloat16(run: Measured) -> Verdict:
    stated = run.record.facts.get("supports_bfloat16")
    if stated is not None:
        return absent(stated) if stated.value else present(stated)
    return _before(run, AMPERE)


def _before_turing(run: Measured) -> Verdict:
    return _before(run, TURING)


CIRCUMSTANCES: tuple[Circumstance[Measured], ...] = (
    Circumstance(
        code="CIR904",
        slug="apple-gpu",
        title="The run uses an Apple GPU.",
        matters="Defects of the Metal backend, and memory that is shared with the system, exist only there.",
        needs=("device", "gpu_name", "framework", "deepspeed_stage", "world_size"),
        check=_apple,
    ),
    Circumstance(
        code="CIR905",
        slug="gpu-without-bfloat16",
        title="The GPU is an NVIDIA generation before Ampere, without bfloat16 units.",
        matters="It leaves float16 as the only fast format, with its narrow range.",
        needs=("gpu_name", "supports_bfloat16", "device", "tf32", "attention_implementation"),
        check=_without_bfloat16,
    ),
    Circumstance(
        code="CIR935",
        slug="amd-gpu",
        title="The run uses an AMD GPU.",
        matters="Attention and quantisation kernels are others than on NVIDIA GPUs, and so are their defects.",
        needs=("gpu_name", "versions: torch", "device"),
        check=_amd,
    ),
    Circumstance(
        code="CIR941",
        slug="gpu-before-turing",
        title="The GPU is an NVIDIA generation before Turing, without int8 matrix units.",
        matters="8-bit products take a substitute there that has been reported to be wrong.",
        needs=("gpu_name", "device", "tf32", "attention_implementation"),
        check=_before_turing,
    ),
)
