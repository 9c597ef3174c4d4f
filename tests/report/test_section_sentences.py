"""Sentences of the report's passages that would be untrue or empty for a run are not told."""

from __future__ import annotations

import json
from pathlib import Path

from trainclinic.diagnosis.diagnose import diagnose
from trainclinic.report.model import Document


def document(folder: Path, rows: list[dict[str, object]], **top: object) -> Document:
    (folder / "trainer_state.json").write_text(json.dumps({**top, "log_history": rows}))
    (run,) = diagnose(folder).runs
    return run.document


def test_noise_that_was_not_measured_is_called_assumed(tmp_path: Path) -> None:
    found = document(tmp_path, [{"step": 500, "eval_loss": 1.04}, {"step": 1000, "eval_loss": 1.01}])
    assert found.generalisation is not None
    assert found.checkpoints is not None
    assert found.checkpoints.best is not None
    assert "is assumed" in " ".join(found.generalisation.says)
    assert "assumed to be noise" in found.checkpoints.best.reason
    assert found.reason == "no finite training-loss row to judge by"


def test_a_checkpoint_between_evaluations_names_the_one_that_judged_it(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"step": s, "eval_loss": loss} for s, loss in ((540, 1.2), (1080, 1.0), (1620, 1.1))
    ]
    found = document(tmp_path, rows, save_steps=500)
    assert found.checkpoints is not None
    assert found.checkpoints.best is not None
    assert found.checkpoints.best.step == 1000
    assert "1 at step 1,080, the nearest one logged" in found.checkpoints.best.reason


def test_a_pace_that_holds_is_no_slow_rise(tmp_path: Path) -> None:
    lines = ["step,loss,elapsed_s"] + [
        f"{s},{3 - s / 1000:.4f},{s / 3 - s * s * 1e-7:.3f}" for s in range(10, 1001, 10)
    ]
    (tmp_path / "metrics.csv").write_text("\n".join(lines) + "\n")
    (run,) = diagnose(tmp_path).runs
    assert run.document.speed is not None
    assert not any("slowly" in sentence for sentence in run.document.speed.says)
