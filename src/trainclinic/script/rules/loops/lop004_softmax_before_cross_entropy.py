"""The cross-entropy is given probabilities, and takes the softmax of them once more.

## What it sees
The result of a softmax (a function, a method, an `nn.Softmax` layer, or a model of the files whose `forward` ends in
one) as the logits of `cross_entropy` or `CrossEntropyLoss`.

## Why it matters
Probabilities lie between 0 and 1, so that the second softmax can never make one class much likelier than the others:
the loss cannot fall below about 0.55 for 3 classes, and for a vocabulary of 50000 it stays above 9.8, whatever the
model says. Gradients are small and training seems to stand still.

## What it does not mean
`log_softmax` before a cross-entropy changes nothing: its own softmax gives it back. A softmax before `nll_loss` needs a
logarithm, but that is another matter.

## Example
Bad:

    import torch
    import torch.nn.functional as F
    from transformers import AutoModelForSequenceClassification
    from mydata import batches

    model = AutoModelForSequenceClassification.from_pretrained("bert-base-uncased", num_labels=3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for batch in batches():
        logits = model(batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        loss = F.cross_entropy(torch.softmax(logits, dim=-1), batch["label"])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

Good:

    import torch
    import torch.nn.functional as F
    from transformers import AutoModelForSequenceClassification
    from mydata import batches

    model = AutoModelForSequenceClassification.from_pretrained("bert-base-uncased", num_labels=3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for batch in batches():
        logits = model(batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        loss = F.cross_entropy(logits, batch["label"])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

## Check it by hand
Print the first argument of the loss for one example: logits are of both signs and do not sum to 1.

## References
- https://pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.events import Condition
from trainclinic.script.program.names import name_of
from trainclinic.script.program.objects import root
from trainclinic.script.program.own_losses import RESHAPED, cross_entropies
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import condition_text
from trainclinic.script.program.values import Attribute, Call, Choice, External, Item, Span, Value
from trainclinic.script.rule import script_rule

SOFTMAX = frozenset({"softmax", "Softmax", "softmin", "Softmin"})
LAYERS = "torch.nn.Sequential"


def find(program: Program) -> Iterator[Alarm]:
    """Look at what every cross-entropy scores."""
    for one in cross_entropies(program):
        for made, when in _ways(one.logits):
            if not isinstance(made, Call) or not _is_softmax(made) or made.place is None or one.call.place is None:
                continue
            says = f"`{one.call.code}` takes the softmax of what `{made.code}` made probabilities of already"
            if len(says) > 140:
                says = "the cross-entropy takes the softmax of what is a softmax already"
            flow = (Step(made.place, "the first softmax"), Step(one.call.place, "the cross-entropy has its own"))
            mending = Mending("give the cross-entropy the logits themselves", edits=_edits(made))
            yield Alarm(one.call.place, says, Certainty.PROOF, flow, condition_text(when), mending)


def _ways(
    value: Value, when: tuple[Condition, ...] = (), depth: int = 0
) -> Iterator[tuple[Value, tuple[Condition, ...]]]:
    """What logits are before their shape or type was changed, in each of their alternatives."""
    if depth > 24:
        return
    if isinstance(value, Choice):
        for option in value.options:
            yield from _ways(option.value, (*when, *option.when), depth + 1)
    elif isinstance(value, Item) and _is_cut(value.index):
        yield from _ways(value.base, when, depth + 1)
    elif isinstance(value, Call) and isinstance(value.function, Attribute) and value.method in RESHAPED:
        yield from _ways(value.function.base, when, depth + 1)
    else:
        yield value, when


def _is_cut(index: Value) -> bool:
    return isinstance(index, Span) or any(isinstance(part, Span) for part in index.parts())


def _is_softmax(value: Call) -> bool:
    """Whether a value is the result of a softmax: of a function, of a method, or of a layer."""
    if isinstance(value.function, (External, Attribute)) and value.method in SOFTMAX:
        return _is_known(value)
    return _ends_in_softmax(root(value.function))


def _is_known(value: Call) -> bool:
    """Whether `softmax` is that of a library, or of a tensor."""
    name = name_of(value.function)
    return isinstance(value.function, Attribute) or name.partition(".")[0] in {"torch", "jax", "numpy", "scipy"}


def _ends_in_softmax(layer: Value | None) -> bool:
    if not isinstance(layer, Call):
        return False
    if name_of(layer.function) == LAYERS and layer.args:
        return _ends_in_softmax(layer.args[-1])
    return name_of(layer.function).startswith("torch.nn.") and layer.method in SOFTMAX


def _edits(made: Call) -> tuple[Edit, ...]:
    """The softmax replaced by what it is given, where it is written as a call."""
    node = made.node
    if not isinstance(node, ast.Call) or made.place is None or not isinstance(made.function, (External, Attribute)):
        return ()
    if isinstance(made.function, External):
        return (Edit("replace", made.place, ast.unparse(node.args[0])),) if node.args else ()
    given = node.func.value if isinstance(node.func, ast.Attribute) else None
    return (Edit("replace", made.place, ast.unparse(given)),) if given is not None else ()


def _looked(program: Program) -> bool:
    return any(True for _ in cross_entropies(program))


RULE = script_rule(
    code="LOP004",
    slug="softmax-before-cross-entropy",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("a cross-entropy that the script computes itself",),
    find=find,
    looked=_looked,
    missing="a cross-entropy that the script computes itself",
    fix="unsafe",
)
