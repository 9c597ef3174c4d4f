"""What generated samples carry beside their text: number of tokens, step, and whether they ended by themselves."""

from __future__ import annotations

from pathlib import Path

from trainclinic.readers.file import LogFile
from trainclinic.readers.formats import generations_json, generations_text
from trainclinic.readers.samples.text import samples

HERE = Path(__file__).parent


def test_json_rows_give_tokens_step_and_ending() -> None:
    (fragment,) = generations_json.read(LogFile(HERE / "generations_json/lines/generations.jsonl"))
    seen = [(sample.new_tokens, sample.step, sample.stopped) for sample in fragment.generations]
    assert seen == [(48, None, None), (None, None, True), (None, 100, False)]


def test_text_gives_the_step_of_the_heading_and_the_limit_that_ended_a_sample() -> None:
    (fragment,) = generations_text.read(LogFile(HERE / "generations_text/roles/generations.txt"))
    seen = [(sample.step, sample.new_tokens, sample.stopped) for sample in fragment.generations]
    assert seen == [(500, None, None), (500, None, None), (500, 200, False)]


def test_a_chat_with_several_turns_is_one_sample_per_question() -> None:
    found = samples(["user: a?", "assistant: b", "user: c?", "assistant: d", "", "e"])
    assert [(sample.prompt, sample.output) for sample in found] == [("a?", "b"), ("c?", "d\n\ne")]


def test_a_prompt_and_its_answer_may_stand_on_one_line() -> None:
    (found,) = samples(["### Human: Where?### Assistant: There.### Human: When?"])
    assert (found.prompt, found.output) == ("Where?", "There.### Human: When?")


def test_outputs_without_prompts_are_samples_of_their_own() -> None:
    assert [sample.output for sample in samples(["Output: a", "Output:", "Output: c"])] == ["a", "", "c"]


def test_an_ordinary_colon_in_a_text_is_no_label() -> None:
    found = samples(["He said: go", "and went on without a word"])
    assert [(sample.label, sample.output) for sample in found] == [("", "He said: go\nand went on without a word")]


def test_many_samples_are_cut_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "generations.jsonl"
    path.write_text('{"output": "x"}\n' * (generations_json.MAX_SAMPLES + 7))
    file = LogFile(path)
    (fragment,) = generations_json.read(file)
    assert len(fragment.generations) == generations_json.MAX_SAMPLES
    assert "were not read" in file.damage[0].says
