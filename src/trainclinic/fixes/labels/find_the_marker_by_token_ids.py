"""Take the ids of the response marker from its real surroundings, and search the rows for these.

## Why it works
A marker has other ids alone than in a row. A SentencePiece tokenizer puts a space before a text that stands alone, a
byte-level one merges a colon with the newline behind it, an encoder with special tokens puts a begin token in front.
One id that differs is enough: the marker is found in none of the rows, all labels are -100, and the loss is 0.0 or NaN
from the first step. Encoded together with the newline before it, and with that newline's ids cut off, the marker has
the ids that it has in a row. For Llama 2 two ids have to go, for GPT-2 one: count them instead of writing a number.
End the marker where the tokenizer ends a token, mostly behind its newline. Search from the end when an answer follows
the last marker only, and let a row without a marker stop the script: a silent mask is what made the fault expensive.

## What it does not do
It does not survive a change of template or tokenizer without a new count, and a marker inside an answer is found as
well. It does not help rows whose marker lies beyond the length limit. Rows with `prompt` and `completion` need no
marker at all, and recent releases of TRL no longer have a collator that searches for one.

## References
- https://github.com/huggingface/trl/issues/1183
- https://github.com/huggingface/trl/issues/1191
- https://github.com/huggingface/trl/issues/1920
- https://github.com/datawhalechina/happy-llm/issues/50
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="find-the-marker-by-token-ids",
    title="Search for the marker with the ids that it has in a row",
    kind="script",
    change=(
        "Encode the marker together with the text before it and without special tokens, cut the ids of that text off, "
        "and search with the rest; stop at the first row in which it is not found"
    ),
    treats=(
        Treats("response-template-mismatch", CURES, "the ids that are searched for are those that stand in the rows"),
        Treats("prompt-mask-misalignment", HELPS, "the border is found in the whole row, where nothing is added up"),
    ),
    expects=(
        Expectation("the marker is found in 20 of 20 rows, and every row has at least 2 targets"),
        Expectation(
            "the first loss lies in {expected_first_loss} instead of {logged_first_loss}",
            "the first loss is above 0 and lies where an intact run of this model starts",
        ),
        Expectation("0 messages about a missing response key are left in the log"),
    ),
    check=(
        "Encode 20 complete rows, search the ids of the marker in them and count the hits: one a turn in all 20; "
        "then decode the targets of 3 rows"
    ),
    risk="A marker that also occurs inside answers cuts them in two, and another template brings the fault back",
    minutes=10,
    restart="nothing",
    spoils="saved before anything was learned, with no target in any row",
    patches=(Patch("loss.targets", "with the marker found, prompts are masked and answers are not", to="answers"),),
    edit=Edit(
        before="""\
marker = tokenizer.encode("### Response:")
starts = [at + len(marker) for at in range(len(ids)) if ids[at : at + len(marker)] == marker]
labels = [-100] * len(ids) if not starts else [-100] * starts[-1] + ids[starts[-1] :]
""",
        after="""\
before = tokenizer.encode("\\n", add_special_tokens=False)
marker = tokenizer.encode("\\n### Response:\\n", add_special_tokens=False)[len(before) :]
starts = [at + len(marker) for at in range(len(ids)) if ids[at : at + len(marker)] == marker]
if not starts:
    raise ValueError(f"no marker in: {tokenizer.decode(ids)}")
labels = [-100] * starts[-1] + ids[starts[-1] :]
""",
        note="A marker that is a special token, such as `<|im_start|>`, has one id wherever it stands.",
    ),
    commands=('trainclinic data train.jsonl --tokenizer models/base --response-marker "### Response:"',),
    alternatives=("mask-by-character-offsets", "supervise-the-answers"),
    pros=("works on ids alone, without the text", "the smallest change of a script that has such a search"),
    cons=("bound to one tokenizer and one template", "finds markers inside answers as well"),
)
