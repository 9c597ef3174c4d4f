"""The model that is trained does not hold the weights that it was meant to start from.

## Mechanism
Between the file and the forward pass there are several places at which a model can end up empty.
Under ZeRO-3 and FSDP the parameters exist only in pieces, and a loader that does not know it fills
the pieces of rank 0 and leaves the others as allocated. A head whose shape does not match is
initialised anew. A prefix in the key names makes every key "missing", which is a warning and not
an error. Memory that is never written keeps whatever stood there, so values of 1e37 or NaN are
possible and differ between runs. And sometimes the file itself is the wrong one: an unfinished
conversion, a damaged download, another architecture.
All of this is decided before the first step, so no setting of the optimizer changes it.

## What it looks like
The first loss is that of a model which knows nothing, the logarithm of the vocabulary (10.4 for
32,000 entries, 11.8 for 128,256), or above it when the weights are not random but wrong.
Evaluation before training shows the same. Values near 1e37 in a head give exact zeros or NaN in
the first row.
If the run is long enough the loss falls from there as in training from scratch: fast to about 7,
then slowly. The gradient norm is large from the beginning.

## What else looks like it
- Labels that are shifted twice: the first loss lies between the logarithm of the vocabulary and a
  normal start, and the loss of the right offset is normal.
- A tokenizer of another model: also above uniform, but the weights have normal norms.
- New random rows for added tokens: high only on rows that contain them.
- Training from scratch that is meant to be so.
- Position errors: normal below some length.

## How to decide
Load the checkpoint in one process, without any sharding, and compute the loss of the first batch.
A normal value there and a high one in the run convict the loading. Otherwise compare the norms of
a few tensors with those in the file, on every rank, and read the list of missing keys: a new
classification head is expected, a decoder layer is not.

## Typical false diagnosis
"The learning rate is too high" or "the data is bad". The first row of a log is computed before any
update, so the rate is not in it yet; and the same data has a normal loss under the same model in
one process.

## References
- [huggingface/transformers#25686](https://github.com/huggingface/transformers/pull/25686): empty
  parameters under ZeRO-3
- [huggingface/transformers#28244](https://github.com/huggingface/transformers/issues/28244): first
  loss far too high with a sharded model
- [huggingface/transformers#45050](https://github.com/huggingface/transformers/pull/45050):
  parameters that are left unloaded on some ranks
- [DeepSpeed configuration](https://www.deepspeed.ai/docs/config-json/): stage 3 and the place
  where parameters live
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="pretrained-weights-not-loaded",
    title="Base weights empty, random or wrong",
    family="state-and-parallelism",
    incidents=7,
    decided_by=("log", "script", "environment", "probe"),
    decisive_test=(
        "Compute the loss of the first batch in a single process without sharding, and compare it and the "
        "norms of a few tensors with those of the run"
    ),
    false_diagnosis="a learning rate that is too high, or bad data",
    expects=(
        Expect("ignored-size-mismatch", SOMETIMES, "layers that do not fit are made anew"),
        Expect("half-loaded-state-dict", SOMETIMES, "keys that do not fit are passed over"),
        Expect("initial-loss-too-high", USUALLY, "a model without its weights starts far above an intact one"),
        Expect(
            "wrong-value-before-first-update",
            USUALLY,
            "the fault is in the weights before the optimizer touches them",
        ),
        Expect("initial-loss-near-uniform", OFTEN, "random or empty weights guess every token alike"),
        Expect(
            "initial-loss-above-uniform",
            SOMETIMES,
            "weights that are wrong rather than random are confidently wrong",
        ),
        Expect(
            "uninitialised-weights-warning",
            OFTEN,
            "the loader says which tensors it did not find or had to create",
        ),
        Expect("sharded-training", OFTEN, "a parameter in pieces is filled by loaders that know of pieces only"),
        Expect("several-processes", OFTEN, "ranks above 0 receive nothing when the loading is left to rank 0"),
        Expect("implausible-weight-values", SOMETIMES, "memory that was never written holds values such as 1e37"),
        Expect(
            "nan-at-zero-learning-rate",
            SOMETIMES,
            "unwritten memory may hold NaN, which shows in the first forward pass",
        ),
        Expect(
            "zero-loss-from-start",
            SOMETIMES,
            "a head of huge values saturates the softmax, or gives NaN that is printed as 0",
        ),
        Expect("nan-loss", SOMETIMES, "unwritten memory or a damaged file gives NaN from the first row on"),
        Expect("failure-at-every-learning-rate", SOMETIMES, "no rate repairs weights that are not there"),
        Expect(
            "implausible-evaluation",
            SOMETIMES,
            "an evaluation before or during training sees the same empty model",
        ),
        Expect("loss-differing-between-layouts", USUALLY, "one device loads the whole file by itself"),
        Expect(
            "loss-differing-between-releases",
            SOMETIMES,
            "loading code changes between releases while the file stays",
        ),
    ),
    excluded_by=(
        Excluded("loss-parting-between-layouts", "the same first loss was computed from the same weights"),
        Excluded("training-from-scratch", "nothing was meant to be loaded"),
        Excluded("plausible-first-loss", "only an intact pretrained model starts at that level"),
        Excluded("normal-eval-beside-abnormal-train", "an evaluation that is normal has the weights"),
    ),
    confused_with=("learning-rate-too-high", "corrupt-input-data"),
)
