"""The marker after which the answer begins is not found among the token ids, so the whole row is masked.

## Mechanism
A completion-only collator encodes a marker such as `### Response:` by itself and looks for these ids in
each row. Sub-word tokenizers do not promise the same ids in context: a SentencePiece tokenizer puts a
space in front of a string that stands alone, a newline before the marker merges with its first
character, a trailing space belongs to the first word of the answer, and an encoder with special tokens
puts a begin token in front. One id that differs is enough. The collator finds no marker and sets all
labels of the row to -100. When the pad id occurs inside the marker, padding hides it as well.

## What it looks like
- `Could not find response key ... in the following instance`, once for every row.
- Then a loss of 0.0, NaN, or a division by zero, from the first step on; a printed sum of the mask is
  0.
- A label preview with many tokens and no labels, in short rows as in long ones.
- Gradient norm 0.0 or NaN. The weights stay as they were.

## What else looks like it
A length limit that cuts the marker off prints the same warning, but only for long rows, and a larger
limit cures it. A prompt length that is computed rather than searched for leaves a mismatch of counts in
the log and no missing key. NaN from low precision comes after finite rows and names no marker.

## How to decide
Encode the marker alone and print the ids of one full row: the marker's ids must appear in it in one
piece. Then encode it with its real left neighbour, cut that neighbour off, and pass the remaining ids
to the collator. If the warnings stop and labels appear, this was it.

## Typical false diagnosis
A bug in the collator or an error in the data. The marker is in the text of every row; it is missing in
the ids only.

## References
- https://github.com/huggingface/trl/issues/1183
- https://github.com/huggingface/trl/issues/1191
- https://github.com/huggingface/trl/issues/1920
- https://github.com/datawhalechina/happy-llm/issues/50
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="response-template-mismatch",
    title="Response marker not found in the token ids",
    family="supervised-tokens",
    incidents=5,
    decided_by=("log", "script", "data"),
    decisive_test="Search the ids of the marker, encoded alone, in the ids of 20 complete rows",
    false_diagnosis="a bug in the collator, or an error in the data",
    expects=(
        Expect("response-marker-warning", USUALLY, "the collator names every row in which it finds no marker"),
        Expect("response-marker-absent", ALWAYS, "the ids of the marker alone do not occur in the row"),
        Expect("completion-only-loss", ALWAYS, "only a loss on the answer alone needs a marker"),
        Expect("rows-without-targets", ALWAYS, "a row without a marker keeps no label"),
        Expect("rows-without-labels-report", OFTEN, "a preview shows rows with tokens and no labels"),
        Expect("zero-loss-from-start", OFTEN, "the marker is missing in the first batch as in all others"),
        Expect("loss-exactly-zero", OFTEN, "the mean over no target is logged as 0"),
        Expect("nan-loss", OFTEN, "0/0 over a fully masked batch"),
        Expect("nan-at-zero-learning-rate", OFTEN, "the batch is empty before any update"),
        Expect("wrong-value-before-first-update", OFTEN, "labels are built before any weight has moved"),
        Expect("zero-gradient-norm-from-start", OFTEN, "ignored labels send no gradient back"),
        Expect("empty-target-warning", SOMETIMES, "the log itself says that a batch has no target"),
        Expect("text-search-for-answer", SOMETIMES, "the marker is looked for as a text that is encoded alone"),
        Expect("zero-token-accuracy", SOMETIMES, "no token is scored"),
        Expect("ignored-answer-labels", SOMETIMES, "a preview shows answers that carry -100"),
        Expect("nan-hidden-as-zero", SOMETIMES, "the filter writes 0.0 for the NaN of an empty batch"),
    ),
    excluded_by=(Excluded("response-marker-absent", "the marker was found in the ids of the rows", when="absent"),),
    confused_with=("corrupt-input-data",),
)
