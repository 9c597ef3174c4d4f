"""Why the loss stays where it is: when there is something to say, and that its numbers are those of the signals."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from tests.report import example_runs, fixed_documents
from trainclinic.record.facts import Facts
from trainclinic.record.run import RunRecord
from trainclinic.report.cause_entries import CauseEvidence
from trainclinic.report.model import FindingEntry, Passage
from trainclinic.report.sections.stuck import stuck
from trainclinic.signals.measured import Measured

LEVEL = 6.62


def finding(slug: str, severity: Any = "warning") -> FindingEntry:
    return FindingEntry("LOS208", slug, slug, "loss", severity, "", (), "", "", "")


def record(values: Any = None, **facts: Any) -> RunRecord:
    """A GPT-2 fine-tune that falls within 200 steps and then stands still, half-way through a cosine schedule."""
    steps = np.arange(0, 2010, 10)
    noise = np.random.default_rng(0).normal(0, 0.02, steps.size)
    values = LEVEL + 2.6 * np.exp(-steps / 60) + noise if values is None else values
    rates = 1e-4 * 0.5 * (1 + np.cos(np.pi * steps / 4000))
    stated = {"model_name": "gpt2", "method": "lora", "planned_steps": 4000.0, "schedule": "cosine", **facts}
    return RunRecord(
        name="stuck",
        series={
            "train/loss": example_runs.series("train/loss", steps, values, "nats/token"),
            "train/learning_rate": example_runs.series("train/learning_rate", steps, rates),
        },
        facts=Facts([example_runs.fact(name, value) for name, value in stated.items() if value is not None]),
        files=(example_runs.LOG,),
    )


def told(run: RunRecord, *slugs: str, causes: Any = (), **options: Any) -> Passage:
    passage = stuck(Measured(run, **options), [finding(slug) for slug in slugs], causes)
    assert passage is not None
    return passage


def test_a_plateau_is_told_with_its_level_its_gain_and_what_scores_the_same() -> None:
    passage = told(record(), "loss-plateau", unigram_entropy=6.538)
    course, level = passage.says[:2]
    assert "lies at 6.62" in course
    assert "(95 % bound)" in course
    assert "the entropy of single tokens of the data, 6.538" in level
    assert "no use of the text before it" in level
    items = {item.label: item.value for item in passage.items}
    assert items["guessing every token alike"] == pytest.approx(np.log(50_257), abs=1e-3)
    assert items["knowing token frequencies only"] == 6.538


def test_without_the_data_the_entropy_is_called_typical() -> None:
    assert "typical of English text, 6.5" in told(record(), "loss-plateau").says[1]


def test_the_rest_of_the_schedule_is_set_against_the_gap() -> None:
    (rest,) = [says for says in told(record(), "loss-plateau").says if "remaining" in says]
    assert rest.startswith("The remaining 2,000 steps, 18 % of the schedule's summed learning rate, can bring at most")
    assert "the gap to an intact model is 3.0" in rest


def test_a_plateau_above_an_intact_model_is_compared_with_it() -> None:
    steps = np.arange(0, 2010, 10)
    run = record(4.9 + np.exp(-steps / 60) + np.random.default_rng(0).normal(0, 0.02, steps.size))
    assert "above where fine-tuning of GPT-2 124M ends, 2.70 to 3.60" in told(run, "loss-plateau").says[1]


def test_a_loss_of_guessing_is_called_that() -> None:
    steps = np.arange(0, 2010, 10)
    flat = record(10.83 + np.random.default_rng(0).normal(0, 0.02, steps.size))
    passage = told(flat, "flat-loss-from-start")
    assert "guessing all 50,257 tokens alike, 10.82" in passage.says[1]


def test_a_divergence_is_told_against_its_best_level() -> None:
    steps = np.arange(0, 2010, 10)
    up = np.where(steps < 1000, 3.2, 9.0) + np.random.default_rng(0).normal(0, 0.02, steps.size)
    says = told(record(up), "loss-divergence").says
    assert says[0].startswith("The loss ends at ")
    assert "5.8" in says[0]
    assert "above its best level" in says[0]
    assert not any("remaining" in text for text in says)


def test_a_plateau_that_rises_promises_nothing() -> None:
    steps = np.arange(0, 2010, 10)
    run = record(5.0 + np.exp(-steps / 60) + 1e-4 * steps + np.random.default_rng(0).normal(0, 0.002, steps.size))
    (rest,) = [says for says in told(run, "loss-plateau").says if "remaining" in says]
    assert "promise nothing" in rest


def test_the_most_probable_cause_says_why_it_stays_there() -> None:
    reason = CauseEvidence("LOS208", "loss-plateau", "present", "strong", "flat", "context is of little use")
    likely = dataclasses.replace(fixed_documents.shifted(), evidence_for=(reason,))
    assert told(record(), "loss-plateau", causes=(likely,)).says[-1] == (
        "The most probable cause, `double-label-shift`, would leave it there: context is of little use."
    )
    unsure = dataclasses.replace(likely, probability=0.4)
    assert not any("most probable" in says for says in told(record(), "loss-plateau", causes=(unsure,)).says)


def test_a_plateau_of_an_unknown_model_is_not_explained_by_its_height() -> None:
    reason = CauseEvidence("LOS208", "loss-plateau", "present", "strong", "flat", "it ends too high")
    likely = dataclasses.replace(fixed_documents.shifted(), evidence_for=(reason,))
    passage = told(record(model_name=None, method=None), "loss-plateau", causes=(likely,))
    assert not any("most probable" in says for says in passage.says)


def test_nothing_is_said_of_a_run_that_is_not_stuck() -> None:
    run = Measured(record())
    assert stuck(run, [finding("loss-spike")], ()) is None
    assert stuck(run, [finding("loss-plateau", "note")], ()) is None
    assert stuck(Measured(RunRecord(name="empty")), [finding("loss-plateau")], ()) is None


def test_an_unknown_model_gets_no_levels_and_no_gap() -> None:
    passage = told(record(model_name=None, method=None), "loss-plateau")
    assert [item.label for item in passage.items] == ["level", "most that the rest can bring"]
    assert not any("intact" in says for says in passage.says)
