"""Token ids of one text from two tools: equal, or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from trainclinic.readers.checks.line import Claim, Line, pattern, shortened

_IDS = r"\[\s*(\d{1,7}(?:(?:\s*,\s*|\s+)\d{1,7})*)\s*\]"
_TOOL = (
    r"\b(?:hf|hugging ?face|transformers|auto ?tokenizer|tokenizers?|llama\.?cpp|llama-\w+|main|gguf|ggml|vllm|ollama"
    r"|sglang|tgi|tensorrt|mlx|onnx|exllama\w*|slow|fast|train(?:ing|er)?|infer(?:ence)?|serv(?:ing|er|e)|client|eval"
    r"|tiktoken|sentencepiece|spm|template|rendered|python|before|after|reference|ours|expected|actual|got|old|new"
    r"|runtime|export(?:ed)?|original|merged|tool [a-z\d]|[ab])\b"
)
_ABOUT = r"token|\bids?\b|<\W?\w+\W?>|\bbos\b"
"""Lists of whole numbers are common; lists of token ids stand beside one of these."""
FIRST_IDS, LAST_IDS = 5, 100_000
"""Sentencepiece vocabularies begin with their special tokens; large byte-level ones end with them."""
_SEPARATOR = r"\s*(?:->|=>|→|:\s|\|\s|=\s|\t)\s*|\s{2,}"


class _Listed(NamedTuple):
    """One list of ids: who gives it, of which text."""

    line: Line
    tool: str
    text: str
    ids: tuple[int, ...]


def claims(lines: Sequence[Line]) -> Iterator[Claim]:
    """Each text whose ids two tools list: that they differ, or that they agree."""
    listed: list[_Listed] = []
    told = ""
    for line in lines:
        found = pattern(_IDS).search(line.text)
        if found is None:
            if named := pattern(r"^\W*(?:text|string|prompt|input)\b\W*(.+)$").search(line.text):
                told = named[1].strip()
            continue
        listed.append(_listed(line, line.text[: found.start()], found[1], told))
    for one in listed:
        if (
            len(one.ids) > 2
            and one.ids[0] == one.ids[1]
            and _is_special(one.ids[0])
            and _is_about_tokens(one.line.text)
        ):
            yield Claim("begin-token-twice", shortened(one.line.text), one.line.number, float(one.ids[0]))
    seen: dict[str, _Listed] = {}
    for one in listed:
        first = seen.setdefault(one.text, one)
        if not _is_about_tokens(f"{first.line.text} {one.line.text}"):
            continue
        if first is one or first.tool == one.tool or not (_is_tool(first.tool) or _is_tool(one.tool)):
            continue
        if first.ids == one.ids:
            yield Claim("token-ids-equal", shortened(one.line.text), one.line.number, float(len(one.ids)))
        else:
            yield Claim("token-ids-differ", _contrast(first, one), one.line.number, float(len(one.ids)))


def _listed(line: Line, before: str, ids: str, told: str) -> _Listed:
    """Take the words before a list apart: the first part names the tool, the rest is the text."""
    parts = [part.strip(" '\"`") for part in pattern(_SEPARATOR).split(before.strip())]
    parts = [part for part in parts if part]
    parts = [part for part in parts if part.lower() not in {"ids", "input_ids", "tokens", "token ids"}]
    tool = parts[0] if parts else ""
    if len(parts) > 1 and _is_tool(parts[-1]) and not _is_tool(tool):
        tool, parts = parts[-1], [*parts[-1:], *parts[:-1]]
    text = " ".join(parts[1:]) or told
    return _Listed(line, tool, text, tuple(map(int, pattern(r"\d+").findall(ids))))


def _is_about_tokens(text: str) -> bool:
    return pattern(_ABOUT).search(text) is not None


def _is_special(token: int) -> bool:
    """Whether an id may be a begin token: the first few of a vocabulary, or beyond 100,000."""
    return token <= FIRST_IDS or token >= LAST_IDS


def _is_tool(word: str) -> bool:
    return pattern(_TOOL).search(word) is not None


def _contrast(one: _Listed, other: _Listed) -> str:
    """Two lists side by side; what is merely one id more at the start is said so."""
    shown = [f"{listed.tool} gives {_some(listed.ids)}" for listed in (one, other)]
    long, short = sorted((one, other), key=lambda listed: -len(listed.ids))
    extra = len(long.ids) - len(short.ids)
    note = ""
    if extra > 0 and long.ids[extra:] == short.ids:
        note = f", which begins with {_some(long.ids[:extra])} more"
    text = f" for `{shortened(one.text, 60)}`" if one.text else ""
    return f"{shown[0]}, {shown[1]}{text}{note}"


def _some(ids: tuple[int, ...]) -> str:
    listed = ", ".join(map(str, ids[:8]))
    return f"[{listed}{', …' if len(ids) > 8 else ''}] ({len(ids)} ids)" if len(ids) > 1 else f"[{listed}]"
