"""Which language a text is in: its writing system, and for Latin script the language whose frequent words it has.

It tells twelve languages and nine writing systems apart, and says nothing where it is not clear.
"""

from __future__ import annotations

import re

LEAST_WORDS = 4
"""Frequent words of a language that a text must have before it is told."""
_SCRIPTS = {
    "Cyrillic": "\u0400-\u04ff", "Greek": "\u0370-\u03ff", "Hebrew": "\u0590-\u05ff", "Arabic": "\u0600-\u06ff",
    "Devanagari": "\u0900-\u097f", "Thai": "\u0e00-\u0e7f", "Korean": "\uac00-\ud7af", "Japanese": "\u3040-\u30ff",
    "Chinese": "\u4e00-\u9fff",
}  # fmt: skip
_FREQUENT = {
    "English": "the of and to in is that for it with as was on are this be by not have from",
    "German": "der die und das ist nicht mit den von ein eine zu auf sich auch für dem des im wird",
    "French": "le la les et des est une dans que pour qui sur pas avec plus par ce sont aux du",
    "Spanish": "el los las que una por con para es del se como más pero sus este son muy hay lo",
    "Portuguese": "o os as que uma não com para é do da em se mais por dos das um são ao",
    "Italian": "il di che è per non una sono con del della gli anche nel più come questo alla dei lo",
    "Dutch": "de het een van en is dat op te niet met voor zijn aan er ook om bij naar wordt",
    "Polish": "i w nie na się z do to że jest jak po o co ale od przez dla może tylko",
    "Turkish": "bir ve bu için ile da de olarak daha çok ne gibi kadar olan sonra ama en ben her o",
    "Swedish": "och att det som en på är av för med den till inte om har ett var jag från vi",
    "Vietnamese": "của và là có không được cho một các trong với người này để những khi đã như từ về",
    "Indonesian": "yang dan di dengan untuk ini dari tidak pada dalam itu adalah akan ke oleh juga atau saya ada sudah",
}
_WORDS = {name: frozenset(words.split()) for name, words in _FREQUENT.items()}
_CODE = re.compile(r"```|^\s*(?:def|class|import|#include|public|function)\b", re.MULTILINE)
_LETTERS = re.compile(r"[^\W\d_]+")


def language_of(text: str) -> str:
    """Writing system or language of a text; empty when it cannot be told, as for code and names.

    Args:
        text: The text; a few hundred characters are enough.
    """
    if _CODE.search(text):
        return ""
    for name, letters in _SCRIPTS.items():
        if not text.isascii() and len(re.findall(f"[{letters}]", text)) > len(text) / 5:
            return "Japanese" if name == "Chinese" and re.search("[\u3040-\u30ff]", text) else name
    words = _LETTERS.findall(text.lower())
    seen = sorted(((sum(word in known for word in words), name) for name, known in _WORDS.items()), reverse=True)
    is_clear = seen[0][0] >= LEAST_WORDS and seen[0][0] >= 1.5 * seen[1][0]
    return seen[0][1] if is_clear else ""
