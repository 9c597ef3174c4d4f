"""The padding token is set by a number, which is another token in this vocabulary.

## What it sees
A literal number that is assigned to `pad_token_id` of a tokenizer whose published family has an ordinary token there:
`!` is id 0 in every byte-level vocabulary of the GPT-2 kind.

## Why it matters
Collators mask padding by its id. Each real occurrence of that token is masked as well: the model is never trained to
write it, and attention masks built by `ids != pad` hide it from the model.

## What it does not mean
Id 0 is `<unk>` in Llama 1 and 2 and in Mistral, which hardly ever occurs; scripts that pad with it train well. There
it is a hint only.

## Example
Bad:

    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("meta-llama/Llama-3.1-8B")
    tokenizer.pad_token_id = 0
    print(tokenizer(["one", "one two"], padding=True)["input_ids"])

Good:

    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("meta-llama/Llama-3.1-8B")
    tokenizer.pad_token = "<|finetune_right_pad_id|>"
    print(tokenizer(["one", "one two"], padding=True)["input_ids"])

## Check it by hand
Print `tokenizer.convert_ids_to_tokens(tokenizer.pad_token_id)`: it must be a token that no text contains.

## References
- https://github.com/tloen/alpaca-lora/issues/352
- https://huggingface.co/docs/transformers/main_classes/tokenizer
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.program.events import StoreEvent
from trainclinic.script.program.identities import Identity, identity_of
from trainclinic.script.program.objects import is_tokenizer
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import condition_text, only
from trainclinic.script.rule import script_rule

BYTE_LEVEL = frozenset({"gpt2", "gpt-neo", "gpt-j", "phi-2", "llama-3", "llama-3.1", "qwen2", "qwen2.5", "qwen3"})
"""Families whose ids 0 to 93 are the printable characters from `!` to `~`, in the order of ASCII."""
UNK_FIRST = frozenset({"llama-1", "llama-2", "tinyllama", "vicuna", "codellama", "mistral", "mixtral", "zephyr"})
"""Families whose first ids are `<unk>`, `<s>` and `</s>`."""
PRINTABLE = 94
MENDING = Mending("set `pad_token` by name, to a token of this tokenizer that no text contains")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every number that becomes the padding token of a tokenizer."""
    for event, number in _numbers(program):
        known = identity_of(event.base)
        answer = _token(known, number) if known is not None else None
        if known is None or answer is None:
            continue
        token, certainty = answer
        says = f"`pad_token_id` becomes {number}, which is the token `{token}` of `{known.name}`"
        yield Alarm(event.place, says, certainty, (), condition_text(event.conditions), MENDING)


def _token(known: Identity, number: int) -> tuple[str, Certainty] | None:
    """The token that an id means, where it is not meant for padding."""
    family = known.family
    if family.name in BYTE_LEVEL and 0 <= number < PRINTABLE:
        token = chr(33 + number)
        return ("backtick" if token == "`" else token), Certainty.LIKELY
    if family.name in UNK_FIRST and number in {0, 1}:
        return ("<unk>", Certainty.HINT) if number == 0 else ("<s>", Certainty.HINT)
    return None


def _numbers(program: Program) -> Iterator[tuple[StoreEvent, int]]:
    for event in program.attributes_set("pad_token_id"):
        number = only(event.value)
        if event.base is not None and is_tokenizer(event.base) and isinstance(number, int):
            yield event, number


def _looked(program: Program) -> bool:
    known = [(identity_of(event.base), number) for event, number in _numbers(program)]
    told = [(one, number) for one, number in known if one is not None and one.family.name in BYTE_LEVEL | UNK_FIRST]
    return bool(told) and all(_token(one, number) is None for one, number in told)


RULE = script_rule(
    code="TOK012",
    slug="numeric-pad-id",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("a number that is assigned to `pad_token_id` of a tokenizer",),
    find=find,
    looked=_looked,
    missing="a padding token of a known tokenizer that is set by its number",
)
