"""The boundary between prompt and answer is computed with other token counts than the real text has.

## Mechanism
To hide the prompt from the loss, many scripts tokenise parts of a conversation alone and add up their
lengths, or search the text of an answer in the full text. Both assume that a part has the same tokens
alone as in context. A begin token that is added to each part, a separator that merges with its
neighbour, or an end marker that belongs to another template makes the sum differ from the real length
by a constant per turn. Careful code then discards the row and masks all of it; careless code masks a
few answer tokens, or trains a few prompt tokens, in every row. A search by text also finds the wrong
place when an answer occurs earlier in the conversation.

## What it looks like
- `tokenization mismatch: 318 vs. 319 (ignored)`, row after row, with the same difference.
- When rows are discarded: loss exactly 0.0 with gradient norm 0.0 from the first row. The weights stay
  intact.
- When they are not: a loss that looks healthy, and a label preview in which the answers of some turns
  carry -100, or labels begin a few tokens too early or too late.
- Multi-turn data of which only the last turn, or only the first, is learned.

## What else looks like it
Answers cut by the length limit lose their targets too, but short rows keep theirs and no constant
difference is printed. A response marker that is not found masks whole rows and says so by name. Fully
masked labels without any such trace belong to the unnamed case. Half precision gives NaN after finite
rows, not zeros from the first.

## How to decide
Decode the labelled tokens of ten rows. They must be the answers, complete with their end token, and
nothing else. Or test that the ids of the prompt are a prefix of the ids of the whole row; the first
place where they differ is the fault. A difference that is the same in every row (1, 2, 4 or 14 tokens
in public reports) is a miscount per row; one that grows with the number of turns is a miscount per
turn.

## Typical false diagnosis
Broken data, or numeric instability because of the zeros. The text of the rows is fine, and a constant
difference in the token counts cannot come from arithmetic in low precision.

## References
- https://github.com/haotian-liu/LLaVA/issues/1166
- https://github.com/BAAI-DCAI/Bunny/issues/75
- https://github.com/intel/intel-extension-for-transformers/pull/1198
- https://github.com/snowflakedb/ArcticTraining/pull/335
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, Cause, Expect

CAUSE = Cause(
    slug="prompt-mask-misalignment",
    title="Prompt/answer boundary computed wrongly",
    family="supervised-tokens",
    incidents=8,
    decided_by=("log", "script", "data", "probe"),
    decisive_test="Decode the tokens whose label is not -100 in ten rows and compare them with the answers",
    false_diagnosis="broken data, or numeric instability",
    expects=(
        Expect("prompt-length-from-separate-encoding", OFTEN, "lengths of separately encoded pieces do not add up"),
        Expect("prefix-mask-under-left-padding", SOMETIMES, "the first positions are padding, not the prompt"),
        Expect("token-count-mismatch-warning", OFTEN, "the summed lengths of the parts miss the length of the whole"),
        Expect("token-count-mismatch", OFTEN, "a separator or begin token is counted once too often in every turn"),
        Expect("completion-only-loss", ALWAYS, "the boundary matters only where the prompt is masked"),
        Expect("ignored-answer-labels", OFTEN, "the boundary lies inside or behind the answer"),
        Expect("text-search-for-answer", OFTEN, "a search by text misses answers that tokenise otherwise in context"),
        Expect("rows-without-targets", OFTEN, "rows whose lengths do not add up are masked as a whole"),
        Expect("loss-exactly-zero", OFTEN, "with every row discarded there is nothing to score"),
        Expect("zero-loss-from-start", OFTEN, "the same arithmetic fails in the first batch"),
        Expect("zero-gradient-norm-from-start", OFTEN, "no target, no gradient, and intact weights"),
        Expect("wrong-value-before-first-update", SOMETIMES, "the mask is built before any weight has moved"),
        Expect("no-supervised-end-token", SOMETIMES, "a boundary that ends early leaves the end token out"),
        Expect("rows-without-labels-report", SOMETIMES, "a count of labels per row shows rows with none"),
        Expect("zero-token-accuracy", SOMETIMES, "no token of the discarded rows is scored"),
        Expect("nan-loss", SOMETIMES, "a mean over no target is 0/0 in own loops"),
        Expect("response-marker-warning", RARELY, "a masked round is announced by some collators as a missing key"),
    ),
    confused_with=("corrupt-input-data", "fp16-range-overflow"),
)
