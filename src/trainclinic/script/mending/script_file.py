"""A script on disk: its bytes, the texts in it that can be edited, and how the edited ones are written."""

from __future__ import annotations

import codecs
import io
import os
import stat
import tempfile
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from trainclinic.record.errors import ReadError, TrainclinicError
from trainclinic.script.mending.apply import Unit
from trainclinic.script.mending.notebook import Notebook, read_notebook


@dataclass(frozen=True)
class ScriptFile:
    """A Python file or a notebook as it was read.

    Attributes:
        name: The file as the user would name it.
        path: Where it is.
        data: Its bytes.
    """

    name: str
    path: Path
    data: bytes

    @cached_property
    def encoding(self) -> str:
        """How the text is encoded: by its first lines, or UTF-8; a byte order mark is no part of the text."""
        if self.is_notebook:
            return "utf-8-sig" if self.data.startswith(codecs.BOM_UTF8) else "utf-8"
        return tokenize.detect_encoding(io.BytesIO(self.data).readline)[0]

    @cached_property
    def text(self) -> str:
        """The text with its own line ends."""
        return self.data.decode(self.encoding)

    @property
    def is_notebook(self) -> bool:
        """Whether the code stands in cells."""
        return self.path.suffix == ".ipynb"

    @cached_property
    def _notebook(self) -> Notebook:
        return read_notebook(self.text, self.name)

    @cached_property
    def units(self) -> dict[Unit, str]:
        """The Python texts in it.

        Raises:
            ReadError: If it is a notebook that cannot be read.
        """
        if not self.is_notebook:
            return {(self.name, 0): self.text}
        return {(self.name, number): cell.masked.text for number, cell in self._notebook.cells.items()}

    def edited(self, units: Mapping[Unit, str]) -> str:
        """The text of the file with other texts in it.

        Args:
            units: Texts by place; those of other files are not looked at.

        Raises:
            Refused: If a magic line of a notebook would be lost.
        """
        if not self.is_notebook:
            return units.get((self.name, 0), self.text)
        return self._notebook.with_code({cell: text for (name, cell), text in units.items() if name == self.name})

    def with_text(self, text: str) -> ScriptFile:
        """The same file with another text, in the same encoding.

        Raises:
            TrainclinicError: If the encoding has no such characters.
        """
        try:
            return ScriptFile(self.name, self.path, text.encode(self.encoding))
        except UnicodeEncodeError as error:
            missing = error.object[error.start : error.end]
            message = f"`{missing}` cannot be written to `{self.name}`, which is encoded as `{self.encoding}`"
            raise TrainclinicError(message) from error

    @property
    def is_changed_on_disk(self) -> bool:
        """Whether the file holds something else by now."""
        try:
            return self.path.read_bytes() != self.data
        except OSError:
            return True

    @property
    def is_read_only(self) -> bool:
        """Whether its permissions forbid writing, to whoever asks."""
        return not os.access(self.path, os.W_OK) or not self.path.stat().st_mode & stat.S_IWUSR


def read_script(name: str, path: Path) -> ScriptFile:
    """Read a script, and make sure that its bytes are a text.

    Args:
        name: The file as the user would name it.
        path: Where it is.

    Raises:
        ReadError: If it cannot be read or decoded.
    """
    try:
        file = ScriptFile(name, path, path.read_bytes())
        if file.with_text(file.text).data != file.data:
            message = f"`{name}` cannot be written back as it is encoded"
            raise ReadError(message)
    except (OSError, SyntaxError, UnicodeDecodeError, LookupError) as error:
        message = f"`{name}` cannot be read: {error}"
        raise ReadError(message) from error
    return file


def write_scripts(files: Mapping[Path, bytes]) -> None:
    """Write files so that each is either the old or the new one at any time; permissions and links stay.

    Args:
        files: New content by path.

    Raises:
        TrainclinicError: If one cannot be written; nothing has changed when the reason is in preparing them.
    """
    staged: list[tuple[Path, Path]] = []
    try:
        for path, data in files.items():
            target = path.resolve()
            handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            staged.append((Path(name), target))
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            Path(name).chmod(stat.S_IMODE(target.stat().st_mode))
        for temporary, target in staged:
            temporary.replace(target)
    except OSError as error:
        for temporary, _ in staged:
            temporary.unlink(missing_ok=True)
        message = f"`{error.filename}` cannot be written: {error.strerror}"
        raise TrainclinicError(message) from error
