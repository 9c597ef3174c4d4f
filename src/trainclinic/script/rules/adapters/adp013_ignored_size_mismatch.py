"""A model for training is loaded so that weights which do not fit, or all of them, are new without a word.

## What it sees
`from_pretrained(..., ignore_mismatched_sizes=True)` for a language model without a new number of labels, or a model
that is built by `from_config` in a script that calls itself fine-tuning; both are trained.

## Why it matters
Layers whose shapes differ keep random values, and `from_config` loads no weights at all. The first loss is that of
noise (10 to 12 for a language model), and fine-tuning starts from nothing.

## What it does not mean
A classification head for other labels is meant to be new; pretraining starts from `from_config` on purpose. Both are
not meant here, or only hinted at.

## Example
Bad:

    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import rows

    model = AutoModelForCausalLM.from_pretrained("out/pruned", ignore_mismatched_sizes=True)
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7)
    Trainer(model=model, args=args, train_dataset=rows()).train()

Good:

    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import rows

    model = AutoModelForCausalLM.from_pretrained("out/pruned")
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7)
    Trainer(model=model, args=args, train_dataset=rows()).train()

## Check it by hand
Load with `output_loading_info=True`: the lists of missing and mismatched keys must be empty, or hold the new head only.

## References
- https://huggingface.co/docs/transformers/main_classes/model
- https://github.com/huggingface/transformers/issues/28122
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Place, Step
from trainclinic.script.program.adapters import trained, ways
from trainclinic.script.program.objects import is_causal_lm, loading_call
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, is_open, possible
from trainclinic.script.program.values import Call, Choice, Value
from trainclinic.script.rule import script_rule

NEW_HEAD = ("num_labels", "id2label", "label2id", "config", "problem_type", "output_loading_info")
FINE_TUNING = re.compile(r"fine[-_ ]?tun|\bsft|instruct", re.I)
FILLING = ("load_state_dict", "load_checkpoint", "load_weights", "load_model", "load_state", "from_pretrained_weights")


def find(program: Program) -> Iterator[Alarm]:
    """Look at how every trained model was loaded."""
    for model, maker in trained(program):
        loader = loading_call(model)
        if loader is None or loader.place is None or maker.place is None:
            continue
        if loader.method == "from_pretrained":
            yield from _ignored(loader, model, maker.place)
        elif _is_built(model) and not program.calls_ending(*FILLING):
            plain = FINE_TUNING.search(loader.place.path) is not None and is_causal_lm(model)
            says = f"`{loader.method}` builds the model with random weights, and it is trained"
            flow = (Step(maker.place, "training"), Step(loader.place, "no weights are loaded"))
            certainty = Certainty.LIKELY if plain and _is_of_checkpoint(loader) else Certainty.HINT
            mending = Mending("load the weights with `from_pretrained`")
            yield Alarm(loader.place, says, certainty, flow, mending=mending)


def _ignored(loader: Call, model: Value, trained_at: Place) -> Iterator[Alarm]:
    given = argument(loader, "ignore_mismatched_sizes")
    certain = [one for one in possible(given)[0] if one.value is True and (one.setting is None or one.given)]
    if not certain or loader.place is None:
        return
    meant = any(argument(loader, name) is not None for name in NEW_HEAD)
    certainty = Certainty.LIKELY if is_causal_lm(model) and not meant else Certainty.HINT
    says = "`ignore_mismatched_sizes=True` leaves layers of another shape with random values, and the model is trained"
    flow = (Step(trained_at, "training"), Step(loader.place, "weights that do not fit are left out"))
    edits = (Edit("remove_argument", loader.place, name="ignore_mismatched_sizes"),)
    yield Alarm(loader.place, says, certainty, flow, mending=Mending("drop the argument", edits=edits))


def _is_built(model: Value) -> bool:
    """Whether a model is made from a configuration in all its alternatives."""
    options = [one.value for way in ways(model) if isinstance(way, Choice) for one in way.options] or [model]
    loaders = [loading_call(option) for option in options]
    return all(one is not None and one.method in {"from_config", "_from_config"} for one in loaders)


def _is_of_checkpoint(loader: Call) -> bool:
    """Whether the configuration is that of a published model as it is."""
    config = argument(loader, "config", 0)
    return isinstance(config, Call) and config.method == "from_pretrained" and len(config.keywords) == 0


def _looked(program: Program) -> bool:
    loaders = [loading_call(model) for model, _ in trained(program)]
    return any(one is not None and one.method == "from_pretrained" and not is_open(one) for one in loaders)


RULE = script_rule(
    code="ADP013",
    slug="ignored-size-mismatch",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("how a model that is trained was loaded",),
    find=find,
    looked=_looked,
    missing="a trained model that the script loads by `from_pretrained`, with its arguments in sight",
    fix="unsafe",
)
