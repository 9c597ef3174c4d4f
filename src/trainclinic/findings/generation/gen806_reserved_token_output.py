"""Outputs contain reserved or new special tokens.

## What it sees
Tokens that stand for no text inside an output: reserved and unused ones, unknown, mask and padding tokens, a tag that
comes four times in a row, or an end token that more text follows. End tokens and padding at the very end are left out.

## Why it matters
Pretraining never uses reserved tokens, so their rows of the output head are arbitrary; a model that emits them was
given targets or new embeddings that it never learned properly, and a new row with a large norm wins every comparison.

## What it does not mean
It is no decoding problem: hiding special tokens hides the symptom and not the wasted tokens. `<unk>` may be in the
training data.

## Example
`At ten past four.<|reserved_special_token_5|><|reserved_special_token_5|>`

## Check it by hand
Compare the norm of the token's row in the output head with the mean norm of all rows, and search the training data for
the token.

## References
- hiyouga/LLaMA-Factory issue 5593; huggingface/transformers issue 8472: rows of new tokens win after a resize
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.findings.outputs import written_outputs

if TYPE_CHECKING:
    from trainclinic.signals.measured import Measured

HALF = Threshold("outputs with such tokens", 0.5, "share", "single ones may come from rare characters")
OFTEN = Threshold("tokens in one output", 2, "tokens", "one `<unk>` may stand for one rare character")


def check(run: Measured) -> Verdict:
    """Count outputs with tokens that stand for no text."""
    written = written_outputs(run)
    if isinstance(written, NotEvaluated):
        return written
    found = [(shape, shape.reserved) for shape in written if shape.reserved is not None]
    if not found:
        source = run.record.generations[written[0].row].source
        return Absent((Evidence(f"none of {count(len(written), 'output')} contains such a token", source),))
    shape, (token, amount) = max(found, key=lambda pair: pair[1][1])
    one = run.record.generations[shape.row]
    times = "once" if amount == 1 else f"{amount} times"
    says = f"tokens that are no text in {len(found)} of {count(len(written), 'output')}: `{token}` {times} in one"
    sure = amount >= OFTEN.value and len(found) >= HALF.value * len(written)
    return Present(
        (Evidence(says, one.source, one.step),),
        settle="the norm of that token's row in the output head, and a search for it in the training data",
        severity=None if sure else Severity.WARNING,
    )


RULE = Rule(
    code="GEN806",
    slug="reserved-token-output",
    severity=Severity.HARMFUL,
    needs=("generations",),
    check=check,
    thresholds=(HALF, OFTEN),
)
