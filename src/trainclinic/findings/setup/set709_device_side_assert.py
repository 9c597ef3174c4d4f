"""An index check on the accelerator failed and ended the run.

## What it sees
"device-side assert triggered", or the assertion of an indexing kernel, in the log.

## Why it matters
The run is over, and the traceback names a random later operation, because kernels run asynchronously. The usual reason
for the check is an index outside its table: a token id at or above the rows of the embedding, a label outside the
classes, a position beyond the maximum.

## What it does not mean
It is not a defect of the GPU, the driver or the memory, and restarting does not help.

## Example
`RuntimeError: CUDA error: device-side assert triggered`

## Check it by hand
Compare `max(input_ids)` with `model.get_input_embeddings().num_embeddings`, and labels with the number of classes; run
the same batch on the CPU, or with `CUDA_LAUNCH_BLOCKING=1`.

## References
- https://github.com/meta-llama/llama-cookbook/issues/189
- https://github.com/01-ai/Yi/issues/448
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.signals.console import has_console
from trainclinic.signals.measured import Measured

_SAMPLING = "probability tensor contains either"
"""What the sampler of torch asserts of its probabilities; NaN logits fail it, and no index does."""


def check(run: Measured) -> Verdict:
    """Find the assertion."""
    events = run.record.events_of("device-side-assert")
    if any(_SAMPLING in e.says.lower() for e in run.record.events):
        return NotEvaluated(missing="an assertion about an index: this one is about probabilities that are not finite")
    if events:
        settle = "the same batch on the CPU, which names the operation and the index"
        shown = tuple(Evidence(f"the log says: {e.says}", e.source, e.step) for e in events[:2])
        return Present(shown, settle=settle)
    if has_console(run.record):
        return Absent((Evidence("no device-side assertion in the log"),))
    return NotEvaluated(missing="the console output of the run")


RULE = Rule(
    code="SET709",
    slug="device-side-assert",
    severity=Severity.HARMFUL,
    needs=("events: device-side-assert",),
    check=check,
)
