"""The Trainer's label smoothing does not shift the labels of a model whose class it does not know.

## What it sees
`label_smoothing_factor` above 0 in a Trainer whose model is a class of the files that derives from a causal model of
transformers, or a PEFT model with transformers before 4.36.

## Why it matters
With label smoothing the Trainer takes the labels away from the model and computes the loss itself. It shifts them
only if the name of the model's class is in its list of causal models. Every other model is scored on the token that
it reads: the loss falls to nearly the smoothing floor, and the model learns to copy.

## What it does not mean
Models of transformers under their own class name are shifted, and from 4.36 on PEFT models around them too.

## Example
Bad:

    from datasets import load_dataset
    from transformers import AutoTokenizer, DataCollatorForSeq2Seq, LlamaForCausalLM, Trainer, TrainingArguments

    class LlamaWithProbe(LlamaForCausalLM):
        def layer_norms(self):
            return [layer.input_layernorm.weight.norm() for layer in self.model.layers]

    tokenizer = AutoTokenizer.from_pretrained("HuggingFaceTB/SmolLM2-360M")
    tokenizer.pad_token = tokenizer.eos_token
    model = LlamaWithProbe.from_pretrained("HuggingFaceTB/SmolLM2-360M", dtype="float32")

    def encode(row):
        out = tokenizer(row["text"] + tokenizer.eos_token, truncation=True, max_length=1024)
        return {**out, "labels": out["input_ids"].copy()}

    data = load_dataset("imdb", split="train")
    rows = data.map(encode, remove_columns=data.column_names)
    arguments = TrainingArguments("out", learning_rate=2e-5, num_train_epochs=1, label_smoothing_factor=0.1)
    Trainer(model, arguments, train_dataset=rows, data_collator=DataCollatorForSeq2Seq(tokenizer)).train()

Good:

    from datasets import load_dataset
    from transformers import AutoTokenizer, DataCollatorForSeq2Seq, LlamaForCausalLM, Trainer, TrainingArguments

    class LlamaWithProbe(LlamaForCausalLM):
        def layer_norms(self):
            return [layer.input_layernorm.weight.norm() for layer in self.model.layers]

    tokenizer = AutoTokenizer.from_pretrained("HuggingFaceTB/SmolLM2-360M")
    tokenizer.pad_token = tokenizer.eos_token
    model = LlamaWithProbe.from_pretrained("HuggingFaceTB/SmolLM2-360M", dtype="float32")

    def encode(row):
        out = tokenizer(row["text"] + tokenizer.eos_token, truncation=True, max_length=1024)
        return {**out, "labels": out["input_ids"].copy()}

    data = load_dataset("imdb", split="train")
    rows = data.map(encode, remove_columns=data.column_names)
    arguments = TrainingArguments("out", learning_rate=2e-5, num_train_epochs=1)
    Trainer(model, arguments, train_dataset=rows, data_collator=DataCollatorForSeq2Seq(tokenizer)).train()

## Check it by hand
Compare the first logged loss with and without `label_smoothing_factor`: 0.1 adds a few tenths for a pretrained model.
If the first loss is 8 or more, the labels are not shifted.

## References
- https://github.com/huggingface/transformers/blob/main/src/transformers/trainer.py
- https://huggingface.co/docs/transformers/main_classes/trainer
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.knowledge.behaviour import SMOOTHER_SHIFTS_FOR_ADAPTERS
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.definitions import Class, Instance
from trainclinic.script.program.names import name_of
from trainclinic.script.program.objects import CAUSAL, lineage, root
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import condition_text, possible
from trainclinic.script.program.trainers import Trainer, trainers
from trainclinic.script.program.values import Attribute, Call, External, Value
from trainclinic.script.rule import script_rule

MENDING = Mending("leave `label_smoothing_factor` at 0, or compute the smoothed loss with shifted labels")
ADAPTERS = frozenset({"peft.get_peft_model", "peft.PeftModel.from_pretrained", "peft.PeftModelForCausalLM"})


def find(program: Program) -> Iterator[Alarm]:
    """Look at every trainer that smooths labels and computes the loss itself."""
    for trainer in _smoothing(program):
        option, place = trainer.option("label_smoothing_factor"), trainer.call.place
        found = [one for one in possible(option)[0] if isinstance(one.value, (int, float)) and one.value > 0]
        unknown = _unknown_class(program, trainer)
        if not found or unknown is None or place is None:
            continue
        name, certain = unknown
        says = f"the Trainer's label smoothing does not know the class of {name}, and does not shift its labels"
        asked = option.place if option is not None else None
        first = (Step(asked, f"labels are smoothed by `{found[0].value}`"),) if asked is not None else ()
        flow = (*first, Step(place, f"{name} is trained"))
        certain = min(certain, Certainty.LIKELY) if found[0].setting is not None else certain
        yield Alarm(place, says, certain, flow, condition_text(found[0].when), MENDING)


def _smoothing(program: Program) -> Iterator[Trainer]:
    for trainer in trainers(program):
        own = trainer.own is not None and trainer.own.find("compute_loss") is not None
        if trainer.kind in {"Trainer", "SFTTrainer"} and not own:
            yield trainer


def _unknown_class(program: Program, trainer: Trainer) -> tuple[str, Certainty] | None:
    """The model whose class the smoother does not find in its list, as an alarm names it."""
    own = _own_class(trainer.model)
    bases = [base.name.rpartition(".")[2] for base in own.lineage() if isinstance(base, External)] if own else []
    if own is not None and any(CAUSAL.fullmatch(base) for base in bases) and own.name not in bases:
        return f"`{own.name}`", Certainty.PROOF
    wrapped = any(isinstance(one, Call) and name_of(one.function) in ADAPTERS for one in lineage(trainer.model))
    if wrapped or trainer.part("peft_config") is not None:
        holds = SMOOTHER_SHIFTS_FOR_ADAPTERS.holds(program.version_of("transformers"))
        return ("the PEFT model", Certainty.LIKELY) if holds == "no" else None
    return None


def _own_class(model: Value | None) -> Class | None:
    """The class of the files that a model is made of, also by `from_pretrained`."""
    made = root(model)
    if isinstance(made, Instance):
        return made.cls
    function = made.function if isinstance(made, Call) else None
    base = function.base if isinstance(function, Attribute) else None
    return base if isinstance(base, Class) else None


def _looked(program: Program) -> bool:
    return any(trainer.is_known and trainer.model is not None for trainer in _smoothing(program))


RULE = script_rule(
    code="LBL013",
    slug="label-smoothing-of-wrapped-model",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("`label_smoothing_factor`", "the class of the model that the Trainer gets"),
    find=find,
    looked=_looked,
    missing="a Trainer whose model and arguments are in sight",
)
