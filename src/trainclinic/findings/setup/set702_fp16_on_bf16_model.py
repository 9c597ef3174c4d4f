"""float16 is used for a model that was pretrained in bfloat16.

## What it sees
`fp16` is on, or the weights are loaded as float16, and the checkpoint's own `torch_dtype` is bfloat16 or its family is
known to be trained in bfloat16 (the table names a source for each).

## Why it matters
bfloat16 holds values up to 3e38, float16 up to 65,504. Models that were never kept inside the smaller range have
activations outside it, and then the loss or its gradients are inf or NaN for some inputs.

## What it does not mean
Many such runs end well: it depends on the model, the length and the batch. While every logged value is finite, this is
a note. A lower learning rate only moves the step at which the overflow comes.

## Example
`fp16: true` for `google/flan-t5-large`, whose feed-forward layers reach 66,246.

## Check it by hand
Record the largest absolute output of every module for one long batch in bfloat16: does it pass 65,504?

## References
- https://github.com/huggingface/transformers/pull/10815
- https://github.com/hiyouga/LlamaFactory/issues/3474
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.signals.measured import Measured
from trainclinic.signals.pretrained_families import bf16_family


def check(run: Measured) -> Verdict:
    """Compare the precision of the run with that of the pretraining."""
    facts = run.record.facts
    autocast, weights = facts.get("fp16"), facts.get("weights_dtype")
    on = autocast is not None and bool(autocast.value)
    half = weights is not None and str(weights.value).lower() in ("float16", "fp16", "half")
    known = autocast if autocast is not None else weights
    if known is None:
        return NotEvaluated(missing="the precision of the run (`fp16`, `torch_dtype`)")
    if not on and not half:
        return Absent((Evidence("the run does not use float16", known.source),))
    used = Evidence("`fp16` is on", known.source)
    if not on and weights is not None:
        used = Evidence(f"weights are loaded as {weights.value}", weights.source)
    pretrained = facts.get("pretrained_dtype")
    if pretrained is not None:
        told = Evidence(f"the checkpoint was saved in {pretrained.value}", pretrained.source)
        if "bfloat16" not in str(pretrained.value):
            return Absent((used, told))
        return _present(run, (used, told))
    name = " ".join(filter(None, (facts.text("model_name"), facts.text("model_type"))))
    if not name:
        return NotEvaluated(missing="the model (`model_name_or_path`, or its config.json)")
    family = bf16_family(name)
    if family is None:
        return NotEvaluated(missing=f"the dtype that `{name}` was pretrained in (`torch_dtype` of its config.json)")
    return _present(run, (used, Evidence(f"`{name}` belongs to {family}, which is pretrained in bfloat16")))


def _present(run: Measured, evidence: tuple[Evidence, ...]) -> Present:
    """A hazard while all is finite, a doubt once something is not."""
    broken_eval = run.eval_loss is not None and len(run.eval_loss.finite()) < len(run.eval_loss)
    zeros = run.zero_rows.runs if run.zero_rows is not None else ()
    if run.onset is not None or broken_eval or any(s.reading == "unknown" and s.rows > 1 for s in zeros):
        return Present(evidence, settle="the same batch in bfloat16 or float32: is it finite there?")
    means = "Every logged value is finite so far."
    return Present(evidence, means=means if run.train_loss is not None else "", severity=Severity.NOTE)


RULE = Rule(
    code="SET702",
    slug="fp16-on-bf16-model",
    severity=Severity.WARNING,
    needs=("fp16", "weights_dtype", "pretrained_dtype", "model_name", "model_type", "train/loss"),
    check=check,
)
