"""From a measured run to its document: what is chosen, what it is called, and what disappears."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tests.report import example_runs
from trainclinic import diagnose
from trainclinic.catalogue.verdict import Evidence, Present, Severity
from trainclinic.findings.overall import Overall
from trainclinic.record.parts import Damage
from trainclinic.record.run import RunRecord
from trainclinic.record.source import Source
from trainclinic.report.compose import compose, with_damage
from trainclinic.report.model import Document
from trainclinic.signals.measured import Measured

EXAMPLES = Path(__file__).parents[2] / "examples"
UNSURE = Overall("undetermined", "nothing to judge by")


def composed(record: RunRecord, *findings: object) -> Document:
    return compose(Measured(record), findings, UNSURE)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def spike() -> Document:
    return example_runs.spike_document()


def test_the_timeline_holds_evaluations_findings_and_their_words(spike: Document) -> None:
    rows = {row.step: row for row in spike.timeline}
    assert list(rows) == [0, 500, 1000, 1500, 2000, 2350, 2500]
    assert rows[500].status == "falling"
    assert rows[1500].status == "level"
    assert rows[2000].status == "loss spike"
    assert rows[2500].status == "back to the level of step 1,500"
    assert "lowest evaluation" in rows[1000].status
    assert rows[2000].train_change == pytest.approx(2.9335)
    assert rows[2350].train_loss is None
    assert rows[2350].steps_per_second == pytest.approx(25 / 948, rel=0.02)
    assert (rows[2000].path, rows[2000].line) == (example_runs.LOG, 24)


def test_the_timeline_of_a_long_run_stays_short() -> None:
    rows = example_runs.long_document(50_000).timeline
    assert 20 <= len(rows) <= 40
    assert [row.step for row in rows] == sorted({row.step for row in rows})
    assert 25_001 in [row.step for row in rows]


def test_each_finding_is_marked_in_the_panel_of_its_series(spike: Document) -> None:
    assert spike.chart is not None
    assert [(m.number, m.step, m.panel) for m in spike.chart.marks] == [
        (1, 0, "loss"),
        (2, 2000, "loss"),
        (3, 2350, "speed"),
        (4, 1000, "loss"),
    ]


def test_where_the_run_stood_has_rate_tokens_and_batch(spike: Document) -> None:
    event = next(event for event in spike.at_events if event.step == 2000)
    items = {item.label: item.value for item in event.items}
    assert items["learning rate"] == 1.55e-5
    assert items["token positions seen"] == 4_096_000
    assert items["share of the peak learning rate"] == "78 %"
    assert items["batch"] == "8 sequences, up to 256 tokens each"


def test_checkpoints_to_keep_and_to_distrust(spike: Document) -> None:
    assert spike.checkpoints is not None
    assert spike.checkpoints.best is not None
    assert spike.checkpoints.best.step == 1000
    assert [entry.step for entry in spike.checkpoints.suspect] == [2000]


def test_speed_names_the_lost_time(spike: Document) -> None:
    assert spike.speed is not None
    assert spike.speed.lost_seconds == pytest.approx(1418, abs=12)
    assert [(s.first_step, s.last_step) for s in spike.speed.spans if s.kind == "gap in time"] == [(2325, 2375)]


def test_an_empty_record_makes_a_document_without_sections() -> None:
    document = composed(RunRecord(name="empty"))
    assert document.chart is None
    assert document.timeline == ()
    assert document.speed is None
    assert document.generalisation is None
    assert document.summary.startswith("The files hold no logged values.")


def test_a_run_over_epochs_says_epochs_and_has_no_position_in_the_data() -> None:
    loss = example_runs.series("train/loss", [1, 2, 3, 4, 5], [3.0, 2.5, 2.2, 2.1, 2.0])
    spike = example_runs.finding(
        "LOS205", "loss-spike", Severity.WARNING, Present((Evidence("odd", None, 3, "train/loss"),))
    )
    document = composed(RunRecord(name="keras", series={"train/loss": loss}, axis="epoch"), spike)
    assert "epochs 1 to 5" in document.summary
    assert document.at_events == ()


def test_an_overwritten_pass_stays_visible() -> None:
    loss = example_runs.series("train/loss", [1, 2, 3, 4, 2, 3, 4, 5], [4.0, 3.0, 9.0, 9.0, 3.1, 2.9, 2.8, 2.7])
    document = composed(RunRecord(name="resumed", series={"train/loss": loss}))
    assert document.chart is not None
    curves = {curve.role: curve for curve in document.chart.panels[0].curves}
    assert curves["past"].values == (4.0, 3.0, 9.0, 9.0)
    assert curves["train"].values == (4.0, 3.1, 2.9, 2.8, 2.7)


def test_rows_that_are_no_numbers_are_gaps_and_break_the_line() -> None:
    loss = example_runs.series("train/loss", np.arange(8), [3.0, 2.0, math.nan, math.inf, 2.0, 1.9, 1.8, 1.7])
    document = composed(RunRecord(name="nan", series={"train/loss": loss}))
    assert document.chart is not None
    panel = document.chart.panels[0]
    assert [(gap.first_step, gap.last_step) for gap in panel.gaps] == [(2.0, 3.0)]
    assert [math.isnan(value) for value in panel.curves[0].values[2:4]] == [True, True]


def test_files_that_could_not_be_read_are_told_with_the_first_run(spike: Document) -> None:
    unread = Damage("file is empty", Source("other.log"))
    first, second = with_damage([spike, spike], [unread])
    assert [warning.says for warning in first.warnings] == ["file is empty", "truncated last line"]
    assert second.warnings == spike.warnings


@pytest.mark.parametrize("name", ["report-a", "report-b"])
def test_the_bundled_examples_have_every_section_that_their_files_support(name: str) -> None:
    (document,) = (run.document for run in diagnose(EXAMPLES / name).runs)
    assert document.verdict == "sick"
    assert document.chart is not None
    assert document.expectation is not None
    assert document.timeline
    assert document.at_events
    assert document.facts
    assert document.not_evaluated
    assert (document.speed is not None) == (name == "report-b")
    assert all(finding.evidence[0].path for finding in document.findings if finding.severity == "harmful")
