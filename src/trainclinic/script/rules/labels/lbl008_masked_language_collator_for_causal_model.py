"""A collator for masked language modeling hides tokens at random from a causal model.

## What it sees
`DataCollatorForLanguageModeling` of transformers without `mlm=False` (masking is its default) in the trainer of a
causal language model.

## Why it matters
15 % of the tokens become labels and are hidden from the model, all others are ignored. The causal model is scored one
position later than the collator means. Tokenizers without a mask token refuse with an error; with one, the loss stays
high and the model learns little.

## What it does not mean
The default is right for BERT and its kin, where `AutoModelForMaskedLM` is trained.

## Example
Bad:

    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling
    from transformers import Trainer, TrainingArguments

    tokenizer = AutoTokenizer.from_pretrained("EleutherAI/pythia-410m")
    tokenizer.add_special_tokens({"pad_token": "<|padding|>"})
    model = AutoModelForCausalLM.from_pretrained("EleutherAI/pythia-410m")

    def encode(row):
        return tokenizer(row["text"] + tokenizer.eos_token, truncation=True, max_length=1024)

    data = load_dataset("imdb", split="train")
    rows = data.map(encode, remove_columns=data.column_names)
    collator = DataCollatorForLanguageModeling(tokenizer)
    arguments = TrainingArguments("out", learning_rate=2e-5, num_train_epochs=1)
    Trainer(model, arguments, train_dataset=rows, data_collator=collator).train()

Good:

    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling
    from transformers import Trainer, TrainingArguments

    tokenizer = AutoTokenizer.from_pretrained("EleutherAI/pythia-410m")
    tokenizer.add_special_tokens({"pad_token": "<|padding|>"})
    model = AutoModelForCausalLM.from_pretrained("EleutherAI/pythia-410m")

    def encode(row):
        return tokenizer(row["text"] + tokenizer.eos_token, truncation=True, max_length=1024)

    data = load_dataset("imdb", split="train")
    rows = data.map(encode, remove_columns=data.column_names)
    collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
    arguments = TrainingArguments("out", learning_rate=2e-5, num_train_epochs=1)
    Trainer(model, arguments, train_dataset=rows, data_collator=collator).train()

## Check it by hand
Collate two rows: `labels` must equal `input_ids` wherever it is not -100, and be -100 at padding alone.

## References
- https://github.com/huggingface/trl/issues/445
- https://huggingface.co/docs/transformers/main_classes/data_collator
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.objects import is_causal_lm
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, condition_text, is_open, may_be_true, possible
from trainclinic.script.program.supervision import lm_collators, users_of
from trainclinic.script.program.trainers import Trainer, trainers
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule


def find(program: Program) -> Iterator[Alarm]:
    """Look at the collator of every trainer of a causal model."""
    for collator, trainer in _pairs(program):
        given = argument(collator, "mlm", 1)
        masks = may_be_true(given)
        place = collator.place
        if place is None or trainer.call.place is None or is_open(collator) or (given is not None and not masks):
            continue
        overridable = any(one.setting is not None for one in masks) or len(possible(given)[0]) > 1
        when = condition_text(masks[0].when) if masks else ""
        says = "`DataCollatorForLanguageModeling` masks tokens at random, and the model of this trainer is causal"
        flow = (Step(trainer.call.place, "a causal model is trained"), Step(place, "with a collator that masks"))
        edit = Edit("set_argument", place, "False", name="mlm")
        certain = Certainty.LIKELY if overridable else Certainty.PROOF
        yield Alarm(place, says, certain, flow, when, Mending("pass `mlm=False`", "unsafe", (edit,)))


def _pairs(program: Program) -> Iterator[tuple[Call, Trainer]]:
    known = {trainer.call: trainer for trainer in trainers(program)}
    for collator in lm_collators(program):
        for call, _ in users_of(program, collator):
            if call in known and is_causal_lm(known[call].model):
                yield collator, known[call]


def _looked(program: Program) -> bool:
    return any(not is_open(collator) for collator, _ in _pairs(program))


RULE = script_rule(
    code="LBL008",
    slug="masked-language-collator-for-causal-model",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("`DataCollatorForLanguageModeling` in a trainer of a causal model",),
    find=find,
    looked=_looked,
    missing="a trainer of a causal model with `DataCollatorForLanguageModeling`",
    fix="unsafe",
)
