"""Gradients of several micro-batches are added up, and the loss is not divided by their number.

## What it sees
A loop whose optimizer steps only every n rounds (`if (i + 1) % n == 0`), whose backward pass runs in every round, and
whose loss is divided by nothing; the gradients are not divided either.

## Why it matters
The gradient is n times that of one batch. With SGD the learning rate is n times as high as it says. Clipping cuts the
sum to the limit, so that nearly every step is clipped. Adam without clipping divides by the size of gradients again
and hardly notices; then it is only likely to matter.

## What it does not mean
Accumulation itself is right. `accelerator.accumulate` with `accelerator.backward`, DeepSpeed and the Trainer divide
by themselves. Where batches hold different numbers of tokens, dividing by n weighs them wrongly, but far less.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    accumulate = 8
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for step, batch in enumerate(batches()):
        loss = model(**batch).loss
        loss.backward()
        if (step + 1) % accumulate == 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()

Good:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    accumulate = 8
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for step, batch in enumerate(batches()):
        loss = model(**batch).loss / accumulate
        loss.backward()
        if (step + 1) % accumulate == 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()

## Check it by hand
Compare the gradient norm before one step for batch 1 with 8 rounds and for batch 8 with 1 round, on the same rows:
they must be equal up to the weight of short rows.

## References
- https://github.com/huggingface/transformers/pull/34191
- https://huggingface.co/docs/accelerate/usage_guides/gradient_accumulation
- https://pytorch.org/docs/stable/notes/amp_examples.html
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.accumulation import Accumulation, accumulations, is_divided, loss_of
from trainclinic.script.program.events import CallEvent
from trainclinic.script.program.program import Program
from trainclinic.script.program.updates import is_adam
from trainclinic.script.rule import script_rule


def find(program: Program) -> Iterator[Alarm]:
    """Look for a division between the loss and the step of every accumulation."""
    for one in accumulations(program):
        if is_divided(program, one):
            continue
        for backward in one.backward:
            says = f"gradients of `{one.count}` rounds are added up, and the loss is not divided by `{one.count}`"
            step = one.update.event
            flow = (Step(step.place, "applied every so many rounds"), Step(backward.place, "added up in every round"))
            yield Alarm(backward.place, says, _certainty(one), flow, mending=_mending(one, backward))


def _certainty(one: Accumulation) -> Certainty:
    matters = bool(one.update.loop.clips) or not is_adam(one.update.optimizer)
    return Certainty.PROOF if matters and one.is_fixed else Certainty.LIKELY


def _mending(one: Accumulation, backward: CallEvent) -> Mending:
    says, node = f"divide the loss by `{one.count}`", loss_of(backward.call)
    if node is None or one.update.event.activation is not backward.activation:
        return Mending(says)
    divided = Edit("wrap", backward.file.place(node), f"{{}} / {_bracketed(one.count)}")
    return Mending(says, "unsafe", (divided,))


def _bracketed(code: str) -> str:
    is_simple = isinstance(ast.parse(code, mode="eval").body, (ast.Name, ast.Attribute, ast.Constant, ast.Subscript))
    return code if is_simple else f"({code})"


def _looked(program: Program) -> bool:
    return any(True for _ in accumulations(program))


RULE = script_rule(
    code="OPT007",
    slug="undivided-accumulation",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("an own loop that steps its optimizer every so many rounds",),
    find=find,
    looked=_looked,
    missing="an own loop that steps its optimizer every so many rounds",
    fix="unsafe",
)
