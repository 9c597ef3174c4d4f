"""What the files of a run say about how its rows became examples: facts as settings of the data room."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import TYPE_CHECKING, Any

from trainclinic.encoding.preparation import Plan, Preparation, Stated
from trainclinic.record.errors import TrainclinicError

if TYPE_CHECKING:
    from trainclinic.encoding.tokens.tokenizer import Tokenizer
    from trainclinic.record.facts import Facts

_NUMBERS = {"max_length": "sequence_length", "vocabulary": "vocabulary_size"}
_PLAN = {
    "micro_batch": "micro_batch_size", "accumulation": "accumulation_steps", "processes": "world_size",
    "steps": "planned_steps", "warmup_steps": "warmup_steps", "seed": "seed", "rows": "dataset_rows",
}  # fmt: skip

_MAY_BE_ZERO = frozenset({"warmup_steps", "seed"})


def settings_of(facts: Facts) -> tuple[Preparation, Plan]:
    """How a run prepared its rows and went through them, as far as its files say.

    Args:
        facts: What logs, configurations and scripts of the run say.
    """
    prepared: dict[str, Stated[Any]] = {}
    planned: dict[str, Stated[Any]] = {}

    def take(into: dict[str, Stated[Any]], name: str, fact_name: str, convert: Callable[[Any], Any]) -> None:
        fact = facts.get(fact_name)
        if fact is not None and not (convert in (int, float) and _says_nothing(name, float(fact.value))):
            into[name] = Stated(convert(fact.value), str(fact.source) or fact.how)

    for name, fact_name in _NUMBERS.items():
        take(prepared, name, fact_name, int)
    take(prepared, "scored", "train_on_inputs", lambda on_inputs: "all" if on_inputs else "answers")
    take(prepared, "packing", "packing", bool)
    take(prepared, "pad", "pad_token", str)
    take(prepared, "pads_to_maximum", "pads_to_maximum", bool)
    template = facts.text("chat_template")
    if template and "{" in template:
        take(prepared, "template", "chat_template", str)
    for name, fact_name in _PLAN.items():
        take(planned, name, fact_name, int)
    take(planned, "epochs", "planned_epochs", float)
    take(planned, "full_weights", "method", lambda method: method == "full")
    return Preparation(**prepared), Plan(**planned)


def tokenizer_of(facts: Facts) -> Tokenizer | None:
    """The tokenizer of a run's model, where it can be found without a network.

    Args:
        facts: What logs, configurations and scripts of the run say.
    """
    names = (facts.text("tokenizer_name"), facts.text("model_name"))
    return next((tokenizer for name in names if name and (tokenizer := _loaded(name))), None)


def _loaded(name: str) -> Tokenizer | None:
    from trainclinic.encoding.tokens.load import load_tokenizer

    try:
        return load_tokenizer(name)
    except TrainclinicError:
        return None


def _says_nothing(name: str, value: float) -> bool:
    """Whether a number only stands for "not set": -1 steps, a length of 0, an infinite limit."""
    return not isfinite(value) or (value <= 0 and name not in _MAY_BE_ZERO)
