"""Laws of a whole diagnosis that hold for the files of real runs: nothing raises, and what is irrelevant changes nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainclinic.causes.infer import Inference
from trainclinic.diagnosis.diagnose import diagnose
from trainclinic.record.errors import ReadError

EXAMPLES = Path(__file__).parents[2] / "examples"
REPORT_A = sorted(path.name for path in (EXAMPLES / "report-a").iterdir())
relaxed = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))

STEPS = np.arange(10, 610, 10)
NOISE = np.random.default_rng(0).standard_normal(STEPS.size)
ORDINARY = 1.2 + 1.4 * np.exp(-STEPS / 150) + 0.02 * NOISE
CURVES = {
    "ordinary": ORDINARY,
    "spike": np.where(STEPS == 400, 9.58, ORDINARY),
    "lasting NaN": np.where(STEPS > 300, np.nan, ORDINARY),
    "divergence": np.where(STEPS > 300, 7.4 + 0.05 * NOISE, ORDINARY),
    "flat": 2.6 + 0.02 * NOISE,
}
RATES = 2e-4 * np.minimum(STEPS / 60, (620 - STEPS) / 560)
NORMS = 0.8 + 0.1 * np.abs(NOISE)
SECONDS = np.cumsum(np.where(STEPS == 200, 900.0, 11.0))


def infer_folder(folder: Path) -> Inference:
    return diagnose(folder).runs[0].inference


def without(folder: Path, names: Sequence[str], target: Path) -> Path:
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns(*names))
    return target


def is_sound(inference: Inference) -> bool:
    """Probabilities that are numbers between 0 and 1, and weights that are numbers."""
    ledger = inference.ledger
    shares = np.append(ledger.probability, [ledger.unknown, inference.healthy_probability])
    told = [suspect.probability for suspect in inference.suspects]
    inside = bool(np.all((shares >= 0.0) & (shares <= 1.0 + 1e-9))) and all(0.0 <= p <= 1.0 for p in told)
    return inside and bool(np.isfinite(ledger.weights).all())


@pytest.mark.parametrize("name", REPORT_A)
def test_a_file_less_moves_probabilities(name: str, tmp_path: Path) -> None:
    """Each file of this run holds evidence; in which direction it speaks is no law."""
    whole = infer_folder(EXAMPLES / "report-a")
    less = infer_folder(without(EXAMPLES / "report-a", [name], tmp_path / "run"))
    assert is_sound(less)
    assert not np.allclose(less.ledger.probability, whole.ledger.probability, rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("count", range(2, len(REPORT_A) + 1))
def test_any_files_less_never_raise_anything_but_a_read_error(count: int, tmp_path: Path) -> None:
    for number, names in enumerate(combinations(REPORT_A, count)):
        folder = without(EXAMPLES / "report-a", names, tmp_path / str(number))
        try:
            assert is_sound(infer_folder(folder))
        except ReadError as error:
            assert len(names) == len(REPORT_A), f"{error.message}: files are left"  # noqa: PT017


@relaxed
@given(st.data())
def test_lines_that_are_missing_from_a_log_never_raise(data: st.DataObject) -> None:
    lines = (EXAMPLES / "report-b/training.log").read_text(encoding="utf-8").splitlines(keepends=True)
    begin = data.draw(st.integers(0, len(lines) - 1))
    end = data.draw(st.integers(begin, len(lines)))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "training.log").write_text("".join(lines[:begin] + lines[end:]), encoding="utf-8")
        try:
            assert is_sound(infer_folder(Path(folder)))
        except ReadError:
            assert begin == 0, "the header is left"


def table(curve: str, order: Sequence[int]) -> str:
    columns = (STEPS, CURVES[curve], RATES, NORMS, SECONDS)
    lines = [",".join(f"{column[row]:.8g}" for column in columns) for row in order]
    return "\n".join(["step,train_loss,learning_rate,grad_norm,elapsed_s", *lines, ""])


def told(inference: Inference) -> list[object]:
    """Everything that is said about causes, but where it was read."""
    suspects = [
        (s.cause.slug, s.probability, [(w.answer.slug, w.weight) for w in (*s.supporting, *s.opposing)])
        for s in inference.suspects
    ]
    refuted = [(r.cause.slug, r.answer.slug, r.answer.evidence.says) for r in inference.ruled_out]
    return [suspects, refuted, inference.next_tests, inference.healthy_probability]


@pytest.mark.parametrize("curve", CURVES)
@relaxed
@given(st.permutations(range(len(STEPS))))
def test_the_order_of_rows_in_a_table_changes_no_cause(curve: str, order: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "metrics.csv"
        path.write_text(table(curve, range(len(STEPS))), encoding="utf-8")
        sorted_rows = infer_folder(Path(folder))
        path.write_text(table(curve, order), encoding="utf-8")
        assert told(infer_folder(Path(folder))) == told(sorted_rows)


def test_the_curves_of_these_laws_differ_in_their_causes(tmp_path: Path) -> None:
    """Otherwise the law above would hold for a tool that says nothing."""
    first = set()
    for curve in CURVES:
        folder = tmp_path / curve.replace(" ", "-")
        folder.mkdir()
        (folder / "metrics.csv").write_text(table(curve, range(len(STEPS))), encoding="utf-8")
        first.add(infer_folder(folder).suspects[0].cause.slug)
    assert len(first) >= 3
