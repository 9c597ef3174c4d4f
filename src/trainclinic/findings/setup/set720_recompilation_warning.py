"""The compiler warns that it compiles the same code again and again.

## What it sees
`torch._dynamo hit config.cache_size_limit` (`recompile_limit` in later releases), printed recompilations, CUDA graphs
recorded for many sizes, or TensorFlow's warning about retracing.

## Why it matters
Each compilation costs seconds to minutes, so the first steps or every step with a new shape is slow. Past the limit the
code runs uncompiled, and the speed that was hoped for is gone.

## What it does not mean
What is computed stays right: this costs time and not quality. It is no slow GPU and no slow data loader either.

## Example
`torch._dynamo hit config.cache_size_limit (8)`

## Check it by hand
`TORCH_LOGS=recompiles` names the guard that fails; pad to fixed lengths, or mark the dimension as dynamic.

## References
- https://docs.pytorch.org/docs/stable/compile/programming_model.recompilation.html
- https://github.com/pytorch/pytorch/issues/93457
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.findings.library_warnings import told, untold
from trainclinic.signals.measured import Measured


def check(run: Measured) -> Verdict:
    """Find the warning; without compilation there can be none."""
    evidence = told(run, "recompilation-limit")
    if evidence:
        return Present(evidence, settle="the guard that fails, from `TORCH_LOGS=recompiles`")
    compiled = run.record.facts.get("torch_compile")
    if compiled is None:
        return NotEvaluated(missing="whether the model is compiled (`torch_compile`)")
    if not compiled.value:
        return Absent((Evidence("the model is not compiled", compiled.source),))
    return untold(run, "the model is compiled, and no warning speaks of recompilation")


RULE = Rule(
    code="SET720",
    slug="recompilation-warning",
    severity=Severity.NOTE,
    needs=("events: recompilation-limit", "torch_compile"),
    check=check,
    since="0.2",
)
