"""Collects the settings of a log line by line: blocks, dumps over several lines, commands, phrases, versions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trainclinic.readers.grammars.commands import begins_command, settings_of_command
from trainclinic.readers.grammars.printed_settings import (
    call_settings,
    has_hint,
    is_heading,
    known_settings,
    single_setting,
    spoken_settings,
    versions,
)
from trainclinic.readers.settings.interpreter import LIBRARIES

if TYPE_CHECKING:
    from trainclinic.record.facts import How

Found = tuple[str, str, int]

MAX_SETTINGS = 2_000
MAX_DUMP_LINES = 400
MAX_LINE = 4_000
SAMPLE_LINES = 60
"""Lines after `Generating text...` that may be the model's own words."""
_WIDE_SPACE = re.compile(r"(?<=\S)\s{3,}")
_RULE = re.compile(r"^[\s=\-_*#~─━]*$")
_ENVIRONMENT = re.compile(r"[A-Z][A-Z0-9_]*")
_SAMPLES_FOLLOW = re.compile(r"^\W*generat(?:ing|ed) (?:sample )?text|^\W*sample (?:output|generation)", re.I)


@dataclass(slots=True)
class SettingCollector:
    """Looks at the lines that are no rows.

    Attributes:
        found: Name, value and line by the kind of place.
        in_block: Whether the line before was part of a block of settings.
    """

    found: dict[How, list[Found]] = field(default_factory=dict)
    in_block: bool = False
    _block_lines: int = 0
    _command: list[str] = field(default_factory=list)
    _dump: list[str] = field(default_factory=list)
    _first: int = 0
    _open_brackets: int = 0
    _may_speak: bool = False
    _may_tell_versions: bool = False
    _off_until: int = 0

    @property
    def is_open(self) -> bool:
        """Whether the next line may belong to a block, command or dump that has begun."""
        return self.in_block or bool(self._command or self._dump)

    @property
    def count(self) -> int:
        """Number of settings found."""
        return sum(map(len, self.found.values())) + (1 << 20) * self.is_open

    def begin_block(self, lowered: str) -> None:
        """Find out which grammars a block of lines can concern at all."""
        self._may_speak = has_hint(lowered)
        self._may_tell_versions = any(library.replace("_", "-") in lowered for library in LIBRARIES)

    def in_sample(self, number: int) -> bool:
        """Whether a line may be text that the model wrote: nothing should be read into it."""
        return number <= self._off_until

    def row_seen(self) -> None:
        """A row ends every block and everything that is written over several lines."""
        self.in_block = False
        self._finish_command()
        self._finish_dump()

    def look_at(self, line: str, number: int) -> bool:
        """Look at one line that is no row.

        Args:
            line: Its text, without prefix.
            number: Its number in the file.

        Returns:
            Whether the line is part of a command or dump, so that nothing else should be read into it.
        """
        if len(line) > MAX_LINE or self.in_sample(number):
            return False
        if "   " in line:
            line = _WIDE_SPACE.sub("  ", line)
        if self._command or begins_command(line):
            self._take_command(line, number)
            return True
        if self._dump:
            self._dump.append(line)
            self._open_brackets += line.count("(") - line.count(")")
            if self._open_brackets <= 0 or line[:1] in {")", "}"} or len(self._dump) > MAX_DUMP_LINES:
                self._finish_dump()
            return True
        pairs = call_settings(line) if "(" in line else None
        if pairs is not None:
            if line.count("(") > line.count(")"):
                self._dump, self._first = [line], number
                self._open_brackets = line.count("(") - line.count(")")
            self._keep("printed", [(name, value, number) for name, value in pairs])
            return True
        if _SAMPLES_FOLLOW.match(line):
            self._off_until = number + SAMPLE_LINES
        self._take_line(line, number)
        return False

    def finish(self) -> None:
        """The file has ended."""
        self._finish_command()
        self._finish_dump()

    def _take_line(self, line: str, number: int) -> None:
        if self.in_block or is_heading(line):
            pair = single_setting(line)
            self.in_block = (
                pair is not None or is_heading(line) or (_RULE.match(line) is not None and self._block_lines < 3)
            )
            self._block_lines = 0 if pair is not None else self._block_lines + 1
            if pair is not None:
                self._keep("printed", [(*pair, number)])
        elif "=" in line or ":" in line:
            self._keep("printed", [(name, value, number) for name, value in known_settings(line)])
        if self._may_speak:
            self._keep("printed", [(name, value, number) for name, value in spoken_settings(line, line.lower())])
        if self._may_tell_versions:
            self._keep("printed", [(name, value, number) for name, value in versions(line)])

    def _take_command(self, line: str, number: int) -> None:
        if not self._command:
            self._first = number
        self._command.append(line)
        if not line.rstrip().endswith("\\") or len(self._command) > MAX_DUMP_LINES:
            self._finish_command()

    def _finish_command(self) -> None:
        if not self._command:
            return
        text, self._command = "\n".join(self._command), []
        for name, value, line in settings_of_command(text):
            how: How = "environment" if _ENVIRONMENT.fullmatch(name) else "command line"
            self._keep(how, [(name, value, self._first + line - 1)])

    def _finish_dump(self) -> None:
        if not self._dump:
            return
        lines, self._dump = self._dump, []
        for offset, line in enumerate(lines[1:], start=1):
            pair = single_setting(line)
            if pair is not None and not pair[1].endswith(("(", "[", "{")):
                self._keep("printed", [(*pair, self._first + offset)])

    def _keep(self, how: How, pairs: list[Found]) -> None:
        kept = self.found.setdefault(how, [])
        if len(kept) < MAX_SETTINGS:
            kept.extend(pairs)
