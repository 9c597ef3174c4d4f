"""Rows of the evaluation set, or near copies of them, were trained on.

## Mechanism
A split by position or by row number puts copies, paraphrases, neighbouring chunks of one document
or other turns of one conversation on both sides. The evaluation then asks for what was taught. Its
loss follows the training loss down, pass after pass, and the usual sign of too many passes never
comes.
The training itself is not damaged. What is lost is the only instrument that would tell when to
stop, and the number that is reported.
There is a second road that leaves no shared rows: the pretrained model has read the benchmark. The
evaluation is then low from step 0 on and does not follow the training at all; no split of one's
own file can repair that.

## What it looks like
The held-out loss goes down with the training loss and lies at or below it, also after two and more
passes; it steps down at epoch boundaries although its rows are said to be new. It shows no rise
where one is due. Where it lies clearly below a training loss that has no dropout, it is hard to
explain in any other way. The answer lies in the rows: shared hashes, or shared runs of thirteen
tokens.
With copies in the file and a random split the numbers can be predicted: if every row occurs k
times and a tenth is held out, nearly all held-out rows have a twin in training as soon as k is 3.
A held-out loss that follows the training loss through a memorisation staircase is the clearest
picture.

## What else looks like it
- Dropout and window means: both put a correct held-out loss a little below the training loss in
  the first pass.
- An easier held-out set, for instance shorter rows: a constant distance from the first evaluation
  on.
- A model that sees the future: both losses go to 0, and outputs are useless.
- Simple tasks, on which new rows are as easy as old ones.

## How to decide
Hash normalised rows on both sides and intersect; then compare near copies and 13-grams, and look
whether documents or conversations were cut by the split. Evaluate on rows that were written after
the data was collected, or on another source of the same kind. A jump there, with a falling split,
settles it.
Split by what belongs together (document, conversation, user, template, source file) and not by
row, and split before anything is copied, augmented or cut into chunks. Then re-evaluate old
checkpoints on the clean part; they need not be trained again to see how much was memory.

## Typical false diagnosis
"It generalises excellently". A leaked set measures memory, so it will say so of any model.

## References
- [Language models are few-shot learners](https://arxiv.org/abs/2005.14165): overlap by 13-grams,
  appendix C
- [Deduplicating training data makes language models better](https://arxiv.org/abs/2107.06499):
  copies across splits
- [scikit-learn, common pitfalls](https://scikit-learn.org/stable/common_pitfalls.html): what
  leakage is and how to split
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="train-eval-leakage",
    title="Evaluation rows leaked into training",
    family="data",
    incidents=0,
    decided_by=("data", "log"),
    decisive_test="Intersect hashes and 13-grams of the rows on both sides of the split",
    false_diagnosis="excellent generalisation",
    expects=(
        Expect("evaluation-on-training-rows", USUALLY, "both sets are the same rows"),
        Expect("split-after-augmentation", OFTEN, "copies of a row fall on both sides"),
        Expect("split-overlap", ALWAYS, "the same or nearly the same rows lie on both sides"),
        Expect("uninterrupted-evaluation", USUALLY, "an evaluation is what the leak shows in"),
        Expect("eval-below-train", RARELY, "rows that were taught are no harder than the rest"),
        Expect("duplicate-rows", OFTEN, "copies in the file end up on both sides of a random split"),
        Expect("repeated-passes", OFTEN, "a leak shows when taught rows have been read before they are asked for"),
        Expect("epoch-boundary-drop", SOMETIMES, "rows that were read in the last pass are known in this one"),
        Expect("joint-fall-to-zero", SOMETIMES, "with enough passes both sides are known by heart"),
        Expect("loss-collapse-to-zero", RARELY, "small sets with copies are learned completely"),
    ),
    excluded_by=(Excluded("split-overlap", "the rows of both sides were compared and share nothing", when="absent"),),
    confused_with=("normal-convergence",),
)
