"""New tokens are added, and LoRA leaves the rows of the embedding matrix that belong to them frozen.

## What it sees
`add_tokens`, `add_special_tokens` or `setup_chat_format` with new tokens other than a padding token, and a LoRA
adapter whose `modules_to_save`, `target_modules` and `trainable_token_indices` leave the embeddings out.

## Why it matters
The new rows stay as they were initialised: the model reads the new tokens as noise and can never write them. An end
token that is new in this sense is never produced, so that generation does not stop.

## What it does not mean
Tokens that the tokenizer has already are no new tokens, and a padding token needs no trained row.

## Example
Bad:

    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments
    from mydata import examples

    tokenizer = AutoTokenizer.from_pretrained("mistralai/Mistral-7B-v0.1")
    model = AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.1")
    tokenizer.add_tokens(["<tool>", "</tool>"], special_tokens=True)
    model.resize_token_embeddings(len(tokenizer))
    config = LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    arguments = TrainingArguments("out", learning_rate=2e-4, num_train_epochs=2, bf16=True, seed=7)
    trainer = Trainer(model=model, args=arguments, train_dataset=examples(tokenizer))
    trainer.train()

Good:

    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments
    from mydata import examples

    tokenizer = AutoTokenizer.from_pretrained("mistralai/Mistral-7B-v0.1")
    model = AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.1")
    tokenizer.add_tokens(["<tool>", "</tool>"], special_tokens=True)
    model.resize_token_embeddings(len(tokenizer))
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules=["q_proj", "v_proj"],
        modules_to_save=["embed_tokens", "lm_head"],
        task_type="CAUSAL_LM",
    )
    model = get_peft_model(model, config)
    arguments = TrainingArguments("out", learning_rate=2e-4, num_train_epochs=2, bf16=True, seed=7)
    trainer = Trainer(model=model, args=arguments, train_dataset=examples(tokenizer))
    trainer.train()

## Check it by hand
`model.print_trainable_parameters()` must count the rows; after some steps the row of a new token must differ from
what it was before.

## References
- https://huggingface.co/docs/peft/developer_guides/troubleshooting
- https://github.com/huggingface/peft/issues/1300
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.added_tokens import Added, added_tokens
from trainclinic.script.program.embedding_training import changes_embeddings_by_hand, lora_calls, trains_embeddings
from trainclinic.script.program.program import Program
from trainclinic.script.program.runs import together, trainings
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule

MENDING = Mending('add `modules_to_save=["embed_tokens", "lm_head"]`, or name the new ids in `trainable_token_indices`')


def find(program: Program) -> Iterator[Alarm]:
    """Look at every adapter beside new tokens."""
    for adapter, added in () if changes_embeddings_by_hand(program) else _pairs(program):
        if adapter.place is None or trains_embeddings(adapter) is not False:
            continue
        steps = (Step(added.call.place, "new tokens"),) if added.call.place is not None else ()
        says = f"this adapter leaves the embedding rows of the added {added.quoted} frozen"
        certainty = Certainty.LIKELY if added.is_sure else Certainty.HINT
        yield Alarm(adapter.place, says, certainty, (*steps, Step(adapter.place, "the adapter")), mending=MENDING)


def _pairs(program: Program) -> Iterator[tuple[Call, Added]]:
    """Adapters that are trained, with the new tokens of their script, those that are surely new before others."""
    added = {one.call: one for one in added_tokens(program) if not one.is_padding_alone}
    training = trainings(program)
    for adapter in lora_calls(program) if added else ():
        mine = [added[call] for call in together(program, adapter, added)]
        if mine and together(program, adapter, training):
            yield adapter, min(mine, key=lambda one: not one.is_sure)


def _looked(program: Program) -> bool:
    return any(trains_embeddings(adapter) is True for adapter, _ in _pairs(program))


RULE = script_rule(
    code="TOK006",
    slug="frozen-embeddings-of-added-tokens",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("tokens that are added to a tokenizer, and a LoRA adapter that is trained",),
    find=find,
    looked=_looked,
    missing="added tokens beside a LoRA adapter that is seen to train them or not",
)
