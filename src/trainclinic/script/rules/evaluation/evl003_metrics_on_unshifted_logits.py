"""Predictions of a causal model are compared with the labels of the same position.

## What it sees
A comparison of `argmax` of the logits with the labels (or the input ids), neither of them cut, for a causal language
model of a library: in the `compute_metrics` of a trainer, or in code that calls the model. Composer's
`HuggingFaceModel(shift_labels=False)` around such a model.

## Why it matters
The logits at position t predict token t + 1. Compared with token t, a good model scores almost nothing: an accuracy of
1 to 5 % beside a loss of 2, where 40 to 60 % is right. The score says whether a model copies its input, and the best
checkpoint is chosen by it.

## What it does not mean
The loss is not concerned: the model shifts labels itself. Encoder models (BERT, T5) predict each position itself.

## Example
Bad:

    import numpy as np
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments, default_data_collator
    from mydata import test_rows, train_rows

    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")

    def compute_metrics(pair):
        said = np.argmax(pair.predictions, axis=-1)
        labels = pair.label_ids
        scored = labels != -100
        return {"accuracy": float((said == labels)[scored].mean())}

    arguments = TrainingArguments("out", learning_rate=2e-5, eval_strategy="epoch", seed=7)
    trainer = Trainer(
        model, arguments, default_data_collator, train_rows(), test_rows(), compute_metrics=compute_metrics
    )
    trainer.train()

Good:

    import numpy as np
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments, default_data_collator
    from mydata import test_rows, train_rows

    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")

    def compute_metrics(pair):
        said = np.argmax(pair.predictions, axis=-1)[:, :-1]
        labels = pair.label_ids[:, 1:]
        scored = labels != -100
        return {"accuracy": float((said == labels)[scored].mean())}

    arguments = TrainingArguments("out", learning_rate=2e-5, eval_strategy="epoch", seed=7)
    trainer = Trainer(
        model, arguments, default_data_collator, train_rows(), test_rows(), compute_metrics=compute_metrics
    )
    trainer.train()

## Check it by hand
Compute the accuracy of the untouched model twice, on the same positions and on positions moved by one: the moved one
must be the higher one by far, and the one that the script prints.

## References
- https://huggingface.co/docs/transformers/tasks/language_modeling
- https://huggingface.co/docs/transformers/main_classes/trainer
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.adapters import is_given
from trainclinic.script.program.comparisons import Comparison, comparisons
from trainclinic.script.program.metrics import is_labels_of, is_predictions_of, metric_functions
from trainclinic.script.program.model_calls import ModelCall, model_calls
from trainclinic.script.program.names import name_of
from trainclinic.script.program.objects import is_causal_lm, same_data
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, contains, flag
from trainclinic.script.program.trainers import Trainer
from trainclinic.script.program.values import Attribute, Call, Item, Operation, Span, Value
from trainclinic.script.rule import script_rule

MOVES = re.compile(r"shift|roll|narrow|pad|gather|delete|align|decode")
"""Functions that move or choose positions, or leave ids behind."""
MENDING = Mending("compare `predictions[:, :-1]` with `labels[:, 1:]`")


def find(program: Program) -> Iterator[Alarm]:
    """Look at comparisons of predictions with labels, then at the models of composer."""
    for one, is_shifted in _subjects(program):
        if not is_shifted:
            says = "predictions are compared with the labels of their own position, and they predict the next one"
            yield Alarm(one.place, says, Certainty.LIKELY, _flow(one), mending=MENDING)
    for call in _composed(program):
        if flag(argument(call, "shift_labels")) is False and call.place is not None:
            says = (
                "`shift_labels` is off for a causal model: metrics compare each prediction with the token it has read"
            )
            yield Alarm(call.place, says, Certainty.LIKELY, mending=Mending("leave `shift_labels` out"))


def _flow(one: Comparison) -> tuple[Step, ...]:
    origin = next((side.place for side in one.sides if _argmax(side) is not None and side.place), None)
    return (Step(origin, "predictions"), Step(one.place, "compared as they are")) if origin else ()


def _subjects(program: Program) -> Iterator[tuple[Comparison, bool]]:
    """Comparisons of predictions of a causal model with its labels, and whether one of them may be moved."""
    trained = [one for one in metric_functions(program) if _is_causal(one)]
    called = [one for one in model_calls(program) if one.is_causal]
    for one in comparisons(program):
        for said, wanted in (one.sides, one.sides[::-1]):
            by_trainer = any(_is_predicted(said, each) and _has_labels(wanted, each) for each in trained)
            if by_trainer or any(_is_of_call(said, wanted, each) for each in called):
                yield one, _is_cut(said) or _is_cut(wanted)


def _is_causal(trainer: Trainer) -> bool:
    prepared = is_given(trainer.part("preprocess_logits_for_metrics"))
    return not prepared and (is_causal_lm(trainer.model) or trainer.kind == "SFTTrainer")


def _argmax(value: Value) -> Value | None:
    """What `argmax` is taken of, inside a value."""
    found = contains(value, lambda one: isinstance(one, Call) and one.method == "argmax", limit=40)
    if not isinstance(found, Call):
        return None
    return found.receiver if isinstance(found.function, Attribute) else argument(found, "a", 0)


def _is_predicted(value: Value, trainer: Trainer) -> bool:
    logits = _argmax(value)
    return contains(logits, lambda one: is_predictions_of(one, trainer), limit=40) is not None


def _has_labels(value: Value, trainer: Trainer) -> bool:
    return any(is_labels_of(one, trainer) for one in _chosen(value))


def _is_of_call(said: Value, wanted: Value, one: ModelCall) -> bool:
    """Whether predictions are made of the logits of a call, and what they are compared with was given to it."""
    logits = _argmax(said)
    given = [same_data(held) for held in (one.labels, one.inputs) if held is not None]
    if logits is None or contains(logits, lambda each: each is one.call, limit=40) is None:
        return False
    return any(each in given for each in _chosen(wanted))


def _chosen(value: Value) -> Iterator[Value]:
    """A value, then what it is a choice of positions of."""
    value = same_data(value)
    yield value
    while isinstance(value, Item):
        value = same_data(value.base)
        yield value


def _is_cut(value: Value) -> bool:
    """Whether the positions of a value may have been moved: by a slice, or by a function that does so."""
    return contains(value, _moves, limit=80) is not None


def _moves(value: Value) -> bool:
    if isinstance(value, Call):
        return MOVES.search(value.method) is not None
    index = value.index if isinstance(value, Item) else None
    return contains(index, lambda one: isinstance(one, Span) or _is_sum(one), limit=20) is not None


def _is_sum(value: Value) -> bool:
    return isinstance(value, Operation) and value.symbol in {"+", "-"}


def _composed(program: Program) -> Iterator[Call]:
    """Causal models that are wrapped for composer, by what they are or by their metrics."""
    for call in program.calls_ending("HuggingFaceModel"):
        metrics = contains(argument(call, "metrics"), lambda one: name_of(one).startswith("llmfoundry."), limit=60)
        causal = metrics is not None or is_causal_lm(argument(call, "model", 0))
        if causal and name_of(call.function).startswith(("composer.", "llmfoundry.")):
            yield call


def _looked(program: Program) -> bool:
    return any(True for _ in _subjects(program)) or any(True for _ in _composed(program))


RULE = script_rule(
    code="EVL003",
    slug="metrics-on-unshifted-logits",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("predictions of a causal model that are compared with labels",),
    find=find,
    looked=_looked,
    missing="a comparison of predictions of a causal model with its labels",
)
