"""The same prompt gives another output in a batch.

## What it sees
Outputs to one prompt that are labelled with different batch sizes, and outputs whose labels give their number of
padding tokens: are the padded ones worse than those without?

## Why it matters
Padding must not change an answer. If it does, the attention mask, the position ids or the side of the padding are
wrong, or a kernel returns NaN for rows that are fully masked; evaluation and service in batches are then wrong as
well.

## What it does not mean
It is no fault of training. Slightly different wording is no sign of it: matrix products of another shape round
differently, and greedy decoding turns a tie the other way. Sampled outputs differ anyway.

## Example
Batch 1: `The capital is Lima.`; the same prompt in a batch of 5 with 12 padding tokens: an empty output

## Check it by hand
Compare the logits of one prompt alone and left-padded by 8 tokens, with an attention mask: they agree to 1e-3 in
float32.

## References
- huggingface/transformers, `GenerationMixin`: decoder-only models need left padding
- PyTorch, `scaled_dot_product_attention`: a fully masked row is 0/0
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.findings.outputs import NO_SAMPLES
from trainclinic.signals.generated_text import GeneratedTexts, OutputPair, excerpt, padding_of

if TYPE_CHECKING:
    from trainclinic.signals.measured import Measured

DIFFERENT = Threshold("similarity", 0.5, "share of words", "a flipped tie leaves the beginning of an answer intact")


def check(run: Measured) -> Verdict:
    """Compare outputs by batch size, then by padding."""
    texts = run.generated_texts
    if texts is None:
        return NO_SAMPLES
    pairs = [pair for pair in texts.pairs if pair.kind == "batch"]
    padded = _by_padding(run, texts)
    if padded is not None and isinstance(padded, Present):
        return padded
    if not pairs:
        return padded or NotEvaluated("outputs to the same prompt at two batch sizes, labelled `batch 1` and `batch 8`")
    outputs = run.record.generations
    differing = [pair for pair in pairs if pair.similarity < 1.0]
    if not differing:
        return Absent((Evidence(f"{count(len(pairs), 'pair')} of outputs agree", outputs[pairs[0].left].source),))
    worst = min(differing, key=lambda pair: pair.similarity)
    left, right = outputs[worst.left], outputs[worst.right]
    says = (
        f"{len(differing)} of {count(len(pairs), 'pair')} differ: {left.label} `{excerpt(left.output, 40)}`, "
        f"{right.label} `{excerpt(right.output, 40)}`"
    )
    return Present(
        (Evidence(says, right.source, right.step),),
        means="" if _broken(texts, worst) else "Rounding at another batch shape can flip a word; this may be no more.",
        settle="the logits of one prompt alone and padded, in float32",
        severity=None if _broken(texts, worst) else Severity.NOTE,
    )


def _broken(texts: GeneratedTexts, pair: OutputPair) -> bool:
    by_row = {shape.row: shape for shape in texts.shapes}
    left, right = by_row.get(pair.left), by_row.get(pair.right)
    worse = right is not None and right.degenerate and not (left is not None and left.degenerate)
    return worse or pair.similarity < DIFFERENT.value


def _by_padding(run: Measured, texts: GeneratedTexts) -> Verdict | None:
    """Whether outputs are broken exactly where there is padding; `None` when labels give no padding."""
    outputs = run.record.generations
    known = [(padding_of(outputs[shape.row].label), shape) for shape in texts.shapes]
    without = [shape for pads, shape in known if pads == 0]
    padded = [shape for pads, shape in known if pads]
    if not without or not padded:
        return None
    broken = [shape for shape in padded if shape.degenerate]
    source = outputs[padded[0].row].source
    says = f"broken: {len(broken)} of {count(len(padded), 'padded output')} and none of {len(without)} without padding"
    if any(shape.degenerate for shape in without) or 2 * len(broken) < len(padded) or len(broken) < 2:
        return Absent((Evidence(f"broken: {len(broken)} of {count(len(padded), 'padded output')}", source),))
    return Present((Evidence(says, source),), settle="the logits of one prompt alone and padded, in float32")


RULE = Rule(
    code="GEN807",
    slug="batch-dependent-output",
    severity=Severity.HARMFUL,
    needs=("generations",),
    check=check,
    thresholds=(DIFFERENT,),
)
