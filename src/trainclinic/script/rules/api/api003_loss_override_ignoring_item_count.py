"""An override of `compute_loss` returns the mean of one micro-batch where the Trainer no longer divides.

## What it sees
A trainer with `gradient_accumulation_steps` above 1 whose class overrides `compute_loss`, and whose override neither
uses `num_items_in_batch` nor divides by the number of accumulation steps. The model is one of a library, which accepts
the count, so that the Trainer of transformers 4.46 and later leaves the division to the loss.

## Why it matters
The gradients of all micro-batches are added up undivided: with 8 steps of accumulation the logged loss and the gradient
norm are 8 times too large. Adam hides the size of the gradient, clipping at 1.0 does not: every update is clipped, and
a loss of 16 instead of 2 is reported.

## What it does not mean
The loss of each micro-batch can be right. Models of own classes, whose `forward` takes no `**kwargs`, are still divided
by the Trainer.

## Example
Bad:

    # file: train.py
    from torch.nn.functional import cross_entropy
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import collate, rows

    class FlatTrainer(Trainer):
        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            labels = inputs.pop("labels")
            outputs = model(**inputs)
            logits = outputs.logits[:, :-1].flatten(0, 1).float()
            loss = cross_entropy(logits, labels[:, 1:].flatten(), ignore_index=-100)
            return (loss, outputs) if return_outputs else loss

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype="float32")
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7, gradient_accumulation_steps=8)
    trainer = FlatTrainer(model=model, args=args, train_dataset=rows("train"), data_collator=collate)
    trainer.train()

Good:

    # file: train.py
    from torch.nn.functional import cross_entropy
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import collate, rows

    class FlatTrainer(Trainer):
        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            labels = inputs.pop("labels")
            outputs = model(**inputs)
            logits = outputs.logits[:, :-1].flatten(0, 1).float()
            total = cross_entropy(logits, labels[:, 1:].flatten(), ignore_index=-100, reduction="sum")
            count = num_items_in_batch if num_items_in_batch is not None else (labels != -100).sum()
            loss = total / count
            return (loss, outputs) if return_outputs else loss

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype="float32")
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7, gradient_accumulation_steps=8)
    trainer = FlatTrainer(model=model, args=args, train_dataset=rows("train"), data_collator=collate)
    trainer.train()

## Check it by hand
Train ten steps with 1 and with 8 steps of accumulation at the same product of batch and accumulation: the first logged
losses must be equal. If they differ by the factor 8, the loss is not divided.

## References
- https://github.com/huggingface/transformers/issues/37197
- https://huggingface.co/blog/gradient_accumulation
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.knowledge.behaviour import DIVIDES_LOSS_BY_ITEMS
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.libraries import is_of_its_time, oracle
from trainclinic.script.program.objects import is_causal_lm
from trainclinic.script.program.overrides import Override, overrides
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import possible
from trainclinic.script.program.trainers import Trainer, trainers
from trainclinic.script.rule import script_rule

KINDS = frozenset({"Trainer", "Seq2SeqTrainer", "SFTTrainer"})
"""Trainers that ask the model whether it takes the count; those of trl for preferences always divide."""
COUNT = "num_items_in_batch"
SWITCHES = ("model_accepts_loss_kwargs", "loss_is_scaled_for_ga")
MENDING = Mending(
    "divide the summed loss by `num_items_in_batch`, or set `self.model_accepts_loss_kwargs = False` in the constructor"
)


def find(program: Program) -> Iterator[Alarm]:
    """Look at every trainer with an override of `compute_loss`."""
    for trainer, one in _overriding(program):
        steps = trainer.option("gradient_accumulation_steps")
        counts, complete = possible(steps)
        numbers = [p for p in counts if isinstance(p.value, int) and p.value > 1]
        if steps is None or not complete or not numbers or len(numbers) < len(counts) or not _is_mean(one):
            continue
        place, options = one.head, trainer.arguments
        if place is None or options is None or options.place is None:
            continue
        factor = numbers[0].value
        says = f"`compute_loss` ignores `{COUNT}`: over {factor} micro-batches the loss is {factor} times too large"
        flow = (Step(options.place, f"accumulates {factor} micro-batches"), Step(place, "returns a mean of each"))
        yield Alarm(place, says, _certainty(program), flow, mending=MENDING)


def _overriding(program: Program) -> Iterator[tuple[Trainer, Override]]:
    """Trainers of library models whose loss the files compute, in versions that may leave the division to it."""
    known = oracle(program).version("transformers")
    if DIVIDES_LOSS_BY_ITEMS.holds(known) == "no" or any(program.attributes_set(name) for name in SWITCHES):
        return
    losses = [one for one in overrides(program) if one.name == "compute_loss" and not one.has_own_caller]
    for trainer in trainers(program):
        if trainer.own is None or trainer.kind not in KINDS or not is_causal_lm(trainer.model):
            continue
        for one in losses:
            if trainer.own.find("compute_loss") is one.function:
                yield trainer, one


def _is_mean(one: Override) -> bool:
    """Whether a loss is computed without any count and without help of the Trainer."""
    passed_on = {parameter.name for parameter in one.parameters if parameter.kind.startswith("var_")}
    if one.calls_super or COUNT in one.names or one.names & passed_on:
        return False
    return not ({"gradient_accumulation_steps", "current_gradient_accumulation_steps", "sum"} & one.attributes)


def _certainty(program: Program) -> Certainty:
    return Certainty.HINT if is_of_its_time(program, "transformers") else Certainty.LIKELY


def _looked(program: Program) -> bool:
    return any(trainer.is_known for trainer, _ in _overriding(program))


RULE = script_rule(
    code="API003",
    slug="loss-override-ignoring-item-count",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("a trainer whose class overrides `compute_loss`, its model and its accumulation steps",),
    find=find,
    looked=_looked,
    missing="a trainer of a library model whose class overrides `compute_loss`",
)
