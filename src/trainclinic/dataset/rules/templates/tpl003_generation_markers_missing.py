"""The loss mask comes from the markers of the chat template, and the template does not mark the answers.

## What it sees

Training asks the template which tokens the model is to write (`assistant_only_loss` of TRL,
`return_assistant_tokens_mask` of transformers). The template has no `{% generation %}`, or has it and marks nothing in
some conversations with answers.

## Why it matters

Without markers the mask is zero everywhere: no token carries a loss. The loss is then 0 or NaN, or the trainer stops
with an error; rows without marks alone are trained on nothing.

## What it does not mean

The template can be right for inference, where markers play no part. Recent versions of TRL replace the templates of
some families by variants with markers; what counts is the template that rows are rendered with.

## Example

A template with `<|im_start|>` and `<|im_end|>` but without `{% generation %}`, and `assistant_only_loss=True`: the mask
of all 2,000 rows is zero.

## Check it by hand

    python -c "print('generation %}' in open('chat_template.jinja').read())"

## References

- https://huggingface.co/docs/trl/sft_trainer (`assistant_only_loss` and the markers that it needs)
- https://github.com/huggingface/trl/pull/5988 (training templates and the end token inside the mask)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.dataset.readiness import framed_rows, needs_conversations, tally_of
from trainclinic.dataset.rule import SINCE, Shares, first_missing, needs_settings, quoted, verdict_on
from trainclinic.encoding.templates.template import TemplateError

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data

ANY = Threshold("share of conversations", 0.0, "1", "a row without marks is trained on nothing")
MANY = Threshold("share of conversations", 0.10, "1", "expert choice, to be calibrated")
SHARES = Shares(ANY, MANY)
MOST = 500
"""Conversations that are rendered once more to see their marks."""
_NOT_ASKED = "the loss mask does not come from the markers of the template"
_SETTLE = (
    "sum `tokenizer.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)` of one row"
)


def check(data: Data) -> Verdict:
    """Whether the template marks what the model writes."""
    if missing := needs_settings("needs_markers")(data):
        return NotEvaluated(missing)
    if not data.preparation.needs_markers.value:
        return Absent((Evidence(_NOT_ASKED),))
    if missing := first_missing(needs_conversations)(data):
        return NotEvaluated(missing)
    rows = [row for row in framed_rows(data) if any(answer.strip() for answer in row.answers)][:MOST]
    if not rows:
        return NotEvaluated("conversations with answers")
    try:
        template = data.rows.template
    except TemplateError:
        return NotEvaluated("a chat template that is valid Jinja")
    if not template.has_generation_markers:
        says = (
            f"the template has no `{{% generation %}}`, so that the mask of {count(len(rows), 'conversation')} is empty"
        )
        return Present((Evidence(says, rows[0].source),), settle=_SETTLE)
    tally = tally_of((row.source, _unmarked(data, row)) for row in rows)
    return verdict_on(
        tally, "have answers that the template does not mark", SHARES, severity=Severity.HARMFUL, total=tally.looked
    )


def _unmarked(data: Data, sample: Sample) -> str | None:
    try:
        marks = data.rows.template.render(sample.messages, tools=sample.tools).generation_spans
    except TemplateError:
        return None
    if any(end > start for start, end in marks):
        return None
    return f"nothing is marked, not even {quoted(sample.answer)}"


RULE: Rule[Data] = Rule(
    code="TPL003",
    slug="generation-markers-missing",
    severity=Severity.HARMFUL,
    needs=("conversations", "the chat template", "the loss mask"),
    check=check,
    thresholds=SHARES.all,
    since=SINCE,
)
