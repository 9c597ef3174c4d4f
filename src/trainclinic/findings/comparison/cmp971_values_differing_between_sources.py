"""Two logs of this run hold different values of one quantity for the same step.

## What it sees
Files of one run that agree in their losses, and a quantity that both hold for the same steps with other values in each,
beyond the digits that they show. Times, speed and memory are not compared.

## Why it matters
One of the two is wrong, or both call different things by one name (a rate before and after the scheduler's step, a norm
before and after clipping). Whatever is concluded from that quantity rests on the log that happened to be taken.

## What it does not mean
It does not say which log is right, and it is no fault of the training.

## Example
`learning_rate` is 2e-05 at step 10 in `trainer_state.json` and 1e-05 in `train.log`.

## Check it by hand
Print the quantity in the training loop, at the step in question, from the object that uses it.

## References
- https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate (the order of optimizer and scheduler)
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.signals.measured import Measured

MISSING = "a second log of the same run that holds the same steps"


def check(run: Measured) -> Verdict:
    """Look at what was found when the logs of the run were joined."""
    facts = run.record.other_facts
    if different := [fact for fact in facts if fact.name == "disagrees_with"]:
        return Present(tuple(Evidence(str(fact.value), fact.source) for fact in different[:4]))
    if alike := [fact for fact in facts if fact.name == "agrees_with"]:
        return Absent((Evidence(f"two logs agree: {alike[0].value}", alike[0].source),))
    return NotEvaluated(missing=MISSING)


RULE = Rule(
    code="CMP971",
    slug="values-differing-between-sources",
    severity=Severity.NOTE,
    needs=("a second log of the run",),
    check=check,
    since="0.2",
)
