"""Byte-level vocabularies through `tiktoken`, which encodes several times faster than `tokenizers`.

It knows which `tokenizer.json` say exactly what `tiktoken` does: no normaliser but NFC, one splitting expression, all
bytes in the vocabulary, merges whose order alone decides. It declines everything else, single texts too. Whether the
answers are equal in fact is for others to compare.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainclinic.encoding.tokens.byte_alphabet import byte_to_character, bytes_of
from trainclinic.encoding.tokens.hard_texts import every_character
from trainclinic.encoding.tokens.tokenizer import Ids, Tokens

_GPT2_SPLIT = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_LONGEST_UNIT = 4
_REPEATS = (2, 3, 4, 5, 7, 9, 12, 17, 33, 70, 131)


@dataclass(frozen=True, slots=True)
class ByteLevelEncoder:
    """A byte-level vocabulary in `tiktoken`.

    Attributes:
        encoding: `tiktoken.Encoding` whose numbers are ranks: bytes, merges in order, then special tokens.
        id_of_rank: Token id of each rank, `[ranks]`.
        length_of_rank: Bytes of each rank, `[ranks]`.
        needs_nfc: Whether texts are normalised first; texts that this would change are declined.
        declined: Special tokens that take white space with them or are found in another order, as an expression.
        probes: Texts that are hard for this vocabulary.
    """

    encoding: Any
    id_of_rank: Ids
    length_of_rank: Ids
    needs_nfc: bool
    declined: re.Pattern[str] | None
    probes: Sequence[str] = field(default=())

    def ids(self, text: str) -> Ids | None:
        """Ids alone, `None` when the text is not for this encoder."""
        ranks = self._ranks(text)
        return None if ranks is None else self.id_of_rank[ranks]

    def encode(self, text: str) -> Tokens | None:
        """A text as tokens with their characters: a part of a character counts as that character.

        Returns:
            `None` when the text is not for this encoder.
        """
        ranks = self._ranks(text)
        if ranks is None:
            return None
        ends = np.cumsum(self.length_of_rank[ranks], dtype=np.int32)
        starts = np.concatenate([np.zeros(1, np.int32), ends])[:-1]
        if not text.isascii():
            starts, ends = _characters(text, starts, ends)
        return Tokens(self.id_of_rank[ranks], starts, ends)

    def _ranks(self, text: str) -> NDArray[np.uint32] | None:
        if self.needs_nfc and not unicodedata.is_normalized("NFC", text):
            return None
        if self.declined is not None and self.declined.search(text):
            return None
        ranks: NDArray[np.uint32] = self.encoding.encode_to_numpy(text, allowed_special="all", disallowed_special=())
        return ranks


def fast_encoder(written: Mapping[str, Any], backend: Any) -> ByteLevelEncoder | None:
    """The fast encoder of a tokenizer.

    Args:
        written: `tokenizer.json`.
        backend: The `tokenizers.Tokenizer` of it.

    Returns:
        `None` when its rules are not those of `tiktoken`, or `tiktoken` is not installed.
    """
    expression = _splitting(written.get("pre_tokenizer"))
    normalizer: Mapping[str, Any] = written.get("normalizer") or {}
    model: Mapping[str, Any] = written.get("model") or {}
    if expression is None or normalizer.get("type") not in {None, "NFC"} or not _is_plain(model):
        return None
    ranks = _ranks(model["vocab"], [_pair(merge) for merge in model["merges"]])
    if ranks is None or not _is_sound(model, ranks):
        return None
    specials = backend.get_added_tokens_decoder()
    return _built(expression, model["vocab"], ranks, specials, needs_nfc=bool(normalizer))


def _built(
    expression: str,
    vocabulary: Mapping[str, int],
    ranks: Mapping[str, int],
    specials: Mapping[int, Any],
    *,
    needs_nfc: bool,
) -> ByteLevelEncoder | None:
    try:
        import tiktoken
    except ImportError:
        return None
    raw = {token: bytes_of(token) or b"" for token in ranks}
    texts = {token.content: number for number, token in specials.items()}
    special_ranks = {text: len(ranks) + at for at, text in enumerate(texts)}
    try:
        encoding = tiktoken.Encoding(
            "converted",
            pat_str=expression,
            mergeable_ranks={raw[token]: rank for token, rank in ranks.items()},
            special_tokens=special_ranks,
        )
    except ValueError:
        return None
    ids = [vocabulary[token] for token in ranks] + list(texts.values())
    lengths = [len(raw[token]) for token in ranks] + [len(text.encode()) for text in texts]
    return ByteLevelEncoder(
        encoding=encoding,
        id_of_rank=np.array(ids, dtype=np.int32),
        length_of_rank=np.array(lengths, dtype=np.int32),
        needs_nfc=needs_nfc,
        declined=_declined(specials.values()),
        probes=(*every_character(), *_repetitions(raw.values())),
    )


def _splitting(written: Mapping[str, Any] | None) -> str | None:
    """The one expression that cuts a text before merging, `None` when it is cut in another way."""
    match {"use_regex": True, **(written or {})}:
        case {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}:
            return _GPT2_SPLIT
        case {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": str(expression)}, "behavior": "Isolated", "invert": False},
                {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False},
            ],
        }:
            return expression
    return None


def _is_plain(model: Mapping[str, Any]) -> bool:
    """Whether a model is byte-pair encoding without any of its variations."""
    variations = ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback")
    has_bytes = all(character in model.get("vocab", ()) for character in byte_to_character())
    return model.get("type") == "BPE" and has_bytes and not any(model.get(name) for name in variations)


def _pair(merge: str | list[str]) -> tuple[str, str]:
    first, second = merge.split(" ") if isinstance(merge, str) else merge
    return first, second


def _ranks(vocabulary: Mapping[str, int], merges: Iterable[tuple[str, str]]) -> dict[str, int] | None:
    """Order of the tokens: bytes, then what each merge makes.

    Returns:
        `None` when several merges make a token and others stand between them, so that no single order says it all.
    """
    ranks = {character: rank for rank, character in enumerate(byte_to_character())}
    last = ""
    for first, second in merges:
        merged = first + second
        if merged in ranks and merged != last:
            return None
        if merged not in vocabulary or bytes_of(merged) is None:
            return None
        ranks.setdefault(merged, len(ranks))
        last = merged
    return ranks


def _is_sound(model: Mapping[str, Any], ranks: Mapping[str, int]) -> bool:
    """Whether merging any two neighbours that make a known token is the same as merging the listed pairs.

    For each token one of two facts is enough: every way of cutting it into two tokens is listed, or its own letters
    alone lead to it, since then no other two parts of it can ever become neighbours. Tokens that no merge makes are
    found as whole words only where `ignore_merges` is set, and nowhere in `tiktoken`.
    """
    from tokenizers import models

    pairs = {_pair(merge) for merge in model["merges"]}
    if model.get("ignore_merges") and any(token not in ranks and bytes_of(token) for token in model["vocab"]):
        return False
    alone = models.BPE(vocab=dict(model["vocab"]), merges=sorted(pairs, key=lambda pair: ranks[pair[0] + pair[1]]))
    return all(
        all((token[:at], token[at:]) in pairs for at in _cuts(token, ranks))
        or [piece.value for piece in alone.tokenize(token)] == [token]
        for token in ranks
        if len(token) > 1
    )


def _cuts(token: str, ranks: Mapping[str, int]) -> Iterable[int]:
    return (at for at in range(1, len(token)) if token[:at] in ranks and token[at:] in ranks)


def _declined(specials: Iterable[Any]) -> re.Pattern[str] | None:
    """Special tokens that the two libraries find in different ways."""
    tokens = list(specials)
    texts = [token.content for token in tokens]
    mixed = len({token.normalized for token in tokens}) > 1
    odd = [
        token.content
        for token in tokens
        if token.lstrip or token.rstrip or token.single_word or (mixed and token.normalized)
    ]
    ordered = sorted(texts)
    odd += [first for first, second in pairwise(ordered) if second.startswith(first)]
    return re.compile("|".join(map(re.escape, odd))) if odd else None


def _repetitions(tokens: Iterable[bytes]) -> list[str]:
    """Repeated units that the vocabulary holds: where merges overlap, orders of merging show."""
    units = {token[:length] for token in tokens for length in range(1, _LONGEST_UNIT + 1) if _repeats(token, length)}
    texts = (unit.decode("utf-8", "ignore") for unit in sorted(units))
    return [text * count for text in texts if text for count in _REPEATS]


def _repeats(token: bytes, length: int) -> bool:
    return len(token) >= 2 * length and token == (token[:length] * len(token))[: len(token)]


def _characters(text: str, starts: Ids, ends: Ids) -> tuple[Ids, Ids]:
    """Places in bytes as places in characters, each widened to the characters that it touches."""
    raw = np.frombuffer(text.encode(), dtype=np.uint8)
    character = np.cumsum((raw & 0xC0) != 0x80, dtype=np.int32) - np.int32(1)
    return character[starts], character[ends - 1] + np.int32(1)
