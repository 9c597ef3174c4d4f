"""Trainers of transformers and trl as a script sets them up: model, arguments, data, collator."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.script.program.definitions import Class, Instance
from trainclinic.script.program.names import names_of_call
from trainclinic.script.program.once import asked_once
from trainclinic.script.program.reading import argument
from trainclinic.script.program.values import Call, Choice, External, Value

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

_TRAINER = re.compile(r"(?:transformers|trl|unsloth|sentence_transformers|optimum)\.(?:\w+\.)*(\w*Trainer)")
_POSITIONS = {
    "model": 0,
    "args": 1,
    "data_collator": 2,
    "train_dataset": 3,
    "eval_dataset": 4,
    "processing_class": 5,
    "tokenizer": 5,
}
_POSITIONS_WITH_REFERENCE = {"model": 0, "ref_model": 1, "args": 2}
_POSITIONS_WITH_REWARD = {"model": 0, "reward_funcs": 1, "args": 2}
_ARGUMENT_CLASS = re.compile(r"\w*(TrainingArguments|Config)")


@dataclass(frozen=True, slots=True)
class Trainer:
    """A trainer that a script builds.

    Attributes:
        call: The call that builds it.
        kind: Class of the library: `Trainer`, `SFTTrainer`, `DPOTrainer` ...
        own: The class of the files, when a subclass is built.
        program: The program.
    """

    call: Call
    kind: str
    own: Class | None
    program: Program

    @property
    def is_trl(self) -> bool:
        """Whether it is a trainer of trl (or unsloth's of the same name)."""
        return self.kind not in {"Trainer", "Seq2SeqTrainer", "SentenceTransformerTrainer"}

    def part(self, name: str) -> Value | None:
        """An argument of the constructor: `model`, `train_dataset`, `data_collator`, `peft_config` ...

        Args:
            name: Its keyword; `tokenizer` also finds `processing_class`.
        """
        positions = _POSITIONS
        if self.kind in {"DPOTrainer", "KTOTrainer", "IterativeSFTTrainer", "CPOTrainer"}:
            positions = _POSITIONS_WITH_REFERENCE
        elif self.kind in {"GRPOTrainer", "RLOOTrainer"}:
            positions = _POSITIONS_WITH_REWARD
        found = argument(self.call, name, positions.get(name))
        if found is None and name == "tokenizer":
            found = argument(self.call, "processing_class")
        return found

    @property
    def model(self) -> Value | None:
        """The model, or the id that the trainer loads it from."""
        return self.part("model")

    @property
    def arguments(self) -> Call | None:
        """The call that builds its `TrainingArguments` or configuration."""
        return arguments_call(self.part("args"))

    def option(self, name: str) -> Value | None:
        """A training argument, by keyword, by later assignment, or by the constructor of the trainer itself.

        Args:
            name: `fp16`, `learning_rate`, `packing` ...

        Returns:
            `None` when the script does not set it, so that the library's default holds.
        """
        made = self.arguments
        if made is not None:
            held = self.program.attribute_of(made, name) or argument(made, name, 0 if name == "output_dir" else None)
            if held is not None:
                return held
        given = self.part("args")
        if isinstance(given, Instance):
            return self.program.attribute_of(given, name)
        return argument(self.call, name) if self.is_trl else None

    @property
    def is_known(self) -> bool:
        """Whether its training arguments are all in sight, so that what is not set is at its default."""
        made = self.arguments
        return made is not None and all(name is not None for name, _ in made.keywords)

    @property
    def rows(self) -> Value | None:
        """One row of its training data, as far as the code says what is in it."""
        data = self.part("train_dataset")
        return self.program.element_of(data) if data is not None else None


def arguments_call(value: Value | None) -> Call | None:
    """The call that builds training arguments.

    Args:
        value: What a trainer gets as `args`.
    """
    if isinstance(value, Choice) and value.options:
        value = value.options[0].value
    if isinstance(value, Instance):
        value = value.call
    if isinstance(value, Call):
        names = names_of_call(value)
        if any(_ARGUMENT_CLASS.fullmatch(name.rpartition(".")[2]) for name in names):
            return value
    return None


@asked_once
def trainers(program: Program) -> list[Trainer]:
    """Every trainer that the program builds, in order.

    Args:
        program: The program.
    """
    found: list[Trainer] = []
    for event in program.calls:
        call = event.call
        own = call.function if isinstance(call.function, Class) else None
        kind = _kind(call)
        if kind:
            found.append(Trainer(call, kind, own, program))
    return found


def _kind(call: Call) -> str:
    if not isinstance(call.function, (External, Class)):
        return ""
    for name in names_of_call(call):
        match = _TRAINER.fullmatch(name)
        if match:
            return match[1]
    return ""
