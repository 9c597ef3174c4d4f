"""The base answers nearer to the references than the model does.

## What it sees

chrF, the F-score of character n-grams, of the answers of both models against the references, question by question.

## Why it matters

The loss may have fallen while the answers became worse: a wrong template, an end token that is not learned, or a model
that learned the manner of the rows and lost what it knew.

## What it does not mean

chrF counts characters: a right answer in other words scores low for both. Few questions scatter much.

## Example

chrF is 0.21 for the model and 0.48 for its base over 12 questions.

## Check it by hand

Read the samples side by side.

## References

- Popovic 2015, chrF: character n-gram F-score for automatic MT evaluation
- https://github.com/mjpost/sacrebleu
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.validation.rule import model_rule, not_measured

if TYPE_CHECKING:
    from trainclinic.validation.tested import Tested

FEWEST = Threshold("answers", 4, "answers", "fewer say little about a mean")
WORSE = Threshold("chrF below that of the base", 0.05, "1", "answers in other words move it by some hundredths")


def check(tested: Tested) -> Verdict:
    """Compare the mean scores, with the interval of their difference."""
    found = next((one for one in tested.scores if one.metric == "chrF"), None)
    if found is None:
        return not_measured(tested, "scores", "answers with references, and the library `sacrebleu`")
    if len(found.base) < FEWEST.value:
        return NotEvaluated(f"at least {FEWEST.value:.0f} answers of the base (`--base`)")
    apart = np.array(found.base) - np.array(found.tuned)
    spread = 1.96 * float(apart.std(ddof=1)) / len(apart) ** 0.5
    here, there = number(float(np.mean(found.tuned)), 2), number(float(np.mean(found.base)), 2)
    says = Evidence(f"chrF is {here} for the model and {there} for its base, over {count(len(apart), 'question')}")
    is_worse = apart.mean() > WORSE.value and apart.mean() > spread
    return Present((says,)) if is_worse else Absent((says,))


RULE = model_rule(
    code="VAL204",
    slug="answers-worse-than-those-of-the-base",
    severity=Severity.WARNING,
    needs=("answers", "base"),
    check=check,
    thresholds=(
        FEWEST,
        WORSE,
    ),
)
