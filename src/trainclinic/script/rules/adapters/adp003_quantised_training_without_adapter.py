"""A model in 4 or 8 bit is handed to a trainer or optimizer without an adapter.

## What it sees
A model that transformers loads in 4 or 8 bit goes to a trainer without `peft_config`, or its parameters go to an
optimizer, and no adapter is attached to it anywhere.

## Why it matters
Weights in 4 or 8 bit take no gradient. The Trainer refuses ("You cannot perform fine-tuning on purely quantized
models"); an own loop trains only embeddings and norms, with a loss that hardly moves, or `nan`.

## What it does not mean
The low-bit base is fine under LoRA, and for generation and evaluation by other means than a trainer.

## Example
Bad:

    from transformers import AutoModelForCausalLM, BitsAndBytesConfig, Trainer, TrainingArguments
    from mydata import rows

    bits = BitsAndBytesConfig(load_in_8bit=True)
    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B", quantization_config=bits)
    args = TrainingArguments("out", learning_rate=1e-4, bf16=True, seed=7)
    Trainer(model=model, args=args, train_dataset=rows()).train()

Good:

    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig, Trainer, TrainingArguments
    from mydata import rows

    bits = BitsAndBytesConfig(load_in_8bit=True)
    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B", quantization_config=bits)
    model = prepare_model_for_kbit_training(model)
    config = LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    args = TrainingArguments("out", learning_rate=1e-4, bf16=True, seed=7)
    Trainer(model=model, args=args, train_dataset=rows()).train()

## Check it by hand
Count `sum(p.numel() for p in model.parameters() if p.requires_grad)` and look at which layers that is.

## References
- https://github.com/huggingface/transformers/issues/26207
- https://github.com/huggingface/transformers/issues/30526
- https://huggingface.co/docs/transformers/quantization/bitsandbytes
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.adapters import (
    Quantised,
    attached_by,
    is_adapted_in_place,
    is_given,
    optimised,
    quantised,
    ways,
)
from trainclinic.script.program.names import is_library
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import condition_text, is_open
from trainclinic.script.program.trainers import trainers
from trainclinic.script.program.training_loops import training_loops
from trainclinic.script.program.values import Call, Choice, External, Value
from trainclinic.script.rule import script_rule

OWN_ADAPTERS = re.compile(r"lora(?!\w*Arg)|adapter(?!\w*Arg)|quant(?!\w*Arg)", re.I)
"""Names of classes and functions of the files that may put trainable layers into a model."""
MENDING = Mending("attach an adapter with `get_peft_model`, or load the model without quantisation")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every trainer, then at every optimizer."""
    if is_adapted_in_place(program) or _replaces_layers(program):
        return
    for model, maker, is_trainer in _trained(program):
        held = quantised(model)
        if held is None or attached_by(model) or _is_handed_out(program, held):
            continue
        if maker.place is None or held.loader.place is None:
            continue
        says = f"a model in {held.bits} bit goes to `{maker.method}` without an adapter: its weights take no gradient"
        always = held.is_fixed and not held.when and not any(isinstance(one, Choice) for one in ways(model))
        certainty = Certainty.PROOF if is_trainer and always else Certainty.LIKELY
        flow = (Step(held.loader.place, f"loaded in {held.bits} bit"), Step(maker.place, "handed over for training"))
        yield Alarm(maker.place, says, certainty, flow, condition_text(held.when), MENDING)


def _trained(program: Program) -> Iterator[tuple[Value, Call, bool]]:
    for one in trainers(program):
        without = one.kind != "PPOTrainer" and not is_open(one.call) and not is_given(one.part("peft_config"))
        if without and one.model is not None:
            yield one.model, one.call, True
    chosen = program.attributes_set("requires_grad") or program.calls_of(".requires_grad_")
    if training_loops(program) and not chosen:
        for model, optimizer in optimised(program):
            yield model, optimizer, False


def _replaces_layers(program: Program) -> bool:
    """Whether the files define adapters or quantised layers of their own."""
    names = [*(one.name for one in program.classes), *(one.name for one in program.functions)]
    return any(OWN_ADAPTERS.search(name) for name in names)


def _is_handed_out(program: Program, held: Quantised) -> bool:
    """Whether code that is not in sight gets the model, and may change it."""
    for event in program.calls:
        call = event.call
        given = (*call.args, *(value for _, value in call.keywords))
        foreign = isinstance(call.function, External) and not is_library(call.function.name)
        if foreign and any(held.loader in ways(one) for one in given):
            return True
    return False


def _looked(program: Program) -> bool:
    found = [held for model, _, _ in _trained(program) if (held := quantised(model)) is not None]
    unsure = _replaces_layers(program) or any(_is_handed_out(program, held) for held in found)
    return bool(found) and not unsure


RULE = script_rule(
    code="ADP003",
    slug="quantised-training-without-adapter",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("a model in 4 or 8 bit that a trainer or optimizer gets",),
    find=find,
    looked=_looked,
    missing="a model in 4 or 8 bit that is trained, with all that is done to it in sight",
)
