"""Scores of the channels, their mixing, and how good a ranking is."""

import math
import random

import numpy as np
import pytest

from trainclinic.record.errors import TrainclinicError
from trainclinic.retrieval.dense import embedding_folder
from trainclinic.retrieval.lexical import Field, runs, words
from trainclinic.retrieval.measures import quality
from trainclinic.retrieval.mixing import Mix, fit_curve, floor_between
from trainclinic.retrieval.questions import dropped_words, swapped_letters
from trainclinic.retrieval.searching import best, rank


def test_words_are_small_and_without_accents():
    assert words("Größe, CAFÉ-Bar №3 x_y") == ["grosse", "cafe", "bar", "no3", "x", "y"]


def test_runs_of_characters_keep_the_edges_of_words():
    assert runs("Reset a TV") == [" res", "rese", "eset", "set ", " tv ", " a "]


def test_a_score_is_bm25_as_a_share_of_what_the_question_could_give():
    """Worked by hand: two texts of two words; lucene BM25 with k1 1.2 and b 0.75, idf = ln(1 + (N - n + 0.5)/(n + 0.5))."""
    pytest.importorskip("bm25s")
    field = Field.build(["red apple", "green apple"], words)
    red, unknown = math.log(1 + 1.5 / 1.5), math.log(1 + 2.5 / 0.5)
    term = 1 / (1 + 1.2)
    assert field.scores("red")[0] == pytest.approx(term, rel=1e-5)
    assert field.scores("red")[1] == 0
    assert field.scores("red kiwi")[0] == pytest.approx(term * red / (red + unknown), rel=1e-5)
    assert not field.scores("kiwi").any()


def test_a_field_that_no_passage_has_scores_nothing():
    pytest.importorskip("bm25s")
    assert Field.build(["", ""], words).scores("red").tolist() == [0, 0]


def test_measures_of_a_ranking_by_hand():
    told = quality([1, 2, 5, 11])
    assert (told.recall_at_1, told.recall_at_5, told.recall_at_10) == (0.25, 0.75, 0.75)
    assert told.mrr_at_10 == pytest.approx((1 + 1 / 2 + 1 / 5) / 4)
    assert told.ndcg_at_10 == pytest.approx((1 + 1 / math.log2(3) + 1 / math.log2(6)) / 4)


def test_best_rows_are_in_order_and_ties_by_row():
    scores = np.array([0.0, 0.5, 0.9, 0.5, 0.0, 0.5], np.float32)
    assert best(scores, 3) == [2, 1, 3]
    assert best(scores, 100) == [2, 1, 3, 5]
    assert [rank(scores, (row,)) for row in (2, 1, 3, 0)] == [1, 2, 3, 7]
    assert rank(scores, (5, 2)) == 1


def test_a_mix_weighs_channels_and_fields():
    columns = {
        ("words", "question"): np.array([1.0, 0.0], np.float32),
        ("words", "text"): np.array([0.0, 1.0], np.float32),
        ("characters", "question"): np.array([0.5, 0.5], np.float32),
        ("characters", "text"): np.array([0.5, 0.5], np.float32),
        ("dense", ""): np.array([0.0, 1.0], np.float32),
    }
    mix = Mix(words=0.5, characters=0.2, dense=0.3, question=0.7)
    assert mix.mixed(mix.channels(columns)) == pytest.approx([0.5 * 0.7 + 0.1, 0.5 * 0.3 + 0.1 + 0.3])


def test_the_curve_is_fair_between_groups_of_unequal_size():
    rng = np.random.default_rng(0)
    curve = fit_curve(rng.normal(0.6, 0.1, 1000), rng.normal(0.2, 0.1, 20))
    assert curve.at(0.4) == pytest.approx(0.5, abs=0.12)
    assert curve.at(0.7) > 0.95
    assert curve.at(0.1) < 0.05


def test_a_curve_without_contrast_is_finite_and_rises():
    for answered, foreign in ((np.array([0.5]), np.array([])), (np.array([0.2, 0.3]), np.array([0.2, 0.3]))):
        curve = fit_curve(answered, foreign)
        assert 0 < curve.at(0.0) < curve.at(1.0) < 1


def test_the_floor_lies_in_the_gap_between_the_groups():
    assert 0.3 < floor_between(np.array([0.8, 0.9, 0.7]), np.array([0.1, 0.3])) < 0.7
    assert floor_between(np.array([0.05, *[0.8] * 99]), np.full(100, 0.3)) == pytest.approx(0.55)


def test_changed_questions_differ_in_what_they_say():
    rng = random.Random(3)
    asked = "How do I reset the password of the device?"
    swapped = swapped_letters(asked, rng)
    assert swapped != asked
    assert sorted(swapped) == sorted(asked)
    dropped = dropped_words(asked, rng).split()
    assert len(dropped) == 6
    assert set(dropped) < set(asked.split())
    assert dropped_words("Why?", rng) == "Why?"


def test_an_embedding_folder_that_brings_its_own_code_is_refused(tmp_path):
    (tmp_path / "modules.json").write_text('[{"idx": 0, "name": "0", "path": "", "type": "evil.module.Thing"}]')
    with pytest.raises(TrainclinicError, match=r"names the class `evil\.module\.Thing`"):
        embedding_folder(str(tmp_path))
    (tmp_path / "modules.json").write_text("[")
    with pytest.raises(TrainclinicError, match="cannot be read as the modules"):
        embedding_folder(str(tmp_path))


def test_a_folder_without_a_model_is_no_embedding(tmp_path):
    with pytest.raises(TrainclinicError, match="is no folder of an embedding model"):
        embedding_folder(str(tmp_path))
