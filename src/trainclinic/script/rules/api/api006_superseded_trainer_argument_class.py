"""A trainer of trl gets plain `TrainingArguments` and lacks the options of its own configuration.

## What it sees
`TrainingArguments` handed as `args` to `DPOTrainer`, `KTOTrainer`, `ORPOTrainer`, `CPOTrainer` or `GRPOTrainer` of a
release that has a configuration class for it. For `SFTTrainer`, which converts them, it is a hint.

## Why it matters
These trainers read `args.beta`, `args.max_length`, `args.model_init_kwargs` and more: with plain training arguments
they stop with an `AttributeError` or `ValueError`. `SFTTrainer` makes a `SFTConfig` of them, with its defaults: rows
are cut at 1024 tokens, whatever the script believes.

## What it does not mean
Training arguments are right for the Trainer of transformers, and were for the first releases of trl.

## Example
Bad:

    # file: train.py
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainingArguments
    from trl import DPOTrainer
    from mydata import pairs

    name = "Qwen/Qwen2.5-0.5B-Instruct"
    model = AutoModelForCausalLM.from_pretrained(name, dtype="float32")
    args = TrainingArguments("out", learning_rate=5e-7, bf16=True, seed=7)
    trainer = DPOTrainer(
        model=model, args=args, train_dataset=pairs("train"), processing_class=AutoTokenizer.from_pretrained(name)
    )
    trainer.train()

Good:

    # file: train.py
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import DPOConfig, DPOTrainer
    from mydata import pairs

    name = "Qwen/Qwen2.5-0.5B-Instruct"
    model = AutoModelForCausalLM.from_pretrained(name, dtype="float32")
    args = DPOConfig("out", learning_rate=5e-7, bf16=True, seed=7)
    trainer = DPOTrainer(
        model=model, args=args, train_dataset=pairs("train"), processing_class=AutoTokenizer.from_pretrained(name)
    )
    trainer.train()

## Check it by hand
Build the trainer alone, without training: it must not raise, and `trainer.args` must be of the trainer's own
configuration class.

## References
- https://huggingface.co/docs/trl/dpo_trainer
- https://huggingface.co/docs/trl/sft_trainer
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.libraries import asks_for_version, is_of_its_time, is_patched, oracle
from trainclinic.script.program.names import name_of
from trainclinic.script.program.program import Program
from trainclinic.script.program.trainers import Trainer, trainers
from trainclinic.script.rule import script_rule

PLAIN = frozenset({"transformers.TrainingArguments", "transformers.Seq2SeqTrainingArguments"})
STRICT = frozenset({"DPOTrainer", "KTOTrainer", "ORPOTrainer", "CPOTrainer", "GRPOTrainer"})
CONVERTING = frozenset({"SFTTrainer"})


def find(program: Program) -> Iterator[Alarm]:
    """Look at what every trainer of trl is configured with."""
    for trainer, config in _configured(program):
        made, user = trainer.arguments, trainer.call.place
        if made is None or made.place is None or user is None or name_of(made.function) not in PLAIN:
            continue
        lost = "makes a" if trainer.kind in CONVERTING else "needs the options of"
        says = f"`{trainer.kind}` gets `{made.method}` and {lost} `{config}`"
        says += " of them, with its defaults" if trainer.kind in CONVERTING else ""
        flow = (Step(user, f"`{trainer.kind}` is built"), Step(made.place, "with plain training arguments"))
        yield Alarm(
            made.place, says, _certainty(program, trainer), flow, mending=Mending(f"build a `{config}` instead")
        )


def _configured(program: Program) -> Iterator[tuple[Trainer, str]]:
    """Trainers that have a configuration of their own in the versions that may be in use, with its name."""
    for trainer in trainers(program) if not is_patched(program) else ():
        config = trainer.kind.replace("Trainer", "Config")
        is_ours = trainer.kind in STRICT | CONVERTING and trainer.own is None and trainer.arguments is not None
        is_there = is_ours and oracle(program).presence(f"trl.{config}") in {"present", "depends"}
        if is_there and not asks_for_version(program, trainer.call.event.file, trainer.call.event.node):
            yield trainer, config


def _certainty(program: Program, trainer: Trainer) -> Certainty:
    is_sure = trainer.kind in STRICT and not is_of_its_time(program, "trl")
    return Certainty.LIKELY if is_sure else Certainty.HINT


def _looked(program: Program) -> bool:
    return any(True for _ in _configured(program))


RULE = script_rule(
    code="API006",
    slug="superseded-trainer-argument-class",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("a trainer of trl, its arguments, and the version of trl",),
    find=find,
    looked=_looked,
    missing="a trainer of trl whose arguments are in sight",
)
