"""The adapter's output is multiplied by a large factor.

## What it sees
The factor between adapter and base, alpha over rank (over its square root with rsLoRA) or the `scale` of MLX, above
what recipes use, when the learning rate does not make up for it: their product is what an update does to the model.

## Why it matters
A large factor makes every update larger without showing in the learning rate: the loss jumps or turns to noise at rates
that look modest, and outputs after merging are noise as well.

## What it does not mean
A large factor beside a small learning rate is the same as usual settings, unless the log shows harm. Alpha alone says
nothing: 128 is ordinary for rank 64. While the log shows no spike, no non-finite value and no rise, this is a note.

## Example
`lora_parameters: {rank: 64, scale: 20.0}` with `learning_rate: 1e-4`

## Check it by hand
Compute the norm of `scale * B @ A` over the norm of the weight it is added to, for a few layers.

## References
- https://github.com/Blaizzy/mlx-vlm/issues/841
- https://github.com/cloneofsimo/lora/issues/240
- https://github.com/ml-explore/mlx-examples/issues/620
- https://arxiv.org/abs/2312.03732 (rsLoRA)
"""

from __future__ import annotations

import math
import re

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.findings.step_size import peak_rate, sign_of_harm
from trainclinic.signals.measured import Measured

LARGE = Threshold(
    "factor between adapter and base",
    4.0,
    "1",
    "recipes use alpha equal to or twice the rank; peft's and ms-swift's examples (8 and 32) have 4",
)
STRONG = Threshold(
    "factor times learning rate",
    5e-4,
    "1",
    "alpha of twice the rank at 2e-4 gives 4e-4; the defaults of mlx-lm, 20 at 1e-5, give 2e-4",
)
_SCALE = re.compile(r"(?:lora|adapter)\w*[._](?:scale|scaling)$|^lora_?scale$")


def check(run: Measured) -> Verdict:
    """Compute the factor and its product with the learning rate."""
    found = _factor(run)
    if found is None:
        return NotEvaluated(missing="rank and alpha of the adapters (`r`, `lora_alpha`), or their `scale`")
    factor, told = found
    if factor <= LARGE.value:
        return Absent((told,))
    peak = peak_rate(run)
    evidence = (told,) if peak is None else (told, peak[1])
    harm = sign_of_harm(run)
    if peak is not None and factor * peak[0] <= STRONG.value:
        if harm is not None:
            tried = f"the same steps with a smaller scale: {number(factor, 3)} is large, but not at this learning rate"
            return NotEvaluated(missing=tried)
        usual = Evidence(f"their product, {factor * peak[0]:.2g}, is that of usual settings")
        return Absent((*evidence, usual))
    if harm is not None:
        return Present((*evidence, harm), settle="the same steps with alpha equal to the rank")
    quiet = run.train_loss is not None
    means = "The log shows nothing that too large updates would cause." if quiet else ""
    return Present(evidence, means=means, severity=Severity.NOTE if quiet else None)


def _factor(run: Measured) -> tuple[float, Evidence] | None:
    """What the adapter's output is multiplied by, with how it is known."""
    facts = run.record.facts
    for fact in run.record.other_facts:
        if _SCALE.search(fact.name.lower()) and isinstance(fact.value, float) and fact.value > 0:
            return fact.value, Evidence(f"`{fact.name}` is {number(fact.value)}", fact.source)
    alpha, rank = facts.get("lora_alpha"), facts.number("lora_rank")
    if alpha is None or not rank or "mlx" in (facts.text("framework") or "").lower():
        return None  # MLX tools do not agree on dividing alpha by the rank
    value, stabilised = float(alpha.value), bool(facts.flag("use_rslora"))
    factor = value / (math.sqrt(rank) if stabilised else rank)
    over = "the square root of the rank" if stabilised else "the rank"
    says = f"alpha {number(value)} over {over} ({number(rank)}) is {number(factor, 3)}"
    return factor, Evidence(says, alpha.source)


RULE = Rule(
    code="SET713",
    slug="large-adapter-scale",
    severity=Severity.WARNING,
    needs=("lora_alpha", "lora_rank", "use_rslora", "setting: lora scale", "learning_rate", "train/loss"),
    check=check,
    thresholds=(LARGE, STRONG),
    since="0.2",
)
