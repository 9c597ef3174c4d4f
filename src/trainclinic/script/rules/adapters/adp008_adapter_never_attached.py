"""An adapter is described, and never put on the model that is trained.

## What it sees
A `LoraConfig` (or another configuration of peft) that no call gets and nothing stores or returns, in a file that trains
a model without an adapter; or `get_peft_model` whose result nobody keeps, while the bare model is trained.

## Why it matters
All weights are trained: memory is that of full fine-tuning, and a learning rate made for LoRA (1e-4 and more) wrecks
the model within a few hundred steps. With a dropped result, layers are replaced in place, and checkpoints hold names
that no loader knows.

## What it does not mean
A configuration that is handed to any function, also of another module, counts as used.

## Example
Bad:

    from datasets import load_dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    data = load_dataset("trl-lib/Capybara", split="train")
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct", torch_dtype="bfloat16")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig("out", learning_rate=2e-5, bf16=True, seed=7)
    trainer = SFTTrainer(model=model, args=args, train_dataset=data)
    trainer.train()

Good:

    from datasets import load_dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    data = load_dataset("trl-lib/Capybara", split="train")
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct", torch_dtype="bfloat16")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig("out", learning_rate=2e-4, bf16=True, seed=7)
    trainer = SFTTrainer(model=model, args=args, train_dataset=data, peft_config=lora)
    trainer.train()

## Check it by hand
`trainer.model.print_trainable_parameters()` must exist, and name about one percent.

## References
- https://huggingface.co/docs/peft/quicktour
- https://huggingface.co/docs/trl/peft_integration
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.adapters import (
    adapter_configs,
    attached_by,
    is_adapted_in_place,
    is_dropped,
    is_given,
    trained,
    ways,
)
from trainclinic.script.program.events import CallEvent, ReturnEvent, StoreEvent
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, is_open
from trainclinic.script.program.values import Call, Value
from trainclinic.script.rule import script_rule

ALL_NAMES = ("builtins.locals", "builtins.globals", "builtins.vars", "builtins.exec")
"""With these, a name may be used without being written."""
MENDING = Mending("hand the configuration to the trainer as `peft_config`, or keep what `get_peft_model` gives back")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every configuration, then at every dropped result."""
    configs = _subjects(program)
    used = _used(program) if configs else set()
    for config in configs:
        makers = _bare_training(program, config)
        if config in used or not makers or config.place is None or makers[0].place is None:
            continue
        says = f"this `{config.method}` is never used, and the model is trained without an adapter"
        flow = (Step(makers[0].place, "training without the adapter"), Step(config.place, "described, and never used"))
        yield Alarm(config.place, says, Certainty.PROOF, flow, mending=MENDING)
    yield from _dropped(program)


def _subjects(program: Program) -> list[Call]:
    if program.calls_of(*ALL_NAMES) or is_adapted_in_place(program):
        return []
    return [one for one in adapter_configs(program) if not _is_class_member(program, one)]


def _is_class_member(program: Program, config: Call) -> bool:
    """Whether a configuration is an attribute of a class, which code elsewhere may read."""
    for cls in program.classes:
        own = [one for one in cls.definition.body if not isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))]
        if cls.file is config.file and any(node is config.node for one in own for node in ast.walk(one)):
            return True
    return False


def _bare_training(program: Program, config: Call) -> list[Call]:
    """What trains a model in the file of a configuration; none if some model there has an adapter or may have one."""
    here = [(model, maker) for model, maker in trained(program) if maker.file is config.file]
    adapted = any(
        attached_by(model) or is_given(argument(maker, "peft_config")) or is_open(maker) for model, maker in here
    )
    return [] if adapted else [maker for _, maker in here]


def _used(program: Program) -> set[Value]:
    """Every value that a call gets, or that is stored in something or returned."""
    queue: list[Value] = []
    for event in program.events:
        if isinstance(event, CallEvent) and event.call.method != "print":
            queue += event.call.parts()
        elif isinstance(event, ReturnEvent) or (isinstance(event, StoreEvent) and event.kind != "name"):
            queue.append(event.value)
    seen: set[Value] = set()
    while queue:
        one = queue.pop()
        if one not in seen:
            seen.add(one)
            queue += [] if isinstance(one, Call) else one.parts()
    return seen


def _dropped(program: Program) -> Iterator[Alarm]:
    for call in program.calls_of("peft.get_peft_model"):
        bare = set(ways(argument(call, "model", 0)))
        if not bare or call.place is None or not is_dropped(call):
            continue
        for model, maker in trained(program):
            if bare & set(ways(model)) and attached_by(model) is None and maker.place is not None:
                says = "the model that `get_peft_model` gives back is dropped, and the bare one is trained"
                flow = (Step(maker.place, "the bare model is trained"), Step(call.place, "its result is dropped"))
                yield Alarm(call.place, says, Certainty.LIKELY, flow, mending=MENDING)
                break


def _looked(program: Program) -> bool:
    return bool(_subjects(program)) and bool(trained(program))


RULE = script_rule(
    code="ADP008",
    slug="adapter-never-attached",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("the configuration of an adapter, and a model that is trained",),
    find=find,
    looked=_looked,
    missing="the configuration of an adapter beside training",
)
