"""Labels that are one position ahead already go to a model or loss that moves them once more.

## What it sees
Labels and inputs are cut from the same tokens with labels one position ahead (a slice from `i + 1`, a roll, a padded
and cut copy), through functions, modules, data sets, loaders and tuples of the files, and reach the `labels` argument
of a causal language model of a library, or one of the loss functions that shift inside.

## Why it matters
The output at t is scored on token t+2. The first loss is 8 to 10 where 1 to 4 is right, and training ends at the
entropy of the words, where context is of no use.

## What it does not mean
A loader that hands out shifted targets is right for a model that does not shift: nanoGPT's own model, or a
cross-entropy in the script. Only the pair of both is the mistake.

## Example
Bad:

    # file: data.py
    import torch

    def get_batch(data, block, batch):
        at = torch.randint(len(data) - block - 1, (batch,))
        x = torch.stack([data[i : i + block] for i in at])
        y = torch.stack([data[i + 1 : i + 1 + block] for i in at])
        return x, y

    # file: train.py
    import torch
    from transformers import GPT2LMHeadModel
    from data import get_batch

    model = GPT2LMHeadModel.from_pretrained("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    tokens = torch.load("tokens.pt", weights_only=True)
    for step in range(100):
        inputs, targets = get_batch(tokens, 256, 8)
        loss = model(inputs, labels=targets).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

Good:

    # file: data.py
    import torch

    def get_batch(data, block, batch):
        at = torch.randint(len(data) - block - 1, (batch,))
        return torch.stack([data[i : i + block] for i in at])

    # file: train.py
    import torch
    from transformers import GPT2LMHeadModel
    from data import get_batch

    model = GPT2LMHeadModel.from_pretrained("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    tokens = torch.load("tokens.pt", weights_only=True)
    for step in range(100):
        inputs = get_batch(tokens, 256, 8)
        loss = model(inputs, labels=inputs).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

## Check it by hand
On one batch of the untouched model compute the cross-entropy of `logits[:, :-k]` against `ids[:, k:]` for k = 1 and
2. The loss that the script prints must equal that of k = 1; if it equals k = 2, labels are shifted twice.

## References
- https://huggingface.co/docs/transformers/model_doc/gpt2
- https://github.com/huggingface/transformers/pull/46898
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.events import Activation
from trainclinic.script.program.model_calls import ModelCall, model_calls, shifting_loss_calls
from trainclinic.script.program.objects import is_causal_lm, loader_name
from trainclinic.script.program.offsets import PARALLEL, ahead, views
from trainclinic.script.program.own_losses import cross_entropies
from trainclinic.script.program.program import Program
from trainclinic.script.program.supervision import scored
from trainclinic.script.program.values import Call, Constant, Item, Value
from trainclinic.script.rule import script_rule

MENDING = Mending("hand over the unshifted ids as `labels`; the model shifts them itself")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every forward pass with labels, every shifting loss, and the rows that trainers get."""
    followed = [*_followed_alarms(program)]
    yield from followed
    told = {step.place for alarm in followed for step in alarm.flow}
    yield from (alarm for alarm in _batch_alarms(program) if alarm.flow[0].place not in told)


def _followed_alarms(program: Program) -> Iterator[Alarm]:
    """Alarms about labels that were followed to the model, the loss or the trainer that shifts them."""
    for one in model_calls(program):
        if one.labels is not None and one.inputs is not None:
            yield from _model_alarm(program, one, one.labels, one.inputs)
    for call, _, labels in shifting_loss_calls(program):
        yield from _loss_alarm(program, call, labels)
    for row in scored(program):
        if row.trainer is not None and row.inputs is not None and is_causal_lm(row.model):
            yield from _row_alarm(program, row.call, row.labels, row.inputs)


def _model_alarm(program: Program, one: ModelCall, labels: Value, inputs: Value) -> Iterator[Alarm]:
    found = ahead(program, labels, inputs)
    if found is None or found[0] != 1 or not (one.is_causal or one.gives_loss) or one.call.place is None:
        return
    name = loader_name(one.call.function).rpartition(".")[2] or one.call.method or "the model"
    last = Step(one.call.place, f"passed as `labels`, which `{name}` shifts again")
    certain = Certainty.PROOF if one.is_causal else Certainty.LIKELY
    says = f"`labels` are one position ahead of the inputs already, and `{name}` shifts them once more"
    yield Alarm(one.call.place, says, certain, (*found[1], *_handed_over(one.call, labels), last), mending=MENDING)


def _handed_over(call: Call, labels: Value) -> Iterator[Step]:
    """The calls that handed the labels on to the place of this call, the outermost first."""
    seen: Activation | None = call.event.activation
    steps: list[Step] = []
    while seen is not None and seen.call is not None:
        handed = {*seen.call.args, *(value for _, value in seen.call.keywords)}
        if seen.call.place is not None and labels in handed:
            steps.append(Step(seen.call.place, f"handed on by `{seen.call.code}`"))
        seen = seen.caller
    return reversed(steps)


def _loss_alarm(program: Program, call: Call, labels: Value) -> Iterator[Alarm]:
    for view in views(program, labels):
        if call.place is not None and view.start == {None: 1}:
            says = f"labels are cut to begin one position later, and `{call.method}` shifts them once more"
            last = Step(call.place, f"`{call.method}` shifts them again")
            yield Alarm(call.place, says, Certainty.PROOF, (*view.steps, last), mending=MENDING)
            return


def _row_alarm(program: Program, call: Call, labels: Value, inputs: Value) -> Iterator[Alarm]:
    found = ahead(program, labels, inputs)
    if found is not None and found[0] == 1 and call.place is not None:
        says = "rows carry `labels` one position ahead of `input_ids`, and the model shifts them once more"
        last = Step(call.place, "the trainer hands them to a model that shifts again")
        yield Alarm(call.place, says, Certainty.PROOF, (*found[1], last), mending=MENDING)


def _batch_alarms(program: Program) -> Iterator[Alarm]:
    """Labels that are moved inside a batch whose ids stay, where batches are scored by a model's own loss."""
    opaque = any(one.labels is None and one.gives_loss and _takes_batch(one.call) for one in model_calls(program))
    if not opaque or any(True for _ in cross_entropies(program)):
        return
    for event in program.stores:
        if event.kind != "item" or not isinstance(event.key, Constant) or event.key.value != "labels":
            continue
        moved = next((view for view in views(program, event.value) if view.start == {None: 1}), None)
        if moved is None or not _is_column(moved.base) or _moves_ids(program, event.base):
            continue
        says = "`labels` of the batch are moved by one position, `input_ids` are not, and the model's own loss is used"
        last = Step(event.place, "put beside ids that are not moved")
        yield Alarm(event.place, says, Certainty.LIKELY, (*moved.steps, last), mending=MENDING)


def _takes_batch(call: Call) -> bool:
    return any(name is None for name, _ in call.keywords)


def _is_column(value: Value) -> bool:
    return isinstance(value, Item) and isinstance(value.index, Constant) and value.index.value in PARALLEL


def _moves_ids(program: Program, batch: Value | None) -> bool:
    """Whether the ids that go with the labels begin later as well."""
    ids = program.value_of(batch, "input_ids") if batch is not None else None
    return ids is not None and any(any(view.start.values()) for view in views(program, ids))


def _looked(program: Program) -> bool:
    seen = any(one.inputs is not None for one in scored(program))
    return seen or any(True for _ in shifting_loss_calls(program))


RULE = script_rule(
    code="LBL001",
    slug="shifted-labels-to-shifting-model",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("a forward pass with `labels`, a shifting loss function, or a trainer's data",),
    find=find,
    looked=_looked,
    missing="a forward pass with inputs and labels in sight",
)
