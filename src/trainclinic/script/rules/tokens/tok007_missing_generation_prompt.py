"""A chat prompt for generation ends after the user's turn, without the header of the answer.

## What it sees
`apply_chat_template` without `add_generation_prompt=True` (and without `continue_final_message`), whose ids or text
go to `generate`, for models whose template has such a header.

## Why it matters
The model is asked to go on after the end of a turn. It writes the header itself, or another user turn, or ends at
once with an empty answer. Measured accuracy of a fine-tuned model falls although nothing is wrong with its weights.

## What it does not mean
For training text the header is part of the conversation and the argument must stay off. Templates of the Llama 2 kind
(`[INST] ... [/INST]`) have no header, and nothing is lost there.

## Example
Bad:

    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct")
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct")

    messages = [{"role": "user", "content": "Name three rivers."}]
    inputs = tokenizer.apply_chat_template(messages, return_tensors="pt", return_dict=True)
    output = model.generate(**inputs, max_new_tokens=64)
    print(tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))

Good:

    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct")
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct")

    messages = [{"role": "user", "content": "Name three rivers."}]
    inputs = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    output = model.generate(**inputs, max_new_tokens=64)
    print(tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))

## Check it by hand
Print the prompt with `tokenizer.decode(inputs["input_ids"][0])`: it must end with the header of the assistant's turn.

## References
- https://huggingface.co/docs/transformers/chat_templating
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.encodings import chats_in, text_of
from trainclinic.script.program.generation import generations
from trainclinic.script.program.identities import identity_of
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, flag, is_open, only
from trainclinic.script.program.values import Call, Constant, Items, Value
from trainclinic.script.rule import script_rule

WITHOUT_HEADER = frozenset({"llama-2", "codellama", "mistral", "mistral-v0.3", "mistral-nemo", "mixtral"})
"""Families whose template writes nothing before an answer."""


def find(program: Program) -> Iterator[Alarm]:
    """Look at every chat template whose text is continued."""
    for chat, call in _pairs(program):
        place = chat.place
        if place is None or call.place is None or _lacks_header(program, chat) is not True:
            continue
        says = "the chat prompt for `generate` is built without `add_generation_prompt=True`"
        flow = (Step(place, "the prompt ends after the last turn"), Step(call.place, "the model goes on from there"))
        edit = Edit("set_argument", place, "True", name="add_generation_prompt")
        mending = Mending("pass `add_generation_prompt=True`", "safe", (edit,))
        same = place.path == call.place.path
        yield Alarm(place, says, Certainty.LIKELY, flow[::-1] if same else (), mending=mending)


def _pairs(program: Program) -> Iterator[tuple[Call, Call]]:
    for one in generations(program):
        made = one.source
        if made is None:
            continue
        chats = [made] if made.method == "apply_chat_template" else chats_in(text_of(made))
        yield from ((chat, one.call) for chat in chats)


def _lacks_header(program: Program, chat: Call) -> bool | None:
    """Whether the prompt ends without the header of an answer that it should have; `None` when it is unknown."""
    given = argument(chat, "add_generation_prompt")
    own = argument(chat, "chat_template") is not None or any(event.key == "chat_template" for event in program.stores)
    if own or is_open(chat) or (given is not None and flag(given) is None):
        return None
    if flag(given) or argument(chat, "continue_final_message") is not None:
        return False
    known = identity_of(chat.receiver)
    headless = known is not None and known.family.name in WITHOUT_HEADER
    return not headless and not _ends_with_answer(program, argument(chat, "conversation", 0))


def _ends_with_answer(program: Program, messages: Value | None) -> bool:
    """Whether the last message is the beginning of an answer already."""
    elements = program.elements_of(messages) if isinstance(messages, Items) else ()
    last = program.value_of(elements[-1], "role") if elements else None
    return isinstance(last, Constant) and only(last) in {"assistant", "model"}


def _looked(program: Program) -> bool:
    return any(_lacks_header(program, chat) is not None for chat, _ in _pairs(program))


RULE = script_rule(
    code="TOK007",
    slug="missing-generation-prompt",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("`apply_chat_template` whose result goes to `generate`",),
    find=find,
    looked=_looked,
    missing="a published chat template whose text goes to `generate`",
    fix="safe",
)
