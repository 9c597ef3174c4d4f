"""An 8-bit base model runs on a GPU without int8 matrix units.

## What it sees
`quantization_bits` is 8 and the GPU's compute capability is below 7.5 (before Turing), by its name.

## Why it matters
The int8 product of LLM.int8 needs units that came with Turing. Older GPUs take a slower substitute that has been
reported to give wrong products: a training loss that grows or reads 0, or an evaluation loss of NaN.

## What it does not mean
It does not speak against 4-bit bases, which compute in 16 bits, nor against 8-bit optimizers. The choice of LoRA target
modules has no part in it, even where a change of them made one launch work.

## Example
`load_in_8bit: true` on a `Tesla V100-SXM2-32GB`.

## Check it by hand
`torch.cuda.get_device_capability()`; run the same 50 steps with `load_in_8bit=False`.

## References
- https://github.com/tloen/alpaca-lora/issues/265
- https://github.com/tloen/alpaca-lora/issues/418
- https://developer.nvidia.com/cuda-gpus (compute capabilities)
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.signals import accelerators
from trainclinic.signals.accelerators import compute_capability
from trainclinic.signals.measured import Measured

TURING = Threshold(
    "compute capability", accelerators.TURING, "1", "first generation with int8 matrix units (NVIDIA, Turing)"
)


def check(run: Measured) -> Verdict:
    """Compare the quantisation with the GPU."""
    bits, gpu = run.record.facts.get("quantization_bits"), run.record.facts.get("gpu_name")
    if bits is None:
        return NotEvaluated(missing="how the base is loaded (`load_in_8bit`, quantisation bits)")
    if float(bits.value) != 8:
        return Absent((Evidence(f"the base is quantised to {float(bits.value):g} bits, not 8", bits.source),))
    if gpu is None:
        return NotEvaluated(missing="the name of the GPU")
    capability = compute_capability(str(gpu.value))
    if capability is None:
        return NotEvaluated(missing=f"the compute capability of `{gpu.value}`")
    told = Evidence(f"`{gpu.value}` has compute capability {capability}", gpu.source)
    if capability >= TURING.value:
        return Absent((told,))
    return Present(
        (Evidence("the base is loaded in 8 bits", bits.source), told),
        settle="the same 50 steps with the base in 16 bits",
    )


RULE = Rule(
    code="SET703",
    slug="quantized-base-on-old-gpu",
    severity=Severity.WARNING,
    needs=("quantization_bits", "gpu_name"),
    check=check,
    thresholds=(TURING,),
)
