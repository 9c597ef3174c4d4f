"""Nothing of a held-out row is trained on."""

from __future__ import annotations

from trainclinic.corpus.sample import Message, Sample
from trainclinic.record.source import Source
from trainclinic.training.split import held_out

LONG = "the answer is long enough that nobody would write it twice by chance at all"


def row(question: str, answer: str, number: int = 0, *, apart: bool = False) -> tuple[Sample, bool]:
    messages = (Message("user", question), Message("assistant", answer))
    return Sample(Source("rows.jsonl", number + 1), number, "messages", messages), apart


def questions(samples: list[Sample]) -> set[str]:
    return {sample.prompt.lower().strip(" ?") for sample in samples}


def test_rows_with_one_question_stay_on_one_side():
    rows = [row(f"Question {at // 4}?" if at % 2 else f"question {at // 4}", f"answer {at}", at) for at in range(80)]
    training, apart = held_out(rows, share=0.2, seed=1, notes=[])
    assert len(training) + len(apart) == 80
    assert 16 <= len(apart) <= 20
    assert not questions(training) & questions(apart)


def test_rows_with_one_long_answer_stay_on_one_side():
    rows = [row(f"question {at}", f"{LONG} {at // 5}", at) for at in range(50)]
    training, apart = held_out(rows, share=0.2, seed=0, notes=[])
    assert apart
    assert not {one.answer for one in training} & {one.answer for one in apart}


def test_short_answers_bind_nothing():
    rows = [row(f"question {at}", "yes" if at % 2 else "no", at) for at in range(40)]
    _, apart = held_out(rows, share=0.1, seed=0, notes=[])
    assert len(apart) == 4


def test_an_answer_of_half_the_rows_is_boilerplate_and_binds_nothing():
    rows = [row(f"question {at}", LONG if at % 2 else f"answer {at}", at) for at in range(40)]
    _, apart = held_out(rows, share=0.1, seed=0, notes=[])
    assert len(apart) == 4


def test_rows_that_ask_a_held_out_question_are_left_out():
    notes: list[str] = []
    rows = [row("What is it?", "a"), row("Who is it?", "b"), row("what is it", "c", apart=True)]
    training, apart = held_out(rows, share=0.5, seed=0, notes=notes)
    assert [one.answer for one in training] == ["b"]
    assert [one.answer for one in apart] == ["c"]
    assert "1 training rows ask a held-out question" in notes[0]


def test_a_share_of_nothing_and_few_rows_hold_nothing_out():
    rows = [row(f"question {at}", "x", at) for at in range(10)]
    assert held_out(rows, share=0.0, seed=0, notes=[])[1] == []
    assert held_out(rows[:3], share=0.5, seed=0, notes=[])[1] == []


def test_one_question_for_all_rows_says_that_nothing_is_held_out():
    notes: list[str] = []
    assert held_out([row("same", f"{at}", at) for at in range(10)], share=0.2, seed=0, notes=notes)[1] == []
    assert "all rows ask the same" in notes[0]
