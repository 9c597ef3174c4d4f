"""Rows as they are trained on: exactly what transformers would write, with the answers as targets."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.fixes.tiny import pairs
from trainclinic.encoding.encoded import IGNORED
from trainclinic.recipe.model import Data, Evaluation, Loss, Text
from trainclinic.record.errors import TrainclinicError
from trainclinic.training.job import plan

FORMS = ("messages", "prompt-completion", "instruction", "question-answer")


def tokens_of(planned, at: int) -> tuple[list[int], list[int]]:
    row = planned.rows.training[at]
    return row.ids.tolist(), row.labels.tolist()


@pytest.mark.parametrize("form", FORMS)
def test_ids_are_those_of_the_chat_template_of_transformers(recipe, form):
    from transformers import AutoTokenizer

    asked = recipe(form)
    planned = plan(asked)
    tokenizer = AutoTokenizer.from_pretrained(asked.model.name)
    written = {
        tuple(
            tokenizer.apply_chat_template(
                [{"role": "user", "content": question}, {"role": "assistant", "content": answer}], return_dict=False
            )
        )
        for question, answer in pairs()
    }
    rows = [tuple(row.ids.tolist()) for row in (*planned.rows.training, *planned.rows.held_out)]
    begin = tokenizer.bos_token_id  # the template writes none, the tokenizer does not add one
    assert {row[1:] if row[0] == begin else row for row in rows} == written
    assert len(rows) == len(pairs())


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_targets_are_the_answer_and_its_end(recipe, architecture):
    planned = plan(recipe(architecture=architecture))
    for at in range(5):
        ids, labels = tokens_of(planned, at)
        targets = [label for label in labels if label != IGNORED]
        assert targets == ids[-len(targets) - (ids[-1] not in planned.formatting.ends) :][: len(targets)]
        assert targets[-1] in planned.formatting.ends
        text = planned.saved_tokenizer.decode(targets, skip_special_tokens=True).strip()
        assert text in {answer for _, answer in pairs()}


def test_all_tokens_are_targets_when_the_recipe_says_so(recipe):
    planned = plan(recipe(loss=Loss(targets="all")))
    ids, labels = tokens_of(planned, 0)
    assert ids == labels


def test_a_base_model_without_template_gets_the_plain_one_and_it_is_saved(recipe):
    planned = plan(recipe(architecture="gpt2"))
    ids, _ = tokens_of(planned, 0)
    text = planned.saved_tokenizer.decode(ids)
    assert text.startswith("User: ")
    assert "\nAssistant: " in text
    assert text.endswith("<|endoftext|>")
    asked = planned.saved_tokenizer.apply_chat_template(
        [{"role": "user", "content": "x"}], tokenize=False, add_generation_prompt=True
    )
    assert asked == "User: x\nAssistant:"


def test_without_the_end_token_no_answer_ends(recipe):
    planned = plan(recipe(architecture="gpt2", text=Text(end_token=False)))
    assert not any(set(row.ids.tolist()) & planned.formatting.ends for row in planned.rows.training)


def test_labels_that_somebody_shifts_before_the_model_are_one_ahead(recipe):
    right, wrong = plan(recipe()), plan(recipe(loss=Loss(shifted_by="both")))
    (_, labels), (_, shifted) = tokens_of(right, 0), tokens_of(wrong, 0)
    assert shifted == [*labels[1:], IGNORED]


def test_a_template_without_an_end_gets_one_behind_the_last_answer(recipe, world_copy):
    folder = world_copy(
        "llama", chat_template="{% for m in messages %}{{ m['role'] }}: {{ m['content'] }} {% endfor %}"
    )
    base = recipe()
    planned = plan(replace(base, model=replace(base.model, name=str(folder))))
    assert planned.formatting.closing == "</s>"
    assert all(row.labels[row.labels != IGNORED][-1] == 2 for row in planned.rows.training)


def test_rows_without_use_are_counted_by_reason(recipe, tmp_path):
    rows = [{"question": q, "answer": a} for q, a in pairs(12)]
    rows += [rows[0], {"question": "Nothing?", "answer": ""}, {"question": "Long?", "answer": "It is red. " * 100}]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)) + "\nno json\n")
    planned = plan(recipe(data=Data(train=str(path)), text=Text(max_length=64)))
    assert dict(planned.rows.left_out) == {
        "occurs twice": 1, "no answer": 1, "more than 64 tokens": 1, "cannot be read": 1
    }  # fmt: skip
    assert len(planned.rows.training) + len(planned.rows.held_out) == 12


def test_long_rows_are_cut_when_the_recipe_says_so(recipe):
    planned = plan(recipe(text=Text(max_length=16, too_long="cut")))
    assert planned.rows.longest == 16
    assert not planned.rows.left_out["more than 16 tokens"]


def test_texts_become_blocks_behind_each_other_with_ends_between(recipe):
    planned = plan(recipe("text", text=Text(max_length=32)))
    lengths = {len(row) for row in planned.rows.training[:-1]}
    assert lengths == {32}
    stream = [id_ for row in planned.rows.training for id_ in row.ids.tolist()]
    assert stream.count(2) >= 50
    assert (planned.rows.training[0].ids == planned.rows.training[0].labels).all()


def test_held_out_questions_are_asked_up_to_where_the_answer_begins(recipe):
    planned = plan(recipe(evaluation=Evaluation(generations=2)))
    assert len(planned.rows.asked) == 2
    for one in planned.rows.asked:
        assert one.prompt.endswith("<|assistant|>\n")
        assert one.reference.startswith("It is ")
        assert planned.saved_tokenizer.decode(one.ids) in {one.prompt, "<s>" + one.prompt}


def test_a_system_message_stands_before_every_conversation(recipe):
    planned = plan(recipe(text=Text(system="Be brief.")))
    text = planned.saved_tokenizer.decode(planned.rows.training[0].ids.tolist())
    assert "<|system|>\nBe brief.</s>" in text


def test_data_without_a_usable_row_say_why(recipe, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"question": "Nothing?", "answer": ""}\n')
    with pytest.raises(TrainclinicError, match="1 no answer"):
        plan(recipe(data=Data(train=str(path))))


def test_preference_pairs_are_refused(recipe, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "q", "chosen": "a", "rejected": "b"}\n' * 3)
    with pytest.raises(TrainclinicError, match="preference pairs"):
        plan(recipe(data=Data(train=str(path))))
