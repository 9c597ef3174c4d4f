"""The training loss steps down at each epoch boundary because the rows are recognised when they come again.

## Mechanism
Large pretrained models need few sights of a row to remember it, at rates from about 1e-4 for
adapters and 1e-5 for full fine-tuning even a single one. Inside the first pass every row is new
and the loss falls slowly. From the first step of the second pass every row has been seen once, so
the loss drops at once to the level of seen rows and is flat again until the third pass begins. The
step is the distance between new rows and remembered ones.
It says that the learning rate is effective and the data small. It needs no repair, but from the
second pass on the training loss measures memory.

## What it looks like
Stairs: flat or slowly falling inside each pass, a sharp step at exactly the epoch boundary, two or
more of them at whole epochs. The held-out loss takes no part in the steps; it is flat, or falls a
little, or begins to rise. The gradient norm steps with the loss. The learning rate has no edge
there.
The size of the step grows with the rate, the rank and the size of the model, and shrinks with the
number of rows. Batches of unlike length or a changed order do not blur it, because it begins with
the first batch of a pass.

## What else looks like it
- A scheduler or shuffling fault: edges in the rate, or patterns inside a pass, and not only at
  whole epochs.
- Overfitting: the same stairs together with a held-out loss that rises beyond its error.
- Leaked evaluation rows: the held-out loss steps down as well.
- A staged schedule: the steps follow the rate.

## How to decide
Lay epoch boundaries over the curve: every step must fall on one. Then look at the held-out loss
over the same boundaries. Flat means memorisation without harm; rising means stop at the pass
before. Two thirds of the rate, or a smaller rank, makes the steps smaller.
Judge the run by outputs for new prompts and by the held-out loss at the end of each pass; the pass
with the best of these is the one to keep. Two or three passes are usual for instruction data, and
the stairs alone are no reason for fewer.

## Typical false diagnosis
"A bug of the scheduler" or "of the shuffling". A shuffle that repeats its order gives patterns
inside the pass, and a scheduler shows in its own column.

## References
- [tatsu-lab/stanford_alpaca#236](https://github.com/tatsu-lab/stanford_alpaca/issues/236): steps
  at each epoch, reported as a fault
- [lm-sys/FastChat#2025](https://github.com/lm-sys/FastChat/issues/2025): a drop at exact
  boundaries while the evaluation stays
- [huggingface/transformers#18730](https://github.com/huggingface/transformers/issues/18730): a
  sawtooth at epochs
- [Can LLMs learn from a single example?](https://www.fast.ai/posts/2023-09-04-learning-jumps/):
  the same stairs, reproduced and explained
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, RARELY, SOMETIMES, Cause, Excluded, Expect
from trainclinic.causes.never_healthy import never_healthy

CAUSE = Cause(
    slug="epoch-memorisation",
    title="Epoch memorisation staircase",
    family="healthy-explanation",
    incidents=6,
    decided_by=("log", "config"),
    decisive_test=(
        "Lay the epoch boundaries over the training and the held-out loss: steps at whole epochs in the first only"
    ),
    false_diagnosis="a bug of the scheduler or of the shuffling",
    expects=(
        Expect("epoch-boundary-drop", ALWAYS, "rows are recognised from the first step of the next pass on"),
        Expect("repeated-passes", ALWAYS, "rows must come again to be recognised"),
        Expect("spike-at-data-boundary", RARELY, "the edge of a pass is an edge in the curve"),
        Expect("eval-train-gap", SOMETIMES, "remembered rows are cheaper than held-out ones"),
        Expect("loss-collapse-to-zero", RARELY, "a small set is known by heart after many passes"),
        Expect("periodic-loss-pattern", RARELY, "equal passes repeat their shape"),
        Expect("loss-still-falling", SOMETIMES, "each further pass goes one step down"),
    ),
    excluded_by=(
        Excluded("repeated-passes", "no row was seen twice", when="absent"),
        Excluded("epoch-boundary-drop", "nothing steps down where a pass ends", when="absent"),
        *never_healthy("loss-exactly-zero"),
    ),
    confused_with=("unshuffled-data", "scheduler-overstepping"),
)
