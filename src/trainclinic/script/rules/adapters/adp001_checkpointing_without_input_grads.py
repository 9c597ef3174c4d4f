"""Activation checkpointing is on, the base is frozen, and nothing gives its inputs a gradient.

## What it sees
A model with an adapter whose embeddings stay frozen, gradient checkpointing that is switched on after the adapter was
attached, and no `enable_input_require_grads`, no hook on the embeddings, no `use_reentrant=False`. Also a frozen model
with checkpointing whose loss is made to require a gradient by hand.

## Why it matters
Reentrant checkpointing cuts the graph where no input requires a gradient. The backward pass stops with "element 0 of
tensors does not require grad"; where the loss is patched with `requires_grad_`, it runs and every adapter weight stays
at its first value: a flat loss.

## What it does not mean
`transformers` 5 gives the inputs a gradient itself, so does `prepare_model_for_kbit_training` for models in few bits,
and `get_peft_model` when checkpointing was on before. Without a pinned version an ordinary Trainer is only hinted at.

## Example
Bad:

    # file: requirements.txt
    transformers==4.46.3

    # file: train.py
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import rows

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B", torch_dtype="bfloat16")
    config = LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    args = TrainingArguments("out", learning_rate=2e-4, bf16=True, gradient_checkpointing=True, seed=7)
    Trainer(model=model, args=args, train_dataset=rows()).train()

Good:

    # file: requirements.txt
    transformers==4.46.3

    # file: train.py
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import rows

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B", torch_dtype="bfloat16")
    config = LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    model.enable_input_require_grads()
    args = TrainingArguments("out", learning_rate=2e-4, bf16=True, gradient_checkpointing=True, seed=7)
    Trainer(model=model, args=args, train_dataset=rows()).train()

## Check it by hand
After one backward pass look at `p.grad` of the adapter weights: it must be a tensor, and not all zero for `lora_B`.

## References
- https://github.com/huggingface/peft/issues/137
- https://github.com/huggingface/transformers/issues/26334
- https://github.com/huggingface/transformers/issues/42489
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trainclinic.catalogue.verdict import Severity
from trainclinic.knowledge.behaviour import (
    CHECKPOINTING_ENABLES_INPUT_GRADS,
    SFT_ENABLES_INPUT_GRADS_OF_READY_ADAPTERS,
)
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Place, Step
from trainclinic.script.program.adapters import PREPARATIONS, attached_by, config_of, quantised, trained, ways
from trainclinic.script.program.embedding_training import trains_embeddings
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, flag
from trainclinic.script.program.trainers import Trainer, trainers
from trainclinic.script.program.training_loops import is_backward
from trainclinic.script.program.values import Call, Value
from trainclinic.script.rule import script_rule

CURES = (".enable_input_require_grads", *PREPARATIONS)
PERHAPS = (".register_forward_hook", ".get_input_embeddings")
SWITCHES = (".gradient_checkpointing_enable", ".enable_gradient_checkpointing")
MENDING = Mending(
    "call `model.enable_input_require_grads()` after the adapter is attached, or use `use_reentrant=False`"
)


@dataclass(frozen=True, slots=True)
class Switch:
    """Where checkpointing is switched on, when (`None`: by the trainer), and what the code says of `use_reentrant`."""

    place: Place
    order: int | None
    reentrant: bool | None


def find(program: Program) -> Iterator[Alarm]:
    """Look at every trained adapter, then at losses that are made to require a gradient."""
    if program.calls_of(*CURES, *PERHAPS):
        return
    for model, maker, adapter in _subjects(program):
        for switch in _switches(program, model, maker):
            certainty = _certainty(program, switch, adapter, maker)
            if certainty is not None and adapter.place is not None:
                says = "gradient checkpointing is on, the base is frozen, and nothing gives the inputs a gradient"
                flow = (Step(adapter.place, "the base is frozen"), Step(switch.place, "checkpointing is switched on"))
                yield Alarm(switch.place, says, certainty, flow, mending=MENDING)
                break
    yield from _patched(program)


def _subjects(program: Program) -> Iterator[tuple[Value, Call, Call]]:
    """Trained models with a new adapter that leaves the embeddings frozen, the call that trains them, the adapter."""
    for model, maker in trained(program):
        adapter = attached_by(model)
        config = config_of(adapter) if adapter is not None else None
        if adapter is not None and isinstance(config, Call) and trains_embeddings(config) is False:
            yield model, maker, adapter


def _trainer(program: Program, maker: Call) -> Trainer | None:
    return next((one for one in trainers(program) if one.call is maker), None)


def _switches(program: Program, model: Value, maker: Call) -> Iterator[Switch]:
    trainer = _trainer(program, maker)
    if trainer is not None and trainer.call.place is not None and flag(trainer.option("gradient_checkpointing")):
        made = trainer.arguments
        place = made.place if made is not None and made.place is not None else trainer.call.place
        yield Switch(place, None, _is_reentrant(program, trainer.option("gradient_checkpointing_kwargs")))
    held = set(ways(model))
    for call in program.calls_of(*SWITCHES):
        if call.place is not None and held & set(ways(call.receiver)):
            kwargs = argument(call, "gradient_checkpointing_kwargs", 0)
            yield Switch(call.place, call.event.order, _is_reentrant(program, kwargs))


def _is_reentrant(program: Program, kwargs: Value | None) -> bool | None:
    return flag(program.value_of(kwargs, "use_reentrant")) if kwargs is not None else None


def _certainty(program: Program, switch: Switch, adapter: Call, maker: Call) -> Certainty | None:
    """How sure it is that no library gives the inputs a gradient; `None` where one does."""
    before = switch.order is not None and switch.order < adapter.event.order
    if switch.reentrant is False or (before and quantised(adapter) is None):
        return None
    trainer = _trainer(program, maker)
    if trainer is not None and trainer.is_trl:
        ready = SFT_ENABLES_INPUT_GRADS_OF_READY_ADAPTERS.holds(program.version_of("trl"))
        if trainer.kind != "SFTTrainer" or ready != "no":
            return None
    holds = CHECKPOINTING_ENABLES_INPUT_GRADS.holds(program.version_of("transformers"))
    if holds == "yes":
        return None
    sure = holds == "no" or (trainer is None and switch.reentrant is True)
    return Certainty.LIKELY if sure else Certainty.HINT


def _patched(program: Program) -> Iterator[Alarm]:
    """A loss that gets `requires_grad` by hand, beside a frozen model with checkpointing."""
    frozen = [one for one in program.calls_of(".requires_grad_") if one.args and flag(one.args[0]) is False]
    switched = [one for one in program.calls_of(*SWITCHES) if any(_same(one, other) for other in frozen)]
    losses = {call.receiver for event in program.calls if is_backward(call := event.call)}
    stores = [one for one in program.attributes_set("requires_grad") if flag(one.value) and one.base in losses]
    calls = [
        one for one in program.calls_of(".requires_grad_") if one.receiver in losses and not one.keywords and _on(one)
    ]
    for place in (*(one.place for one in stores), *(one.event.place for one in calls)):
        if switched and switched[0].place is not None:
            says = "the loss is made to require a gradient, though the frozen, checkpointed model gives it none"
            flow = (Step(switched[0].place, "checkpointing of a frozen model"), Step(place, "the loss is patched"))
            yield Alarm(place, says, Certainty.LIKELY, flow, mending=MENDING)


def _on(call: Call) -> bool:
    return not call.args or flag(call.args[0]) is True


def _same(one: Call, other: Call) -> bool:
    return bool(set(ways(one.receiver)) & set(ways(other.receiver)))


def _looked(program: Program) -> bool:
    makers = [_trainer(program, maker) for _, maker, _ in _subjects(program)]
    known = all(one is None or one.is_known or one.part("args") is None for one in makers)
    return bool(makers) and known and not program.calls_of(*PERHAPS)


RULE = script_rule(
    code="ADP001",
    slug="checkpointing-without-input-grads",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("a trained adapter, and whether gradient checkpointing is on",),
    find=find,
    looked=_looked,
    missing="a trained adapter on a frozen base, with versions in sight where checkpointing is on",
)
