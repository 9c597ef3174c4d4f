"""An own cross-entropy scores each position on the token that the model reads there, not on the next one.

## What it sees
The logits of a causal language model and the ids that it read go to `cross_entropy`, `CrossEntropyLoss` or optax
without a shift of either: in a loop, in a function, or in a `compute_loss` of the Trainer.

## Why it matters
The model sees the token that it is to predict. The loss falls to nearly 0 within a few hundred steps, because copying
is easy, and the trained model repeats its input or writes the same token for ever.

## What it does not mean
Masked language models and diffusion language models are scored at the same position, on tokens that were hidden from
them. And `labels=` of the models of transformers is meant unshifted: they shift inside.

## Example
Bad:

    import torch
    import torch.nn.functional as F
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    blocks = torch.load("blocks.pt", weights_only=True)
    loader = torch.utils.data.DataLoader(blocks, batch_size=8, shuffle=True)
    for ids in loader:
        logits = model(ids).logits
        loss = F.cross_entropy(logits.flatten(0, 1), ids.flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

Good:

    import torch
    import torch.nn.functional as F
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    blocks = torch.load("blocks.pt", weights_only=True)
    loader = torch.utils.data.DataLoader(blocks, batch_size=8, shuffle=True)
    for ids in loader:
        logits = model(ids).logits
        loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

## Check it by hand
Score one batch of the untouched model with `logits[:, :-1]` against `ids[:, 1:]`. A pretrained model gives 1 to 4; if
the script prints 8 or more at its first step instead, it compares the wrong positions.

## References
- https://github.com/huggingface/transformers/issues/404
- https://pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.model_calls import handed
from trainclinic.script.program.objects import is_causal_lm, same_data
from trainclinic.script.program.offsets import views
from trainclinic.script.program.open_values import Parameter
from trainclinic.script.program.own_losses import CrossEntropy, cross_entropies, forward_of
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import contains, flag
from trainclinic.script.program.trainers import trainers
from trainclinic.script.program.values import Call, Constant, Item, Span, Value
from trainclinic.script.rule import script_rule

MENDING = Mending("score `logits[:, :-1]` against `ids[:, 1:]`")
CAUSAL_CALLS = ("*.tril", "*.triu", "*.tril_", "*.triu_", "*.generate_square_subsequent_mask")
CHANGES_TOKENS = frozenset({"where", "masked_fill", "masked_fill_", "scatter", "scatter_", "index_fill_"})


def find(program: Program) -> Iterator[Alarm]:
    """Look at every cross-entropy of uncut logits."""
    for loss in cross_entropies(program):
        forward, certain = forward_of(loss.logits), _certainty(program, loss)
        if certain is None or loss.call.place is None:
            continue
        first = Step(forward.place, "the model reads the ids") if forward is not None and forward.place else None
        last = Step(loss.call.place, "its uncut logits are scored on the same ids")
        says = f"`{loss.made.method}` scores each position on the token that the model reads there"
        yield Alarm(loss.call.place, says, certain, (*([first] if first else ()), last), mending=MENDING)


def _certainty(program: Program, loss: CrossEntropy) -> Certainty | None:
    """How sure it is that labels and inputs are at the same positions; `None` when they are not known to be."""
    forward = forward_of(loss.logits)
    unmoved = [view.base for view in views(program, loss.labels) if not any(view.start.values())]
    if forward is None or not unmoved:
        return None
    if is_causal_lm(forward.function):
        inputs = handed(program, forward, "input_ids", 0)
        return Certainty.PROOF if _is_plain(program, inputs) and _is_one_of(inputs, unmoved) else None
    if _is_trainer_override(program, loss, forward):
        return Certainty.LIKELY
    read = contains(forward, lambda one: one in unmoved)
    if not _is_plain(program, read) or contains(forward, lambda one: _is_cut(one, unmoved)) is not None:
        return None
    return Certainty.LIKELY if _hides_later_tokens(program) else None


def _is_one_of(inputs: Value | None, bases: list[Value]) -> bool:
    return inputs is not None and any(same_data(inputs) is same_data(base) for base in bases)


def _is_plain(program: Program, inputs: Value | None) -> bool:
    """Whether no token of the inputs was hidden or replaced."""
    return inputs is not None and not program.stores_into(inputs) and not program.stores_into(same_data(inputs))


def _is_cut(value: Value, bases: list[Value]) -> bool:
    """Whether a value is a cut or changed version of what the model reads."""
    if isinstance(value, Item):
        return any(same_data(value.base) is base for base in bases) and (
            contains(value.index, lambda one: isinstance(one, Span), limit=20) is not None
        )
    touched = isinstance(value, Call) and value.method in CHANGES_TOKENS
    return touched and any(contains(part, lambda one: one in bases) is not None for part in value.parts())


def _is_trainer_override(program: Program, loss: CrossEntropy, forward: Call) -> bool:
    """Whether it is `compute_loss` of a trainer of a causal model, on `inputs["labels"]` of what the model reads."""
    activation = loss.call.event.activation
    function = activation.function
    if function is None or function.name != "compute_loss" or function.owner is None:
        return False
    labels = next((view.base for view in views(program, loss.labels) if not any(view.start.values())), None)
    spread = [value for name, value in forward.keywords if name is None]
    inputs = [*spread, *(value.base for _, value in forward.keywords if isinstance(value, Item))]
    held = isinstance(labels, Item) and isinstance(labels.index, Constant) and labels.index.value == "labels"
    if not held or not isinstance(labels, Item) or labels.base not in inputs or not isinstance(labels.base, Parameter):
        return False
    mine = [one for one in trainers(program) if one.own is not None and function.owner in one.own.lineage()]
    return bool(mine) and all(is_causal_lm(one.model) for one in mine)


def _hides_later_tokens(program: Program) -> bool:
    """Whether the files build a triangular mask or ask for `is_causal=True`, as own causal models do."""
    if program.calls_of(*CAUSAL_CALLS):
        return True
    given = (pair for event in program.calls for pair in event.call.keywords)
    return any(name in {"is_causal", "causal"} and flag(value) is True for name, value in given)


def _looked(program: Program) -> bool:
    return any(contains(loss.logits, _is_forward) is not None for loss in cross_entropies(program))


def _is_forward(value: Value) -> bool:
    return isinstance(value, Call) and is_causal_lm(value.function)


RULE = script_rule(
    code="LBL002",
    slug="unshifted-own-loss",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("cross-entropies that the script computes from a model's logits",),
    find=find,
    looked=_looked,
    missing="an own cross-entropy of the logits of a language model",
)
