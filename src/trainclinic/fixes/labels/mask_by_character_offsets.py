"""Find the border between prompt and answer in the text, and carry it to the tokens by their offsets.

## Why it works
A border that is counted in tokens of a part is right only if the part has the same tokens alone as in the row. A begin
token, a merged space or newline, a trailing marker: each is a difference of 1, 2, 4 or 14 tokens in public reports. A
border in characters has no such doubt. The text is put together from parts, so that the place where each answer begins
and ends is known, and a fast tokenizer tells for every token which characters it covers. A token is a target if it
covers at least one character of an answer. Tokens that the tokenizer adds itself have the offsets (0, 0) and stay out.
Each turn has its own span, so that several turns are no harder than one, and the row is encoded once, as the model will
see it. Let the span of an answer run to the end of its end token.

## What it does not do
It needs a fast tokenizer and a text that you have put together yourself; tokenizers written in Python have no offsets.
It does not keep answers from being cut by the length limit. Where rows had been discarded as a whole, nothing was
learned and a checkpoint is as good as the base; where a few tokens per turn were wrong, some hundred steps with right
labels put them right. Either way start with a fresh schedule.

## References
- https://github.com/haotian-liu/LLaVA/issues/1166
- https://github.com/BAAI-DCAI/Bunny/issues/75
- https://github.com/intel/intel-extension-for-transformers/pull/1198
- https://huggingface.co/docs/transformers/main_classes/tokenizer
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="mask-by-character-offsets",
    title="Mask prompts by character offsets",
    kind="script",
    change=(
        "Encode each row once with `return_offsets_mapping=True` and give a label to the tokens that cover a character "
        "of an answer or its end token; all others get -100"
    ),
    treats=(
        Treats("prompt-mask-misalignment", CURES, "the border is a place in the text and no sum of token counts"),
        Treats("response-template-mismatch", CURES, "no marker is searched for among ids"),
        Treats("end-of-turn-outside-loss-mask", EASES, "the span of an answer can reach to the end of its marker"),
        Treats("fully-masked-labels", EASES, "the mask is built anew for each row, from its own text"),
    ),
    expects=(
        Expectation("the decoded targets of 20 rows equal their answers with the end token, in 20 of 20"),
        Expectation(
            "the first loss lies in {expected_first_loss} instead of {logged_first_loss}",
            "the first loss is above 0 and lies where an intact run of this model starts",
        ),
        Expectation("0 messages about mismatched token counts or missing markers are left in the log"),
    ),
    check=(
        "Compare `tokenizer.decode([t for t in labels if t != -100])` with the answer and end token of 20 rows, one of "
        "them with several turns: the texts must be equal but for outer space"
    ),
    risk="A tokenizer written in Python has no offsets, and a text that is changed afterwards shifts every border",
    minutes=20,
    restart="the last checkpoint",
    patches=(Patch("loss.targets", "the border is exact, so that prompts can be left out", to="answers"),),
    edit=Edit(
        before="""\
ids = tokenizer(prompt + answer + tokenizer.eos_token)["input_ids"]
start = len(tokenizer(prompt, add_special_tokens=False)["input_ids"])
labels = [-100] * start + ids[start:]
""",
        after="""\
row = tokenizer(prompt + answer + tokenizer.eos_token, return_offsets_mapping=True)
border = len(prompt)
labels = [
    token if end > border else -100
    for token, (_, end) in zip(row["input_ids"], row["offset_mapping"])
]
""",
        note="`end > border` keeps a first word that has merged with the space at the end of the prompt.",
    ),
    commands=("trainclinic data train.jsonl --tokenizer models/base --loss-on answers --show 3",),
    alternatives=("find-the-marker-by-token-ids", "supervise-the-answers"),
    pros=("exact with every template and number of turns", "stays right when tokenizer or template change"),
    cons=("needs a fast tokenizer", "the text has to be put together by the script itself"),
)
