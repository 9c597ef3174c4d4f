"""What the name of a model tells about its tokenizer and its modules.

A table of public families, first match by the beginning of the name. It holds what is certain: a field that is `None`
is not known. Fine-tunes that other people published under a name of their own are not recognised, because they often
add tokens. Nothing is downloaded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from trainclinic.signals.pretrained_families import is_chat_model

_FILE = Path(__file__).parent / "model_families.json"
_DERIVED = re.compile(r"orca|hermes|dolphin|wizard|guanaco|alpaca|samantha|airoboros|tulu|chatml|nous|maid|instruct-ft")
_SHAPES = re.compile(
    r"<\|[^|<>\s]{1,40}\|>|<｜[^｜<>\s]{1,40}｜>|</?s>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>"
    r"|<(?:bos|eos|pad|unk|mask)>|\[(?:CLS|SEP|PAD|MASK|UNK|gMASK|BOS|EOS)\]|<extra_id_\d{1,3}>|<(?:BOS|EOS)_TOKEN>"
)
_LONGEST = 64


@dataclass(frozen=True, slots=True)
class ModelFamily:
    """Models that share a tokenizer and an architecture. `None` means: not known.

    Attributes:
        name: Short name.
        title: Name as people write it.
        kind: What the model is for: text in one stream, text to text, or encoding alone.
        tokens: Special tokens, each one id.
        plain: Chat markup of the family that its tokenizer splits like other text: right in a template, no stop token.
        complete: Whether `tokens` and `numbered` hold every special token.
        modules: Names of linear layers that an adapter can target.
        bos: Token at the beginning of a text, empty when there is none.
        eos: Token at the end of a text, of the base model.
        eos_instruct: The same of its chat models, where it differs.
        pad: Padding token that the tokenizer ships with, empty when none.
        unk: Token for unknown text, empty when none.
        adds_bos: Whether calling the tokenizer puts BOS before a text.
        adds_eos: Whether calling the tokenizer puts EOS after a text.
        base_markup_untrained: Whether the chat tokens of the base model were never trained.
        vocabulary: Rows of the embedding matrix.
        numbered: Tokens with a number in place of `{}`.
        unsure: Literals about which `has` makes no claim.
    """

    name: str
    title: str
    kind: Literal["causal", "seq2seq", "encoder"]
    tokens: frozenset[str]
    plain: frozenset[str]
    complete: bool
    modules: frozenset[str]
    bos: str | None = None
    eos: str | None = None
    eos_instruct: str | None = None
    pad: str | None = None
    unk: str | None = None
    adds_bos: bool | None = None
    adds_eos: bool | None = None
    base_markup_untrained: bool | None = None
    vocabulary: int | None = None
    numbered: tuple[str, ...] = ()
    unsure: frozenset[str] = frozenset()

    def has(self, token: str) -> bool | None:
        """Whether a literal is a special token of this family, `None` when that is not known."""
        if token in self.tokens or any(_numbered(pattern).fullmatch(token) for pattern in self.numbered):
            return True
        return None if token in self.unsure or not self.complete else False

    def eos_of(self, model_id: str) -> str | None:
        """The EOS token of one of its models, `None` when it is not known or the name does not tell.

        Args:
            model_id: Identifier or path of the model.
        """
        if self.eos_instruct is None or self.eos_instruct == self.eos:
            return self.eos
        tuned = is_instruct(model_id)
        return None if tuned is None else self.eos_instruct if tuned else self.eos


def family_of(model_id: str) -> ModelFamily | None:
    """The family that a name belongs to, `None` for names that do not tell.

    Args:
        model_id: Identifier (`unsloth/llama-3-8b-bnb-4bit`), or a local path one of whose folders carries the name.
    """
    for part in reversed(model_id.lower().replace("\\", "/").split("/")):
        if _DERIVED.search(part):
            return None
        for pattern, family in _families():
            if pattern.match(part):
                return family
    return None


def is_instruct(model_id: str) -> bool | None:
    """Whether a model was tuned on dialogues, `None` for names that do not tell.

    Args:
        model_id: Identifier or path; its last part decides.
    """
    found = is_chat_model(model_id)
    return None if found is None else found[0]


def ships_pad(model_id: str) -> bool | None:
    """Whether the tokenizer of a model comes with a padding token, `None` when that is not known.

    Args:
        model_id: Identifier or path. The mirrors of `unsloth` add one, so that they tell nothing.
    """
    family = family_of(model_id)
    if family is None or family.pad is None or model_id.lower().startswith("unsloth/"):
        return None
    return family.pad != ""


def owners_of(token: str) -> frozenset[str]:
    """Names of the families in whose tokenizers a literal is a special token."""
    return frozenset(family.name for _, family in _families() if family.has(token))


def looks_like_special_token(text: str) -> bool:
    """Whether a text as a whole is written like a special token, of a known family or not."""
    if len(text) > _LONGEST:
        return False
    return bool(_SHAPES.fullmatch(text)) or text in _tokens()


def special_tokens_in(text: str) -> Iterator[tuple[str, int]]:
    """What is written like a special token inside a text, with its offset, from left to right."""
    for match in _SHAPES.finditer(text):
        yield match.group(), match.start()


@cache
def _tokens() -> frozenset[str]:
    return frozenset(token for _, family in _families() for token in family.tokens)


@cache
def _numbered(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\{\}", r"\d{1,5}"))


@cache
def _families() -> tuple[tuple[re.Pattern[str], ModelFamily], ...]:
    table = json.loads(_FILE.read_text(encoding="utf-8"))
    return tuple((re.compile(row["pattern"]), _family(row, table["modules"])) for row in table["families"])


def _family(row: dict[str, Any], module_sets: dict[str, list[str]]) -> ModelFamily:
    fields = {name: value for name, value in row.items() if name not in {"pattern", "modules", "kind"}}
    modules = row["modules"]
    fields |= {name: frozenset(row.get(name, ())) for name in ("tokens", "plain", "unsure")}
    return ModelFamily(
        **{**fields, "numbered": tuple(row.get("numbered", ()))},
        kind=row.get("kind", "causal"),
        modules=frozenset(module_sets[modules] if isinstance(modules, str) else modules),
    )
