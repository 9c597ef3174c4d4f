"""Some answers decline to answer.

## What it sees

Rows in which an answer begins with the words of a language model that declines ("As an AI language model, I ...", "I'm
sorry, but I can't help with ...") in English, Spanish, French, German, Portuguese, Italian, Russian, Chinese, Japanese,
Korean, Arabic, Turkish, Dutch or Polish. More than 1 % of the rows is a warning.

## Why it matters

Refusals are the easiest answers to learn, because they fit every prompt: models trained on generated data decline
harmless requests afterwards. Filtered copies of public sets were made for this reason.

## What it does not mean

In data on safety, and in support chats with fixed limits, declining is what is taught. Whether a refusal fits its
prompt is not looked at, and a refusal in its own words is not seen.

## Example

A set that an assistant wrote declines in 6 % of its rows, most of them harmless questions about medicine and law.

## Check it by hand

    grep -ciE '"(As an AI|I.m sorry, but I can)' data.jsonl

## References

- https://huggingface.co/datasets/anon8231489123/ShareGPT_Vicuna_unfiltered (a set from which refusals were removed)
- Röttger et al. 2023, XSTest, on exaggerated refusals, https://arxiv.org/abs/2308.01263
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.corpus.sample import Sample
from trainclinic.dataset.kinds import CONVERSATIONS, rule_among
from trainclinic.dataset.refusals import refusal_of
from trainclinic.dataset.rule import Shares, quoted

SHARE = Threshold("share of rows", 0.01, "1", "below it refusals are part of any chat; expert choice, to be calibrated")


def find(sample: Sample) -> str | None:
    """How the first answer that declines begins."""
    for message in sample.messages:
        if message.is_answer and (words := refusal_of(message.content)):
            return f"an answer begins {quoted(words)}"
    return None


RULE = rule_among(
    CONVERSATIONS,
    code="ANS003",
    slug="refusal-answers",
    severity=Severity.WARNING,
    needs=("conversations", "prompts with answers"),
    find=find,
    what="have an answer that declines",
    shares=Shares(SHARE),
    means="Right where declining is what the data teach; otherwise the model will decline harmless requests too",
)
