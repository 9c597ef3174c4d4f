"""The log says that no input of a checkpointed block requires a gradient.

## What it sees
The warning "None of the inputs have requires_grad=True. Gradients will be None".

## Why it matters
Gradient checkpointing recomputes a block in backward only if one of its inputs requires a gradient. With a frozen
embedding none does, so the adapters inside get no gradient and stay as they are.

## What it does not mean
It does not mean that the rank is too small or the rate too low. The warning is harmless when it is printed for the
evaluation pass only, or when the gradient norms are above 0.

## Example
`UserWarning: None of the inputs have requires_grad=True. Gradients will be None`

## Check it by hand
After one backward pass, list the trainable parameters whose `p.grad` is `None`. Cure: `enable_input_require_grads()` or
`gradient_checkpointing_kwargs={"use_reentrant": False}`.

## References
- https://github.com/huggingface/peft/issues/137
- https://github.com/huggingface/transformers/issues/26334
"""

from __future__ import annotations

import numpy as np

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.signals.console import has_console
from trainclinic.signals.measured import Measured


def check(run: Measured) -> Verdict:
    """Find the warning, and see whether gradients flow all the same."""
    events = run.record.events_of("no-input-gradient")
    if not events:
        if has_console(run.record):
            return Absent((Evidence("no warning about inputs without requires_grad"),))
        return NotEvaluated(missing="the console output of the run")
    evidence = tuple(Evidence(f"the log says: {e.says}", e.source, e.step) for e in events[:2])
    norm = run.gradients.norm.value if run.gradients is not None else np.empty(0)
    if norm.size and np.median(np.nan_to_num(norm)) > 0.0:
        means = "Gradient norms above 0 are logged, so at least some parameters get gradients."
        return Present(evidence, means=means, severity=Severity.NOTE)
    return Present(evidence, settle="the list of trainable parameters whose gradient is `None` after one step")


RULE = Rule(
    code="SET706",
    slug="no-input-gradient-warning",
    severity=Severity.WARNING,
    needs=("events: no-input-gradient", "train/grad_norm"),
    check=check,
)
