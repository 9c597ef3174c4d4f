r"""The chat template of the script closes no turn, so that answers end without an end token.

## What it sees
A literal Jinja template (assigned to `chat_template`, or passed to `apply_chat_template`) that names no end token: no
`eos_token`, no `<|im_end|>`, no `</s>` or the like; in a program that trains, and that appends none elsewhere.

## Why it matters
The model is trained on answers without an end. It learns to answer and never to stop: after the answer it writes the
next user turn by itself, or runs to `max_new_tokens`.

## What it does not mean
A template that is used for prompts alone needs no end token after the user's turn.

## Example
Bad:

    from datasets import load_dataset
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct")
    tokenizer.chat_template = (
        "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}"
    )
    trainer = SFTTrainer(
        model="Qwen/Qwen2.5-0.5B-Instruct",
        processing_class=tokenizer,
        train_dataset=load_dataset("json", data_files="chats.jsonl", split="train"),
        args=SFTConfig("out", learning_rate=1e-5, num_train_epochs=2, bf16=True, seed=7),
    )
    trainer.train()

Good:

    from datasets import load_dataset
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct")
    tokenizer.chat_template = (
        "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}"
    )
    trainer = SFTTrainer(
        model="Qwen/Qwen2.5-0.5B-Instruct",
        processing_class=tokenizer,
        train_dataset=load_dataset("json", data_files="chats.jsonl", split="train"),
        args=SFTConfig("out", learning_rate=1e-5, num_train_epochs=2, bf16=True, seed=7),
    )
    trainer.train()

## Check it by hand
Print `tokenizer.apply_chat_template(messages, tokenize=False)` for a conversation that ends with an answer: the last
token must be the one that generation stops at.

## References
- https://huggingface.co/docs/transformers/chat_templating
- https://github.com/zjysteven/lmms-finetune/issues/47
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.knowledge.behaviour import SFT_APPENDS_EOS_TO_CHATS
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Place
from trainclinic.script.program.encodings import chat_templates
from trainclinic.script.program.events import Event
from trainclinic.script.program.program import Program
from trainclinic.script.program.prompts import names_end_token
from trainclinic.script.program.reading import argument, possible
from trainclinic.script.program.runs import entry_of, trainings
from trainclinic.script.program.texts import END_TOKEN
from trainclinic.script.program.values import Constant, Mapping, Value
from trainclinic.script.rule import script_rule

JINJA_END = re.compile(r"\{%-?\s*end\w+\s*-?%\}")
ANY_END = re.compile(r"eos_?token|<[^<>\s]*(?:end|eos|eot|stop)[^<>\s]*>|\[/?(?:END|EOS|EOT)\w*\]", re.I)
"""Whatever may end a turn, known or not."""
MENDING = Mending("write `{{ eos_token }}` after the content of every assistant turn")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every template that is written out."""
    if SFT_APPENDS_EOS_TO_CHATS.holds(program.version_of("trl")) == "yes":
        return
    open_ended = [place for text, place in _templates(program) if not _closes_turns(text)]
    if open_ended and not names_end_token(program):
        for place in dict.fromkeys(open_ended):
            says = "this chat template writes no end token after a turn, so that no answer in training has one"
            yield Alarm(place, says, Certainty.LIKELY, mending=MENDING)


def _closes_turns(template: str) -> bool:
    plain = JINJA_END.sub("", template)
    return ANY_END.search(plain) is not None or END_TOKEN.search(plain) is not None


def _templates(program: Program) -> Iterator[tuple[str, Place]]:
    """Literal templates that write messages, with their place, in scripts that make training data."""
    training = [entry_of(call.event) for call in trainings(program)]
    training += [entry_of(event) for event in program.returns if _makes_labels(event.value)]
    held: list[tuple[Event, Value | None]] = [(e, e.value) for e in program.attributes_set("chat_template")]
    held += [(call.event, argument(call, "chat_template")) for call in chat_templates(program)]
    for event, value in held:
        found, is_complete = possible(value)
        texts = [one.value for one in found if isinstance(one.value, str)]
        whole = [text for text in texts if "{%" in text and "content" in text]
        entry = entry_of(event)
        trained = any(entry is file or entry in program.reached_from(file) for file in training)
        if trained and is_complete and value is not None and value.place is not None and len(whole) == len(found) > 0:
            yield max(whole, key=_closes_turns), value.place


def _makes_labels(value: Value) -> bool:
    """Whether a value is a row or batch with labels."""
    entries = value.entries if isinstance(value, Mapping) else ()
    return any(isinstance(key, Constant) and key.value == "labels" for key, _ in entries)


def _looked(program: Program) -> bool:
    return any(_closes_turns(text) for text, _ in _templates(program))


RULE = script_rule(
    code="TOK014",
    slug="chat-template-without-end-of-turn",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("a chat template that is written out, in a program that trains",),
    find=find,
    looked=_looked,
    missing="a chat template that is written out, and training with it",
)
