"""The model generates while it is in training mode, with dropout on.

## What it sees
`generate` after `model.train()` or after `Trainer.train()` of the same model, without `model.eval()`, an evaluation
or a preparation for inference in between.

## Why it matters
Dropout (of LoRA 0.05 as a rule, of GPT-2 0.1) is applied to every step: greedy output changes from call to call, and
is worse than that of the same weights in evaluation mode. With gradient checkpointing the cache is off as well, and
generation becomes many times slower.

## What it does not mean
A model without any dropout gives the same output in both modes. `from_pretrained` hands out models in evaluation
mode.

## Example
Bad:

    from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments
    from mydata import examples

    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    arguments = TrainingArguments("out", learning_rate=2e-5, num_train_epochs=2, seed=7)
    trainer = Trainer(model=model, args=arguments, train_dataset=examples(tokenizer))
    trainer.train()

    inputs = tokenizer("The river", return_tensors="pt").to(model.device)
    output = model.generate(**inputs, max_new_tokens=20)
    print(tokenizer.decode(output[0, inputs.input_ids.shape[1] :]))

Good:

    from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments
    from mydata import examples

    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    arguments = TrainingArguments("out", learning_rate=2e-5, num_train_epochs=2, seed=7)
    trainer = Trainer(model=model, args=arguments, train_dataset=examples(tokenizer))
    trainer.train()

    model.eval()
    inputs = tokenizer("The river", return_tensors="pt").to(model.device)
    output = model.generate(**inputs, max_new_tokens=20)
    print(tokenizer.decode(output[0, inputs.input_ids.shape[1] :]))

## Check it by hand
Print `model.training` before `generate`: it must be `False`.

## References
- https://pytorch.org/docs/stable/generated/torch.nn.Module.html
- https://huggingface.co/docs/transformers/main_classes/trainer
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.embedding_training import lora_calls
from trainclinic.script.program.generation import Generation, generations
from trainclinic.script.program.identities import identity_of
from trainclinic.script.program.objects import root
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, constants, flag
from trainclinic.script.program.runs import together
from trainclinic.script.program.trainers import trainers
from trainclinic.script.program.values import Call, Choice, Value
from trainclinic.script.rule import script_rule

CALMING = ("eval", "evaluate", "predict", "for_inference", "evaluation_loop")
"""Methods that leave the model in evaluation mode."""
WITH_DROPOUT = frozenset({"gpt2", "opt", "t5", "bart"})
"""Families whose published configuration has dropout above 0."""
MENDING = Mending("call `model.eval()` before `generate`, and `model.train()` before training goes on")


def find(program: Program) -> Iterator[Alarm]:
    """Look at the mode of the model at every generation."""
    starts, ends = _starts(program), _ends(program)
    for one in generations(program) if starts else ():
        mode = _training_mode(one, starts, ends)
        place = one.call.place
        if mode is None or place is None or mode.place is None:
            continue
        says = f"`generate` runs in training mode: `{mode.method}` switched it on and nothing calls `eval`"
        flow = (Step(mode.place, "training mode"), Step(place, "generation with dropout"))
        certainty = Certainty.LIKELY if _matters(program, one) else Certainty.HINT
        yield Alarm(place, says, certainty, flow, mending=MENDING)


def _matters(program: Program, one: Generation) -> bool:
    """Whether dropout or gradient checkpointing, which training mode switches on, is in sight."""
    known = identity_of(one.model)
    if known is not None and known.family.name in WITH_DROPOUT:
        return True
    rates = [
        rate
        for call in together(program, one.call, lora_calls(program))
        for rate in constants(argument(call, "lora_dropout"))
    ]
    if any(isinstance(rate, float) and rate > 0 for rate in rates):
        return True
    checkpointing = program.calls_of(".gradient_checkpointing_enable")
    checkpointing += [t.call for t in trainers(program) if flag(t.option("gradient_checkpointing"))]
    return bool(together(program, one.call, checkpointing))


def _starts(program: Program) -> list[tuple[Call, Value]]:
    """Calls that put a model into training mode, with the model, in order."""
    built = {one.call: root(one.model) for one in trainers(program)}
    found: list[tuple[Call, Value]] = []
    for call in program.calls_ending("train"):
        made = root(call.receiver)
        model = built.get(made, made) if isinstance(made, Call) else made
        mode = argument(call, "mode", 0) if model is made else None
        if model is not None and (mode is None or flag(mode) is True):
            found.append((call, model))
    return found


def _ends(program: Program) -> list[Call]:
    """Calls that leave some model in evaluation mode."""
    off = [call for call in program.calls_ending("train") if flag(argument(call, "mode", 0)) is False]
    return [*program.calls_ending(*CALMING), *off]


def _training_mode(one: Generation, starts: list[tuple[Call, Value]], ends: list[Call]) -> Call | None:
    """The call that left the model in training mode; `None` when something may have ended it."""
    order = one.call.event.order
    before = [call for call, model in starts if model is one.model and call.event.order < order]
    if not before or isinstance(one.model, Choice):
        return None
    last = before[-1]
    ended = any(last.event.order < call.event.order < order for call in ends)
    return None if ended or _is_apart(last, one.call) else last


def _is_apart(start: Call, call: Call) -> bool:
    """Whether the two may belong to different runs: one under a condition that does not hold for the other."""
    tests = set(call.event.conditions)
    return any(condition not in tests for condition in start.event.conditions)


def _looked(program: Program) -> bool:
    starts, ends = _starts(program), _ends(program)
    trained = {model for _, model in starts}
    found = [one for one in generations(program) if one.model in trained]
    return bool(found) and bool(ends) and all(_training_mode(one, starts, ends) is None for one in found)


RULE = script_rule(
    code="INF004",
    slug="generation-in-training-mode",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("`generate` of a model that the program trains",),
    find=find,
    looked=_looked,
    missing="`generate` of a model that the program trains",
)
