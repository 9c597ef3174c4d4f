"""Text of a chat template begins with BOS already, and the tokenizer puts another one before it.

## What it sees
Text from `apply_chat_template(..., tokenize=False)` goes to a tokenizer call that adds special tokens, as it does by
default, for a model family whose template writes BOS and whose tokenizer adds it.

## Why it matters
Every sequence begins with two BOS tokens. The model has never seen that; quality drops a little, the first positions
attend oddly, and generation with the template alone differs from training by one token.

## What it does not mean
Families without a BOS token (Qwen, GPT-2) and templates that do not write it (TinyLlama, Zephyr) get one BOS or none;
their default is right.

## Example
Bad:

    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("meta-llama/Llama-3.1-8B-Instruct")

    def encode(row):
        text = tokenizer.apply_chat_template(row["messages"], tokenize=False)
        return tokenizer(text, truncation=True, max_length=2048)

Good:

    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("meta-llama/Llama-3.1-8B-Instruct")

    def encode(row):
        text = tokenizer.apply_chat_template(row["messages"], tokenize=False)
        return tokenizer(text, truncation=True, max_length=2048, add_special_tokens=False)

## Check it by hand
Print the first three ids of one encoded row: `tokenizer.bos_token_id` must be there once.

## References
- https://huggingface.co/docs/transformers/chat_templating
- https://github.com/OpenRLHF/OpenRLHF/issues/393
- https://github.com/huggingface/open-r1/issues/462
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.encodings import chats_in, encodings, gives_text, text_of
from trainclinic.script.program.identities import identity_of
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, flag, is_open
from trainclinic.script.program.values import Call, Value
from trainclinic.script.rule import script_rule

TEMPLATES_WITH_BOS = frozenset(
    {"llama-2", "codellama", "llama-3", "llama-3.1", "mistral", "mistral-v0.3", "mixtral", "gemma", "gemma-3"}
)
"""Families whose published chat template writes the BOS token itself."""


def find(program: Program) -> Iterator[Alarm]:
    """Look at every tokenizer call on text of a chat template."""
    for call, tokenizer, chat in _pairs(program):
        certainty, place = _certainty(tokenizer), call.place
        if certainty is None or place is None or chat.place is None or _adds_special(call) is not True:
            continue
        says = "text of the chat template begins with BOS, and this call puts a second one before it"
        flow = (Step(chat.place, "the template writes BOS"), Step(place, "`add_special_tokens` is on"))
        edit = Edit("set_argument", place, "False", name="add_special_tokens")
        yield Alarm(place, says, certainty, flow, mending=Mending("pass `add_special_tokens=False`", "unsafe", (edit,)))


def _adds_special(call: Call) -> bool | None:
    """Whether a tokenizer call adds special tokens; `None` when the code does not say."""
    given = argument(call, "add_special_tokens")
    if given is None:
        return None if is_open(call) else True
    return flag(given)


def _pairs(program: Program) -> Iterator[tuple[Call, Value, Call]]:
    """Calls that encode text of the published template of their tokenizer, with the call that writes it."""
    if any(event.key in {"chat_template", "add_bos_token"} for event in program.stores):
        return
    for call, tokenizer in encodings(program):
        chat = next((one for one in chats_in(text_of(call)) if gives_text(one)), None)
        if chat is not None and argument(chat, "chat_template") is None:
            yield call, tokenizer, chat


def _certainty(tokenizer: Value) -> Certainty | None:
    known = identity_of(tokenizer)
    if known is None:
        return Certainty.HINT
    both = known.family.adds_bos is True and known.family.name in TEMPLATES_WITH_BOS
    return Certainty.LIKELY if both else None


def _looked(program: Program) -> bool:
    pairs = _pairs(program)
    return any(identity_of(tokenizer) is not None and _adds_special(call) is not None for call, tokenizer, _ in pairs)


RULE = script_rule(
    code="TOK003",
    slug="doubled-begin-token-call",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("tokenizer calls on text of `apply_chat_template`",),
    find=find,
    looked=_looked,
    missing="text of a chat template that the tokenizer of a known model encodes again",
    fix="unsafe",
)
