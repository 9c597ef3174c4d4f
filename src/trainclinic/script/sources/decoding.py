r"""From bytes to text: byte-order marks, coding lines and wrong bytes, as Python itself would read them.

It does not know what the text says; line ends become `\n`, so that lines are counted as editors count them.
"""

from __future__ import annotations

import codecs
import io
import re
import tokenize
import warnings

from trainclinic.record.parts import Damage
from trainclinic.record.source import Source

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SURROGATE = re.compile("[\ud800-\udfff]")


def decoded(data: bytes, name: str) -> tuple[str, tuple[Damage, ...]]:
    """The text of a Python file, and what was wrong with its bytes.

    Args:
        data: The bytes.
        name: How the user would name the file.
    """
    if data.startswith(_UTF_16):
        says = "text is UTF-16, which Python does not run: save it as UTF-8"
        return plain_lines(data.decode("utf-16", errors="replace")), (Damage(says, Source(name, 1)),)
    try:
        encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
    except SyntaxError:
        encoding = "utf-8"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return plain_lines(data.decode(encoding)), ()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    except (LookupError, ValueError, AssertionError):  # a codec that is none of text, such as `rot13`
        line = 1
    says = f"bytes are not `{encoding}`, read as Latin-1"
    return plain_lines(data.decode("latin-1")), (Damage(says, Source(name, line)),)


def plain_lines(text: str) -> str:
    r"""Text whose lines end with `\n` alone, without byte-order mark and lone surrogates."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)
