"""The loss that is propagated back has no graph, so that no weight gets a gradient.

## What it sees
`backward` of a tensor that was made anew (`torch.tensor(loss)`), detached (`.item()`, `.detach()`, `.data`, numpy) or
computed under `torch.no_grad()`; and `requires_grad_(True)` on a computed loss.

## Why it matters
Without help `backward` raises "element 0 of tensors does not require grad and does not have a grad_fn". With
`requires_grad_(True)` on the loss the error is gone and nothing else: `backward` fills the gradient of that one number,
weights keep no gradient, the optimizer steps over nothing, and the loss is flat for as long as the run lasts.

## What it does not mean
`requires_grad_(True)` on embeddings or inputs is how gradients reach an adapter through a frozen model. On a loss that
has a graph it changes nothing.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM
    from mydata import batches

    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for ids in batches():
        loss = model(ids, labels=ids).loss
        loss = torch.tensor(loss, requires_grad=True)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

Good:

    import torch
    from transformers import AutoModelForCausalLM
    from mydata import batches

    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for ids in batches():
        loss = model(ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

## Check it by hand
After `backward`, print `loss.grad_fn` and the `grad` of one trainable weight: neither may be `None`.

## References
- https://pytorch.org/docs/stable/notes/autograd.html
- https://pytorch.org/docs/stable/generated/torch.Tensor.requires_grad_.html
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Place, Step
from trainclinic.script.program.gradients import Cut, backward_loss, cuts, loss_within
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, condition_text, flag
from trainclinic.script.program.training_loops import training_loops
from trainclinic.script.program.values import Attribute, Call, Value
from trainclinic.script.rule import script_rule

MENDING = Mending("call `backward` on the loss as the model gives it, computed with gradients on")
FORCED = Mending("take `requires_grad_` away, and find out why the loss has no graph: frozen weights, or `no_grad`")


def find(program: Program) -> Iterator[Alarm]:
    """Look at what every backward pass starts from, then at losses that are told to require a gradient."""
    for call, found in _known(program):
        cut = next((one for one in found if one.says), None)
        if cut is not None and call.place is not None and cut.value.place is not None:
            says = f"{cut.says}, and `backward` reaches no weight from there"
            flow = (Step(cut.value.place, "the graph ends here"), Step(call.place, "the backward pass"))
            yield Alarm(call.place, _short(says, cut), Certainty.PROOF, flow, condition_text(cut.when), MENDING)
    for place, loss in _forced(program):
        if not cuts(loss):
            says = f"a computed loss (`{loss.code}`) is told to require a gradient, which hides that it has none"
            yield Alarm(place, says, Certainty.LIKELY, mending=FORCED)


def _short(says: str, cut: Cut) -> str:
    return says if len(says) <= 140 else f"`{cut.value.code}` has no graph, and `backward` reaches no weight from there"


def _known(program: Program) -> Iterator[tuple[Call, list[Cut]]]:
    """Backward passes whose loss can be followed, with where it was cut."""
    for event in (event for loop in training_loops(program) for event in loop.backward):
        loss = backward_loss(event.call)
        found = cuts(loss) if loss is not None else None
        if found is not None:
            yield event.call, found


def _forced(program: Program) -> Iterator[tuple[Place, Value]]:
    """Losses that are told to require a gradient, with the place."""
    for call in program.calls_of(".requires_grad_"):
        asked = argument(call, "requires_grad", 0)
        loss = call.receiver
        is_on = asked is None or flag(asked) is True
        if call.place is not None and loss is not None and is_on and _is_computed(program, loss):
            yield call.place, loss
    for event in program.attributes_set("requires_grad"):
        if event.base is not None and flag(event.value) and _is_computed(program, event.base):
            yield event.place, event.base


def _is_computed(program: Program, value: Value) -> bool:
    """Whether a value is a loss that something computed, and no tensor that was made or loaded."""
    return isinstance(value, (Call, Attribute)) and loss_within(program, value) is not None


def _looked(program: Program) -> bool:
    return any(True for _ in _known(program))


RULE = script_rule(
    code="LOP008",
    slug="loss-cut-from-graph",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("a backward pass that the script does itself",),
    find=find,
    looked=_looked,
    missing="a backward pass from a loss whose computation is in sight",
)
