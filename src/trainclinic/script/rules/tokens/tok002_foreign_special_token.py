r"""A special token stands in the code that the tokenizer of this model does not have.

## What it sees
A literal that is a special token of other model families, in text for training, as pad or end token, or looked up by
`convert_tokens_to_ids`, together with a tokenizer whose published family does not have it and never gets it added.

## Why it matters
The tokenizer splits the literal into several ordinary pieces, `<|endoftext|>` into seven or so for Llama. As an end
token it never ends anything: generation stops at the real one, which training never showed. Looked up as an id it
gives the id of the unknown token, or none.

## What it does not mean
Markers such as `### Response:`, `[INST]` or `<|user|>` are ordinary text for many models and work as such. A token
that the script adds with `add_special_tokens` is the tokenizer's own from then on.

## Example
Bad:

    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer
    from transformers import TrainingArguments

    name = "TinyLlama/TinyLlama-1.1B-Chat-v1.0"
    tokenizer = AutoTokenizer.from_pretrained(name)
    tokenizer.pad_token = tokenizer.unk_token
    model = AutoModelForCausalLM.from_pretrained(name)

    def encode(row):
        text = "<|user|>\n" + row["question"] + "\n<|assistant|>\n" + row["answer"] + "<|endoftext|>"
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

    name = "TinyLlama/TinyLlama-1.1B-Chat-v1.0"
    tokenizer = AutoTokenizer.from_pretrained(name)
    tokenizer.pad_token = tokenizer.unk_token
    model = AutoModelForCausalLM.from_pretrained(name)

    def encode(row):
        text = "<|user|>\n" + row["question"] + "\n<|assistant|>\n" + row["answer"] + tokenizer.eos_token
        return tokenizer(text, truncation=True, max_length=1024)

    data = load_dataset("json", data_files="faq.jsonl", split="train")
    data = data.map(encode, remove_columns=data.column_names)
    arguments = TrainingArguments("out", learning_rate=1e-5, num_train_epochs=2, bf16=True, seed=7)
    collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
    trainer = Trainer(model=model, args=arguments, train_dataset=data, data_collator=collator)
    trainer.train()

## Check it by hand
`tokenizer.tokenize("<|endoftext|>")` must give one piece; several pieces mean that the tokenizer does not know it.

## References
- https://huggingface.co/docs/transformers/main_classes/tokenizer
- https://huggingface.co/TinyLlama/TinyLlama-1.1B-Chat-v1.0
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.knowledge.models import owners_of, special_tokens_in
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Place
from trainclinic.script.program.added_tokens import added_tokens
from trainclinic.script.program.identities import Identity, identity_of
from trainclinic.script.program.objects import is_tokenizer
from trainclinic.script.program.program import Program
from trainclinic.script.program.prompts import training_texts
from trainclinic.script.program.reading import argument, literal_texts
from trainclinic.script.program.values import Value
from trainclinic.script.rule import script_rule

ROLE_TOKENS = ("pad_token", "eos_token", "bos_token", "unk_token")
MARKUP = re.compile(
    r"\[/?INST\]|<</?SYS>>|<\|(user|assistant|system|model|human|bot|tool|observation)\|>|<mask>|</?think>"
)
"""Markers that work as ordinary text: splitting them does no harm by itself."""

SPLIT, NO_ID = "it is split into pieces", "its id is none, or that of the unknown token"
Use = tuple[str, str, str, Place, Identity]
"""How a literal is used, what becomes of a foreign one, the literal, its place, and the tokenizer's model."""


def find(program: Program) -> Iterator[Alarm]:
    """Compare the literals of every use with the tokens of the family."""
    own = _own_tokens(program)
    if own is None:
        return
    for use, outcome, text, place, identity in _uses(program):
        family = identity.family
        for token in dict.fromkeys(token for token, _ in special_tokens_in(text)):
            foreign = family.has(token) is False and token not in family.plain and bool(owners_of(token))
            if not foreign or token in own or MARKUP.fullmatch(token):
                continue
            says = f"`{token}` {use} is no token of `{identity.name}`: {outcome}"
            certainty = Certainty.PROOF if identity.is_fixed else Certainty.LIKELY
            yield Alarm(place, says, certainty, mending=_mending(identity))


def _own_tokens(program: Program) -> set[str] | None:
    """Tokens that the program adds; `None` when it may add any."""
    added = list(added_tokens(program))
    if any(not one.tokens for one in added) or program.calls_ending("get_chat_template"):
        return None
    return {token for one in added for token in one.tokens}


def _mending(identity: Identity) -> Mending:
    end = identity.family.eos_of(identity.name)
    also = f", here `{end}`" if end else ""
    return Mending(f"use a token of this tokenizer: `tokenizer.eos_token`{also}, where a text ends")


def _uses(program: Program) -> Iterator[Use]:
    for one in training_texts(program):
        known = one.identity
        texts = [piece for piece in one.skeleton.pieces if isinstance(piece, str)]
        for text in texts:
            place = _place_of(text, argument(one.call, "text", 0)) or one.call.place
            if known is not None and place is not None:
                yield "in training text", SPLIT, text, place, known
    for event in program.stores:
        if event.kind == "attribute" and event.key in ROLE_TOKENS and event.base is not None:
            yield from _literals(event.base, event.value, f"as `{event.key}`")
    for call in program.calls_of(".convert_tokens_to_ids"):
        if call.receiver is not None:
            yield from _literals(call.receiver, argument(call, "tokens", 0), "that is looked up")


def _literals(tokenizer: Value, value: Value | None, use: str) -> Iterator[Use]:
    known = identity_of(tokenizer) if is_tokenizer(tokenizer) else None
    for literal in literal_texts(value) if known is not None else ():
        if known is not None and literal.place is not None:
            yield use, NO_ID, literal.value, literal.place, known


def _place_of(text: str, value: Value | None) -> Place | None:
    """Where a piece of text stands in the code, when it is written out there in one literal."""
    for literal in literal_texts(value):
        if literal.value and (literal.value in text or text in literal.value) and any(special_tokens_in(literal.value)):
            return literal.place
    return None


def _looked(program: Program) -> bool:
    return _own_tokens(program) is not None and any(True for _ in _uses(program))


RULE = script_rule(
    code="TOK002",
    slug="foreign-special-token",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("texts for training, pad and end tokens, and the name that the tokenizer is loaded under",),
    find=find,
    looked=_looked,
    missing="literal text for the tokenizer of a known model family",
)
