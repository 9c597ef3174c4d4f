"""Another chat template fits the model better than its own.

## What it sees

The loss of the same held-out answers when the conversation is written by the template beside the model, by public
formats (ChatML, Llama 2 and 3, Zephyr, Gemma, Mistral, Phi 3, Alpaca, Vicuna), and without markup.

## Why it matters

A model is asked in the template that lies beside it. Where it was trained with another one, its answers are worse than
what it learned, and it may not end, although training went well.

## What it does not mean

A template that is nearly the same (other white space) may be as good. Only the answers are compared, not their ends.

## Example

Written as `alpaca`, the answers lose 1.4 ± 0.2 nats/token less than under its own template.

## Check it by hand

Render one training row and one question with both templates and compare the texts around the answer.

## References

- https://huggingface.co/docs/transformers/chat_templating
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.validation.rule import difference, model_rule, not_measured

if TYPE_CHECKING:
    from trainclinic.validation.tested import Tested

BETTER = Threshold("gain of another template", 0.1, "nats/token", "templates that differ in white space gain less")
SHARE = Threshold("gain over the loss", 0.15, "1", "base models prefer one markup to another by a tenth, by chance")
READ = Threshold("loss under the other template over the entropy of the answer tokens", 0.6, "1",
                 "a template that fits is read well; models that read nothing lie about or above 1")  # fmt: skip


def check(tested: Tested) -> Verdict:
    """Compare the own template with the best of the others."""
    own = tested.other_templates.get("own")
    others = {name: one for name, one in tested.other_templates.items() if name != "own" and one.finite}
    if own is None or not others:
        return not_measured(tested, "other_templates", "held-out conversations, and a chat template beside the model")
    if not own.finite:
        return NotEvaluated("logits that are finite")
    name = min(others, key=lambda one: float(others[one].sums.sum()))
    best = others[name]
    found = difference(own, best)
    says = f"written as `{name}`, the answers lose {found} less than under its own template ({number(own.mean, 3)})"
    is_read = tested.unigram is None or best.sums.sum() < READ.value * tested.unigram * own.tokens.sum()
    if is_read and found.nats > max(BETTER.value, found.spread, SHARE.value * own.mean):
        return Present((Evidence(says),), settle="the markup of a training row, token by token")
    return Absent((Evidence(f"its own template fits as well as the best of {len(others)} others (`{name}`)"),))


RULE = model_rule(
    code="VAL105",
    slug="lower-loss-under-another-template",
    severity=Severity.HARMFUL,
    needs=("held-out rows", "chat template"),
    check=check,
    thresholds=(BETTER, SHARE, READ),
)
