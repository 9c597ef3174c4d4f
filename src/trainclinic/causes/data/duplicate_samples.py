"""A large share of the rows occurs more than once, so the model learns them by heart.

## Mechanism
Data that is generated from templates, oversampled, merged from several exports or scraped
repeatedly holds the same rows many times. Within one pass the model sees such a row as often as in
many passes, and after a few sights it recites it. Fine-tuning on a few thousand rows of which a
third are copies has the appetite for memorising of a run with several epochs.
If the split was made after the copying, copies also lie on both sides of it, and the held-out loss
no longer measures anything new.
Copies also change what the loss counts. A row that occurs fifty times has fifty votes, so the
model is fitted to the generator of the copies, its templates and its mistakes, before it is fitted
to anything else.

## What it looks like
The training loss falls fast within the first pass and to a level that this kind of text does not
have. There is no step at the epoch boundary, or a small one, since the repetition is spread over
the whole pass. Outputs recite whole rows for prompts that come near them. In the data a count of
normalised rows says it directly; a compressor that reaches less than 0.7 of the size of zlib's
output on a megabyte says the same.
Three readings of a file belong together: the share of exact copies, the share of near copies, and
the count of the most frequent answer. Refusals, greetings and headers are often copied while the
questions differ; then rows are unique and targets are not.

## What else looks like it
- Several passes over unique rows: the drop lies at the boundaries.
- Repetitive text by nature (forms, logs, code): low loss without copies, on held-out rows as well.
- Labels that are not shifted or a model that sees the future: even random text goes to 0.
- Leaked evaluation rows without copies inside the training part.

## How to decide
Count rows after folding case and white space, then count near-duplicates (word 3-grams, MinHash).
More than 1 % exact or 5 % near copies is worth removing, more than 10 % or 20 % explains a curve.
Train on the unique rows for the same number of steps: the training loss ends higher, the held-out
loss lower.
Look at the ten most frequent rows and the ten most frequent answers with their counts before
deleting anything. Intended repetition, such as weights given by copying a good source three times,
is better expressed by sampling weights and should leave the held-out part alone.
To see what the copies do to a run at hand, compute the loss of the last checkpoint on rows that
occur once and on rows that occur often. A ratio of two or more is memory.

## Typical false diagnosis
"Fast convergence". A held-out set that is free of copies does not converge with it.

## References
- [Deduplicating training data makes language models better](https://arxiv.org/abs/2107.06499): how
  much is copied, and what it does
- [Scaling laws and interpretability of learning from repeated
  data](https://arxiv.org/abs/2205.10487): the damage of a small repeated share
- [Datasets](https://huggingface.co/docs/datasets/process): removing and filtering rows
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, Cause, Excluded, Expect

CAUSE = Cause(
    slug="duplicate-samples",
    title="Duplicated rows",
    family="data",
    incidents=0,
    decided_by=("data",),
    decisive_test=(
        "Count exact and near-duplicate rows after folding case and white space, and repeat the run on the unique ones"
    ),
    false_diagnosis="fast convergence",
    expects=(
        Expect("duplicate-rows", ALWAYS, "copies are what the name says"),
        Expect("split-overlap", OFTEN, "a split drawn after the copying puts copies on both sides"),
        Expect("eval-train-gap", SOMETIMES, "rows that are recited are cheap, new rows are not"),
        Expect("loss-collapse-to-zero", SOMETIMES, "a row that is seen often enough is known by heart"),
        Expect("epoch-boundary-drop", SOMETIMES, "what was not known after one pass is known in the next"),
        Expect("repetitive-generation", RARELY, "a model that recites gives the same sentences again"),
        Expect("repeated-passes", SOMETIMES, "the number of copies is multiplied by the number of passes"),
    ),
    excluded_by=(Excluded("duplicate-rows", "the rows were counted and occur once", when="absent"),),
    confused_with=("normal-convergence",),
)
