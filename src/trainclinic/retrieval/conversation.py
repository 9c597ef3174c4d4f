"""A conversation with the data: the turns so far, and what a question that refers back is searched with.

It knows which questions refer back in a few languages, by their words; it does not understand any of them. A question
that stands alone is searched alone, because the words of an older one would find the older one's passages again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from trainclinic.retrieval.extractive import quotation
from trainclinic.retrieval.prompting import Turn

SHORT_WORDS = 3
"""A question of so few words hardly stands alone: "and in winter?"."""
_REFERS = re.compile(
    r"^(and|also|but|or|then|und|aber|oder|et|mais|y|pero|e|ma)\b|"
    r"\b(it|its|they|them|their|that|this|those|these|he|she|him|her|"
    r"es|sie|ihn|ihm|ihnen|das|dies|diese|dieser|dieses|davon|dazu|damit|dafür|"
    r"il|elle|ils|elles|ça|cela|celui|celle|ello|eso|esto|ese|esa|esso|essa|questo|quello|isso|isto)\b"
)


@dataclass(slots=True)
class Conversation:
    """The turns of one person with one index.

    Attributes:
        turns: Questions with their answers, oldest first.
    """

    turns: list[Turn] = field(default_factory=list)

    def searched(self, question: str) -> str:
        """What the index is asked: the question, with the one before it where it refers back.

        Args:
            question: What is asked now.
        """
        if not self.turns or not refers_back(question):
            return question
        return f"{self.turns[-1].question} {question}"

    def was_quoted(self, text: str) -> bool:
        """Whether the last answer was this text, so that quoting it again would say nothing new.

        Args:
            text: Text of a passage.
        """
        return bool(self.turns) and quotation(text) == self.turns[-1].answer

    def add(self, question: str, answer: str) -> None:
        """Remember a turn.

        Args:
            question: What was asked.
            answer: What was answered.
        """
        self.turns.append(Turn(question, answer))


def refers_back(question: str) -> bool:
    """Whether a question needs the one before it to be understood.

    Args:
        question: What is asked.
    """
    asked = question.strip().lower()
    return len(re.findall(r"\w+", asked)) <= SHORT_WORDS or _REFERS.search(asked) is not None
