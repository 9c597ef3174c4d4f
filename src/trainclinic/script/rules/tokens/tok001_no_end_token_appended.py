r"""Text for training ends with the answer and never with an end token.

## What it sees
Instructions with answers that the script builds and encodes itself (an f-string, `format`, a sum), for a Trainer or a
loop of its own, while nothing in the program appends an end token, neither as text nor as id.

## Why it matters
The model never sees where an answer ends, so it never learns to stop: after the answer it goes on with another
question, repeats itself, or runs to `max_new_tokens`. The loss looks right, because the missing token is never
scored.

## What it does not mean
Long documents that are cut into blocks need no end token inside. Some versions of SFTTrainer append it themselves;
where that depends on the version, this is a hint only.

## Example
Bad:

    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer
    from transformers import TrainingArguments

    name = "Qwen/Qwen2.5-0.5B-Instruct"
    tokenizer = AutoTokenizer.from_pretrained(name)
    model = AutoModelForCausalLM.from_pretrained(name)

    def encode(row):
        text = f"Question: {row['question']}\nAnswer: {row['answer']}"
        return tokenizer(text, truncation=True, max_length=1024)

    data = load_dataset("json", data_files="faq.jsonl", split="train")
    data = data.map(encode, remove_columns=data.column_names)
    arguments = TrainingArguments("out", learning_rate=1e-5, num_train_epochs=2, bf16=True, seed=7)
    collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
    trainer = Trainer(model=model, args=arguments, train_dataset=data, data_collator=collator)
    trainer.train()

Good:

    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer
    from transformers import TrainingArguments

    name = "Qwen/Qwen2.5-0.5B-Instruct"
    tokenizer = AutoTokenizer.from_pretrained(name)
    model = AutoModelForCausalLM.from_pretrained(name)

    def encode(row):
        text = f"Question: {row['question']}\nAnswer: {row['answer']}{tokenizer.eos_token}"
        return tokenizer(text, truncation=True, max_length=1024)

    data = load_dataset("json", data_files="faq.jsonl", split="train")
    data = data.map(encode, remove_columns=data.column_names)
    arguments = TrainingArguments("out", learning_rate=1e-5, num_train_epochs=2, bf16=True, seed=7)
    collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
    trainer = Trainer(model=model, args=arguments, train_dataset=data, data_collator=collator)
    trainer.train()

## Check it by hand
Print the last five ids of `input_ids` of one row with `tokenizer.convert_ids_to_tokens`: the last one must be the
token that generation stops at, and its label must not be -100.

## References
- https://github.com/huggingface/trl/issues/734
- https://github.com/huggingface/transformers/issues/22794
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.knowledge.behaviour import SFT_APPENDS_EOS
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.generation import is_encoder_decoder
from trainclinic.script.program.program import Program
from trainclinic.script.program.prompts import TrainingText, names_end_token, training_texts
from trainclinic.script.program.texts import names_end
from trainclinic.script.program.trainers import Trainer
from trainclinic.script.rule import script_rule

MENDING = Mending("append `tokenizer.eos_token` to the text, after the answer")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every text with an answer at its end."""
    texts = {one.call: one for one in _texts(program) if one.skeleton.before_answer is not None}
    if names_end_token(program):
        return
    for one in texts.values():
        place, marker = one.call.place, (one.skeleton.before_answer or "").strip().rpartition("\n")[2]
        if place is None:
            continue
        answer = next(piece for piece in reversed(one.skeleton.pieces) if not isinstance(piece, str))
        steps = (Step(answer.place, "the text ends with this"),) if answer.place is not None else ()
        last = Step(place, "it is encoded without an end token")
        says = f"training text ends with the answer after `{marker[-30:]}`, and nothing appends an end token"
        yield Alarm(place, says, _certainty(program, one.trainer), (*steps, last), mending=MENDING)


def _texts(program: Program) -> list[TrainingText]:
    """Training texts for models without an encoder, whose tokenizers leave the end token to the script."""
    return [] if is_encoder_decoder(program) else training_texts(program)


def _certainty(program: Program, trainer: Trainer | None) -> Certainty:
    if trainer is None:
        return Certainty.LIKELY
    appends = SFT_APPENDS_EOS.holds(program.version_of("trl"))
    return Certainty.LIKELY if appends == "no" else Certainty.HINT


def _looked(program: Program) -> bool:
    return any(any(map(names_end, one.skeleton.pieces[-2:])) for one in _texts(program))


RULE = script_rule(
    code="TOK001",
    slug="no-end-token-appended",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("texts with answers that the script builds for training",),
    find=find,
    looked=_looked,
    missing="a text with an answer that the script builds for training, down to its end",
)
