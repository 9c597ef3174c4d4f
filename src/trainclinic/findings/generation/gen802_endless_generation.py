"""Outputs run to the token limit without a stop.

## What it sees
Outputs that a token limit ended: recorded as not stopped, as long as the limit, or breaking off inside a phrase that
they repeat; and whether they go on after the answer by repeating themselves or by speaking for the user.

## Why it matters
A model that was trained to answer and does not stop has not learned its end token: every answer costs the full limit
and trails off into noise. The training loss looks perfect all the same.

## What it does not mean
A base model continues text for ever and should: only for a model that is to answer this is a fault. A limit that is
shorter than the answers also cuts them, without anything being wrong.

## Example
`It is 212 m long. It is 212 m long. It is 212 m long. It is` as the answer to one question

## Check it by hand
Look at the labels of one training row after collation: is the end token there, and is its label not -100? Then compare
P(end token) at the end of a reference answer with 0.

## References
- mlabonne/llm-course issue 33: padding token equal to the end token, masked by the collator
- huggingface/trl pull request 5988: the end of turn lay outside the assistant mask
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.findings.outputs import NO_SAMPLES

if TYPE_CHECKING:
    from trainclinic.signals.generated_text import OutputShape
    from trainclinic.signals.measured import Measured

HALF = Threshold("outputs at the limit", 0.5, "share", "a few long answers are normal at any limit")


def check(run: Measured) -> Verdict:
    """Count outputs that a limit ended, and those that go on after their answer."""
    texts = run.generated_texts
    if texts is None:
        return NO_SAMPLES
    known = [shape for shape in texts.shapes if shape.at_limit is not None and not shape.blank]
    if not known:
        return NotEvaluated("whether each output stopped by itself (`finish_reason`, or new tokens and their limit)")
    ended = [shape for shape in known if shape.at_limit]
    first = run.record.generations[(ended or known)[0].row]
    if not ended:
        return Absent((Evidence(f"a stop in all of {count(len(known), 'output')}", first.source),))
    says = f"no stop in {len(ended)} of {count(len(known), 'output')}: {ended[0].limit_reason}"
    evidence = [Evidence(says, first.source, first.step)]
    beyond = [shape for shape in ended if _goes_on(shape)]
    if beyond:
        one = run.record.generations[beyond[0].row]
        what = "another turn" if beyond[0].turn is not None else "a repetition of itself"
        evidence.append(Evidence(f"{len(beyond)} of them went on after the answer with {what}", one.source, one.step))
    if texts.instructed is False:
        return Present(
            tuple(evidence),
            means="The model continues text, as a base model should; the limit ends it.",
            severity=Severity.NOTE,
        )
    sure = texts.instructed is True and beyond and len(ended) >= HALF.value * len(known)
    return Present(
        tuple(evidence),
        means="The answer is complete and generation goes on: the end token is not produced." if beyond else "",
        settle="the label of the end token in one collated training row, and a larger token limit",
        severity=None if sure else Severity.WARNING,
    )


def _goes_on(shape: OutputShape) -> bool:
    return shape.turn is not None or shape.repeats


RULE = Rule(
    code="GEN802",
    slug="endless-generation",
    severity=Severity.HARMFUL,
    needs=("generations",),
    check=check,
    thresholds=(HALF,),
)
