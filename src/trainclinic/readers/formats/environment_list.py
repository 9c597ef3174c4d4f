"""Where a run happened: `requirements.txt`, `pip freeze`, `environment.yml`, `environment.txt` in free words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trainclinic.readers.checks.line import Line
from trainclinic.readers.checks.repeats import claims
from trainclinic.readers.fragment import Fragment
from trainclinic.readers.grammars.commands import begins_command, settings_of_command
from trainclinic.readers.reader import Reader
from trainclinic.readers.redact import redact
from trainclinic.readers.settings.hardware_words import device_in, gpu_in, server_gpu_in, versions_in
from trainclinic.readers.settings.interpreter import facts_from_settings
from trainclinic.record.facts import Fact
from trainclinic.record.parts import Event

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile

_NAMES = re.compile(
    r"(.*requirements?.*|environment.*|env|pip[-_ ]?(freeze|list).*|versions?|packages|constraints.*|conda.*"
    r"|collect_?env.*|system_?info.*|hardware.*|env[-_]info.*)\.(txt|ya?ml|md|in|log)",
    re.I,
)
_PIN = re.compile(r"^\s*-?\s*([A-Za-z][\w.-]{0,60})(?:\[[\w,.-]*\])?\s*(===?|=)\s*v?(\d[\w.+!-]*)")
_LISTED = re.compile(r"^([A-Za-z][\w.-]{0,60})\s{1,40}v?(\d+(?:\.\w+)+[\w.+-]*)\s*$")
_WANTED = re.compile(
    r"^\s*-?\s*([A-Za-z][\w.-]{0,60})(?:\[[\w,.-]*\])?\s*((?:>=|<=|~=|!=|<|>)[^;#\s]+(?:,\s*[<>=!~][^;#\s]+)*)"
)
_KEY_VALUE = re.compile(r"^\s*([A-Za-z][\w -]{1,40}?)\s*:\s+([^\s(,][^(,\n]{0,60})")
_MOST_LINES = 5_000


def sniff(file: LogFile) -> float:
    """By the file's name, when a line names a library version or an accelerator."""
    if not _NAMES.fullmatch(file.path.name) or file.is_binary:
        return 0.0
    lines = file.head_text.splitlines()[:300]
    telling = any(_PIN.match(line) or _WANTED.match(line) or gpu_in(line) or any(versions_in(line)) for line in lines)
    named = file.path.name.lower().startswith(("requirements", "environment"))
    return 0.92 if telling else 0.3 if named and file.path.suffix == ".txt" else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read pinned versions as versions, minimums under the package's name, and what the lines say about the machine."""
    fragment = Fragment(file=file.name, reader="environment_list")
    settings: list[tuple[str, object, int | None]] = []
    sentences: list[Line] = []
    for number, line in file.lines():
        if number > _MOST_LINES:
            file.count_damage(f"lines after the first {_MOST_LINES:,} were not read", number)
            break
        text = line.partition(" #")[0].rstrip()
        if not text or text.startswith("#"):
            continue
        sentences.append(Line(number, text))
        fragment.versions += [
            Fact(name, version, file.source(number, name), "config") for name, version in _versions(text)
        ]
        if wanted := _WANTED.match(text):
            fragment.other_facts.append(
                Fact(f"requires {wanted[1].lower()}", redact(wanted[2]), file.source(number), "config")
            )
        else:
            settings += _machine(text, number)
    facts, others, _ = facts_from_settings(settings, "config", file)
    fragment.facts += facts
    fragment.other_facts += others
    fragment.events += [Event(claim.kind, redact(claim.says), file.source(claim.line)) for claim in claims(sentences)]
    return [fragment]


def _versions(line: str) -> Iterator[tuple[str, str]]:
    found = _PIN.match(line) or _LISTED.match(line)
    if found:
        name = found[1].lower().replace("_", "-")
        yield {"pytorch": "torch"}.get(name, name), found[found.lastindex or 2]
    else:
        yield from versions_in(line)


def _machine(line: str, number: int) -> Iterator[tuple[str, object, int | None]]:
    """The accelerator, the device, a launch command or a setting that a line of free text names."""
    if gpu := gpu_in(line) or server_gpu_in(line):
        yield "gpu_name", gpu, number
    if device := device_in(line):
        yield "device", device, number
    for name, value, _ in settings_of_command(line) if begins_command(line) else ():
        yield name, value, number
    if re.search(r"\bvariable[- ]length (?:batch|sequence|input)|\bdynamic (?:shapes|padding)\b", line, re.I):
        yield "dynamic_padding", True, number
    found = _KEY_VALUE.match(line)
    if found and not gpu:
        yield found[1], found[2].strip(), number


READER = Reader(
    name="environment_list",
    title="requirements.txt, pip freeze, environment.yml, environment.txt",
    recognised_by="the file's name, and a line with a library version or an accelerator",
    delivers="library versions, accelerator, device, number of processes",
    limits="a minimum (`>=`) is no version: it is kept under the package's name",
    sniff=sniff,
    read=read,
)
