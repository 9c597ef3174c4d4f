"""A library warns that the data uses tokens whose embeddings are neither trained nor trainable.

## What it sees
unsloth's "Untrained tokens of [[...]] found", TRL's warning that new tokens were added while `lm_head` is not in
`modules_to_save`, and axolotl's demand for `lora_modules_to_save` after special tokens were changed.

## Why it matters
The rows of such tokens hold zeros or noise, and with adapters they stay so. The model cannot learn to write them: an
end token of this kind is never written, and a row of zeros can turn into NaN.

## What it does not mean
The texts need not be wrong: the tokens may come from a chat template that the base model never saw. Many steps more do
not help while the embeddings are frozen.

## Example
`Unsloth: Untrained tokens of [[128042, 128036]] found, but embed_tokens & lm_head not trainable`

## Check it by hand
Compare the norm of the embedding row of each named id with the mean norm of all rows.

## References
- https://github.com/unslothai/unsloth/issues/1056
- https://github.com/meta-pytorch/torchtune/issues/2429
- trl `SFTTrainer`, added tokens and `modules_to_save`
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Present, Severity, Verdict
from trainclinic.findings.library_warnings import told, untold
from trainclinic.signals.measured import Measured


def check(run: Measured) -> Verdict:
    """Find the warning."""
    evidence = told(run, "tokens-untrained")
    if evidence:
        return Present(evidence, settle="the norms of those rows of the embedding, beside the mean norm")
    return untold(run, "no warning about untrained tokens", by=("unsloth", "unsloth-zoo"))


RULE = Rule(
    code="SET717",
    slug="untrained-token-warning",
    severity=Severity.WARNING,
    needs=("events: tokens-untrained", "versions: unsloth"),
    check=check,
    since="0.2",
)
