"""Models in folders, measured: sound ones, damaged ones, and what a user is told about folders that are no model."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.validation.zoo import edited, parted
from trainclinic.catalogue.verdict import Absent, NotEvaluated
from trainclinic.corpus.sample import Message, Sample
from trainclinic.diagnosis.validating import Validation, validate
from trainclinic.record.errors import TrainclinicError
from trainclinic.record.source import Source
from trainclinic.validation import loading, measure, scoring
from trainclinic.validation.tested import DEPTHS
from trainclinic.validation.texts import Row, material_of, turns_before_answer

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*[Ss]kipping special token.*:UserWarning"),
]
QUICK = {"depth": "quick"}


@pytest.fixture(scope="module")
def full(clinic) -> Validation:
    """The fine-tuned model, looked at as usual."""
    return validate(clinic.full, base=str(clinic.base), data=[clinic.held_out])


@pytest.fixture(scope="module")
def adapter(clinic) -> Validation:
    """The adapter, whose base is found by itself."""
    return validate(clinic.adapter, data=[clinic.held_out])


def codes(found: Validation) -> set[str]:
    return {one.entry.rule.code for one in found.findings if one.is_present}


def copy_of(source: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(source, tmp_path / "model"))


def refused(folder: Path, **other: Any) -> TrainclinicError:
    with pytest.raises(TrainclinicError) as caught:
        validate(folder, **QUICK, **other)
    return caught.value


def test_a_model_that_works_passes(full):
    assert (full.word, full.exit_code, codes(full)) == ("pass", 0, set())
    assert full.tested.kind == "model"
    assert full.tested.weights.compared == full.tested.weights.changed == 21
    assert full.tested.own.mean < 0.1 < full.tested.of_base.mean
    assert full.tested.unigram > 1
    assert full.tested.own.end_probability > 0.9 > 0.1 > full.tested.of_base.end_probability


def test_its_answers_are_the_references_and_those_of_the_base_are_not(full):
    assert len(full.tested.answers) == DEPTHS["usual"].prompts
    assert [one.alone for one in full.tested.answers].count(None) == DEPTHS["usual"].prompts - DEPTHS["usual"].alone
    for one in full.tested.answers:
        assert one.text == one.reference == (one.alone or one.text)
        assert one.stopped
        assert one.base != one.reference
        assert one.sampled is not None
    assert next((one.metric, set(one.tuned)) for one in full.tested.scores) == ("exact match", {1.0})


def test_an_adapter_that_works_passes_and_merging_changes_nothing(adapter, clinic):
    assert (adapter.word, codes(adapter)) == ("pass", set())
    assert (adapter.tested.kind, adapter.tested.base) == ("adapter", str(clinic.base))
    assert adapter.tested.weights.effect > 0.01
    assert adapter.tested.weights.merging < 1e-4
    assert adapter.tested.own.mean < 0.1 < adapter.tested.of_base.mean
    assert all(one.base for one in adapter.tested.answers)


def test_losses_and_the_end_are_those_of_torch(full, clinic):
    import torch
    import transformers

    hf: Any = transformers
    model, tokenizer = (kind.from_pretrained(clinic.full) for kind in (hf.AutoModelForCausalLM, hf.AutoTokenizer))
    for at, (question, expected) in list(enumerate(parted()[1]))[:3]:
        before = tokenizer(f"<|user|>\n{question}</s>\n<|assistant|>\n", add_special_tokens=False)["input_ids"]
        after = tokenizer(expected, add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            likely = model(torch.tensor([before + after])).logits[0, len(before) - 1 :].log_softmax(-1)
        assert full.tested.own.tokens[at] == len(after)
        loss = -sum(float(likely[place, token]) for place, token in enumerate(after))
        assert full.tested.own.sums[at] == pytest.approx(loss, rel=1e-4, abs=1e-5)
        assert full.tested.own.ends[at] == pytest.approx(float(likely[-1, tokenizer.eos_token_id].exp()), rel=1e-4)


def test_padding_that_attention_leaves_out_changes_nothing_and_padding_that_it_reads_does(full, clinic):
    import transformers

    hf: Any = transformers
    assert full.tested.padding < 1e-5
    model = hf.AutoModelForCausalLM.from_pretrained(clinic.full)

    class Deaf:
        """A model that does not hear of the mask."""

        device = model.device

        def __call__(self, *, input_ids: Any, **_: Any) -> Any:
            return model(input_ids=input_ids)

    ids = np.arange(10, 20)
    assert scoring.change_by_padding(Deaf(), [Row(ids, ids)], 0) > 0.01


def test_the_entropy_of_answers_is_that_of_their_tokens():
    ids = np.arange(100)
    labels = np.where(ids % 2, 7, 8)
    assert scoring.unigram_entropy([Row(ids, labels)], frozenset({2})) == pytest.approx(np.log(2) + 1 / 198, rel=1e-3)
    assert scoring.unigram_entropy([Row(ids[:50], labels[:50])], frozenset()) is None


def test_the_seed_decides_which_rows_are_taken(clinic):
    def rows(seed: int) -> list[str]:
        depth = replace(DEPTHS["quick"], rows=5, seed=seed)
        return [one.prompt for one in material_of(None, [clinic.held_out], None, depth).held_out]

    assert rows(0) == rows(0)
    assert len(rows(0)) == 5
    assert rows(0) != rows(1)


def test_the_seed_decides_what_is_drawn_by_chance(clinic):
    def drawn(seed: int) -> list[str | None]:
        depth = replace(DEPTHS["quick"], is_brief=False, compared=0, seed=seed)
        wanted = measure.Wanted(clinic.base, "", "", "cpu", None, depth)
        return [one.sampled for one in measure.measure(wanted, material_of(None, [], None, depth)).answers]

    assert all(drawn(0))
    assert drawn(0) == drawn(0) != drawn(1)


def test_questions_of_a_text_file_are_asked_in_their_order(clinic, tmp_path):
    file = tmp_path / "questions.txt"
    asked = [question for question, _ in parted()[1]][:3]
    file.write_text("\n\n".join(asked) + "\n")
    found = validate(clinic.full, prompts=file, **QUICK)
    assert [one.question for one in found.tested.answers] == asked
    assert [one.text for one in found.tested.answers] == [answer for _, answer in parted()[1]][:3]
    assert found.word == "pass"
    assert "its loss was not measured" in found.reason


def test_two_questions_are_too_few_to_tell(clinic, tmp_path):
    file = tmp_path / "questions.txt"
    file.write_text("What colour is the cup?\nThe door?\n")
    found = validate(clinic.full, prompts=file, **QUICK)
    assert (found.word, found.exit_code) == ("cannot tell", 3)
    assert "at least 3 questions" in found.reason


def test_a_file_without_questions_is_refused(clinic, tmp_path):
    file = tmp_path / "questions.txt"
    file.write_text("\n \n")
    error = refused(clinic.full, prompts=file)
    assert "holds no question" in error.message
    assert "one question a line" in error.hint


def test_stored_settings_of_generation_change_nothing(full, clinic, tmp_path):
    folder = copy_of(clinic.full, tmp_path)
    stored = {"do_sample": True, "temperature": 5.0, "no_repeat_ngram_size": 1, "min_new_tokens": 20, "eos_token_id": 2}
    (folder / "generation_config.json").write_text(json.dumps(stored))
    found = validate(folder, data=[clinic.held_out], **QUICK)
    as_usual = {one.question: one.text for one in full.tested.answers}
    both = [(one.text, as_usual[one.question]) for one in found.tested.answers if one.question in as_usual]
    assert len(both) > 1
    assert all(now == usual for now, usual in both)


def test_one_nan_fails_and_nothing_else_is_claimed(clinic, tmp_path):
    def with_nan(tensors: dict[str, Any]) -> None:
        tensors["model.norm.weight"][0] = float("nan")

    found = validate(edited(clinic.full, tmp_path / "nan", with_nan), base=str(clinic.base), data=[clinic.held_out])
    assert (found.word, codes(found)) == ("fail", {"VAL001"})
    assert found.tested.weights.non_finite == ("model.norm.weight",)
    assert not [one for one in found.findings if isinstance(one.verdict, Absent)]
    missing = {one.entry.rule.code: one.verdict.missing for one in found.findings
               if isinstance(one.verdict, NotEvaluated) and one.entry.rule.code.startswith("VAL")}  # fmt: skip
    others = {code for code, needed in missing.items() if needed != measure.FINITE}
    assert others <= {"VAL004", "VAL005", "VAL106", "VAL110"}


def test_nan_in_the_base_of_an_adapter_fails(clinic, tmp_path):
    def with_infinity(tensors: dict[str, Any]) -> None:
        tensors["model.norm.weight"][0] = float("inf")

    base = edited(clinic.base, tmp_path / "base", with_infinity)
    assert codes(validate(clinic.adapter, base=str(base), **QUICK)) == {"VAL001"}


def test_ids_without_rows_fail_and_nothing_is_run(clinic, tmp_path):
    import transformers

    hf: Any = transformers
    folder = copy_of(clinic.full, tmp_path)
    tokenizer = hf.AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["<|new|>"])
    tokenizer.save_pretrained(folder)
    found = validate(folder, data=[clinic.held_out], **QUICK)
    assert (found.word, codes(found)) == ("fail", {"VAL004"})
    assert found.tested.own is None
    assert "382 ids the model has rows for" in found.tested.missing["own"]


def test_an_empty_folder_is_no_model(tmp_path):
    error = refused(tmp_path)
    assert "holds no weights" in error.message
    assert error.hint


def test_no_folder_is_no_model(tmp_path):
    error = refused(tmp_path / "nothing")
    assert "is no folder" in error.message
    assert "output folder" in error.hint


def test_an_adapter_without_its_base_says_so(clinic, tmp_path):
    folder = copy_of(clinic.adapter, tmp_path)
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": "/gone/base"}))
    error = refused(folder)
    assert "`/gone/base`" in error.message
    assert "is not on this machine" in error.message
    assert "--base" in error.hint
    assert validate(folder, base=str(clinic.base), **QUICK).tested.kind == "adapter"


def test_an_adapter_for_a_base_of_another_shape_says_so(clinic, tmp_path):
    import transformers

    hf: Any = transformers
    other = copy_of(clinic.base, tmp_path)
    config = hf.AutoConfig.from_pretrained(other)
    config.hidden_size, config.head_dim = 32, 8
    hf.LlamaForCausalLM(config).save_pretrained(other)
    error = refused(clinic.adapter, base=str(other))
    assert "does not fit" in error.message
    assert "--base" in error.hint


def test_a_shard_that_is_not_there_is_named(clinic, tmp_path):
    folder = copy_of(clinic.full, tmp_path)
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    error = refused(folder)
    assert "lists 2 files, and 1 are missing" in error.message
    assert "model-00002-of-00002.safetensors" in error.message
    assert error.hint


def test_pickled_weights_are_refused_and_read_where_the_user_insists(full, clinic, tmp_path):
    import torch
    from safetensors.torch import load_file

    folder = copy_of(clinic.full, tmp_path)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    error = refused(folder)
    assert "`pytorch_model.bin`" in error.message
    assert "a pickle can run code" in error.message
    assert "--allow-pickle" in error.hint
    found = validate(folder, data=[clinic.held_out], pickles=True, **QUICK)
    assert found.word == "pass"
    assert found.tested.weights.values == full.tested.weights.values


class Bomb:
    """A pickle that would leave a folder behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("is_zip", [True, False])
def test_a_pickle_that_runs_code_runs_nothing(clinic, tmp_path, is_zip):
    import torch

    folder = copy_of(clinic.full, tmp_path)
    (folder / "model.safetensors").unlink()
    hostile = {"model.norm.weight": Bomb(tmp_path / "boom")}
    torch.save(hostile, folder / "pytorch_model.bin", _use_new_zipfile_serialization=is_zip)
    error = refused(folder, pickles=True)
    assert "pytorch_model.bin` cannot be read" in error.message
    assert error.hint
    assert not (tmp_path / "boom").exists()


def test_weights_that_were_cut_off_are_named(clinic, tmp_path):
    folder = copy_of(clinic.full, tmp_path)
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    error = refused(folder)
    assert f"`{file}` cannot be read" in error.message
    assert "cut off" in error.hint


def test_a_device_that_is_not_there_is_refused(clinic, monkeypatch):
    import torch

    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    error = refused(clinic.full, device="mps")
    assert error.message == "this machine has no `mps` device"
    assert "--device auto" in error.hint


def test_weights_run_in_16_bits_where_memory_is_short_and_not_at_all_where_it_is_shorter(clinic, monkeypatch):
    size = (clinic.full / "model.safetensors").stat().st_size
    monkeypatch.setattr(loading, "free_memory", lambda _: size)
    place = loading.place_for(str(clinic.full), "cpu", None)
    assert place.dtype == "bfloat16"
    assert "float32 would not fit into memory" in place.note
    monkeypatch.setattr(loading, "free_memory", lambda _: size / 4)
    error = refused(clinic.full, device="cpu")
    assert "GB are free" in error.message
    assert "--endpoint" in error.hint


def test_progress_adds_up_to_what_there_is(clinic):
    seen: dict[str, list[int]] = {}

    def tell(what: str, done: int, of: int) -> None:
        seen.setdefault(what, [0, of])[0] += done

    validate(clinic.full, base=str(clinic.base), data=[clinic.held_out], tell=tell, **QUICK)
    rows, asked = DEPTHS["quick"].rows, DEPTHS["quick"].prompts
    assert seen["held-out rows"] == seen["held-out rows under the base"] == [rows, rows]
    assert seen["answers"] == seen["answers of the base"] == [asked, asked]
    assert seen["reading weights"] == [1, 1]


def test_the_question_of_a_conversation_is_its_last_turn():
    turns = (Message("user", "Hello"), Message("assistant", "Hi"), Message("user", "Why?"), Message("assistant", "So."))
    sample = Sample(Source("rows", 1), 1, "messages", messages=turns)
    assert [one.content for one in turns_before_answer(sample)] == ["Hello", "Hi", "Why?"]


def test_a_device_that_nobody_knows_is_a_message(clinic):
    with pytest.raises(TrainclinicError, match="no `tpu` device"):
        loading.place_for(str(clinic.base), "tpu", None)
