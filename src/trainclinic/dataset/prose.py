"""What can be told of a text without knowing its language: how many words it has, whether it is prose, whether it ends.

It knows spaces, scripts that write without them, lists, code and verse. It does not know grammar.
"""

from __future__ import annotations

import re

_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_THAI = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
_STRUCTURED = re.compile(r"[{\[<|]|```|#!|(?:def|class|import|from|SELECT|function|public|const|let|var)\s")
_LIST_LINE = re.compile(r"\s*(?:[-*+\u2022>|#]|\d{1,3}[.):]|[a-zA-Z][.)]\s|\S{1,30}:\s)")
_STOP_INSIDE = re.compile(
    "[.!?\u3002\uff01\uff1f\u061f\u06d4\u0964][\"'\u201d\u2019)\\]]{0,2}(?:\\s|(?<=[\u3002\uff01\uff1f]))"
)
_LAST_LINE = 80
_LAST_LINE_UNSPACED = 40
_FUNCTION_KEYS = "/\\=@_#$%^&|~<>"


def word_count(text: str) -> int:
    """Words of a text; where words have no spaces between them, two Chinese characters or kana are a word.

    Args:
        text: Any text.
    """
    spaced = len(text.split())
    if text.isascii():
        return spaced
    return spaced + len(_UNSPACED.findall(text)) // 2 + len(_THAI.findall(text)) // 5


def is_prose(text: str) -> bool:
    """Whether a text is written in sentences: no code, no data, no verse.

    Args:
        text: Any text.
    """
    if _STRUCTURED.match(text):
        return False
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        return False
    short = sum(len(line) < 60 for line in lines)
    return len(lines) < 4 or short <= len(lines) / 2


def ends_in_mid_sentence(text: str) -> bool:
    """Whether the last paragraph of a text in sentences stops inside one: a long one that ends with a word or a comma.

    Args:
        text: An answer in prose.
    """
    last = text.rstrip().rpartition("\n\n")[2]
    unspaced = bool(_UNSPACED.search(last))
    if len(last) < (_LAST_LINE_UNSPACED if unspaced else _LAST_LINE) or text.count("```") % 2:
        return False
    if _LIST_LINE.match(last) or _LIST_LINE.match(last.rpartition("\n")[2]) or _THAI.search(last[-1]) or not _STOP_INSIDE.search(text):
        return False
    word = last.split()[-1] if not unspaced else last[-1]
    if any(sign in word for sign in _FUNCTION_KEYS) or "." in word:
        return False
    return last[-1].isalpha() or last[-1] in ",;\uff0c\u3001\u060c-"
