"""Padding has the id of the end token, and the labels of that id are left out of the loss.

## What it sees
`tokenizer.pad_token = tokenizer.eos_token` in one of its forms, then something that masks labels by the padding id:
the collator for language modeling with `mlm=False`, the default collator of `SFTTrainer` before trl 0.16, or a mask
of the script such as `labels[labels == tokenizer.pad_token_id] = -100`.

## Why it matters
The mask cannot tell the end token of a text from padding, so that no text is trained to end. The loss looks normal;
the trained model goes on after its answer until `max_new_tokens`, repeats itself or invents the next turn.

## What it does not mean
Padding with the end token is harmless by itself. Masks by length or by the attention mask keep the end token in the
loss, as does the collator that `SFTTrainer` uses since trl 0.16.

## Example
Bad:

    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling
    from transformers import Trainer, TrainingArguments

    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained("gpt2")

    def encode(row):
        return tokenizer(row["text"] + tokenizer.eos_token, truncation=True, max_length=1024)

    data = load_dataset("imdb", split="train")
    rows = data.map(encode, remove_columns=data.column_names)
    collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
    arguments = TrainingArguments("out", learning_rate=2e-5, num_train_epochs=1)
    Trainer(model, arguments, train_dataset=rows, data_collator=collator).train()

Good:

    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq
    from transformers import Trainer, TrainingArguments

    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained("gpt2")

    def encode(row):
        ids = tokenizer(row["text"] + tokenizer.eos_token, truncation=True, max_length=1024)
        return {**ids, "labels": ids["input_ids"].copy()}

    data = load_dataset("imdb", split="train")
    rows = data.map(encode, remove_columns=data.column_names)
    collator = DataCollatorForSeq2Seq(tokenizer)
    arguments = TrainingArguments("out", learning_rate=2e-5, num_train_epochs=1)
    Trainer(model, arguments, train_dataset=rows, data_collator=collator).train()

## Check it by hand
Collate two rows and look at the labels where the end token stands in `input_ids`: at the end of each text it must be
the id of the end token, not -100.

## References
- https://github.com/huggingface/transformers/issues/23530
- https://github.com/huggingface/trl/issues/976
- https://huggingface.co/docs/transformers/main_classes/data_collator
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.knowledge.behaviour import SFT_MASKS_PAD_BY_ID
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.masking import IGNORED, Masking, maskings
from trainclinic.script.program.objects import same_data
from trainclinic.script.program.padding import is_pad_id_of, pad_settings, padding_with_eos
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, condition_text, flag, is_open, only
from trainclinic.script.program.supervision import lm_collators, users_of
from trainclinic.script.program.trainers import Trainer, trainers
from trainclinic.script.program.values import Attribute, Call, Operation, Value
from trainclinic.script.rule import script_rule

MENDING = Mending("give padding a token of its own, or mask labels by the attention mask instead of by the id")
OLD_ARGUMENTS = ("tokenizer", "max_seq_length", "dataset_text_field")
"""Arguments of `SFTTrainer` that trl 0.16 no longer has; where unsloth takes them all the same, it masks by id too."""


def find(program: Program) -> Iterator[Alarm]:
    """Look at collators, at trainers with a default collator, and at masks of the script."""
    for collator in lm_collators(program):
        if flag(argument(collator, "mlm", 1)) is False:
            yield from _collator_alarm(program, collator)
    for trainer in trainers(program):
        certain = _default_collator_masks(program, trainer)
        if certain is not None:
            says = "the default collator of `SFTTrainer` leaves the end token out of the loss, since padding has its id"
            yield from _alarm(program, trainer.part("tokenizer"), trainer.call, says, certain)
    for mask in maskings(program):
        tokenizer = _masked_by_pad_of(program, mask)
        if tokenizer is not None:
            says = "this mask takes the end token out of the labels too, since padding has its id"
            yield from _alarm(program, tokenizer, mask, says, Certainty.PROOF)


def _collator_alarm(program: Program, collator: Call) -> Iterator[Alarm]:
    says = "`DataCollatorForLanguageModeling` leaves every end token out of the loss, since padding has its id"
    users = list(users_of(program, collator))
    if users:
        certain = Certainty.PROOF if any(is_known for _, is_known in users) else Certainty.LIKELY
        yield from _alarm(program, argument(collator, "tokenizer", 0), collator, says, certain)


def _alarm(
    program: Program, tokenizer: Value | None, where: Call | Masking, says: str, certain: Certainty
) -> Iterator[Alarm]:
    found = padding_with_eos(program, tokenizer, where.event)
    if found is None or where.place is None:
        return
    setting, sure, rest = found
    flow = (setting.step, Step(where.place, "labels with that id become -100"))
    yield Alarm(where.place, says, min(certain, sure), flow, condition_text(rest), MENDING)


def _default_collator_masks(program: Program, trainer: Trainer) -> Certainty | None:
    """How sure it is that a trainer masks by padding id by itself; `None` when it does not."""
    if trainer.kind != "SFTTrainer" or trainer.part("data_collator") is not None or is_open(trainer.call):
        return None
    holds = SFT_MASKS_PAD_BY_ID.holds(program.version_of("trl"))
    if holds != "unknown":
        return Certainty.LIKELY if holds == "yes" else None
    old = any(argument(trainer.call, name) is not None for name in OLD_ARGUMENTS)
    return Certainty.LIKELY if old else Certainty.HINT


def _masked_by_pad_of(program: Program, mask: Masking) -> Value | None:
    """The tokenizer by whose padding id labels are masked."""
    if only(mask.fill) != IGNORED or mask.test is None:
        return None
    test = same_data(mask.test)
    if program.stores_into(test):
        return None
    compared: tuple[Value, ...] = ()
    if isinstance(test, Operation) and test.symbol in {"==", "!="}:
        compared = test.operands
    elif isinstance(test, Call) and test.method in {"eq", "ne"}:
        compared = test.args
    pad = next((one for one in compared if _is_pad_or_eos(one)), None)
    return pad.base if isinstance(pad, Attribute) else None


def _is_pad_or_eos(value: Value) -> bool:
    """`pad_token_id`, or what it was set to."""
    return is_pad_id_of(value) or (isinstance(value, Attribute) and value.name == "eos_token_id")


def _looked(program: Program) -> bool:
    masks = any(_masked_by_pad_of(program, mask) is not None for mask in maskings(program))
    collators = any(flag(argument(one, "mlm", 1)) is False for one in lm_collators(program))
    return (masks or collators) and bool(pad_settings(program))


RULE = script_rule(
    code="LBL004",
    slug="pad-equals-eos-with-lm-collator",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("where the padding token is set", "collators", "masks of labels"),
    find=find,
    looked=_looked,
    missing="a padding token that the script sets, and a collator or mask that leaves padding out of the labels",
)
