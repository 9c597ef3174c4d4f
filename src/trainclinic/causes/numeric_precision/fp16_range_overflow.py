"""Activations, losses or gradients leave the range of float16, most often in a model pretrained in bfloat16.

## Mechanism
float16 ends at 65,504; bfloat16 reaches 3e38 with fewer digits. A model that was pretrained in bfloat16 never had to
keep its activations small, and some layers (feed-forward outputs of T5, attention logits of several Gemma, Llama and
Phi checkpoints) pass that limit for some inputs. One inf becomes NaN in the next normalisation or softmax. It can
happen in the forward pass only, in the backward pass only (the loss is finite, the gradient is not), or in evaluation
only. A dynamic loss scaler skips the steps it can recognise and halves its scale each time; when the overflow is in the
forward pass no scale helps and it walks down to its floor.

## What it looks like
Several faces of one fault:
- zeros or NaN from the first rows on, because every forward pass overflows;
- a train loss that looks normal beside an `eval_loss` of NaN: training steps are skipped by the scaler, evaluation has
  none;
- a list of "OVERFLOW ... reducing" lines from 65,536 down to 1, then an exception or a loss that is frozen;
- a finite loss with a gradient norm of inf or NaN: only the backward pass, which carries the scale, overflows;
- a healthy curve that turns NaN at a long or unusual batch, at another step in each launch.

Cards without bfloat16 (V100, T4, RTX 20) are typical, since float16 was the only choice. A script that calls `.half()`
overrules whatever the configuration says.

## What else looks like it
- The first skipped steps of a healthy scaler: it comes down from 65,536 within some ten steps and stays.
- Weights trained in float16: the loss is fine once, the NaN starts with an update and never leaves.
- A broken attention kernel or fully masked rows: they give NaN in bfloat16 as well.
- Rows without targets: NaN in single batches, and a gradient norm of 0.0 rather than NaN.

## How to decide
Take one of the longest batches and the untouched model, and change the format only:

    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        print(dtype, AutoModelForCausalLM.from_pretrained(name, dtype=dtype).cuda()(**batch).loss)

Finite in two of them and not in float16: this. To find the layer, record `output.abs().max()` per module in bfloat16;
the first above 65,504 is it (66,246 in a feed-forward layer of T5). If the forward pass is fine, compare gradients.

## Typical false diagnosis
"The learning rate is too high" (lowering it only moves the step), "bad rows" or "a broken GPU". Raising the initial or
minimal loss scale cannot help when the forward pass overflows.

## References
- https://github.com/huggingface/transformers/pull/10815
- https://github.com/huggingface/transformers/issues/14834
- https://github.com/hiyouga/LlamaFactory/issues/3474
- https://github.com/unslothai/unsloth-zoo/pull/866
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="fp16-range-overflow",
    title="fp16 range overflow (often a model pretrained in bf16)",
    family="numeric-precision",
    incidents=20,
    decided_by=("config", "log", "probe"),
    decisive_test=(
        "Run one of the longest batches in bfloat16 (or float32) and in float16 on the untouched model: only float16 "
        "gives inf or NaN; a max-abs hook per module names the layer above 65,504"
    ),
    false_diagnosis="a learning rate that is too high, bad rows or a broken GPU",
    expects=(
        Expect("activation-beyond-float16", OFTEN, "a module's own scale leaves the range of float16"),
        Expect("float16-training", ALWAYS, "only float16 ends at 65,504"),
        Expect("falling-loss-scale", USUALLY, "a dynamic scale halves with each overflow that it sees"),
        Expect("fp16-on-bf16-model", OFTEN, "weights pretrained in bfloat16 were never kept inside the float16 range"),
        Expect("skipped-optimizer-steps", OFTEN, "the scaler drops each step whose gradients are not finite"),
        Expect("nan-eval-loss", OFTEN, "evaluation has no scaler that would skip the overflowing batch"),
        Expect("nan-loss", OFTEN, "an inf in the forward pass becomes NaN in the next normalisation or softmax"),
        Expect("nan-gradient-norm", OFTEN, "the backward pass, which carries the loss scale, overflows first"),
        Expect("gpu-without-bfloat16", OFTEN, "on such cards float16 is the only short format, whatever the model"),
        Expect(
            "wrong-value-before-first-update", SOMETIMES, "the activations of the untouched weights are large already"
        ),
        Expect("nan-at-zero-learning-rate", SOMETIMES, "the overflow needs no update"),
        Expect("zero-loss-from-start", SOMETIMES, "when every forward pass overflows, no loss is left to average"),
        Expect("nan-hidden-as-zero", SOMETIMES, "the Trainer's filter prints 0.0 for windows without a finite loss"),
        Expect("loss-exactly-zero", SOMETIMES, "zeros of that filter are exact"),
        Expect("late-nan-onset", OFTEN, "activations grow in training, or a rare long batch is the first to pass"),
        Expect("recovering-nan-rows", OFTEN, "a scaler keeps the weights clean, so other batches stay finite"),
        Expect("nan-filter-inflation", SOMETIMES, "without a scaler a first overflow after few steps ruins the rest"),
        Expect("exception-in-log", RARELY, "DeepSpeed stops when the scale is at its minimum and still overflows"),
        Expect("persistent-nan", SOMETIMES, "an overflow in the forward pass returns with every batch of its size"),
    ),
    excluded_by=(Excluded("failure-in-every-precision", "an overflow of float16 does not happen in wider formats"),),
    confused_with=("learning-rate-too-high", "corrupt-input-data"),
)
