"""One pass over the rows: what it counts, what it keeps, and that borders of shards change nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from trainclinic.corpus.corpus import Corpus
from trainclinic.corpus.open import open_corpus
from trainclinic.corpus.sample import Sample
from trainclinic.dataset import survey as survey_module
from trainclinic.dataset import surveying
from trainclinic.dataset.data import Data
from trainclinic.dataset.examine import examine
from trainclinic.dataset.sharing import on_processes, on_ray
from trainclinic.dataset.survey import Prints, Survey, joined
from trainclinic.dataset.surveying import survey, survey_shard


def mentions_nine(sample: Sample) -> str | None:
    return "nine" if "9" in sample.answer else None


def write(folder: Path, rows: Sequence[object], name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def rows(count: int, start: int = 0) -> list[dict[str, str]]:
    return [{"prompt": f"How many, case {at}?", "completion": f"It is {at * 7 % 100}."} for at in range(start, count)]


def shards(folder: Path, count: int = 100) -> Corpus:
    write(folder, rows(40), "train-1.jsonl")
    write(folder, rows(count, 40), "train-2.jsonl")
    return open_corpus([folder])


def same(first: Survey, second: Survey) -> bool:
    for one in fields(Prints):
        assert np.array_equal(getattr(first.prints, one.name), getattr(second.prints, one.name)), one.name
    assert [row.sample for row in first.kept] == [row.sample for row in second.kept]
    assert first.tallies == second.tallies
    assert (first.rows, first.lost, first.characters) == (second.rows, second.lost, second.characters)
    return True


def test_every_row_is_counted_asked_and_remembered_with_its_line(tmp_path: Path) -> None:
    found = survey(shards(tmp_path), {"nine": mentions_nine})
    nines = [at for at in range(100) if "9" in str(at * 7 % 100)]
    assert found.rows == 100
    assert found.schemas == {"prompt-completion": 100}
    assert found.tallies["nine"].looked == 100
    assert [hit.source.line for hit in found.tallies["nine"].first] == [
        at % 40 + 1 if at < 40 else at - 39 for at in nines
    ]
    assert found.prints.shard.tolist() == [0] * 40 + [1] * 60
    assert found.prints.line[39:41].tolist() == [40, 1]
    assert found.names == ("train-1.jsonl", "train-2.jsonl")
    assert found.has_all


def test_equal_texts_have_equal_digests_and_case_matters_only_in_one_of_them(tmp_path: Path) -> None:
    write(tmp_path, [{"text": "One  pump"}, {"text": "one pump"}, {"text": "One  pump"}], "train.jsonl")
    prints = survey(open_corpus([tmp_path]), {}).prints
    assert prints.whole[0] == prints.whole[2] != prints.whole[1]
    assert len(set(prints.normal.tolist())) == 1
    assert prints.prompt.tolist() == [0, 0, 0]


def test_shards_join_to_the_survey_of_the_whole(tmp_path: Path) -> None:
    corpus = shards(tmp_path)
    apart = joined([survey_shard(shard, {"nine": mentions_nine}) for shard in corpus.shards])
    assert same(apart, survey(corpus, {"nine": mentions_nine}))


def test_the_kept_rows_are_the_same_whatever_the_shards_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = shards(tmp_path, 400)
    for module in (survey_module, surveying):
        monkeypatch.setattr(module, "KEPT_CHARACTERS", 2_000)
        monkeypatch.setattr(module, "KEPT_ROWS", 50)
    whole = survey(corpus, {})
    assert whole.rows == 400
    assert len(whole.kept) == 50
    assert [row.place for row in whole.kept] == sorted(row.place for row in whole.kept)
    lots = sorted(
        surveying._lot(name, at)
        for name, count in (("train-1.jsonl", 40), ("train-2.jsonl", 360))
        for at in range(count)
    )
    assert sorted(row.lot for row in whole.kept) == lots[:50]


def test_rows_that_are_too_long_to_keep_many_are_kept_in_a_smaller_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, [{"text": "x" * 100 + str(at)} for at in range(200)], "train.jsonl")
    for module in (survey_module, surveying):
        monkeypatch.setattr(module, "KEPT_CHARACTERS", 2_000)
    kept = survey(open_corpus([tmp_path]), {}).kept
    assert len(kept) == 19


def test_processes_give_the_same_survey(tmp_path: Path) -> None:
    corpus = shards(tmp_path)
    assert same(survey(corpus, {"nine": mentions_nine}, share=on_processes(2)), survey(corpus, {"nine": mentions_nine}))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_ray_cluster_of_two_workers_gives_the_same_findings(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    corpus = shards(tmp_path)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        spread = examine(Data(corpus, share=on_ray()), strict=True)
    finally:
        ray.shutdown()
    alone = examine(Data(corpus), strict=True)
    assert [(one.entry.rule.code, one.verdict) for one in spread] == [
        (one.entry.rule.code, one.verdict) for one in alone
    ]


def test_an_interrupt_keeps_what_was_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surveying, "BATCH_ROWS", 10)
    seen = 0

    def interrupting(_: Sample) -> str | None:
        nonlocal seen
        seen += 1
        if seen == 25:
            raise KeyboardInterrupt
        return None

    found = survey(shards(tmp_path), {"x": interrupting})
    assert found.rows == 20
    assert not found.is_complete


def test_damaged_rows_are_counted_with_their_lines_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"text": "a"}\n{"text": \n{"text": "b"}\n[1]\n', encoding="utf-8")
    found = survey(open_corpus([tmp_path / "train.jsonl"]), {})
    assert found.rows == 2
    assert found.lost == 2
    assert [hit.source.line for hit in found.troubles["broken-json"].first] == [2]


def test_progress_adds_up_to_all_characters(tmp_path: Path) -> None:
    told: list[int] = []
    found = survey(shards(tmp_path), {}, progress=told.append)
    assert sum(told) == found.characters > 0


def test_memory_does_not_grow_with_rows_that_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are streamed: at no time more than a batch of them is alive beside the kept ones."""
    import weakref

    for module in (survey_module, surveying):
        monkeypatch.setattr(module, "KEPT_CHARACTERS", 0)
        monkeypatch.setattr(module, "KEPT_ROWS", 5)
    monkeypatch.setattr(surveying, "BATCH_ROWS", 10)
    alive: weakref.WeakSet[list[Sample]] = weakref.WeakSet()
    most = 0

    class Watched(list):  # type: ignore[type-arg]
        __hash__ = object.__hash__

    original = surveying._batches

    def watched(shard: object, found: Survey) -> Iterator[list[Sample]]:
        nonlocal most
        for batch in original(shard, found):  # type: ignore[arg-type]
            kept = Watched(batch)
            alive.add(kept)
            most = max(most, len(alive))
            yield kept

    monkeypatch.setattr(surveying, "_batches", watched)
    survey(shards(tmp_path, 300), {})
    assert most <= 2
