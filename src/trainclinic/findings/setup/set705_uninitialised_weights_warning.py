"""The log says that some weights were not in the checkpoint and start at random.

## What it sees
A message such as "Some weights of ... were not initialized from the model checkpoint ... and are newly initialized",
with the names it lists.

## Why it matters
A random output head or a random layer makes a pretrained model start at the loss of guessing. Training then has to
learn again what the checkpoint knew.

## What it does not mean
For a task head that the checkpoint cannot have (a classifier, a reward or value head, a span head) the message is
expected: such a run gets a note only. "Some weights were not used" is a different message.

## Example
`Some weights of LlamaForCausalLM were not initialized from the model checkpoint: ['lm_head.weight']`

## Check it by hand
Compare the first loss with ln(vocabulary size); compare a few tensors of the loaded model with the file.

## References
- https://huggingface.co/docs/transformers/main_classes/model
- https://github.com/huggingface/transformers/issues/28244
"""

from __future__ import annotations

import re

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.signals.console import has_console
from trainclinic.signals.measured import Measured

TASK_HEAD = re.compile(
    r"classifier|classification|score\b|score\.|qa_outputs|pooler|v_head|value_head|rank_head|regress"
)
BODY = re.compile(r"lm_head|embed|wte|layers?\.\d+|\bh\.\d+|block\.\d+|self_attn|mlp|attention")


def check(run: Measured) -> Verdict:
    """Find the message and judge by the names that it lists."""
    events = run.record.events_of("weights-newly-initialised")
    if not events:
        if has_console(run.record):
            return Absent((Evidence("no message about newly initialised weights"),))
        return NotEvaluated(missing="the console output of the run's start")
    evidence = tuple(Evidence(f"the log says: {e.says}", e.source, e.step) for e in events[:2])
    text = " ".join(event.says for event in events)
    if TASK_HEAD.search(text) and not BODY.search(text):
        return Present(evidence, means="Only a task head is new, which is expected.", severity=Severity.NOTE)
    return Present(evidence, settle="the first loss against ln(vocabulary size)")


RULE = Rule(
    code="SET705",
    slug="uninitialised-weights-warning",
    severity=Severity.WARNING,
    needs=("events: weights-newly-initialised",),
    check=check,
)
