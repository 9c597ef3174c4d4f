"""The weights of an adapter are float16 themselves and are trained without loss scaling.

## What it sees
`get_peft_model` (or `peft_config` of a trainer) over a base in float16, trained with `fp16` off and without a
gradient scaler, where the adapter ends in float16 too: the model is cast after the adapter was attached, its
parameters get float16 data, `autocast_adapter_dtype=False`, or a pinned PEFT before 0.12, which gives an adapter the
type of its base. Where the version of PEFT is unknown and nothing autocasts, it is a hint.

## Why it matters
`lora_B` starts at zero, so the first gradient of `lora_A` is exactly zero. Adam divides it by its epsilon, 1e-8,
which is zero in float16: the adapter is NaN after one step, the logged loss becomes 0.0 or NaN, and nothing is
learnt.

## What it does not mean
A base in float16 is allowed while it is frozen, and a base in 4 bits may compute in float16. Only the trained weights
and their gradients need float32 and a scaled loss.

## Example
Bad:

    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("facebook/opt-350m", torch_dtype=torch.float16)
    model = get_peft_model(model, LoraConfig(r=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
    model.half().cuda()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-4)
    model.train()
    for batch in batches():
        loss = model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

Good:

    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("facebook/opt-350m", torch_dtype=torch.float32)
    model = get_peft_model(model, LoraConfig(r=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
    model.cuda()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-4)
    model.train()
    for batch in batches():
        loss = model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

## Check it by hand
Print `{p.dtype for p in model.parameters() if p.requires_grad}` before the first step: it must be float32 alone.
After one step count the adapter weights that are not finite: it must be none.

## References
- https://github.com/huggingface/peft/pull/1706
- https://huggingface.co/docs/peft/developer_guides/troubleshooting
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.adapter_types import HalfAdapter, half_adapter
from trainclinic.script.program.adapters import attached_by, quantised
from trainclinic.script.program.loss_scaling import autocasts_to_bfloat16, scaling_of
from trainclinic.script.program.mixed_precision import autocast_around
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import condition_text
from trainclinic.script.program.updates import Training, trained_models
from trainclinic.script.rule import script_rule

MENDING = Mending("keep the adapter in float32, and switch on `fp16` or `bf16` or a gradient scaler")


def find(program: Program) -> Iterator[Alarm]:
    """Look at the type of every adapter that is trained without loss scaling."""
    for training in trained_models(program):
        half = half_adapter(program, training) if scaling_of(program, training) == "none" else None
        place = training.by.place
        if half is None or place is None or (not half.why and _is_autocast(training)):
            continue
        flow = (Step(half.place, "float16 weights"), Step(place, "trained without loss scaling"))
        yield Alarm(place, _says(training, half), half.certainty, flow, condition_text(half.when), MENDING)


def _says(training: Training, half: HalfAdapter) -> str:
    if half.why:
        return f"`{training.by.method}` trains an adapter in float16 with no loss scaling: {half.why}"
    return f"`{training.by.method}` trains an adapter on a float16 base unscaled; before peft 0.12 it is float16 itself"


def _is_autocast(training: Training) -> bool:
    if training.trainer is not None:
        return autocasts_to_bfloat16(training.trainer)
    update = training.update
    return update is not None and any(autocast_around(event) is not None for event in update.loop.events)


def _looked(program: Program) -> bool:
    trained = [one for one in trained_models(program) if scaling_of(program, one) != "unknown"]
    return any(attached_by(one.model) is not None and quantised(one.model) is None for one in trained)


RULE = script_rule(
    code="PRC010",
    slug="half-precision-trained-adapter",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("an adapter of peft that is trained", "the types of its base and of later casts", "the version of peft"),
    find=find,
    looked=_looked,
    missing="an adapter of peft on a base that is not quantised, trained in sight",
)
