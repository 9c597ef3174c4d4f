"""Weights that are float16 themselves are trained with a gradient scaler, which refuses their gradients.

## What it sees
A model or adapter whose trained weights are float16 (loaded so, or cast with `.half()`), together with `fp16=True` of
a trainer or a `GradScaler` that steps its optimizer.

## Why it matters
The scaler divides gradients in place and does so for float32 alone. The first update ends with `ValueError:
Attempting to unscale FP16 gradients.`

## What it does not mean
A float16 base that is frozen is no problem: only what is trained must be float32. PEFT from 0.12 on casts adapters to
float32 by itself. DeepSpeed and FSDP have scalers of their own, which this rule leaves alone.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("facebook/opt-350m", torch_dtype=torch.float16).cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    scaler = torch.amp.GradScaler("cuda")
    model.train()
    for batch in batches():
        with torch.autocast("cuda", dtype=torch.float16):
            loss = model(**batch).loss
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()

Good:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("facebook/opt-350m", torch_dtype=torch.float32).cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    scaler = torch.amp.GradScaler("cuda")
    model.train()
    for batch in batches():
        with torch.autocast("cuda", dtype=torch.float16):
            loss = model(**batch).loss
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()

## Check it by hand
Print `{p.dtype for p in model.parameters() if p.requires_grad}` before training: it must be float32 alone.

## References
- https://github.com/huggingface/diffusers/issues/8871
- https://github.com/haotian-liu/LLaVA/issues/363
- https://pytorch.org/docs/stable/amp.html
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Place, Step
from trainclinic.script.program.adapter_types import half_adapter
from trainclinic.script.program.events import Condition
from trainclinic.script.program.loss_scaling import scaling_of
from trainclinic.script.program.precision import is_recast_in_part
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import condition_text
from trainclinic.script.program.updates import Training, is_full, trained_models, types_of
from trainclinic.script.rule import script_rule

MENDING = Mending("train float32 weights: load them so, or cast what is trained with `.float()`")


def find(program: Program) -> Iterator[Alarm]:
    """Look at the type of the weights that are trained with loss scaling."""
    for training in trained_models(program):
        place = training.by.place
        if place is None or scaling_of(program, training) != "float16":
            continue
        for made, certainty, when in _half(program, training):
            says = f"`{training.by.method}` trains float16 weights, and the gradient scaler refuses float16 gradients"
            flow = (Step(made, "the weights become float16"), Step(place, "trained with loss scaling"))
            yield Alarm(place, says, certainty, flow, condition_text(when), MENDING)


def _half(program: Program, training: Training) -> Iterator[tuple[Place, Certainty, tuple[Condition, ...]]]:
    """Where trained weights become float16, how sure that is, and when it happens."""
    if is_full(training):
        recast = is_recast_in_part(program, training.model)
        for one in types_of(program, training):
            if one.dtype == "float16" and one.made.place is not None:
                certainty = Certainty.PROOF if one.is_fixed else Certainty.LIKELY
                yield one.made.place, Certainty.HINT if recast else certainty, one.when
                return
    adapter = half_adapter(program, training)
    if adapter is not None and adapter.why:
        yield adapter.place, adapter.certainty, adapter.when


def _looked(program: Program) -> bool:
    scaled = (one for one in trained_models(program) if scaling_of(program, one) == "float16")
    return any(types_of(program, training) for training in scaled)


RULE = script_rule(
    code="PRC003",
    slug="fp16-weights-under-fp16-amp",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("the type that weights are loaded in or cast to", "`fp16=True` or a gradient scaler"),
    find=find,
    looked=_looked,
    missing="training with loss scaling of a model whose weights get a type in sight",
)
