"""Count positions from 0 at the first real token of each row, and on without a break where a row goes on elsewhere.

## Why it works
Rotary embeddings turn queries and keys by an angle that grows with the position, and attention sees differences of
positions. A row of 4,096 tokens that is split over four devices has the positions 0-1,023, 1,024-2,047 and so on; if
each piece starts at 0, every token has three others at its own place and the first loss rises from 2 to 5 or 6 above
1,024 tokens. Slicing the positions in the same way as the ids gives each piece its own. Rows that share a sequence are
the reverse case: each starts at 0 again. Padding on the left moves the first real token to position 300 or so, which
learned positions do not forgive: count with the attention mask, or pad on the right.
Scaling for long contexts belongs on where rows exceed the trained length, and off below it.

## What it does not do
It does not separate packed rows by itself: attention has to end at the borders as well. It does not widen the context
that a model was trained for. Weights trained under wrong positions have adapted to them and fail under right ones, so
that the training begins again.

## References
- https://arxiv.org/abs/2104.09864
- https://github.com/alibaba/Pai-Megatron-Patch/issues/300
- https://github.com/thunlp/Seq1F1B/issues/6
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="restart-positions",
    title="Start positions at 0 in every row",
    kind="script",
    change=(
        "Build position ids for the whole row and slice them like the ids; start at 0 for each packed row, and at the "
        "first real token where padding stands on the left"
    ),
    treats=(
        Treats("position-offset-error", CURES, "each token stands where it stands in its text"),
        Treats("padding-side-mismatch", HELPS, "padding no longer moves the first real token"),
        Treats("packing-contamination", EASES, "rows count from 0, though attention may still cross their borders"),
    ),
    expects=(
        Expectation(
            "the first loss lies in {expected_first_loss} instead of {logged_first_loss}, at 512 tokens and at 4,096",
            "the first loss of the same text at 4,096 tokens is no higher than at 512",
        ),
    ),
    check=(
        "Without a step compute the loss of one text at 512, 1,024, 2,048 and 4,096 tokens, in one process and in the "
        "parallel setting: both columns must agree within 1 % and must not rise"
    ),
    risk="A framework that shifts positions itself would shift them twice: look at the ids that reach the first layer",
    minutes=20,
    restart="nothing",
    spoils="trained with tokens at the wrong positions",
    patches=(Patch("text.padding_side", "padding on the right moves no token", to="right"),),
    edit=Edit(
        before="""\
local = ids.chunk(world_size, dim=1)[rank]
logits = model(input_ids=local).logits
""",
        after="""\
positions = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
local = ids.chunk(world_size, dim=1)[rank]
logits = model(input_ids=local, position_ids=positions.chunk(world_size, dim=1)[rank]).logits
""",
        note="With padding on the left: `positions = (mask.cumsum(1) - 1).clamp(min=0)`.",
    ),
    alternatives=("shorten-blocks",),
    pros=("keeps the length, and the parallel setting",),
    cons=("20 minutes of work in code that few people have tests for",),
)
