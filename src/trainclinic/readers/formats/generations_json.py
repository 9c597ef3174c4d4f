"""Generated samples as JSON lines or a JSON list: `generations.jsonl`, `generated_predictions.jsonl`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from trainclinic.readers.fragment import Fragment
from trainclinic.readers.reader import Reader
from trainclinic.readers.redact import redact
from trainclinic.readers.samples.keys import (
    CERTAIN_OUTPUT,
    DATA_NAMES,
    FILE_NAMES,
    NAMES_OF_RUNS,
    NEW_TOKENS,
    OUTPUT,
    PADDING,
    PROMPT,
    REASON,
    REFERENCE,
    STEP,
    STOPPED,
    STORED_DATA,
)
from trainclinic.readers.tables.number_columns import as_number
from trainclinic.record.errors import ReadError
from trainclinic.record.parts import Generation

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile

MAX_SAMPLES = 5_000
_MAX_TEXT = 20_000
_MOST_LABEL = 80


def sniff(file: LogFile) -> float:
    """By rows with a text under a name for outputs, in a file named for samples or with names no training data have."""
    if file.path.suffix.lower() not in {".jsonl", ".json", ".ndjson"} or file.is_binary:
        return 0.0
    rows = [row for _, row in _first_rows(file.head_text)]
    if not rows or not any(_output_key(row) for row in rows):
        return 0.0
    is_data = STORED_DATA.match(file.path.stem) is not None
    if FILE_NAMES.match(file.path.stem) and not is_data:
        return 0.9
    certain = any(CERTAIN_OUTPUT & {key.lower() for key in row} or _counts_tokens(row) for row in rows)
    return 0.7 if certain and not DATA_NAMES.search(file.path.stem) else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read every sample; rows without an output are counted.

    Raises:
        ReadError: If a JSON list is not complete.
    """
    fragment = Fragment(file=file.name, reader="generations_json")
    for number, row in _all_rows(file):
        if len(fragment.generations) >= MAX_SAMPLES:
            file.count_damage(f"samples after the first {MAX_SAMPLES:,} were not read", number)
            break
        generation = _generation(file, row, number) if isinstance(row, dict) else None
        if generation is None:
            file.count_damage("row without a generated text", number or None)
        else:
            fragment.generations.append(generation)
    return [fragment]


def _first_rows(head: str) -> list[tuple[int, dict[str, Any]]]:
    """The first rows of the head, from lines or from the objects of a list."""
    text = head.lstrip("\ufeff \r\n\t")
    rows: list[tuple[int, dict[str, Any]]] = []
    if text.startswith("["):
        decoder, at = json.JSONDecoder(), text.find("{")
        while at >= 0 and len(rows) < 5:
            try:
                row, end = decoder.raw_decode(text, at)
            except (ValueError, RecursionError):
                break
            rows.append((1, row))
            at = text.find("{", end)
        return rows
    for number, line in enumerate(text.split("\n")[:10], start=1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            rows.append((number, row))
    return rows


def _all_rows(file: LogFile) -> Iterator[tuple[int, Any]]:
    """Line and value of every row; lines that are not JSON are counted."""
    if file.head_text.lstrip("\ufeff \r\n\t").startswith("["):
        try:
            rows = json.loads(file.text())
        except (ValueError, RecursionError) as error:
            message = f"`{file.name}` is not complete JSON: {str(error)[:120]}"
            raise ReadError(message, hint="the file may be cut off") from error
        yield from ((0, row) for row in rows)
        return
    for number, line in file.lines():
        text = line.strip("\ufeff \t\r,")
        if not text:
            continue
        try:
            yield number, json.loads(text)
        except (ValueError, RecursionError):
            file.count_damage("line that is not a JSON object", number)


def _generation(file: LogFile, row: dict[str, Any], number: int) -> Generation | None:
    key = _output_key(row)
    if key is None:
        return None
    output = _text(row[key])
    taken = {key}
    parts: dict[str, Any] = {}
    for part, names in (("prompt", PROMPT), ("reference", REFERENCE), ("tokens", NEW_TOKENS), ("step", STEP)):
        found = _key_of(row, names, taken)
        if found is not None:
            taken.add(found)
            parts[part] = row[found]
    instruction, more = _key_of(row, ("instruction",), set()), _key_of(row, ("input",), {key})
    if instruction and more and row[more]:
        parts["prompt"] = f"{_text(row[instruction])}\n{_text(row[more])}"
        taken.add(more)
    prompt, reference = parts.get("prompt"), parts.get("reference")
    return Generation(
        output=redact(output[:_MAX_TEXT]),
        source=file.source(number or None),
        prompt=None if prompt is None else redact(_text(prompt)[:_MAX_TEXT]),
        reference=None if reference is None else redact(_text(reference)[:_MAX_TEXT]),
        new_tokens=_whole(parts.get("tokens")),
        label=redact(_label(row, taken)),
        step=_whole(parts.get("step")),
        stopped=_ended_by_itself(row),
        padding=_whole(row.get(_key_of(row, PADDING, taken) or "")),
    )


def _output_key(row: dict[str, Any]) -> str | None:
    """The key of the produced text; `answer` and `text` count only where nothing better stands."""
    key = _key_of(row, OUTPUT, set())
    return key if key is not None and (isinstance(row[key], (str, list)) or row[key] is None) else None


def _key_of(row: dict[str, Any], names: tuple[str, ...], taken: set[str]) -> str | None:
    lowered = {key.lower().replace("-", "_"): key for key in row if key not in taken}
    return next((lowered[name] for name in names if name in lowered), None)


def _counts_tokens(row: dict[str, Any]) -> bool:
    return _key_of(row, NEW_TOKENS[:6], set()) is not None


def _label(row: dict[str, Any], taken: set[str]) -> str:
    """What tells this sample from the others: the model or runtime by name, other short values with their key."""
    shown = []
    for key, value in row.items():
        if key in taken or key in REASON or isinstance(value, bool) or not isinstance(value, (str, int, float)):
            continue
        text = str(value)
        if len(text) <= _MOST_LABEL and "\n" not in text:
            shown.append(text if key.lower() in NAMES_OF_RUNS else f"{key} {text}")
    return ", ".join(shown)[:200]


def _ended_by_itself(row: dict[str, Any]) -> bool | None:
    """Whether generation ended by itself: `"stopped": true`, `"finish_reason": "length"`."""
    key = _key_of(row, STOPPED, set())
    if key is not None and isinstance(row[key], bool):
        return bool(row[key])
    reason = str(row.get(_key_of(row, REASON, set()) or "", "")).lower()
    if reason in {"length", "max_tokens", "max_new_tokens", "limit"}:
        return False
    return True if reason in {"stop", "eos", "eos_token", "stop_sequence", "end_turn"} else None


def _text(value: Any) -> str:
    """A text; chat messages and lists of texts one below the other."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(_text(item.get("content", "")) if isinstance(item, dict) else _text(item) for item in value)
    return "" if value is None else str(value)


def _whole(value: Any) -> int | None:
    number = as_number(value)
    return int(number) if number is not None and 0 <= number < 1e15 else None


READER = Reader(
    name="generations_json",
    title="Generated samples as JSON (generations.jsonl, generated_predictions.jsonl)",
    recognised_by="texts under names for outputs, in a file named for samples or with names no training data have",
    delivers="output, prompt, reference, number of new tokens, label and step of each sample",
    limits=f"the first {MAX_SAMPLES:,} samples; texts are cut after {_MAX_TEXT:,} characters",
    sniff=sniff,
    read=read,
)
