"""The best model is to be loaded at the end, but what decides about it does not fit together.

## What it sees
`load_best_model_at_end=True` with a `save_strategy` that is not the `eval_strategy`, with `save_steps` that are no
multiple of `eval_steps`, with a `metric_for_best_model` that `compute_metrics` of the files does not return, or with
a loss as the metric and `greater_is_better=True`.

## Why it matters
Checkpoints that nobody evaluated cannot be compared: the arguments raise `ValueError` before training. A metric that
is not there raises `KeyError` at the first evaluation, hours into a run. A loss that counts as better when it is
greater is the quiet case: training ends with the worst of all checkpoints.

## What it does not mean
`save_strategy="best"` fits every evaluation strategy. Without `load_best_model_at_end` strategies may differ.

## Example
Bad:

    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import test_rows, train_rows

    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    arguments = TrainingArguments("out", learning_rate=2e-5, eval_strategy="epoch", load_best_model_at_end=True)
    trainer = Trainer(model=model, args=arguments, train_dataset=train_rows(), eval_dataset=test_rows())
    trainer.train()

Good:

    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import test_rows, train_rows

    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    arguments = TrainingArguments(
        "out", learning_rate=2e-5, eval_strategy="epoch", save_strategy="epoch", load_best_model_at_end=True
    )
    trainer = Trainer(model=model, args=arguments, train_dataset=train_rows(), eval_dataset=test_rows())
    trainer.train()

## Check it by hand
Open `trainer_state.json` of the last checkpoint: `best_model_checkpoint` must name the checkpoint whose evaluation
has the best value in `log_history`.

## References
- https://huggingface.co/docs/transformers/main_classes/trainer
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.adapters import is_given
from trainclinic.script.program.names import names_of_call
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, flag, is_open, only, possible
from trainclinic.script.program.trainers import Trainer, arguments_call, trainers
from trainclinic.script.program.values import Call, Choice, Constant, External, Mapping, Value
from trainclinic.script.rule import script_rule

ALWAYS_THERE = frozenset({"loss", "runtime", "samples_per_second", "steps_per_second", "model_preparation_time"})
"""Metrics that every evaluation of a `Trainer` gives."""
PLAIN = frozenset({"Trainer", "Seq2SeqTrainer"})
"""Trainers that add no metrics of their own."""
DEFAULT_SAVE_STEPS = 500


def find(program: Program) -> Iterator[Alarm]:
    """Look at all training arguments that ask for the best model, then at the metric of their trainers."""
    for made in _subjects(program):
        yield from _strategy_alarm(made)
        yield from _direction_alarm(made)
    for trainer in trainers(program):
        if trainer.arguments is not None and flag(argument(trainer.arguments, "load_best_model_at_end")):
            yield from _metric_alarm(trainer)


def _subjects(program: Program) -> Iterator[Call]:
    """Calls that build training arguments of a library and ask for the best model."""
    for event in program.calls:
        call = event.call
        is_made = isinstance(call.function, External) and arguments_call(call) is call and _is_of_library(call)
        if is_made and flag(argument(call, "load_best_model_at_end")):
            yield call


def _is_of_library(call: Call) -> bool:
    return any(name.partition(".")[0] in {"transformers", "trl"} for name in names_of_call(call))


def _strategies(made: Call) -> tuple[str, str] | None:
    """When a run evaluates and when it saves; `None` where the code does not say both."""
    evaluates = argument(made, "eval_strategy") or argument(made, "evaluation_strategy")
    if is_open(made) and not (evaluates and argument(made, "save_strategy")):
        return None
    one, two = _word(evaluates, "no"), _word(argument(made, "save_strategy"), "steps")
    return (one, two) if one and two else None


def _word(value: Value | None, default: str) -> str:
    """A strategy as text or as a member of an enumeration; empty when it can be several."""
    if not is_given(value):
        return default if value is None else ""
    found, complete = possible(value)
    names = {one.value.name.rpartition(".")[2] if isinstance(one.value, External) else one.value for one in found}
    name = names.pop() if complete and len(names) == 1 else None
    return name.lower() if isinstance(name, str) else ""


def _strategy_alarm(made: Call) -> Iterator[Alarm]:
    known = _strategies(made)
    if known is None or made.place is None or "best" in known:
        return
    evaluates, saves = known
    names = ("eval_strategy", "evaluation_strategy", "save_strategy", "load_best_model_at_end")
    if evaluates != saves:
        says = f"the best model is asked for, but runs are evaluated by `{evaluates}` and saved by `{saves}`"
        edits = (Edit("set_argument", made.place, f'"{evaluates}"', "save_strategy"),) if evaluates != "no" else ()
        mending = Mending("use the same strategy for `eval_strategy` and `save_strategy`", edits=edits)
        yield Alarm(made.place, says, _certainty(made, names), mending=mending)
    elif evaluates == "steps":
        yield from _steps_alarm(made, names)


def _steps_alarm(made: Call, names: tuple[str, ...]) -> Iterator[Alarm]:
    given = argument(made, "save_steps")
    each = only(argument(made, "eval_steps"))
    saves = only(given) if given is not None else None if is_open(made) else DEFAULT_SAVE_STEPS
    if not isinstance(each, int) or not isinstance(saves, int) or each < 1 or saves % each == 0 or made.place is None:
        return
    says = f"`save_steps` of {saves} is no multiple of `eval_steps` of {each}: saved models are not all evaluated"
    mending = Mending(f"make `save_steps` a multiple of {each}")
    yield Alarm(made.place, says, _certainty(made, (*names, "save_steps", "eval_steps")), mending=mending)


def _certainty(made: Call, names: tuple[str, ...]) -> Certainty:
    """Proof, unless the user can change one of the arguments without editing the code."""
    found = [one for name in names for one in possible(argument(made, name))[0]]
    return Certainty.PROOF if all(one.setting is None or one.given for one in found) else Certainty.LIKELY


def _direction_alarm(made: Call) -> Iterator[Alarm]:
    greater, given = argument(made, "greater_is_better"), argument(made, "metric_for_best_model")
    metric = only(given) if given is not None or is_open(made) else "loss"
    if flag(greater) and isinstance(metric, str) and metric.endswith("loss") and made.place is not None:
        says = f"`greater_is_better` is on for `{metric}`, so that the model with the highest loss is loaded"
        mending = Mending("leave `greater_is_better` out")
        names = ("greater_is_better", "metric_for_best_model", "load_best_model_at_end")
        yield Alarm(made.place, says, _certainty(made, names), mending=mending)


def _metric_alarm(trainer: Trainer) -> Iterator[Alarm]:
    """A metric that the evaluation does not give."""
    made = trainer.arguments
    metric = only(argument(made, "metric_for_best_model")) if made is not None else None
    keys = _metrics(trainer)
    if made is None or made.place is None or not isinstance(metric, str) or keys is None:
        return
    name = metric.removeprefix("eval_")
    if name in ALWAYS_THERE or name in keys:
        return
    place = trainer.call.place
    says = f"`metric_for_best_model` is `{metric}`, and the evaluation gives no such metric"
    flow = (Step(place, "evaluates with these metrics"), Step(made.place, "names another")) if place else ()
    certainty = _certainty(made, ("metric_for_best_model", "load_best_model_at_end"))
    yield Alarm(made.place, says, certainty, flow, mending=Mending("name a metric that `compute_metrics` returns"))


def _metrics(trainer: Trainer) -> set[str] | None:
    """Names of the metrics that the files compute for a trainer; `None` where there may be more."""
    several = trainer.part("eval_dataset")
    unclear = trainer.own is not None or trainer.kind not in PLAIN or is_open(trainer.call)
    if unclear or isinstance(several, (Mapping, Choice)):
        return None
    if not is_given(trainer.part("compute_metrics")):
        return set()
    given = trainer.call.callbacks.get("compute_metrics")
    if not isinstance(given, Mapping) or trainer.program.stores_into(given):
        return None
    keys = [key.value if isinstance(key, Constant) else None for key, _ in given.entries]
    return {key.removeprefix("eval_") for key in keys if isinstance(key, str)} if None not in keys else None


def _looked(program: Program) -> bool:
    return any(_strategies(made) is not None for made in _subjects(program))


RULE = script_rule(
    code="EVL002",
    slug="best-model-mismatch",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("training arguments with `load_best_model_at_end`",),
    find=find,
    looked=_looked,
    missing="training arguments with `load_best_model_at_end` and strategies in sight",
    fix="unsafe",
)
