"""Outputs differ after merging, reloading or exporting the model.

## What it sees
Outputs to one prompt under labels that say where they were made: the live model or adapter, the merged model, the
reloaded one, another runtime. They are compared word by word, the stage nearest to training being the reference.

## Why it matters
Training may be fine and the model that is used is another one: rounded by a merge into few bits, without its trained
embeddings or head, with another tokenizer or another adapter scale. More training cannot cure this.

## What it does not mean
It does not say that training failed, and it does not say which export step did it. Sampled outputs differ without any
fault, and a conversion to fewer bits changes a word here and there.

## Example
In memory `<act>open the gate</act>`, after reloading `<act>open the!!!!!!!!`

## Check it by hand
Compare the token ids of the prompt on both sides, then the logits of the first answer token; ids that differ are a
tokenizer fault, logits that differ by more than 0.1 are a weight fault.

## References
- huggingface/peft issue 2321: merging into a 4-bit base; ggml-org/llama.cpp issue 7062: another pre-tokenizer
- huggingface/transformers issue 45127: a trained head that tied weights replace on loading
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, percent
from trainclinic.findings.outputs import NO_SAMPLES
from trainclinic.signals.generated_text import GeneratedTexts, OutputPair, excerpt

if TYPE_CHECKING:
    from trainclinic.signals.measured import Measured

DIFFERENT = Threshold("similarity", 0.8, "share of words", "fewer bits change single words of an answer")
OTHER = Threshold(
    "similarity", 0.3, "share of words", "two answers to one prompt share more than this by their subject"
)


def check(run: Measured) -> Verdict:
    """Compare outputs before and after export."""
    texts = run.generated_texts
    if texts is None:
        return NO_SAMPLES
    pairs = [pair for pair in texts.pairs if pair.kind == "export"]
    if not pairs:
        return NotEvaluated("outputs to the same prompt before and after export, labelled `adapter` and `merged`")
    outputs = run.record.generations
    differing = [pair for pair in pairs if pair.similarity < DIFFERENT.value]
    if not differing:
        closest = min(pairs, key=lambda pair: pair.similarity)
        says = f"{count(len(pairs), 'pair')} of outputs share {percent(closest.similarity)} of their words or more"
        return Absent((Evidence(says, outputs[closest.right].source),))
    worst = min(differing, key=lambda pair: (not _broken(texts, pair), pair.similarity))
    left, right = outputs[worst.left], outputs[worst.right]
    says = (
        f"{len(differing)} of {count(len(pairs), 'pair')} differ: {left.label} `{excerpt(left.output, 40)}`, "
        f"{right.label} `{excerpt(right.output, 40)}`"
    )
    broken = _broken(texts, worst) or all(pair.similarity < OTHER.value for pair in pairs)
    means = "The exported model is another model than the trained one." if broken and not _sampled(run) else ""
    return Present(
        (Evidence(says, right.source, right.step),),
        means=means or "If these outputs were sampled, repeat them greedily before judging.",
        settle="token ids of the prompt and logits of the first answer token on both sides",
        severity=None if means else Severity.WARNING,
    )


def _broken(texts: GeneratedTexts, pair: OutputPair) -> bool:
    """Whether the exported output is degenerate and the one before is not."""
    by_row = {shape.row: shape for shape in texts.shapes}
    left, right = by_row.get(pair.left), by_row.get(pair.right)
    return left is not None and right is not None and right.degenerate and not left.degenerate


def _sampled(run: Measured) -> bool:
    """Whether a setting says that outputs are sampled."""
    return any(fact.name.lower().endswith("do_sample") and bool(fact.value) for fact in run.record.other_facts)


RULE = Rule(
    code="GEN808",
    slug="export-changed-output",
    severity=Severity.HARMFUL,
    needs=("generations",),
    check=check,
    thresholds=(DIFFERENT, OTHER),
)
