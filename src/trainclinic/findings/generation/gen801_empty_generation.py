"""Outputs of the model are empty.

## What it sees
Recorded outputs without a visible character where an answer was expected, and how many tokens were generated for them.

## Why it matters
The model is unusable, and the number of tokens says why: a full-length output without text is a row of special tokens
that decoding removes, as NaN logits produce (the arg-max is then token 0); a single token is an end token at once.

## What it does not mean
It does not mean that the model "learned to say nothing": only one new token points at a learned or preferred end token.
It says nothing about the sampling settings.

## Example
`{"prompt": "### Instruction: ...", "output": "", "new_tokens": 48}` for every prompt

## Check it by hand
Generate again with `skip_special_tokens=False` and look at the ids; all 0 at full length means NaN logits, so check
`torch.isfinite(model(**batch).logits).all()`.

## References
- torch: `argmax` over a row of NaN returns the first NaN, index 0; in many tokenizers id 0 is `<unk>` or `<pad>`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.findings.outputs import NO_SAMPLES

if TYPE_CHECKING:
    from trainclinic.record.parts import Generation
    from trainclinic.signals.measured import Measured

HALF = Threshold("empty outputs", 0.5, "share", "fewer may be refusals or single bad prompts")
MANY_TOKENS = Threshold("new tokens without text", 8, "tokens", "an end token and line breaks are fewer")


def check(run: Measured) -> Verdict:
    """Count empty outputs and read their token counts."""
    texts = run.generated_texts
    if texts is None:
        return NO_SAMPLES
    outputs = [run.record.generations[shape.row] for shape in texts.shapes]
    expected = [one for one in outputs if one.reference is None or one.reference.strip()]
    empty = [one for one in expected if not one.output.strip()]
    if not empty:
        return Absent((Evidence(f"none of {count(len(outputs), 'output')} is empty", outputs[0].source),))
    says = f"{len(empty)} of {count(len(expected), 'output')} {'is' if len(empty) == 1 else 'are'} empty"
    long, short = _token_counts(empty)
    counted = bool(long or short)
    if long:
        says += f", {len(long)} of them after {max(long):,} new tokens"
    elif short:
        says += f", {len(short)} of them after one new token or none"
    sure = len(empty) >= HALF.value * len(expected) and (len(empty) > 1 or counted)
    return Present(
        (Evidence(says, empty[0].source, empty[0].step),),
        means=_means(long, short),
        settle="the generated token ids and whether the logits are finite",
        severity=None if sure else Severity.WARNING,
    )


def _token_counts(empty: list[Generation]) -> tuple[list[int], list[int]]:
    """Token counts that are far too many for nothing, and those of one token or none."""
    counts = [one.new_tokens for one in empty if one.new_tokens is not None]
    return [n for n in counts if n >= MANY_TOKENS.value], [n for n in counts if n <= 1]


def _means(long: list[int], short: list[int]) -> str:
    if long:
        return (
            "Tokens were generated and none of them is text: special tokens only, which is what NaN logits look like."
        )
    if short:
        return "The first token ends the text: the end token was chosen at once."
    return "How many tokens were generated is not recorded: many mean special tokens only, one means an end token."


RULE = Rule(
    code="GEN801",
    slug="empty-generation",
    severity=Severity.HARMFUL,
    needs=("generations",),
    check=check,
    thresholds=(HALF, MANY_TOKENS),
)
