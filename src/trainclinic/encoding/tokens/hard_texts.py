"""Texts on which tokenizers that claim to be equal differ first.

It knows nothing of tokenizers; the texts are made, not collected.
"""

from __future__ import annotations

import sys
import unicodedata
from functools import cache

_RUNS = (
    " ",
    "\n",
    "\t",
    "\r\n",
    " \n",
    "\u00a0",
    "\u3000",
    "=",
    "-",
    "*",
    "_",
    "#",
    ".",
    "a",
    "A",
    "0",
    "7",
    "é",
    "中",
    "🙂",
)
_LENGTHS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 15, 16, 17, 31, 33, 63, 65, 127, 130)
_TEXTS = (
    "",
    "It's they'RE we'Ll I'D you'Ve 'S ’s don't x'ſ 'Kelvin K'",
    "  leading and trailing  ",
    "a  b   c    d\te\t\tf\n\n g\r\nh\r i\x0bj\x0ck\x85l\u2028m\u2029n\u200bo\ufeffp",
    "0 1 12 123 1234 12345 1,234,567.89 3.14e-10 0x1F ½ ² ٣٤ 一二三 Ⅳ",
    "def f(x):\n    return {'a': [1, 2], \"b\": x ** 2}  # done\n\n\n\tif x:\n\t\tpass\n",
    "e\u0301 é o\u0308\u0323 ṩ s\u0323\u0307 \u0300alone 각 \u1100\u1161\u11a8 \u0e33",
    "👩‍👩‍👧‍👦 👍🏽 🇩🇪🇫🇷 ☺️ 🏳️‍🌈 e⃣ 🫨",
    "日本語のテキスト。中文文本，没有空格。한국어 텍스트 ไทย עברית العربية हिन्दी தமிழ்",
    "<|endoftext|> <|im_start|>user\nHi<|im_end|>\n <s>[INST] x [/INST]</s> <|eot_id|><|end",
    "\x00\x01\x02\x7f\x80\x9f\ufffd\ufffe\uffff\U0010ffff\ue000",
    "!!!???...;;;--- ,.:;!?()[]{}<>/\\|@#$%^&*_+=~`\"'",
    "https://example.org/a/b?c=d&e=f#g user@example.org C:\\Users\\x \\n \\u00e9",
    "AbCdEfG camelCase snake_case SCREAMING_CASE kebab-case ﬁ ß ẞ İ ı ǅ",
)
HARD_TEXTS: tuple[str, ...] = (
    *_TEXTS,
    *(f"x{run * length}y {run * length}" for run in _RUNS for length in _LENGTHS),
)
"""White space of all kinds, numbers, contractions, scripts, combining marks, emoji, control characters, markup."""


@cache
def every_character() -> tuple[str, ...]:
    """Texts that hold every assigned character, each after a letter, after a spaceand before a digit."""
    assigned = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) not in _UNUSED]
    return tuple(
        "".join(f"{character}a {character}1 " for character in assigned[first : first + _BLOCK])
        for first in range(0, len(assigned), _BLOCK)
    )


_UNUSED = frozenset({"Cn", "Cs", "Co"})
_BLOCK = 512
