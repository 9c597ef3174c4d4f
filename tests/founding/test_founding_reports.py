"""The two bundled failures: what must be said about them, and what must never be said."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainclinic.catalogue.verdict import Absent, Present
from trainclinic.diagnosis.diagnose import RunDiagnosis, diagnose

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def report_a() -> RunDiagnosis:
    (run,) = diagnose(EXAMPLES / "report-a").runs
    return run


@pytest.fixture(scope="module")
def report_b() -> RunDiagnosis:
    (run,) = diagnose(EXAMPLES / "report-b").runs
    return run


def present(run: RunDiagnosis) -> dict[str, Present]:
    return {f.entry.rule.slug: f.verdict for f in run.findings if isinstance(f.verdict, Present)}


def words(verdict: Present) -> str:
    return " ".join([*(e.says for e in verdict.evidence), verdict.means, verdict.settle])


def test_report_a_is_sick(report_a: RunDiagnosis) -> None:
    assert report_a.verdict.word == "sick"


def test_report_a_the_giant_loss_is_an_artefact_with_a_normal_loss_behind_it(report_a: RunDiagnosis) -> None:
    said = words(present(report_a)["nan-filter-inflation"])
    assert "2.231" in said
    assert "step 3" in said


def test_report_a_the_zero_is_explained(report_a: RunDiagnosis) -> None:
    assert "nan-hidden-as-zero" in present(report_a)


def test_report_a_the_schedule_gives_the_length_of_the_run(report_a: RunDiagnosis) -> None:
    schedule = report_a.measured.schedule
    position = report_a.measured.position
    assert schedule is not None
    assert schedule.is_unique
    assert schedule.best is not None
    assert (schedule.best.shape, schedule.total, schedule.best.warmup) == ("linear", 1479, 10)
    assert schedule.steps_per_epoch == pytest.approx(493.0, abs=1e-6)
    assert position is not None
    assert position.row_range == (7887, 7888)


def test_report_a_nothing_false_is_claimed(report_a: RunDiagnosis) -> None:
    false = {"loss-collapse-to-zero", "initial-loss-too-high", "initial-loss-above-uniform", "loss-spike", "loss-divergence",
             "rising-eval-loss", "loss-plateau", "isolated-giant-loss"}  # fmt: skip
    assert false & set(present(report_a)) == set()


def test_report_b_is_sick(report_b: RunDiagnosis) -> None:
    assert report_b.verdict.word == "sick"


def test_report_b_the_first_loss_is_impossible_for_this_model(report_b: RunDiagnosis) -> None:
    assert "9.227" in words(present(report_b)["initial-loss-too-high"])


def test_report_b_there_is_a_plateau(report_b: RunDiagnosis) -> None:
    assert "loss-plateau" in present(report_b)


def test_report_b_the_spike_is_real_in_the_numbers_and_undecided_in_its_nature(report_b: RunDiagnosis) -> None:
    spike = present(report_b)["loss-spike"]
    assert spike.evidence[0].step == 2000
    assert "checkpoint" in words(spike)
    assert "2000" in spike.settle
    assert report_b.measured.spikes is not None
    assert [(found.at.step, found.at.z > 50) for found in report_b.measured.spikes.found] == [(2000, True)]


def test_report_b_the_slowdown_is_a_stall(report_b: RunDiagnosis) -> None:
    throughput = report_b.measured.throughput
    assert throughput is not None
    (stall,) = throughput.stalls
    assert (stall.begin, stall.end) == (2325, 2375)
    assert stall.lost == pytest.approx(1418, abs=10)
    assert 1.02 <= throughput.recent_speed <= 1.08
    assert "throughput-step-change" not in present(report_b)
    drift = throughput.drift
    assert drift is not None
    assert drift.last_speed / drift.first_speed - 1 == pytest.approx(-0.24, abs=0.02)


def test_report_b_the_learning_rate_is_known_at_every_step(report_b: RunDiagnosis) -> None:
    schedule = report_b.measured.schedule
    assert schedule is not None
    assert schedule.is_unique
    assert schedule.best is not None
    assert float(schedule.best.at(2000)) == pytest.approx(1.55e-5, rel=1e-6)
    low, high = schedule.at(2000) or (0.0, 0.0)
    assert 1.545e-5 <= low <= high <= 1.555e-5


def test_report_b_the_position_in_tokens(report_b: RunDiagnosis) -> None:
    position = report_b.measured.position
    assert position is not None
    assert position.tokens_at(2000) == 4_096_000


def test_report_b_there_is_no_overfitting(report_b: RunDiagnosis) -> None:
    (verdict,) = [f.verdict for f in report_b.findings if f.entry.rule.slug == "rising-eval-loss"]
    assert isinstance(verdict, Absent)
