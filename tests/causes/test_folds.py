"""Held-out tables: what a source teaches must not reach the judgement of its own runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trainclinic.causes.catalogue import all_causes
from trainclinic.causes.fitting import SHARPNESSES, Folds, Labelled, fit, make_folds
from trainclinic.diagnosis.labelled import read_labelled, read_one
from trainclinic.record.errors import TrainclinicError

SLUG = "double-label-shift"
FINDING = all_causes()[SLUG].cause.expects[0].finding


def run_of(source: str, *, present: bool = False) -> Labelled:
    return Labelled(SLUG, {FINDING: present}, frozenset({SLUG}), source)


def shown(folds: Folds, without: str | None) -> float:
    known = folds.knowledge(without)
    column = known.column(FINDING)
    assert column is not None
    return float(known.shows[[cause.slug for cause in known.causes].index(SLUG), column])


def test_tables_without_a_source_have_not_counted_its_runs() -> None:
    folds = make_folds([run_of("a/one"), run_of("a/one"), run_of("b/two")])
    assert shown(folds, None) < shown(folds, "b/two") < shown(folds, "a/one")


def test_the_factor_is_the_one_with_the_smallest_loss_over_the_other_sources() -> None:
    losses = np.full((2, len(SHARPNESSES)), 0.5)
    losses[0, 1] = 0.1
    losses[1, 3] = 0.2
    folds = Folds([run_of("a/one"), run_of("b/two")], losses)
    assert folds.sharpness() == SHARPNESSES[1]
    assert folds.sharpness(without="a/one") == SHARPNESSES[3]
    assert folds.sharpness(without="b/two") == SHARPNESSES[1]


def test_a_fit_keeps_counts_and_factor() -> None:
    fitted = fit([run_of("a/one", present=True), run_of("b/two")])
    assert fitted.shown[SLUG][FINDING] == (1, 2)
    assert fitted.sharpness in SHARPNESSES


def labelled_folder(folder: Path) -> Path:
    case = folder / "case"
    case.mkdir(parents=True)
    (case / "train.log").write_text("".join(f"step {n} loss {2 - n / 100:.3f}\n" for n in range(1, 40)))
    (case / "expect.yaml").write_text(
        "cause: normal-convergence\nsource: 'Some/Repo#12'\nverdict: healthy\nlearning_rate: 0.5\nfp16: true\n"
    )
    return case


def test_the_answer_never_reaches_a_reader(tmp_path: Path) -> None:
    run = read_one(labelled_folder(tmp_path))
    assert run.cause == "normal-convergence"
    assert run.repository == "some/repo"
    verdicts = {answer.slug: type(answer.verdict).__name__ for answer in run.answers}
    assert verdicts["float16-training"] == "NotEvaluated"
    assert verdicts["nan-loss"] == "Absent"
    assert run.labelled.states["nan-loss"] is False
    assert "float16-training" not in run.labelled.states


def test_a_folder_without_labelled_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainclinicError, match="no labelled run"):
        read_labelled(tmp_path)
