"""Merge the adapter into unquantised weights, in float32, and quantise the result only afterwards.

## Why it works
An adapter often changes a weight by a thousandth. A 4-bit code has 16 values per block, the nearest two of NF4 8 % of
the block's largest weight apart: the sum is rounded to the code that was there before, or to its neighbour. In float32
the sum is exact to seven digits. 16 bits are not free either, because the weights of the base lie exactly on their
grid: bfloat16 swallows changes below 0.2 to 0.4 % of a weight, float16 below 0.02 to 0.05 %. So merge in float32,
measure, and store in 16 bits only if the loss of held-out rows stays within 0.01 nats. Methods that quantise with
calibration data then see the weights as they should be. The adapter and its training are untouched: no checkpoint is
lost.

## What it does not do
An adapter that was trained on a 4-bit base was fitted to dequantised weights. On the original ones it can be worse by
some hundredths; where that matters, load the 4-bit base, call `model.dequantize()`, and merge into that. Nothing of
this finds lost embedding rows or a converter that reads weights in another order.

## References
- https://github.com/huggingface/peft/issues/2321
- https://github.com/huggingface/peft/issues/1043
- https://github.com/huggingface/transformers/issues/31293
- https://arxiv.org/abs/2305.14314
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats

FIX = Fix(
    slug="merge-in-full-precision",
    title="Merge in float32, quantise afterwards",
    kind="export",
    change=(
        "Load the base without quantisation in float32 on the CPU, attach the adapter, merge, compare, and quantise "
        "the saved result; or serve the adapter beside its base and do not merge"
    ),
    treats=(
        Treats("low-bit-merge-rounding", CURES, "float32 holds the sum of a weight and a change of a thousandth"),
        Treats("export-conversion-mismatch", EASES, "a merge that is right leaves the converter as the only suspect"),
    ),
    expects=(
        Expectation("the loss of 20 held-out rows is that of base plus adapter within 0.01 nats"),
        Expectation("the logits of base plus adapter and of the merged model differ by less than 0.001 in float32"),
        Expectation("at least 9 of 10 greedy answers are the same as with the live adapter"),
    ),
    check=(
        "Compute the logits of ten prompts before and after `merge_and_unload()` in one process, then once more "
        "after reloading the saved folder"
    ),
    risk="float32 needs 4 bytes a parameter: 28 GB of memory for 7 billion, and half of that in 16 bits",
    minutes=20,
    restart="no training",
    edit=Edit(
        before="""\
four_bit = BitsAndBytesConfig(load_in_4bit=True)
base = AutoModelForCausalLM.from_pretrained(name, quantization_config=four_bit)
merged = PeftModel.from_pretrained(base, "adapter").merge_and_unload()
merged.save_pretrained("merged")
""",
        after="""\
base = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32)
merged = PeftModel.from_pretrained(base, "adapter").merge_and_unload()
merged.save_pretrained("merged")
AutoTokenizer.from_pretrained("adapter").save_pretrained("merged")
""",
        note="To store 16 bits call `merged.to(torch.bfloat16)` before saving, and measure the loss once more.",
    ),
    commands=("trainclinic lint merge.py",),
)
