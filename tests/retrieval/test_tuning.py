"""Weights and floor chosen on the user's own questions."""

import numpy as np
import pytest

from tests.retrieval.made_data import rows
from trainclinic.retrieval.documents import identity
from trainclinic.retrieval.passage import Passage
from trainclinic.retrieval.questions import ANSWERS_ONLY, NEAR, OTHER_WORDING, SENTENCES, make_questions
from trainclinic.retrieval.searching import Searcher
from trainclinic.retrieval.tuning import Tuner


def passages_of(made):
    return [
        Passage(identity(row["question"], row["answer"]), row["question"], row["answer"], f"x:{at}")
        for at, row in enumerate(made, 1)
    ]


def questions_for(made, amount=20, pairs=None):
    passages = passages_of(made)
    ids = frozenset(passage.id for passage in passages) if pairs is None else pairs
    return passages, make_questions(passages, ids, amount)


class Known:
    """A lexical search in which one channel is right and the other wrong."""

    def __init__(self, passages, right):
        self._questions = [set(passage.question.lower().strip("?").split()) for passage in passages]
        self._right = right

    def scores(self, question):
        asked = set(question.lower().strip("?").split())
        good = np.array([len(asked & one) / (1 + len(asked | one)) for one in self._questions], np.float32)
        made = {}
        for channel in ("words", "characters"):
            for part in ("question", "text"):
                made[channel, part] = good.copy() if channel == self._right else (1 - good)
        return made


@pytest.mark.parametrize("right", ["words", "characters"])
def test_the_channel_that_finds_is_the_one_that_counts(right):
    passages, questions = questions_for(rows())
    tuned = Tuner(Searcher(Known(passages, right)), passages).tune(questions)
    assert getattr(tuned.mix, right) >= 0.6
    assert tuned.table[right].mrr_at_10 > tuned.table["words" if right == "characters" else "characters"].mrr_at_10


def test_questions_are_the_same_every_time_and_halves_share_none():
    _, first = questions_for(rows())
    _, second = questions_for(rows())
    assert first == second
    assert not {one.relevant for one in first.choosing} & {one.relevant for one in first.measuring}
    assert not {one.text for one in first.foreign_choosing} & {one.text for one in first.foreign_measuring}


def test_two_questions_with_one_answer_test_other_wordings():
    made = [
        {"question": "How do I pay?", "answer": "By card."},
        {"question": "Which payments work?", "answer": "By card."},
    ]
    _, questions = questions_for(made)
    other = [one for one in (*questions.choosing, *questions.measuring) if one.group == OTHER_WORDING]
    assert sorted((one.relevant, one.left_out) for one in other) == [((0,), 1), ((1,), 0)]


def test_texts_without_questions_are_asked_by_their_sentences():
    made = [
        {"question": "Path", "answer": f"The {word} opens the hatch on the lower deck."} for word in ("lever", "key")
    ]
    _, questions = questions_for(made, pairs=frozenset())
    asked = [*questions.choosing, *questions.measuring]
    assert {one.group for one in asked} == {SENTENCES}
    assert all(
        set(one.text.split()) < {"The", "lever", "key", "opens", "the", "hatch", "on", "lower", "deck"} for one in asked
    )


def test_foreign_questions_come_in_the_language_of_the_data():
    german = [
        {"question": f"Wie lange gilt die Garantie für das Gerät {n}?", "answer": "Sie gilt zwei Jahre ab dem Kauf."}
        for n in range(10)
    ]
    _, questions = questions_for(german)
    assert any(
        "Giraffe" in one.text and "schläft" in one.text
        for one in (*questions.foreign_choosing, *questions.foreign_measuring)
    )


def test_near_misses_keep_words_of_the_data_and_are_no_question_of_it():
    made = rows()
    _, questions = questions_for(made)
    near = [one.text for one in questions.foreign_measuring if one.group == NEAR]
    stored = {word for row in made for word in row["question"].lower().strip("?").split()}
    assert near
    assert all(0 < sum(word in stored for word in one.split()) < len(one.split()) for one in near)


def test_answers_only_sees_no_question():
    passages, questions = questions_for(rows())
    tuner = Tuner(Searcher(Known(passages, "words")), passages)
    asked = next(one for one in questions.choosing if one.group == ANSWERS_ONLY)
    columns, _ = tuner._columns(asked)
    assert not columns["words", "question"].any()
    assert columns["words", "text"].any()
