"""Generated samples as plain text: `generations.txt`, `samples.txt`, whatever a script printed into a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.readers.fragment import Fragment
from trainclinic.readers.reader import Reader
from trainclinic.readers.redact import redact
from trainclinic.readers.samples.keys import FILE_NAMES
from trainclinic.readers.samples.text import has_roles, samples
from trainclinic.record.parts import Generation

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile

_MAX_SAMPLES = 5_000
_MAX_TEXT = 20_000
_MAX_LINES = 200_000


def sniff(file: LogFile) -> float:
    """By a file name that people give to samples; more surely when lines say where a prompt or an output begins."""
    if file.path.suffix.lower() not in {".txt", ".md", ".out", ".log"} or file.is_binary:
        return 0.0
    if not FILE_NAMES.match(file.path.stem) or not file.head_text.strip():
        return 0.0
    certain = file.path.stem.lower().startswith(("generation", "generated", "sample", "completions", "predictions"))
    roles = has_roles(file.head_text.splitlines()[:200])
    if certain:
        return 0.9 if roles else 0.7
    return 0.3 if roles and file.path.suffix.lower() in {".txt", ".md"} else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read every sample.

    Raises:
        ReadError: If the file cannot be read.
    """
    lines: list[str] = []
    for number, line in file.lines():
        if number > _MAX_LINES:
            file.count_damage(f"lines after the first {_MAX_LINES:,} were not read", number)
            break
        lines.append(line.replace("\ufeff", ""))
    found = samples(lines)
    if len(found) > _MAX_SAMPLES:
        file.count_damage(f"samples after the first {_MAX_SAMPLES:,} were not read", found[_MAX_SAMPLES].line)
    fragment = Fragment(file=file.name, reader="generations_text")
    for sample in found[:_MAX_SAMPLES]:
        fragment.generations.append(
            Generation(
                output=redact(sample.output[:_MAX_TEXT]),
                source=file.source(sample.line),
                prompt=None if sample.prompt is None else redact(sample.prompt[:_MAX_TEXT]),
                reference=None if sample.reference is None else redact(sample.reference[:_MAX_TEXT]),
                new_tokens=sample.new_tokens,
                label=redact(sample.label),
                step=sample.step,
                stopped=None if sample.new_tokens is None else False,
            )
        )
    return [fragment]


READER = Reader(
    name="generations_text",
    title="Generated samples as text (generations.txt, samples.txt)",
    recognised_by="the file's name, and lines such as `Prompt:` and `Output:`",
    delivers="output, prompt, reference, label and step of each sample",
    limits="without markers, every paragraph counts as one sample without a prompt",
    sniff=sniff,
    read=read,
)
