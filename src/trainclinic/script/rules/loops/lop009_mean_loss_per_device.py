"""Each process takes the mean loss over its own tokens, and gradients of unequal numbers of tokens are averaged alike.

## What it sees
A training loop with `torch.distributed` whose loss is the mean over labels that are not ignored (a cross-entropy with
`ignore_index`, or the loss of a model whose labels are masked with -100), without a count of tokens summed over
processes. Accumulation and accelerate give hints.

## Why it matters
A process with 20 answer tokens weighs as much as one with 2000, so that each of its tokens counts a hundredfold. Short
answers dominate, the result depends on how rows fall on devices, and losses of 1 x 32 and 8 x 4 do not agree.

## What it does not mean
Where all rows have the same length and every token is scored, nothing is wrong. The Trainer counts since 4.46.

## Example
Bad:

    import torch
    import torch.distributed as dist
    import torch.nn.functional as F
    from torch.nn.parallel import DistributedDataParallel
    from mydata import batches_of_rank, build_model

    dist.init_process_group("nccl")
    torch.manual_seed(0)
    model = DistributedDataParallel(build_model().cuda())
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    for ids, labels in batches_of_rank(dist.get_rank()):
        logits, targets = model(ids)[:, :-1].flatten(0, 1), labels[:, 1:].flatten()
        loss = F.cross_entropy(logits.float(), targets, ignore_index=-100)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

Good:

    import torch
    import torch.distributed as dist
    import torch.nn.functional as F
    from torch.nn.parallel import DistributedDataParallel
    from mydata import batches_of_rank, build_model

    dist.init_process_group("nccl")
    torch.manual_seed(0)
    model = DistributedDataParallel(build_model().cuda())
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    for ids, labels in batches_of_rank(dist.get_rank()):
        logits, targets = model(ids)[:, :-1].flatten(0, 1), labels[:, 1:].flatten()
        tokens = (targets != -100).sum()
        dist.all_reduce(tokens)
        total = F.cross_entropy(logits.float(), targets, ignore_index=-100, reduction="sum")
        loss = total * dist.get_world_size() / tokens
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

## Check it by hand
Print the number of scored labels on every process for a few steps. Where they differ, the weights do as well.

## References
- https://github.com/huggingface/transformers/issues/34191
- https://github.com/pytorch/torchtune/issues/1878
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.accumulation import accumulations
from trainclinic.script.program.events import CallEvent
from trainclinic.script.program.gradients import KEEPING, backward_loss
from trainclinic.script.program.model_calls import ModelCall, model_calls
from trainclinic.script.program.names import name_of
from trainclinic.script.program.once import asked_once
from trainclinic.script.program.open_values import Parameter, Setting
from trainclinic.script.program.own_losses import CrossEntropy, cross_entropies
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, only
from trainclinic.script.program.runs import entry_of
from trainclinic.script.program.training_loops import TrainingLoop, training_loops
from trainclinic.script.program.values import Attribute, Call, Constant, Item, Operation, Value
from trainclinic.script.rule import script_rule
from trainclinic.script.sources.source import SourceFile

COUNTING = frozenset({"all_reduce", "reduce", "all_gather", "gather", "all_gather_into_tensor", "all_gather_object"})
"""Calls that bring numbers of all processes together."""
MENDING = Mending("sum the loss, and divide by the number of scored tokens of all processes")


def find(program: Program) -> Iterator[Alarm]:
    """Look at the loss of every backward pass of a run on several processes, or with accumulation."""
    for training, event, mean in _means(program):
        certainty = None if _is_counted(training, event) else _certainty(program, event)
        if certainty is None or mean.place is None:
            continue
        what = "over the tokens of one process" if certainty is Certainty.LIKELY else "over the tokens of one batch"
        says = f"the loss is a mean {what}, and gradients of unequal numbers of tokens are averaged alike"
        flow = (Step(event.place, "propagated back as it is"), Step(mean.place, "the mean over scored tokens"))
        yield Alarm(mean.place, says, certainty, flow, mending=MENDING)


def _means(program: Program) -> Iterator[tuple[TrainingLoop, CallEvent, Call]]:
    """Backward passes whose loss is a mean over labels of which some are ignored, with the call that gives the mean."""
    own = {one.call: one for one in cross_entropies(program)}
    models = {one.call: one for one in model_calls(program)}
    for training in training_loops(program):
        for event in training.backward:
            loss = _unweighted(backward_loss(event.call))
            mean = loss.base if isinstance(loss, (Attribute, Item)) else loss
            if not isinstance(mean, Call):
                continue
            if _is_mean(program, own.get(mean), event) or _is_masked(program, models.get(mean), event):
                yield training, event, mean


def _unweighted(value: Value | None) -> Value | None:
    """A loss without what all batches are multiplied or divided by alike; `None` where weights may come in."""
    for _ in range(16):
        if isinstance(value, Operation) and value.symbol in {"/", "*"}:
            weight = value.operands[1]
            if not isinstance(weight, (Constant, Setting, Parameter, Attribute)):
                return None
            value = value.operands[0]
        elif isinstance(value, Call) and isinstance(value.function, Attribute) and value.method in KEEPING - {"sum"}:
            value = value.function.base
        else:
            return value
    return None


def _is_mean(program: Program, one: CrossEntropy | None, event: CallEvent) -> bool:
    if one is None:
        return False
    reduction = argument(one.made, "reduction")
    is_mean = reduction is None or only(reduction) == "mean"
    return is_mean and (only(one.ignored) == -100 if one.ignored is not None else _masks(program, event))


def _is_masked(program: Program, one: ModelCall | None, event: CallEvent) -> bool:
    return one is not None and one.is_causal and one.labels is not None and _masks(program, event)


def _masks(program: Program, event: CallEvent) -> bool:
    """Whether the files of a run put -100 anywhere."""
    entry = entry_of(event)
    return any(file in _masking(program) for file in (entry, *program.reached_from(entry)))


@asked_once
def _masking(program: Program) -> set[SourceFile]:
    """Files with -100 in their code."""
    told = [(file, file.tree) for file in program.project.files if file.tree is not None and "-100" in file.text]
    return {file for file, tree in told if any(_is_ignored_label(node) for node in ast.walk(tree))}


def _is_ignored_label(node: ast.AST) -> bool:
    held = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else None
    return isinstance(held, ast.Constant) and held.value == 100


def _is_counted(training: TrainingLoop, event: CallEvent) -> bool:
    """Whether anything is brought together from all processes before the backward pass."""
    return any(one.order < event.order and one.call.method in COUNTING for one in training.events)


def _certainty(program: Program, event: CallEvent) -> Certainty | None:
    """Likely on several processes, a hint where batches are accumulated or accelerate may start several."""
    entry = entry_of(event)
    if _spread(program) & {entry, *program.reached_from(entry)}:
        return Certainty.LIKELY
    held = any(event in one.backward for one in accumulations(program))
    return Certainty.HINT if held or event.call.args else None


@asked_once
def _spread(program: Program) -> set[SourceFile]:
    """Files with a call of `torch.distributed`."""
    return {one.file for one in program.calls if name_of(one.call.function).startswith("torch.distributed.")}


def _looked(program: Program) -> bool:
    certain = any(_certainty(program, event) is Certainty.LIKELY for _, event, _ in _means(program))
    return certain or any(_is_counted(one, event) for one in training_loops(program) for event in one.backward)


RULE = script_rule(
    code="LOP009",
    slug="mean-loss-per-device",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("a training loop with `torch.distributed` and labels that are ignored in part",),
    find=find,
    looked=_looked,
    missing="a training loop on several processes whose loss leaves labels out",
)
