"""Outputs contain other speakers' turns.

## What it sees
Turn markers inside an output, after some content: `### Instruction:`, `User:`, `<|im_start|>user`, `[INST]` and their
kin, or a header of the prompt that comes back.

## Why it matters
The model answers and then writes the user's next question itself. In a chat product the answer is polluted and never
ends; it shows that the end of a turn was not learned, or that generation uses another template than training.

## What it does not mean
It does not mean that the model is confused about the task: the part before the marker may be a perfect answer. It does
not tell a missing end token from a wrong template. Text that quotes a dialogue on purpose looks the same.

## Example
`fig, pear` followed by `### Instruction: Sort these: plum, kiwi.` in one answer

## Check it by hand
Render one training row and one inference prompt to token ids and compare them around the end of the answer.

## References
- unslothai/unsloth issue 416; hiyouga/LLaMA-Factory issues 1199 and 2884: the same sign from two reasons
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.findings.outputs import written_outputs
from trainclinic.signals.generated_text import excerpt

if TYPE_CHECKING:
    from trainclinic.signals.measured import Measured

HALF = Threshold("outputs with another turn", 0.5, "share", "single ones may quote a dialogue")


def check(run: Measured) -> Verdict:
    """Count outputs with a turn marker after some content."""
    written = written_outputs(run)
    if isinstance(written, NotEvaluated):
        return written
    found = [(shape, shape.turn) for shape in written if shape.turn is not None]
    if not found:
        source = run.record.generations[written[0].row].source
        return Absent((Evidence(f"none of {count(len(written), 'output')} contains another turn", source),))
    shape, (marker, at) = found[0]
    one = run.record.generations[shape.row]
    before = excerpt(one.output[:at], 40)
    says = f"another turn in {len(found)} of {count(len(written), 'output')}: `{marker}` after `{before}`"
    texts = run.generated_texts
    asked = texts is not None and texts.instructed is True
    sure = asked and len(found) >= HALF.value * len(written)
    return Present(
        (Evidence(says, one.source, one.step),),
        settle="the token ids around the end of an answer, in a training row and in an inference prompt",
        severity=None if sure else Severity.WARNING,
    )


RULE = Rule(
    code="GEN805",
    slug="role-leakage",
    severity=Severity.HARMFUL,
    needs=("generations",),
    check=check,
    thresholds=(HALF,),
)
