"""What the report says about the learning-rate schedule: what the rows fix, what they leave open."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from trainclinic import diagnose
from trainclinic.record.run import RunRecord
from trainclinic.record.series import make_series
from trainclinic.report.model import Passage
from trainclinic.report.sections.schedule import schedule
from trainclinic.signals.measured import Measured

EXAMPLES = Path(__file__).parents[2] / "examples"


def told(rates: list[float], first: int = 10, interval: int = 10) -> Passage | None:
    steps = first + interval * np.arange(len(rates))
    series = make_series("train/learning_rate", steps, rates)
    return schedule(Measured(RunRecord("r", {"train/learning_rate": series})))


def test_two_rows_fix_the_schedule_of_report_a_and_the_size_of_its_data() -> None:
    passage = schedule(diagnose(EXAMPLES / "report-a").runs[0].measured)
    assert passage is not None
    assert "One schedule passes through both logged learning rates" in passage.says[0]
    assert any("493 steps of 16 sequences" in text and "7,887 to 7,888 rows" in text for text in passage.says)
    assert ("end", "step 1,479, at 0") in [(item.label, item.value) for item in passage.items]


def test_without_learning_rates_there_is_nothing_to_tell() -> None:
    assert schedule(Measured(RunRecord("r"))) is None


def test_a_log_that_ends_in_the_warm_up_leaves_the_end_open() -> None:
    passage = told([2e-6 * step for step in range(1, 9)])
    assert passage is not None
    assert "does not leave the warm-up" in passage.says[0]
    assert not passage.items


def test_rates_on_no_known_schedule_are_called_that() -> None:
    passage = told([1e-4, 3e-5, 9e-5, 1e-6, 8e-5, 2e-5, 7e-5, 3e-6])
    assert passage is not None
    assert "No known schedule passes through all 8" in passage.says[0]


def test_agreement_with_the_plan_is_said() -> None:
    passage = schedule(diagnose(EXAMPLES / "report-b").runs[0].measured)
    assert passage is not None
    assert "Its peak, end and warm-up agree with the configuration" in passage.says[1]
