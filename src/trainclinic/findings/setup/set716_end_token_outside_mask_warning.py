"""A trainer warns that the end-of-turn token is not among the target tokens.

## What it sees
TRL's message that the chat template leaves the assistant's end-of-turn token out of the loss mask, in the wordings of
its releases, or a printed `is_chat_template_stop_token_trained` that is false.

## Why it matters
The model is never shown where an answer ends. Its loss looks as good as any, and its answers run on until the limit,
repeat themselves or begin the next turn.

## What it does not mean
More epochs, another penalty or another temperature do not help: the token carries no gradient. A model that was already
a chat model may go on stopping for a while, because it knew how before.

## Example
`The chat template does not include the assistant turn's end-of-turn token in the loss mask`

## Check it by hand
Print the mask of one sample: the token after the last word of the answer must be inside it.

## References
- https://github.com/huggingface/trl/pull/5988
- https://github.com/huggingface/trl/pull/7230
"""

from __future__ import annotations

import re

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import NotEvaluated, Present, Severity, Verdict
from trainclinic.findings.library_warnings import told, untold
from trainclinic.signals.measured import Measured

WARNS_SINCE = (1, 6)
"""First TRL release that compares the mask with the end token."""


def check(run: Measured) -> Verdict:
    """Find the message; only recent releases of TRL give it."""
    evidence = told(run, "end-token-outside-mask")
    if evidence:
        return Present(evidence, settle="the mask of one encoded sample at the end of the answer")
    release = run.record.versions.get("trl")
    numbers = re.match(r"(?:==)?(\d+)\.(\d+)", str(release.value)) if release is not None else None
    if numbers is None or (int(numbers[1]), int(numbers[2])) < WARNS_SINCE:
        return NotEvaluated(missing="a TRL release that checks the end-of-turn token (1.6 or later), and its version")
    return untold(run, "no warning about the end-of-turn token")


RULE = Rule(
    code="SET716",
    slug="end-token-outside-mask-warning",
    severity=Severity.WARNING,
    needs=("events: end-token-outside-mask", "versions: trl"),
    check=check,
    since="0.2",
)
