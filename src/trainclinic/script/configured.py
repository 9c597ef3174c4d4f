"""What a script configures: training arguments, model, adapter and optimizer as facts about the run it makes.

It knows which calls configure a training. What the names mean is not said here: `readers.settings` knows that, as for
every other file. An option that the user can override counts at its default and is the least trusted of all facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from trainclinic.readers.settings.interpreter import facts_from_settings
from trainclinic.readers.settings.names import SettingFacts
from trainclinic.script.program.names import name_of
from trainclinic.script.program.objects import LOADERS, is_model
from trainclinic.script.program.reading import argument, dtypes, only
from trainclinic.script.program.trainers import trainers
from trainclinic.script.program.training_loops import training_loops
from trainclinic.script.program.values import Call, External, Value

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

_LORA = {"r": "lora_r", "lora_alpha": "lora_alpha", "lora_dropout": "lora_dropout", "target_modules": "target_modules"}
_LOADING = frozenset(
    {"load_in_4bit", "load_in_8bit", "attn_implementation", "use_flash_attention_2", "max_seq_length", "device_map"}
)
_OPTIMIZER = {"lr": "learning_rate", "weight_decay": "weight_decay"}


class _Told(NamedTuple):
    name: str
    value: Any
    file: str
    line: int | None


def settings_of(program: Program) -> SettingFacts:
    """Facts that the code states, those of a trainer before those of single calls.

    Args:
        program: The program.
    """
    told = [*_of_trainers(program), *_of_calls(program), *_of_loops(program)]
    found = SettingFacts([], [], [])
    for file in dict.fromkeys(one.file for one in told):
        mine = [(one.name, one.value, one.line) for one in told if one.file == file]
        facts = facts_from_settings(mine, "script", file)
        found.facts.extend(facts.facts)
        found.other_facts.extend(facts.other_facts)
        found.versions.extend(facts.versions)
    return found


def _told(name: str, value: Value | None, plain: Any = None) -> Iterator[_Told]:
    plain = only(value) if plain is None else plain
    place = value.place if value is not None else None
    if plain is not None and place is not None:
        yield _Told(name, plain, place.source.path, place.line)


def _of_trainers(program: Program) -> Iterator[_Told]:
    for trainer in trainers(program):
        made = trainer.arguments
        if trainer.is_trl:
            yield from _told("trainer", trainer.call, trainer.kind)
        for name, value in made.keywords if made is not None else ():
            if name is not None:
                yield from _told(name, value)


def _of_calls(program: Program) -> Iterator[_Told]:
    for event in program.calls:
        call = event.call
        if call.method in LOADERS and is_model(call):
            yield from _of_loading(call)
        elif name_of(call.function) == "peft.LoraConfig" or call.method == "get_peft_model":
            for name, setting in _LORA.items():
                yield from _told(setting, argument(call, name))


def _of_loading(call: Call) -> Iterator[_Told]:
    name = argument(call, "pretrained_model_name_or_path", 0) or argument(call, "model_name", 0)
    yield from _told("model_name_or_path", name)
    kind = argument(call, "torch_dtype") or argument(call, "dtype")
    states = dtypes(kind)
    if len(states) == 1:
        yield from _told("torch_dtype", kind, states[0][0])
    for setting in _LOADING:
        yield from _told(setting, argument(call, setting))


def _of_loops(program: Program) -> Iterator[_Told]:
    """The optimizer and clipping of a loop that the script writes itself."""
    loops = training_loops(program)
    if not loops:
        return
    for call in (event.call for event in program.calls):
        if isinstance(call.function, External) and name_of(call.function).startswith("torch.optim.") and call.args:
            if "lr_scheduler" in call.function.name:
                continue
            for name, setting in _OPTIMIZER.items():
                yield from _told(setting, argument(call, name, 1 if name == "lr" else None))
            yield from _told("optim", call, call.method.lower())
    for loop in loops:
        for event in loop.clips:
            if event.call.method.startswith("clip_grad_norm"):
                yield from _told("max_grad_norm", argument(event.call, "max_norm", 1))
