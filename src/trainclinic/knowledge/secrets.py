"""Access keys that stand in source code as literals.

The shapes are those that the readers redact; here a candidate must look random as well and like no placeholder, because
a false alarm about a secret costs more trust than a missed line in a log. A key of unknown shape is not found.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import cache

from trainclinic.readers.redact import KEY_SHAPES

ENTROPY_BITS = 3.0
"""Least entropy per character: 20 random characters of base 62 have about 4, words and runs of one letter below 3."""
_KINDS = (
    ("hf_", "Hugging Face token"),
    ("api_org_", "Hugging Face token"),
    ("sk-ant-", "Anthropic key"),
    ("sk", "OpenAI key"),
    ("github_pat_", "GitHub token"),
    ("gh", "GitHub token"),
    ("glpat-", "GitLab token"),
    ("AKIA", "AWS key"),
    ("ASIA", "AWS key"),
    ("xox", "Slack token"),
    ("AIza", "Google key"),
    ("npm_", "npm token"),
    ("pypi-", "package index token"),
    ("r8_", "Replicate token"),
    ("gsk_", "Groq key"),
    ("nvapi-", "NVIDIA key"),
    ("wandb_v", "Weights & Biases key"),
    ("eyJ", "JSON Web Token"),
)
_WANDB = "Weights & Biases key"
_WANDB_NAME = re.compile(r"(?i)wandb")
_WANDB_CONTEXT = re.compile(
    r"(?i)(?:wandb_api_key|wandb\.login\s{0,4}\([^)\n]{0,80}?key)[^0-9a-z\n]{1,12}\b([0-9a-f]{40})\b"
)
_HEX_KEY = re.compile(r"\b[0-9a-f]{40}\b")
_PLACEHOLDER = re.compile(
    r"(?i)x{4}|\*{3}|\.{3}|<|your|example|placeholder|replace|insert|dummy|fake|sample|changeme|redacted|(?:my|the|a)[-_]?(?:api|key|token)"
    r"|(?:key|token|secret)[-_]?here|0123456|1234567|abcdefg|(.)\1{5}"
)


def find_secret(text: str, *, name: str = "") -> tuple[str, int, int] | None:
    """The first access key in a text.

    Args:
        text: A string literal or a line of code.
        name: What the text is given to, e.g. `WANDB_API_KEY` or `wandb.login(key)`: keys without a prefix are only
            recognised by it.

    Returns:
        Its kind in words, and where it begins and ends; `None` when there is none.
    """
    for match in _shapes().finditer(text):
        kind, prefix = _kind(match.group())
        if _is_random(match.group()[len(prefix) :]):
            return kind, match.start(), match.end()
    if _WANDB_NAME.search(name):
        return _first(_HEX_KEY, 0, text)
    return _first(_WANDB_CONTEXT, 1, text)


def _first(pattern: re.Pattern[str], group: int, text: str) -> tuple[str, int, int] | None:
    for match in pattern.finditer(text):
        if _is_random(match.group(group)):
            return _WANDB, match.start(group), match.end(group)
    return None


def _kind(key: str) -> tuple[str, str]:
    return next(((kind, prefix) for prefix, kind in _KINDS if key.startswith(prefix)), ("access key", ""))


def _is_random(body: str) -> bool:
    varied = any(character.isdigit() for character in body) or (body != body.lower() and body != body.upper())
    if not varied or _PLACEHOLDER.search(body):
        return False
    counts = Counter(body).values()
    return -sum(count / len(body) * math.log2(count / len(body)) for count in counts) >= ENTROPY_BITS


@cache
def _shapes() -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(KEY_SHAPES)})")
