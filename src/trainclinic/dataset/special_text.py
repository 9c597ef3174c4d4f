"""Text inside rows that is written like a special token, and what the tokenizer makes of it.

It knows literals, their places and whether they are one id. It does not know whether they are meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from trainclinic.corpus.sample import Message, Sample
from trainclinic.dataset.once import asked_once
from trainclinic.encoding.templates.template import ChatTemplate, TemplateError
from trainclinic.encoding.tokens.special_tokens import END_OF_TURN
from trainclinic.knowledge.models import ModelFamily, family_of, special_tokens_in
from trainclinic.record.errors import TrainclinicError

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

ENDS = END_OF_TURN | {"</s>", "<eos>", "[EOS]", "<|end_of_text|>", "<|endoftext|>", "<｜end▁of▁sentence｜>"}
"""Literals that end a text or a turn in some public family."""
PLACEHOLDERS = frozenset(
    {"<unk>", "<pad>", "<mask>", "[UNK]", "[PAD]", "[MASK]", "[CLS]", "[SEP]", "[gMASK]"}
    | {f"<extra_id_{number}>" for number in range(100)}
)
"""Literals that stand in ordinary text as well: unknown words of WikiText, redacted names, gaps to fill."""
MOST = 200
"""Literals of one text that are looked at."""
_OPENINGS = (
    "<|",
    "<｜",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "_of_turn>",
    "<bos>",
    "<eos>",
    "OS]",
    "_TOKEN>",
)
_TURNS = (Message("system", "Be brief."), Message("user", "Why?"), Message("assistant", "So."))


@asked_once
def known_family(data: Data) -> ModelFamily | None:
    """The public family of the model or, without its name, of the tokenizer; `None` when neither name tells."""
    return family_of(data.model) if data.model else family_of(data.tokenizer.name)


@asked_once
def template_markup(data: Data) -> frozenset[str]:
    """Literals that the chat template itself writes, by its source or into a small conversation."""
    if not data.rows.has_real_template:
        return frozenset()
    try:
        template = data.rows.template
    except TrainclinicError:
        return frozenset()
    found = {token for token, _ in special_tokens_in(template.source)}
    for turns in (_TURNS, _TURNS[1:]):
        found |= {token for token, _ in special_tokens_in(_rendered(template, turns))}
    return frozenset(found)


def _rendered(template: ChatTemplate, turns: tuple[Message, ...]) -> str:
    try:
        return template.render(turns, generation_prompt=True).text
    except TemplateError:
        return ""


def token_count(data: Data, literal: str) -> int:
    """Ids that a literal becomes under the tokenizer."""
    known = literal_counts(data)
    if literal not in known:
        known[literal] = len(data.tokenizer.ids([literal])[0])
    return known[literal]


@asked_once
def literal_counts(data: Data) -> dict[str, int]:  # noqa: ARG001
    """Ids of each literal that was asked for so far."""
    return {}


def texts_of(sample: Sample) -> Iterator[tuple[str, bool]]:
    """The texts of a row as they were written, each with whether the model is to write it."""
    if sample.text:
        yield sample.text, True
    for message in sample.messages:
        yield message.content, message.is_answer


def markup_in(text: str, *, is_target: bool) -> Iterator[str]:
    """Literals that stand in a text as markup: at its beginning, at its end, or at the beginning of a line.

    A mention inside a sentence, in quotes or in a block of code is none, nor is HTML that strikes words out with `<s>`.

    Args:
        text: A text of a row.
        is_target: Whether the model is to write it; a question may end in the name of a token.
    """
    if not any(opening in text for opening in _OPENINGS):
        return
    front, last = len(text) - len(text.lstrip()), len(text.rstrip())
    for literal, at in islice(special_tokens_in(text), MOST):
        is_first, is_last = at - front < 3 and not text[front:at].strip(), is_target and at + len(literal) == last
        front = at + len(literal) if is_first else front
        if literal in PLACEHOLDERS:
            continue
        if literal in ("<s>", "</s>"):
            if _is_boundary(text, literal, is_first=is_first, is_last=is_last):
                yield literal
        elif is_first or is_last or (text[at - 1] == "\n" and text.count("```", 0, at) % 2 == 0):
            yield literal


def _is_boundary(text: str, literal: str, *, is_first: bool, is_last: bool) -> bool:
    if literal == "<s>":
        return is_first and ("</s>" not in text or text.rstrip().endswith("</s>") or "[INST]" in text)
    return is_last and ("<s>" not in text or text.lstrip().startswith("<s>"))
