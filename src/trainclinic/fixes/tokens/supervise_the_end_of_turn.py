"""Move the marker that ends a turn inside the mask of the answer, so that the model is trained to write it.

## Why it works
With a loss on answers only, the template decides which ids are targets: those between `{% generation %}` and
`{% endgeneration %}`. A marker written after the closing tag stands in the ids with label -100, and generation waits
for exactly this id. Moving the closing tag behind the marker makes one more target per turn; nothing else changes.
In a public report strict JSON output fell from 100 % before training to 80 % after it through that one token.
TRL holds training templates with the right borders for Qwen, Llama 3, Gemma, Phi 3 and other families and uses them by
itself when the tokenizer still has its original template. Prompt and completion rows are another way: there all that
follows the prompt is a target, the marker included.

## What it does not do
It does not help where the template writes no marker at all, or where the marker's id is hidden as padding. It does not
train the row of a marker that a base model never learned. The newline behind the marker belongs to the frame and may
stay outside. The answers in earlier checkpoints are good: go on from their weights with a new schedule.

## References
- https://github.com/huggingface/trl/pull/7230
- https://github.com/huggingface/trl/pull/5988
- https://huggingface.co/docs/trl/sft_trainer
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="supervise-the-end-of-turn",
    title="Make the end of the turn a target",
    kind="script",
    change=(
        "In the training template close `{% endgeneration %}` behind the end-of-turn marker of the assistant, or use "
        "`trl.chat_template_utils.get_training_chat_template`"
    ),
    treats=(
        Treats("end-of-turn-outside-loss-mask", CURES, "the marker lies inside the mask and becomes a target"),
        Treats("fully-masked-labels", EASES, "a template with generation tags gives every answer its mask"),
    ),
    expects=(
        Expectation("the assistant mask is 1 at the end-of-turn id of 100 % of the assistant turns"),
        Expectation("targets per row grow by 1 for each assistant turn"),
        Expectation(
            "at least 7 of 8 greedy answers end in {eos} before `max_new_tokens` after some 200 steps",
            "at least 7 of 8 greedy answers end before `max_new_tokens` after some 200 steps",
        ),
    ),
    check=(
        "Run `apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)` and read "
        "`assistant_masks` at every end-of-turn id of the assistant: all must be 1"
    ),
    risk="A template edited by hand may render other text than the one at inference; only the tag may move",
    minutes=15,
    restart="the last checkpoint",
    patches=(Patch("text.end_token", "the end of an answer is a target like the answer itself", to=True),),
    edit=Edit(
        before="""\
tokenizer.chat_template = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\\n"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] }}{% endgeneration %}<|im_end|>\\n"
    "{% else %}{{ message['content'] }}<|im_end|>\\n{% endif %}{% endfor %}"
)
""",
        after="""\
tokenizer.chat_template = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\\n"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] }}<|im_end|>{% endgeneration %}\\n"
    "{% else %}{{ message['content'] }}<|im_end|>\\n{% endif %}{% endfor %}"
)
""",
        note="Keep the generation prompt of the original template; it is left out here.",
    ),
    commands=("trainclinic data train.jsonl --tokenizer models/base --assistant-only --show 3",),
)
