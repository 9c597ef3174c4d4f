"""Some inputs hold NaN or garbage, or a fallback has silently put other data in their place.

## Mechanism
Three things come under this name. Cached tensors (latents, features, tokens) were written while
something overflowed, and a few of them hold NaN. Rows were damaged on their way: cut files, wrong
columns, binary text. Or loading failed, an `except` branch caught it, and the run trains on
synthetic or default rows without saying so.
A damaged row is a property of the row. It fails whenever it is drawn: in every epoch, after a
resume, at every learning rate, in every precision, on every device. That is the test that
separates it from nearly everything it is blamed for, since states of the optimizer, kernels and
rates fail at a step and not at a row.

## What it looks like
A long ordinary stretch, then NaN or a single giant value in one row, at an ordinary gradient norm
before it. If the guard drops the batch, the next rows are ordinary again; if not, everything after
it is NaN. With a fixed seed it comes back at the same step, and with another seed at another step
but at the same row. A substituted data set shows a loss that has nothing to do with the text,
falling unnaturally fast.

## What else looks like it
- Numbers that leave the fp16 range: bound to long or extreme batches, and gone in bf16 with the
  same rows.
- A rate that is too high: at the peak of the schedule, with growing gradient norms before it, and
  other rows do the same.
- Padding-related NaN: the NaN rows are the padded ones.
- Failure right after the first update: the optimizer's precision, not a row that happened to be
  second.
- A spike in one evaluation: weights or evaluation, since an evaluation reads its own rows.

## How to decide
Scan the cache or the file for non-finite values and for rows of length 0 before training; that is
one pass and needs no model. Then take the batch at which the run failed and feed it to the
untouched base model. If it fails there, the row is bad; if it does not, the row is innocent.
Hash the first rows that the loader yields and compare them with the file, to see whether it is the
file that is read.

## Typical false diagnosis
This cause is named far more often than it is true. "Corrupt data at step 2000" is refuted by the
batch itself: it runs cleanly through an earlier checkpoint. It is refuted without a run when the
failure stands in the step after the first update, when a change of kernel or device removes it, or
when rows are random crops, which have no position in a file.
It is overlooked where another culprit is at hand: one NaN in a cached latent was blamed on an
Apple GPU for weeks.

## References
- [huggingface/diffusers#7563](https://github.com/huggingface/diffusers/issues/7563): NaN in a
  cached latent, blamed on the MPS backend
- [Failure analysis of
  gpt-oss-vision-encoder](https://github.com/davidajoyce/gpt-oss-vision-encoder): training on a
  silent data fallback
- [PaLM](https://arxiv.org/abs/2204.02311): spikes whose batches were harmless when read from
  another checkpoint
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, RARELY, SOMETIMES, Cause, Excluded, Expect

CAUSE = Cause(
    slug="corrupt-input-data",
    title="Corrupt, non-finite or substituted inputs",
    family="data",
    incidents=2,
    decided_by=("data", "log", "probe", "script"),
    decisive_test=(
        "Feed the batch at which the run failed to the untouched base model, and scan the cached inputs for "
        "non-finite values"
    ),
    false_diagnosis="an unstable backend or the optimizer",
    expects=(
        Expect("failure-on-every-device", SOMETIMES, "bad values are bad on every device"),
        Expect("failure-with-every-kernel", SOMETIMES, "bad values are bad in every kernel"),
        Expect("non-finite-stored-inputs", OFTEN, "a look at what is stored finds it"),
        Expect("late-nan-onset", OFTEN, "a rare row is drawn after many good ones"),
        Expect("nan-loss", OFTEN, "a NaN in the input is a NaN in the loss of its batch"),
        Expect(
            "recovering-nan-rows",
            SOMETIMES,
            "the rows after the damaged one are good again when its batch is dropped",
        ),
        Expect("failure-at-every-learning-rate", OFTEN, "the row is damaged whatever the rate"),
        Expect("failure-in-every-precision", OFTEN, "a NaN in the input is a NaN in every precision"),
        Expect("isolated-giant-loss", SOMETIMES, "a row of garbage stands out alone"),
        Expect("loss-spike", SOMETIMES, "a batch of garbage lifts the loss for as long as it is read"),
        Expect(
            "gradient-norm-outlier",
            SOMETIMES,
            "the gradient of a damaged batch has nothing in common with the others",
        ),
        Expect("garbled-characters", SOMETIMES, "damage on the way from the source shows in the text"),
        Expect("spike-at-data-boundary", SOMETIMES, "a damaged shard begins and ends with its file"),
        Expect("nan-eval-loss", RARELY, "damaged rows may lie in the held-out part"),
        Expect("initial-loss-too-high", RARELY, "substituted rows need not be text of any language"),
        Expect("persistent-nan", OFTEN, "without a guard one NaN batch ruins the weights for good"),
    ),
    excluded_by=(
        Excluded(
            "nan-after-first-update", "a bad row would have to be drawn in exactly the step after the first update"
        ),
        Excluded("finite-loss-with-nan-gradient-norm", "inputs that give a finite loss are themselves finite"),
        Excluded("nan-only-in-padded-rows", "the values fail with the padding and not with the content"),
        Excluded("loss-differing-between-devices", "the same rows are read without harm on the other device"),
    ),
    confused_with=("mps-instability", "learning-rate-too-high"),
)
