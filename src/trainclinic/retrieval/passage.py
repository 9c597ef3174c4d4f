"""What an index holds and what a search returns.

A passage is plain text with its place. It does not know how it was found, and its text is never interpreted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of the user's data that can be quoted.

    Args:
        id: Hex digest of question and text; equal content has an equal id wherever it stands.
        question: Question of a pair, or the path of headings above a text; may be empty.
        text: The answer, or the text: what is quoted.
        source: File and line, such as `faq.jsonl:17`; for PDF files the page.
    """

    id: str
    question: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that a search found.

    Args:
        passage: What was found.
        score: Calibrated, 0-1; comparable with `Index.floor` and between questions.
        parts: Raw scores by channel: `words`, `characters`, `dense`, `rerank`.
    """

    passage: Passage
    score: float
    parts: Mapping[str, float]
