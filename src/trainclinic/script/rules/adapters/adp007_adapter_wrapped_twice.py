"""A model that has an adapter already gets a second one around it.

## What it sees
`get_peft_model` on a model that is a `PeftModel` already, or a TRL trainer that gets a `PeftModel` together with
`peft_config`, without a merge in between.

## Why it matters
The second adapter is put into the first. Parameters of the first are frozen or doubled, and what is saved carries
nested names (`base_model.model.base_model.model...`) that no loader puts back: the reloaded model answers like the
base. Newer versions of TRL refuse it.

## What it does not mean
Older versions of `DPOTrainer` and its kin merge the first adapter before they make the second: these trainers are left
out. A second adapter beside the first, by `add_adapter`, is another thing.

## Example
Bad:

    from datasets import load_dataset
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    data = load_dataset("trl-lib/Capybara", split="train")
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct", torch_dtype="bfloat16")
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    args = SFTConfig("out", learning_rate=2e-4, bf16=True, seed=7)
    trainer = SFTTrainer(model=model, args=args, train_dataset=data, peft_config=config)
    trainer.train()

Good:

    from datasets import load_dataset
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    data = load_dataset("trl-lib/Capybara", split="train")
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct", torch_dtype="bfloat16")
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig("out", learning_rate=2e-4, bf16=True, seed=7)
    trainer = SFTTrainer(model=model, args=args, train_dataset=data, peft_config=config)
    trainer.train()

## Check it by hand
No name in `dict(trainer.model.named_parameters())` may hold `base_model` twice.

## References
- https://github.com/huggingface/trl/issues/4713
- https://huggingface.co/docs/trl/peft_integration
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.adapters import CONFIGS, attached_by
from trainclinic.script.program.names import names_of_call
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument
from trainclinic.script.program.trainers import Trainer, trainers
from trainclinic.script.program.values import Call, Choice, Value
from trainclinic.script.rule import script_rule

MERGING = frozenset({"DPOTrainer", "KTOTrainer", "CPOTrainer", "ORPOTrainer", "BCOTrainer", "OnlineDPOTrainer"})
"""Trainers that merge an adapter before they attach the next, in many of their versions."""


def find(program: Program) -> Iterator[Alarm]:
    """Look at trainers that attach an adapter themselves, then at every `get_peft_model`."""
    for trainer in _attaching(program):
        first, place = _every_way(trainer.model), trainer.call.place
        if first is not None and first.place is not None and place is not None:
            says = f"`{trainer.kind}` gets `peft_config` for a model that has an adapter already"
            flow = (Step(first.place, "the first adapter"), Step(place, "the trainer attaches a second one"))
            edits = (Edit("remove_argument", place, name="peft_config"),) if trainer.own is None else ()
            mending = Mending("drop `peft_config`, or `get_peft_model`", edits=edits)
            yield Alarm(place, says, Certainty.PROOF, flow, mending=mending)
    for call in program.calls_of("peft.get_peft_model"):
        first = _every_way(argument(call, "model", 0))
        if first is not None and first.place is not None and call.place is not None:
            says = "`get_peft_model` wraps a model that has an adapter already"
            flow = (Step(first.place, "the first adapter"), Step(call.place, "the second one around it"))
            mending = Mending("merge the first with `merge_and_unload()`, or train it further instead")
            yield Alarm(call.place, says, Certainty.PROOF, flow, mending=mending)


def _attaching(program: Program) -> Iterator[Trainer]:
    """Trainers of trl that are plainly given the configuration of an adapter."""
    for trainer in trainers(program):
        config = trainer.part("peft_config")
        given = isinstance(config, Call) and bool(CONFIGS & set(names_of_call(config)))
        if trainer.is_trl and given and trainer.kind not in MERGING:
            yield trainer


def _every_way(model: Value | None) -> Call | None:
    """The adapter that a model has in all of its alternatives; `None` where one has none."""
    options = [one.value for one in model.options] if isinstance(model, Choice) else [model]
    found = [attached_by(option) for option in options]
    return found[0] if all(one is not None for one in found) else None


def _looked(program: Program) -> bool:
    return bool(program.calls_of("peft.get_peft_model")) or any(True for _ in _attaching(program))


RULE = script_rule(
    code="ADP007",
    slug="adapter-wrapped-twice",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("`get_peft_model`, or a trainer of trl with `peft_config`",),
    find=find,
    looked=_looked,
    missing="a call of `get_peft_model`, or `peft_config` of a trainer",
    fix="unsafe",
)
