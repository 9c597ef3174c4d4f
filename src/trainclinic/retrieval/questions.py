"""Questions whose answers are known, made from the user's own data; and questions that the data cannot answer.

They come in groups, because a search may find typos and miss other wordings. Everything is made with a fixed seed: the
same data give the same questions. It does not know how a search works.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files

from trainclinic.retrieval.lexical import vocabulary_share, words
from trainclinic.retrieval.passage import Passage

OTHER_WORDING = "other wording in the data"
ANSWERS_ONLY = "answers only"
SENTENCES = "parts of sentences"
FOREIGN = "about other things"
NEAR = "in the words of the data, about other things"
SHORTEST_SENTENCE = 5
"""Words that a sentence must have to be asked for."""
_SEED = 20_240_601
_SENTENCE = re.compile(r"[^.!?\n\u3002\uff01\uff1f]+")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question for a search.

    Args:
        text: What is asked.
        group: Kind of question.
        relevant: Rows of passages that answer it: all with the same answer, or the same question.
        left_out: Row that the search must not find, because the question stands there word for word; -1 for none.
    """

    text: str
    group: str
    relevant: tuple[int, ...]
    left_out: int = -1


@dataclass(frozen=True, slots=True)
class Questions:
    """Questions in two halves: one to choose and calibrate with, one to measure with.

    Attributes:
        choosing: Answerable questions of the first half.
        measuring: Answerable questions of the second half.
        foreign_choosing: Questions that the data cannot answer, by group.
        foreign_measuring: The same for the second half.
    """

    choosing: tuple[Asked, ...]
    measuring: tuple[Asked, ...]
    foreign_choosing: tuple[Asked, ...]
    foreign_measuring: tuple[Asked, ...]


def make_questions(passages: Sequence[Passage], pairs: frozenset[str], amount: int) -> Questions:
    """Questions from a fair sample of passages.

    Args:
        passages: All passages.
        pairs: Ids of those that are a question with its answer.
        amount: Passages to ask for in each half.
    """
    drawn = _drawn(passages, 2 * amount)
    alike = _Alike(passages, pairs)
    common = _frame(passages, pairs)
    halves: list[list[Asked]] = [[], []]
    for turn, row in enumerate(drawn):
        halves[turn % 2] += _asked_for(row, passages, pairs, alike)
    sample = [passages[row] for row in drawn]
    foreign = _foreign_questions(sample)
    near = _near_misses(sample, pairs, common, foreign)
    unanswerable = [[Asked(text, FOREIGN, ()) for text in foreign[half::2]] for half in (0, 1)]
    for half in (0, 1):
        unanswerable[half] += [Asked(text, NEAR, ()) for text in near[half::2]]
    return Questions(tuple(halves[0]), tuple(halves[1]), tuple(unanswerable[0]), tuple(unanswerable[1]))


def lower_case(question: str, rng: random.Random) -> str:
    """Without capitals and marks, as people type."""
    del rng
    return " ".join(words(question))


def swapped_letters(question: str, rng: random.Random) -> str:
    """Two neighbouring letters inside a word exchanged, in every third long word and in one at least."""
    parts = question.split()
    long = [at for at, part in enumerate(parts) if len(part) >= 4 and part[1:-1].isalnum()]
    for at in rng.sample(long, min(len(long), max(1, len(long) // 3))):
        begin = rng.randrange(1, len(parts[at]) - 2)
        word = parts[at]
        parts[at] = word[:begin] + word[begin + 1] + word[begin] + word[begin + 2 :]
    return " ".join(parts)


def dropped_words(question: str, rng: random.Random) -> str:
    """A third of the words left out, one at least; two stay."""
    parts = question.split()
    amount = min(max(1, len(parts) // 3), max(0, len(parts) - 2))
    gone = set(rng.sample(range(len(parts)), amount))
    return " ".join(part for at, part in enumerate(parts) if at not in gone)


CHANGES: dict[str, Callable[[str, random.Random], str]] = {
    "lower case": lower_case,
    "swapped letters": swapped_letters,
    "dropped words": dropped_words,
}
"""Ways in which a stored question is asked otherwise."""


class _Alike:
    """Rows with the same answer, or with the same question."""

    def __init__(self, passages: Sequence[Passage], pairs: frozenset[str]) -> None:
        self._by_text: dict[str, list[int]] = defaultdict(list)
        self._by_question: dict[str, list[int]] = defaultdict(list)
        for row, passage in enumerate(passages):
            self._by_text[_key(passage.text)].append(row)
            if passage.id in pairs:
                self._by_question[_key(passage.question)].append(row)

    def to(self, row: int, passage: Passage) -> tuple[int, ...]:
        """Rows that answer as well as a passage does, itself included."""
        return tuple(sorted({row, *self._by_text[_key(passage.text)], *self._by_question[_key(passage.question)]}))

    def otherwise_asked(self, passage: Passage) -> tuple[int, ...]:
        """Rows with the same answer to a question in other words."""
        mine = _key(passage.question)
        return tuple(row for row in self._by_text[_key(passage.text)] if row not in self._by_question[mine])


def _key(text: str) -> str:
    return hashlib.blake2b(" ".join(text.casefold().split()).encode(), digest_size=8).hexdigest()


def _drawn(passages: Sequence[Passage], amount: int) -> list[int]:
    """Rows with the lowest lots: as fair as chance, and the same every time."""
    return sorted(range(len(passages)), key=lambda row: passages[row].id)[:amount]


def _asked_for(row: int, passages: Sequence[Passage], pairs: frozenset[str], alike: _Alike) -> list[Asked]:
    passage = passages[row]
    rng = random.Random(f"{_SEED} {passage.id}")
    relevant = alike.to(row, passage)
    if passage.id not in pairs:
        part = _part_of_sentence(passage.text, rng)
        return [Asked(part, SENTENCES, relevant)] if part else []
    made = [Asked(change(passage.question, rng), group, relevant) for group, change in CHANGES.items()]
    made.append(Asked(passage.question, ANSWERS_ONLY, relevant))
    others = alike.otherwise_asked(passage)
    if others:
        made.append(Asked(passage.question, OTHER_WORDING, others, left_out=row))
    return [asked for asked in made if words(asked.text)]


def _part_of_sentence(text: str, rng: random.Random) -> str:
    sentences = [part for part in _SENTENCE.findall(text) if len(part.split()) >= SHORTEST_SENTENCE]
    if not sentences:
        return ""
    parts = rng.choice(sentences).split()[:12]
    return dropped_words(" ".join(parts), rng)


def _frame(passages: Sequence[Passage], pairs: frozenset[str]) -> Counter[str]:
    """In how many questions of pairs each word stands."""
    counted: Counter[str] = Counter()
    for row in _drawn(passages, 2000):
        if passages[row].id in pairs:
            counted.update(set(words(passages[row].question)))
    return counted


def _foreign_questions(sample: Sequence[Passage]) -> list[str]:
    """The bundled questions in the language that shares most words with the data."""
    text = (files("trainclinic.retrieval") / "foreign_questions.json").read_text(encoding="utf-8")
    bundled: dict[str, list[str]] = json.loads(text)
    texts = [f"{passage.question} {passage.text}" for passage in sample]
    return max(bundled.values(), key=lambda questions: vocabulary_share(questions, texts))


def _near_misses(
    sample: Sequence[Passage], pairs: frozenset[str], common: Counter[str], foreign: Sequence[str]
) -> list[str]:
    """Questions of the data with half of their longer words exchanged for words of other things."""
    strange = [word for question in foreign for word in words(question) if not common[word] and len(word) > 3]
    made = []
    for passage in sample:
        parts = words(passage.question)
        if passage.id not in pairs or len(parts) < 3 or not strange:
            continue
        rng = random.Random(f"{_SEED} near {passage.id}")
        long = [at for at, part in enumerate(parts) if len(part) > 3] or list(range(len(parts)))
        gone = set(rng.sample(long, (len(long) + 1) // 2))
        made.append(" ".join(rng.choice(strange) if at in gone else part for at, part in enumerate(parts)))
    return made
