"""What the checks need of a tokenizer, whichever library or file it comes from.

It knows token ids, the characters they stand for, and special tokens. It does not know models or rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """A text as tokens.

    Attributes:
        ids: Token ids, `[n]`.
        starts: First character of each token in the text, `[n]`; tokens that stand for no text start and end where the
            text around them does.
        ends: Character after the last one of each token, `[n]`.
    """

    ids: Ids
    starts: Ids
    ends: Ids

    def __len__(self) -> int:
        """Number of tokens."""
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Specials:
    """Special tokens of a tokenizer.

    Attributes:
        ids: Text of every special token to its id.
        begin: Token before a text, empty when there is none.
        end: Token after a text (EOS), empty when there is none.
        pad: Padding token, empty when there is none.
        unknown: Token for text without tokens, empty when there is none.
        adds_begin: Whether encoding a text with special tokens puts `begin` before it.
        adds_end: Whether encoding a text with special tokens puts `end` after it.
        ends: Ids that end an answer: EOS and end-of-turn tokens (`<|im_end|>`, `<|eot_id|>`, `<end_of_turn>` ...).
    """

    ids: dict[str, int] = field(default_factory=dict)
    begin: str = ""
    end: str = ""
    pad: str = ""
    unknown: str = ""
    adds_begin: bool = False
    adds_end: bool = False
    ends: frozenset[int] = frozenset()

    def id_of(self, token: str) -> int | None:
        """The id of a special token, or `None` when the tokenizer has no such token."""
        return self.ids.get(token) if token else None


class Tokenizer(Protocol):
    """A tokenizer."""

    @property
    def name(self) -> str:
        """How the user would name it: folder, file, model name, or `bytes`."""

    @property
    def is_stand_in(self) -> bool:
        """Whether it only stands in for a tokenizer that was not given: its counts are estimates."""

    @property
    def specials(self) -> Specials:
        """Its special tokens."""

    @property
    def vocabulary_size(self) -> int:
        """Number of ids, added tokens included."""

    @property
    def longest(self) -> int | None:
        """`model_max_length` of its settings; `None` when it is not stated or is a number without meaning."""

    @property
    def template(self) -> str:
        """Chat template as Jinja source; empty when there is none."""

    def encode(self, texts: Sequence[str], *, specials: bool) -> list[Tokens]:
        """Texts as tokens with their characters.

        Args:
            texts: What to encode. Special-token text inside it becomes special tokens, as in training.
            specials: Whether to add the begin and end tokens that the tokenizer itself adds.
        """

    def ids(self, texts: Sequence[str]) -> list[Ids]:
        """Token ids alone, without added begin and end tokens, by the fastest way there is."""

    def piece(self, token: int) -> str:
        r"""The text of one token, as it would be shown; bytes that are no text alone are written as `\xe2`."""
