"""The embeddings are resized first, and tokens are added to the tokenizer afterwards.

## What it sees
`resize_token_embeddings(len(tokenizer))` before `add_tokens` or `add_special_tokens` with new tokens on the same
tokenizer, and no resize after them.

## Why it matters
`len(tokenizer)` is taken before the tokens are there, so the matrix has no rows for them. The first batch with a new
token stops with an index error, or with a device-side assert on a GPU.

## What it does not mean
Adding tokens that the tokenizer has already changes nothing, and two resizes are one too many but right.

## Example
Bad:

    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    model.resize_token_embeddings(len(tokenizer))
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    model.save_pretrained("start")
    tokenizer.save_pretrained("start")

Good:

    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    model.resize_token_embeddings(len(tokenizer))
    model.save_pretrained("start")
    tokenizer.save_pretrained("start")

## Check it by hand
`len(tokenizer)` must not be larger than `model.get_input_embeddings().weight.shape[0]` when training begins.

## References
- https://huggingface.co/docs/transformers/main_classes/tokenizer
- https://github.com/huggingface/transformers/issues/1848
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.added_tokens import Added, added_tokens, counted, resizes
from trainclinic.script.program.objects import root
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule

MENDING = Mending("move `resize_token_embeddings` behind the last token that is added")


def find(program: Program) -> Iterator[Alarm]:
    """Compare the order of resizing and adding for each tokenizer."""
    for added, mine, after in _orders(program):
        resize = mine[-1] if mine else None
        if resize is None or after or resize.place is None or added.call.place is None:
            continue
        says = f"{added.subject} added after the embeddings were resized, so that the matrix has no rows for them"
        flow = (Step(resize.place, "resized to the tokenizer as it was"), Step(added.call.place, "it grows here"))
        yield Alarm(added.call.place, says, _certainty(added, resize), flow, mending=MENDING)


def _certainty(added: Added, resize: Call) -> Certainty:
    one, two = added.call.event, resize.event
    straight = one.activation is two.activation and not one.conditions and not two.conditions and not one.loops
    return Certainty.PROOF if added.is_sure and straight else Certainty.LIKELY if added.is_sure else Certainty.HINT


def _orders(program: Program) -> Iterator[tuple[Added, list[Call], list[Call]]]:
    """Tokens that are added, with the resizes to their tokenizer, and all resizes after them."""
    sizes = resizes(program)
    for added in added_tokens(program):
        order, tokenizer = added.call.event.order, root(added.tokenizer)
        mine = [call for call in sizes if counted(argument(call, "new_num_tokens", 0)) is tokenizer]
        yield added, mine, [call for call in sizes if call.event.order >= order]


def _looked(program: Program) -> bool:
    return any(after for _, _, after in _orders(program))


RULE = script_rule(
    code="TOK015",
    slug="tokens-added-after-resize",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("tokens that are added to a tokenizer, and `resize_token_embeddings`",),
    find=find,
    looked=_looked,
    missing="added tokens and a resize of the embeddings",
)
