"""What a finding says that it means in this run: the symptom may be true and the meaning false."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from trainclinic.catalogue.verdict import Present, Severity
from trainclinic.diagnosis.diagnose import diagnose


def present(folder: Path, slug: str) -> tuple[Present, str]:
    """The verdict of one rule on a folder, and its severity."""
    (run,) = diagnose(folder).runs
    (finding,) = (f for f in run.findings if f.entry.rule.slug == slug and f.is_present)
    assert isinstance(finding.verdict, Present)
    return finding.verdict, finding.severity.name


def state(folder: Path, rows: list[dict[str, object]], **top: object) -> None:
    (folder / "trainer_state.json").write_text(json.dumps({**top, "log_history": rows}))


def falling(epoch_per_step: float) -> list[dict[str, object]]:
    return [
        {"step": s, "loss": round(3.0 * float(np.exp(-s / 90)), 4), "epoch": s * epoch_per_step}
        for s in range(10, 610, 10)
    ]


def test_rows_that_came_once_are_not_known_by_heart(tmp_path: Path) -> None:
    state(tmp_path, falling(0.001))
    once, _ = present(tmp_path, "loss-collapse-to-zero")
    assert "Less than one pass" in once.means
    state(tmp_path, falling(0.01))
    often, _ = present(tmp_path, "loss-collapse-to-zero")
    assert "known by heart" in often.means
    assert "Less than one pass" not in often.means


def test_the_row_after_a_giant_one_is_the_next_row_and_not_the_next_finite_one(tmp_path: Path) -> None:
    losses = [5.63, 5.47, 153319.0, float("nan"), 5.02, 5.61]
    state(tmp_path, [{"step": s, "loss": loss} for s, loss in enumerate(losses, 1)])
    verdict, _ = present(tmp_path, "isolated-giant-loss")
    assert verdict.means.startswith("The next row is nan, and finite losses come back later")


def test_a_staircase_does_not_prove_the_order_of_the_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [
        {"step": s, "loss": float(0.8 * 0.7 ** ((s - 1) // 50) * (1 + 0.02 * rng.standard_normal())), "epoch": s / 50}
        for s in range(1, 301)
    ]
    state(tmp_path, rows)
    verdict, _ = present(tmp_path, "periodic-loss-pattern")
    assert "makes such a pattern" in verdict.means


def test_slow_steps_at_a_configured_save_are_those_saves(tmp_path: Path) -> None:
    step = np.arange(10, 1001, 10)
    pace = 0.5 * np.where(step % 200 == 0, 5, 1) * (1 + 0.02 * np.random.default_rng(0).standard_normal(step.size))
    lines = ["step,loss,elapsed_s"]
    lines += [f"{s},{2 + np.exp(-s / 300):.4f},{t:.1f}" for s, t in zip(step, np.cumsum(10 * pace), strict=True)]
    (tmp_path / "metrics.csv").write_text("\n".join(lines) + "\n")
    unexplained, severity = present(tmp_path, "periodic-stall")
    assert "next batch" in unexplained.settle
    assert severity == Severity.WARNING.name
    (tmp_path / "training_args.json").write_text(json.dumps({"save_steps": 200, "logging_steps": 10}))
    explained, severity = present(tmp_path, "periodic-stall")
    assert "the configuration saves" in explained.means
    assert severity == Severity.NOTE.name


def test_a_high_start_that_is_soon_learned_is_not_told_as_targets_of_another_position(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        json.dumps({"model_type": "gpt2", "_name_or_path": "gpt2", "vocab_size": 50257})
    )
    for floor, learned in ((0.4, True), (6.4, False)):
        rows = [
            {"step": s, "loss": round(floor + (9.2 - floor) * float(np.exp(-s / 40)), 4)} for s in range(0, 600, 10)
        ]
        state(tmp_path, rows)
        verdict, _ = present(tmp_path, "initial-loss-too-high")
        assert ("padding that is scored" in verdict.means) is learned
        assert any("another position" in one.says for one in verdict.evidence) is not learned


def test_few_noisy_evaluations_of_a_level_seldom_look_like_a_rise(tmp_path: Path) -> None:
    rng, alarms, runs = np.random.default_rng(3), 0, 60
    for _ in range(runs):
        losses = 1.5 * (1 + 0.05 * rng.standard_normal(6))
        rows = [{"step": 10 * s, "loss": round(2.0 - 0.015 * s, 4)} for s in range(1, 61)]
        rows += [{"step": 100 * (i + 1), "eval_loss": float(loss)} for i, loss in enumerate(losses)]
        state(tmp_path, rows)
        (run,) = diagnose(tmp_path).runs
        alarms += any(f.entry.rule.slug == "rising-eval-loss" and f.is_present for f in run.findings)
    assert alarms <= 5


def test_a_run_that_never_fell_has_no_checkpoint_before_its_first_row(tmp_path: Path) -> None:
    losses = [1.6, 11.8, 11.0, 10.6, 10.4, 10.4, 10.4, 10.4, 10.4, 10.4]
    state(tmp_path, [{"step": s, "loss": loss} for s, loss in enumerate(losses, 1)])
    verdict, _ = present(tmp_path, "loss-divergence")
    assert verdict.settle.startswith("Evaluate the starting model")


def test_one_comparison_of_two_losses_settles_nothing(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"step": s, "loss": 1.1, "epoch": s / 100} for s in range(10, 101, 10)]
    state(tmp_path, [*rows, {"step": 100, "eval_loss": 0.4, "epoch": 1.0}])
    verdict, severity = present(tmp_path, "eval-train-gap")
    assert verdict.means.startswith("One comparison")
    assert severity == Severity.NOTE.name
