"""Report B's form of data: questions and answers in Markdown, some questions without an answer."""

from __future__ import annotations

from pathlib import Path

from trainclinic.catalogue.verdict import Present
from trainclinic.corpus.sample import Sample
from trainclinic.dataset.placement import rows_of_step
from trainclinic.diagnosis.data import examine_data
from trainclinic.encoding.preparation import Plan, Preparation, Stated

LETTERS = Path(__file__).parents[2] / "examples" / "letters"


def test_every_question_is_paired_with_its_own_answer() -> None:
    found = examine_data(LETTERS)
    samples = found.data.survey.samples
    assert len(samples) == 10
    assert all(isinstance(sample, Sample) and len(sample.messages) == 2 for sample in samples)
    assert samples[0].source.line == 1
    assert samples[0].prompt.startswith("My neighbour practises the trumpet")
    assert samples[0].answer.startswith("Pick an afternoon")
    assert samples[-1].answer == "Then do not. Learn the second voice."


def test_the_questions_without_an_answer_are_named_with_their_lines() -> None:
    (finding,) = [f for f in examine_data(LETTERS).present if f.entry.rule.slug == "unpaired-questions"]
    assert isinstance(finding.verdict, Present)
    lines = {one.source.line for one in finding.verdict.evidence[1:] if one.source is not None}
    assert lines == {13, 15, 41}


def test_the_only_symptom_of_the_letters_is_the_unpaired_questions() -> None:
    assert [f.entry.rule.slug for f in examine_data(LETTERS).present] == ["unpaired-questions"]


def test_windows_at_random_places_have_no_rows_and_no_token_positions() -> None:
    """Report B looked for bad data "at 2 to 2.5 million tokens"; its windows were drawn anew in every step."""
    said = {"micro_batch": 8, "accumulation": 1, "steps": 5000, "order": "random-windows"}
    plan = Plan(**{name: Stated(value, "the script") for name, value in said.items()})  # type: ignore[arg-type]
    preparation = Preparation(max_length=Stated(256, "the script"))
    found = examine_data(LETTERS, preparation=preparation, plan=plan)
    placement = rows_of_step(found.data, 2000)
    assert placement.rows == ()
    assert placement.certainty in {"statistical", "impossible"}
