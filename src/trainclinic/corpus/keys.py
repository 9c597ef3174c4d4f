"""Which fields of a file hold the question, more of it, and the answer: for programs that read the rows themselves.

Found by what a way of writing rows makes of them, not by names: the value that became the answer is the answer's. It
does not know what the rows are for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from trainclinic.corpus.container import all_containers
from trainclinic.corpus.fields import Content
from trainclinic.corpus.raw import Raw
from trainclinic.corpus.row_schema import all_schemas, renamed
from trainclinic.corpus.stream import DataFile

if TYPE_CHECKING:
    from trainclinic.corpus.corpus import Shard

LOOKED_AT = 50
"""Rows from which the fields are told; the commonest answer counts."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Names of fields, empty where a file has none.

    Attributes:
        question: The prompt, question or instruction.
        more: A second part of the prompt.
        answer: The answer, the list of messages, or the text.
    """

    question: str = ""
    more: str = ""
    answer: str = ""


def keys_of(shard: Shard) -> Keys:
    """The fields of a file, from its first rows; none where rows are no objects with fields.

    Args:
        shard: The file.

    Raises:
        ReadError: If the file cannot be opened.
    """
    schema = all_schemas().get(shard.schema) if shard.schema else None
    if schema is None:
        return Keys()
    columns = dict(shard.columns)
    counted: Counter[Keys] = Counter()
    more: Counter[str] = Counter()
    file = DataFile(shard.path, shard.name, shard.compression)
    for raw in islice(all_containers()[shard.form].read(file), LOOKED_AT):
        if not isinstance(raw, Raw) or raw.schema or not isinstance(raw.value, Mapping):
            continue
        row = renamed(raw.value, columns)
        content = Content(from_table=raw.from_table)
        schema.read(row, content)
        found = _found(raw.value, content)
        more[found.more] += 1 if found.more else 0
        counted[Keys(found.question, "", found.answer)] += 1
    if not counted:
        return Keys()
    usual = counted.most_common(1)[0][0]
    second = more.most_common(1)[0][0] if more.total() else ""
    return Keys(usual.question, second, usual.answer)


def _found(row: Mapping[str, Any], content: Content) -> Keys:
    said = {message.role: message.content for message in content.messages}  # the last of each role
    asked, told = said.get("user", ""), said.get("assistant", content.text or "")
    texts = {name: value for name, value in row.items() if isinstance(value, str) and value.strip()}
    answer = next((name for name, value in texts.items() if told and value.strip() == told.strip()), "")
    if not answer:  # a list of turns
        answer = next((name for name, value in row.items() if isinstance(value, list) and value), "")
        return Keys(answer=answer)
    parts = [name for name, value in texts.items() if name != answer and asked and value.strip() in asked]
    parts.sort(key=lambda name: asked.find(texts[name].strip()))
    question, second = (*parts, "", "")[:2]
    return Keys(question, second, answer)
