"""A model in 4 or 8 bit gets an adapter and is trained without `prepare_model_for_kbit_training`.

## What it sees
A model loaded in 4 or 8 bit, `get_peft_model` around it, training by the plain Trainer or a loop of the script, and
nowhere the preparation of peft, nor one by hand.

## Why it matters
Layer norms and the output head stay in half precision, and checkpointing finds no input with a gradient. Training gets
unstable (spikes, `nan` in float16) or stops with "does not require grad".

## What it does not mean
TRL's `SFTTrainer` and unsloth prepare the model themselves. Where another dtype than float16 is asked for, training
works without it too, with rounder norms: that is only hinted at, as are models other than language models.

## Example
Bad:

    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig, Trainer, TrainingArguments
    from mydata import rows

    bits = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
    model = AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.1", quantization_config=bits)
    config = LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    args = TrainingArguments("out", learning_rate=2e-4, bf16=True, seed=7)
    Trainer(model=model, args=args, train_dataset=rows()).train()

Good:

    import torch
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig, Trainer, TrainingArguments
    from mydata import rows

    bits = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
    model = AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.1", quantization_config=bits)
    model = prepare_model_for_kbit_training(model)
    config = LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    args = TrainingArguments("out", learning_rate=2e-4, bf16=True, seed=7)
    Trainer(model=model, args=args, train_dataset=rows()).train()

## Check it by hand
Print the dtype of every norm weight: after the preparation all are float32.

## References
- https://huggingface.co/docs/peft/developer_guides/quantization
- https://github.com/huggingface/peft/issues/760
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.adapters import PREPARATIONS, Quantised, attached_by, quantised, trained
from trainclinic.script.program.names import name_of
from trainclinic.script.program.objects import is_causal_lm
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, condition_text, dtypes
from trainclinic.script.program.trainers import trainers
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule

MENDING = Mending("call `model = prepare_model_for_kbit_training(model)` before `get_peft_model`")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every adapter on a model in few bits that the script trains itself."""
    if _is_prepared(program):
        return
    for adapter, held in _subjects(program):
        if adapter.place is None or held.loader.place is None:
            continue
        says = f"a model in {held.bits} bit gets an adapter without `prepare_model_for_kbit_training`"
        sure = held.is_fixed and is_causal_lm(adapter) and _keeps_half_precision(held.loader)
        flow = (Step(held.loader.place, f"loaded in {held.bits} bit"), Step(adapter.place, "the adapter"))
        certainty = Certainty.LIKELY if sure else Certainty.HINT
        yield Alarm(adapter.place, says, certainty, flow, condition_text(held.when), MENDING)


def _subjects(program: Program) -> Iterator[tuple[Call, Quantised]]:
    prepared_by_library = {one.call for one in trainers(program) if one.is_trl}
    for model, maker in trained(program):
        adapter, held = attached_by(model), quantised(model)
        if maker in prepared_by_library or adapter is None or held is None:
            continue
        if name_of(adapter.function) == "peft.get_peft_model":
            yield adapter, held


def _is_prepared(program: Program) -> bool:
    """Whether the script prepares models, by the function of peft or by hand."""
    by_hand = program.calls_of(".enable_input_require_grads") or program.attributes_set("data")
    return bool(by_hand or program.calls_of(*PREPARATIONS) or program.calls_ending("prepare_model_for_training"))


def _keeps_half_precision(loader: Call) -> bool:
    """Whether what is not quantised is loaded in float16, which is what happens when nothing is said."""
    given = argument(loader, "torch_dtype") or argument(loader, "dtype")
    return given is None or [name for name, _ in dtypes(given)] == ["float16"]


def _looked(program: Program) -> bool:
    return any(True for _ in _subjects(program))


RULE = script_rule(
    code="ADP002",
    slug="missing-kbit-preparation",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("a model in 4 or 8 bit with an adapter that the script trains",),
    find=find,
    looked=_looked,
    missing="an adapter on a model in 4 or 8 bit, trained by the plain Trainer or an own loop",
)
