"""Give every row a sequence of its own, or pack only with a kernel that knows where a row ends.

## Why it works
A causal mask lets a token see everything before it in its sequence, and in a packed sequence that includes rows which
have nothing to do with it. Kernels of variable length (FlashAttention 2 and 3) are told the borders and start the
positions again at each; a plain SDPA or eager kernel with one mask for the whole sequence is not. In one report two
documents cost 44.14 nats apart, 37.55 in one pack without borders, and 44.17 with a block mask.
Packing off is right on every kernel and architecture. In return batches hold padding: with rows of 50 to 1,000 tokens
half of the positions and more may be empty, so the time per row can double; sorting rows by length wins most of it
back. With TRL the strategy `bfd` keeps rows whole and passes the borders on; `wrapped` cuts a stream and has none.

## What it does not do
It does not change which tokens are targets and adds no end token: a row without one runs into its neighbour in the
pack, and into nothing when it stands alone. It does not help where the first rows alone already have a wrong loss.
Pretraining on long documents hardly gains, because few tokens of a block stand behind a border.

## References
- https://huggingface.co/docs/trl/reducing_memory_usage
- https://github.com/MeetKai/functionary/pull/265
- https://github.com/huggingface/trl/issues/3910
- https://github.com/hiyouga/LlamaFactory/pull/7318
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="separate-packed-rows",
    title="Keep packed rows apart",
    kind="recipe",
    change=(
        "Switch packing off, or on an NVIDIA GPU load the model with `flash_attention_2` and pack with the strategy "
        "`bfd`; read the held-out rows in the same way as the training rows"
    ),
    treats=(
        Treats("packing-contamination", CURES, "a row then sees itself alone, and its positions start at 0"),
        Treats("position-offset-error", EASES, "a row that stands alone starts at position 0"),
        Treats("evaluation-artefact", HELPS, "training and held-out rows are read in one layout"),
    ),
    expects=(
        Expectation(
            "two rows scored apart and in one sequence give sums that agree to 3 digits; without packing there is "
            "nothing to compare"
        ),
        Expectation(
            "the first loss lies in {expected_first_loss} instead of {logged_first_loss}",
            "the first loss lies where an intact run of this model starts",
        ),
        Expectation("from the first evaluation on the held-out loss and the training loss differ by less than 5 %"),
    ),
    check=(
        "Replace the first row of a packed sequence by another of the same length: the logits of the second row must "
        "stay the same to 1e-2"
    ),
    risk=(
        "Without packing a batch holds fewer tokens, so an epoch has more steps; with rows of very unlike length half "
        "of the work goes into padding"
    ),
    minutes=10,
    restart="the last checkpoint",
    patches=(
        Patch(
            "text.packing",
            "this attention has one mask for the whole sequence",
            to=False,
            when=("model.attention", ("sdpa", "eager")),
        ),
    ),
    edit=Edit(
        before="""\
init = {"attn_implementation": "sdpa"}
args = SFTConfig("out", packing=True, packing_strategy="wrapped", max_length=2048, model_init_kwargs=init)
""",
        after="""\
init = {"attn_implementation": "sdpa"}
args = SFTConfig("out", packing=False, max_length=2048, model_init_kwargs=init)
""",
        note=(
            "With `flash_attention_2` use `packing=True, packing_strategy='bfd'`; `eval_packing` follows `packing` "
            "unless it is set."
        ),
    ),
    alternatives=("train-on-a-cloud-gpu",),
    pros=("right on every kernel and architecture", "one setting, and no extra package"),
    cons=("padding costs up to half of the pace with rows of unlike length", "fewer target tokens in each step"),
)
