"""What stands before the answer in training is not what stands before it at generation.

## What it sees

Twenty conversations, rendered twice: up to their last answer as in training, and without it but with the generation
prompt (`add_generation_prompt=True`), as at inference. The second must be the beginning of the first, in characters
and, under a real tokenizer, in token ids. A template that ignores the generation prompt although it writes a header
before answers differs as well.

## Why it matters

The model learns to answer after one sequence of tokens and is asked after another: a missing header, a `<think>` that
training never had, a blank that belongs to another token. It then begins with the header, with a new user turn or
with text of no use, although the loss was fine.

## What it does not mean

It compares a template with itself. Inference code that builds prompts in another way, or a server with a template of
its own, can differ where this finds nothing.

## Example

Generation ends in `Assistant:` and a blank; in training ` Paris` is one token, so that no row has a blank token there.

## Check it by hand

Compare `apply_chat_template(messages[:-1], add_generation_prompt=True)` with the first ids of
`apply_chat_template(messages)`.

## References

- https://huggingface.co/docs/transformers/chat_templating (generation prompts)
- https://github.com/hiyouga/LlamaFactory/issues/2884 (a template at inference that was not that of training)
- https://github.com/unslothai/unsloth/issues/487 (the same, with endless answers)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Severity, Verdict
from trainclinic.dataset.readiness import framed_rows, needs_conversations, tally_of
from trainclinic.dataset.rule import SINCE, Shares, verdict_on
from trainclinic.encoding.templates.template import TemplateError

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data

ROWS = Threshold("conversations compared", 20, "rows", "a template treats rows of one shape alike")
ANY = Threshold("share of conversations", 0.0, "1", "there is no reason for a difference")
MANY = Threshold("share of conversations", 0.10, "1", "expert choice, to be calibrated: fewer are odd answers")
SHARES = Shares(ANY, MANY)
_WHAT = "have another text before the answer in training than at generation"


def check(data: Data) -> Verdict:
    """How many of some conversations begin in another way at generation."""
    if missing := needs_conversations(data):
        return NotEvaluated(missing)
    pairs = []
    for row in framed_rows(data):
        if (pair := _both(data, row)) is not None:
            pairs.append((row.source, _difference(data, *pair)))
        if len(pairs) == int(ROWS.value):
            break
    if not pairs:
        return NotEvaluated("conversations that the template writes, with an answer after a question")
    return verdict_on(tally_of(pairs), _WHAT, SHARES, severity=Severity.HARMFUL, total=len(pairs))


def _both(data: Data, sample: Sample) -> tuple[str, str, str, str] | None:
    """The prompt without and with the header of an answer, the row as in training, and its answer."""
    last = max((at for at, one in enumerate(sample.messages) if one.is_answer), default=0)
    if last == 0:
        return None
    before, upto = sample.messages[:last], sample.messages[: last + 1]
    try:
        template = data.rows.template
        bare, asked = (
            template.render(before, tools=sample.tools, generation_prompt=prompted).text for prompted in (False, True)
        )
        return bare, asked, template.render(upto, tools=sample.tools).text, sample.answer.strip()
    except TemplateError:
        return None


def _difference(data: Data, bare: str, asked: str, trained: str, answer: str) -> str | None:
    if not trained.startswith(asked):
        at = next((n for n, (a, b) in enumerate(zip(asked, trained, strict=False)) if a != b), len(trained))
        return f"generation has {_shown(asked[at:])} where training has {_shown(trained[at:])}"
    place = trained.find(answer, len(asked)) if answer else -1
    if bare == asked and place > 0 and (header := trained[len(asked) : place]).strip():
        return f"the generation prompt lacks the header {_shown(header)}"
    return None if data.tokenizer.is_stand_in else _other_ids(data, asked, trained)


def _other_ids(data: Data, asked: str, trained: str) -> str | None:
    prompt, whole = data.tokenizer.ids([asked, trained])
    if len(prompt) <= len(whole) and np.array_equal(prompt, whole[: len(prompt)]):
        return None
    at = next((n for n, (a, b) in enumerate(zip(prompt, whole, strict=False)) if a != b), len(whole) - 1)
    first, second = (data.tokenizer.piece(int(ids[at])) for ids in (prompt, whole))
    return f"the prompt ends in the token {_shown(first)}, in training it is {_shown(second)}"


def _shown(text: str) -> str:
    """The beginning of a text, with visible line feeds; blanks at its ends stay."""
    cut = (text[:32] + (" ..." if len(text) > 32 else "")).replace("`", "'").replace("\n", "\\n")
    return f"`{cut}`" if cut else "nothing"


RULE: Rule[Data] = Rule(
    code="TPL004",
    slug="training-and-generation-prompt-differ",
    severity=Severity.HARMFUL,
    needs=("conversations", "the chat template", "the tokenizer"),
    check=check,
    thresholds=(ROWS, *SHARES.all),
    since=SINCE,
)
