"""A tokenizer over the `tokenizers` library, which reads every `tokenizer.json`.

It knows what the library answers, in the shapes of the contract. It does not know where the files came from; nothing
is cut and nothing is padded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from trainclinic.encoding.tokens.byte_alphabet import bytes_of
from trainclinic.encoding.tokens.fast import fast_encoder
from trainclinic.encoding.tokens.files import TokenizerFiles
from trainclinic.encoding.tokens.special_tokens import END_OF_TURN, specials_of
from trainclinic.encoding.tokens.tokenizer import Ids, Specials, Tokens
from trainclinic.encoding.tokens.trust import Trust
from trainclinic.record.errors import TrainclinicError

_SURROGATE = re.compile("[\ud800-\udfff]")
_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_PROBES = ("a", "1", " ")
_FLAGGED = frozenset({"LlamaTokenizer", "CodeLlamaTokenizer", "GemmaTokenizer", "CohereTokenizer"})
_AT_ONCE = 1024


class HfTokenizer:
    """A tokenizer of the `tokenizers` library.

    Args:
        backend: A `tokenizers.Tokenizer`; its truncation and padding are switched off.
        files: The settings that belong to it.
        name: How the user would name it.
        rebuild: Reads the same tokenizer again, in another process.
    """

    is_stand_in = False

    def __init__(self, backend: Any, files: TokenizerFiles, name: str, rebuild: tuple[Callable[..., Any], str]) -> None:
        backend.no_truncation()
        backend.no_padding()
        self.name = name
        self.longest = files.longest
        self.template = files.template
        self.vocabulary_size = int(backend.get_vocab_size(with_added_tokens=True))
        self._backend = backend
        self._rebuild = rebuild
        self._added = dict(backend.get_added_tokens_decoder().items())
        special = {
            token.content: number
            for number, token in self._added.items()
            if token.special or token.content in END_OF_TURN
        }
        measured = _additions(backend)
        self.specials = specials_of(files, special, self.vocabulary_size, measured)
        self._before, self._after = _flagged(files, self.specials, measured)
        self.specials = _with_additions(self.specials, self._before, self._after)
        self._trust = Trust(self._slowly, lambda: fast_encoder(json.loads(backend.to_str()), backend))

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        """How another process gets the same tokenizer: it reads the files again."""
        read, given = self._rebuild
        return read, (given,)

    def encode(self, texts: Sequence[str], *, specials: bool) -> list[Tokens]:
        """Texts as tokens with their characters.

        Args:
            texts: What to encode. Special-token text inside it becomes special tokens.
            specials: Whether to add the begin and end tokens that the tokenizer itself adds.

        Raises:
            TrainclinicError: If the library cannot encode a text.
        """
        found = self._trust.tokens([_whole(text) for text in texts])
        if not specials or not (self._before or self._after):
            return found
        return [self._framed(tokens, len(text)) for tokens, text in zip(found, texts, strict=True)]

    def ids(self, texts: Sequence[str]) -> list[Ids]:
        """Token ids alone, without added begin and end tokens.

        Raises:
            TrainclinicError: If the library cannot encode a text.
        """
        return self._trust.ids([_whole(text) for text in texts])

    def piece(self, token: int) -> str:
        r"""The text of one token; bytes that are no character alone are written as `\xe2`."""
        if token in self._added:
            return str(self._added[token].content)
        written = self._backend.id_to_token(int(token))
        if written is None:
            return f"<id {token}>"
        if (byte := _BYTE.fullmatch(written)) is not None:
            return _shown(bytes([int(byte[1], 16)]))
        if self._is_byte_level and (raw := bytes_of(written)) is not None:
            return _shown(raw)
        return str(written).replace("▁", " ")

    @property
    def _is_byte_level(self) -> bool:
        return "ByteLevel" in repr(self._backend.decoder) or "ByteLevel" in repr(self._backend.pre_tokenizer)

    def _slowly(self, texts: Sequence[str], *, offsets: bool) -> Iterator[Tokens]:
        encode = self._backend.encode_batch if offsets else self._backend.encode_batch_fast
        for first in range(0, len(texts), _AT_ONCE):
            part = list(texts[first : first + _AT_ONCE])
            try:
                encodings = encode(part, add_special_tokens=False)
            except Exception as error:
                message = f"the tokenizer `{self.name}` cannot encode a text: {error}"
                raise TrainclinicError(message, hint="its vocabulary may lack an unknown token") from error
            for encoding in encodings:
                yield _tokens(encoding, offsets=offsets)

    def _framed(self, tokens: Tokens, length: int) -> Tokens:
        before, after = (np.array(ids, dtype=np.int32) for ids in (self._before, self._after))
        opening, closing = np.zeros(len(before), np.int32), np.full(len(after), length, np.int32)
        return Tokens(
            np.concatenate([before, tokens.ids, after]),
            np.concatenate([opening, tokens.starts, closing]),
            np.concatenate([opening, tokens.ends, closing]),
        )


def _tokens(encoding: Any, *, offsets: bool) -> Tokens:
    ids = np.array(encoding.ids, dtype=np.int32)
    if not offsets:
        return Tokens(ids, ids, ids)
    places = np.array(encoding.offsets, dtype=np.int32).reshape(-1, 2)
    return Tokens(ids, np.ascontiguousarray(places[:, 0]), np.ascontiguousarray(places[:, 1]))


def _whole(text: str) -> str:
    """A text that UTF-8 can hold: half of a surrogate pair becomes the replacement character, one for one."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _shown(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _additions(backend: Any) -> tuple[list[int], list[int]]:
    """Ids that encoding puts before and after a text."""
    for probe in _PROBES:
        plain = list(backend.encode(probe, add_special_tokens=False).ids)
        framed = list(backend.encode(probe, add_special_tokens=True).ids)
        for at in range(len(framed) - len(plain) + 1):
            if plain and framed[at : at + len(plain)] == plain:
                return framed[:at], framed[at + len(plain) :]
    return [], []


def _flagged(
    files: TokenizerFiles, specials: Specials, measured: tuple[list[int], list[int]]
) -> tuple[list[int], list[int]]:
    """What is added when the settings decide it: classes of the Llama kind rebuild their post-processor from flags."""
    before, after = measured
    if files.kind not in _FLAGGED:
        return measured
    begin, end = specials.id_of(specials.begin), specials.id_of(specials.end)
    stated = files.settings.get("add_bos_token"), files.settings.get("add_eos_token")
    if isinstance(stated[0], bool) and begin is not None:
        before = [begin] if stated[0] else []
    if isinstance(stated[1], bool) and end is not None:
        after = [end] if stated[1] else []
    return before, after


def _with_additions(specials: Specials, before: list[int], after: list[int]) -> Specials:
    from dataclasses import replace

    return replace(
        specials,
        adds_begin=specials.id_of(specials.begin) in before,
        adds_end=specials.id_of(specials.end) in after,
    )
