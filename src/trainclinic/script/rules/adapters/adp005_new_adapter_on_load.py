"""A new adapter is made where a trained one was to be loaded.

## What it sees
`get_peft_model` with a configuration that was read from the folder of a saved adapter, whose weights nothing loads
afterwards; or `get_peft_model` whose result is merged and saved without any training or loading in between.

## Why it matters
`get_peft_model` makes fresh weights, whose effect is zero. What is evaluated, merged or uploaded is the untouched base
model: "the fine-tuned model answers like the base". What is trained on starts from nothing.

## What it does not mean
A new adapter followed by `load_state_dict(strict=False)`, `set_peft_model_state_dict` or `load_adapter` is filled, and
is not meant here.

## Example
Bad:

    from peft import PeftConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    config = PeftConfig.from_pretrained("out/adapter")
    tokenizer = AutoTokenizer.from_pretrained(config.base_model_name_or_path)
    model = AutoModelForCausalLM.from_pretrained(config.base_model_name_or_path)
    model = get_peft_model(model, config)
    inputs = tokenizer("Once upon a time", return_tensors="pt")
    output = model.generate(**inputs, max_new_tokens=40)
    print(tokenizer.decode(output[0, inputs.input_ids.shape[1] :]))

Good:

    from peft import PeftConfig, PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    config = PeftConfig.from_pretrained("out/adapter")
    tokenizer = AutoTokenizer.from_pretrained(config.base_model_name_or_path)
    model = AutoModelForCausalLM.from_pretrained(config.base_model_name_or_path)
    model = PeftModel.from_pretrained(model, "out/adapter")
    inputs = tokenizer("Once upon a time", return_tensors="pt")
    output = model.generate(**inputs, max_new_tokens=40)
    print(tokenizer.decode(output[0, inputs.input_ids.shape[1] :]))

## Check it by hand
Every `lora_B` weight of a new adapter is zero: print `p.abs().max()` of all named parameters with `lora_B` in the name.

## References
- https://github.com/huggingface/peft/issues/793
- https://huggingface.co/docs/peft/developer_guides/checkpoint
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.adapters import config_of, ways
from trainclinic.script.program.objects import model_id
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, constants
from trainclinic.script.program.trainers import trainers
from trainclinic.script.program.training_loops import training_loops
from trainclinic.script.program.values import Attribute, Call, Value
from trainclinic.script.rule import script_rule

FILLING = (
    *("load_state_dict", "set_peft_model_state_dict", "load_adapter", "load_checkpoint", "load_state", "load_weights"),
    *("load_checkpoint_and_dispatch", "load_model", "load_lora_weights"),
)
SAVING = ("save_pretrained", "push_to_hub")
MENDING = Mending("load the saved adapter with `PeftModel.from_pretrained(model, folder)`")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every new adapter."""
    for call in _subjects(program):
        config = config_of(call)
        if call.place is None:
            continue
        if isinstance(config, Call) and _is_read(config) and config.place is not None:
            folder = next((name for name in constants(argument(config, "pretrained_model_name_or_path", 0))), None)
            of = f" of `{folder}`" if isinstance(folder, str) else ""
            says = f"`get_peft_model` makes a new adapter from the configuration{of}, whose weights nothing loads"
            flow = (Step(config.place, "only the configuration is read"), Step(call.place, "new weights are made"))
            sure = not _trains(program) and (of or _names_base(call, config))
            yield Alarm(call.place, says, Certainty.LIKELY if sure else Certainty.HINT, flow, mending=MENDING)
        elif not _trains(program) and not _has_chosen_weights(config):
            saved = _merged_and_saved(program, call)
            if saved is not None and saved.place is not None:
                says = "an adapter that was made just before, and never trained or loaded, is merged and saved"
                flow = (Step(call.place, "a new adapter, without effect"), Step(saved.place, "saved as merged"))
                yield Alarm(saved.place, says, Certainty.LIKELY, flow, mending=MENDING)


def _subjects(program: Program) -> list[Call]:
    """New adapters, unless something in the program may fill them with trained weights."""
    resumed = [
        call for call in program.calls_ending("train") if argument(call, "resume_from_checkpoint", 0) is not None
    ]
    if program.calls_ending(*FILLING) or resumed:
        return []
    return program.calls_of("peft.get_peft_model")


def _is_read(config: Call) -> bool:
    return config.method == "from_pretrained" and "Config" in config.function.code


def _has_chosen_weights(config: Value | None) -> bool:
    """Whether the new weights are asked to be other than without effect, or that is out of sight."""
    return not isinstance(config, Call) or argument(config, "init_lora_weights") is not None


def _names_base(call: Call, config: Call) -> bool:
    """Whether the base is loaded under the name that the configuration holds, as it is for a trained adapter."""
    name = model_id(argument(call, "model", 0))
    return isinstance(name, Attribute) and name.base is config


def _trains(program: Program) -> bool:
    return bool(trainers(program) or training_loops(program) or program.calls_ending("train", "fit", "step"))


def _merged_and_saved(program: Program, adapter: Call) -> Call | None:
    """The call that saves what an adapter was merged into; `None` when it is not merged and saved, or handed around."""
    merged: set[Value] = {one for one in program.calls_of(".merge_and_unload") if adapter in ways(one.receiver)}
    for call in program.calls_ending(*SAVING):
        if merged & set(ways(call.receiver)):
            return call
    return None


def _looked(program: Program) -> bool:
    return bool(_subjects(program))


RULE = script_rule(
    code="ADP005",
    slug="new-adapter-on-load",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("`get_peft_model`, and what is done with its result",),
    find=find,
    looked=_looked,
    missing="a call of `get_peft_model` in a program that loads no weights afterwards",
)
