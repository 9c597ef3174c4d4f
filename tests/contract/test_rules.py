"""One suite that every rule must pass, whatever it looks for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainclinic.catalogue.load import Entry
from trainclinic.catalogue.page import HEADINGS
from trainclinic.catalogue.verdict import Absent, NotEvaluated, Present
from trainclinic.findings.examine import all_rules
from trainclinic.record.run import RunRecord
from trainclinic.record.series import make_series
from trainclinic.signals.measured import Measured

RULES = all_rules()
CASES = Path(__file__).parents[1] / "cases"
NAN, INF = float("nan"), float("inf")

ODD_RUNS: dict[str, dict[str, tuple[list[int], list[float]]]] = {
    "nothing": {},
    "one row": {"train/loss": ([10], [2.0])},
    "all NaN": {"train/loss": ([1, 2, 3], [NAN] * 3), "train/grad_norm": ([1, 2, 3], [NAN] * 3)},
    "all zero": {"train/loss": ([1, 2, 3], [0.0] * 3), "train/grad_norm": ([1, 2, 3], [0.0] * 3)},
    "infinite": {"train/loss": ([1, 2], [INF, -INF]), "eval/loss": ([1, 2], [INF, NAN])},
    "negative steps": {"train/loss": ([-5, -1, 0, 7], [2.0, 1.0, 0.5, 0.1])},
    "huge": {"train/loss": ([2**62, 2**62 + 1], [1e308, -1e308]), "train/learning_rate": ([2**62], [1e-300])},
    "repeated step": {"train/loss": ([5, 5, 5], [1.0, 2.0, 3.0]), "train/epoch": ([5, 5], [0.1, 0.1])},
    "eval only": {"eval/loss": ([100, 200, 300, 400, 500], [2.0, 1.9, 1.8, 1.9, 2.4])},
    "no time passes": {"time/elapsed": ([1, 2, 3, 4], [5.0] * 4), "speed/steps_per_second": ([1, 2], [0.0, INF])},
    "time runs back": {"time/elapsed": (list(range(30)), [float(30 - i) for i in range(30)])},
    "rising rate": {"train/learning_rate": (list(range(1, 40)), [i * 1e-5 for i in range(1, 40)])},
    "constant": {name: (list(range(100)), [1.0] * 100) for name in ("train/loss", "eval/loss", "train/grad_norm")},
}


def run_of(columns: dict[str, tuple[list[int], list[float]]], axis: Any = "step") -> Measured:
    series = {name: make_series(name, steps, values) for name, (steps, values) in columns.items()}
    return Measured(RunRecord(name="odd", series=series, axis=axis))


@pytest.mark.parametrize("code", RULES)
def test_the_page_has_every_heading_with_text(code: str) -> None:
    page = RULES[code].page
    assert tuple(page.sections) == HEADINGS
    assert all(page.sections.values())
    assert page.title.endswith(".")


@pytest.mark.parametrize("code", RULES)
def test_there_is_a_case_of_each_kind(code: str) -> None:
    text = (CASES / f"{code}-{RULES[code].rule.slug}.md").read_text(encoding="utf-8")
    for kind in ("present", "absent", "not evaluated"):
        assert f"\n## {kind}:" in text


@pytest.mark.parametrize("code", RULES)
def test_thresholds_have_reasons(code: str) -> None:
    for threshold in RULES[code].rule.thresholds:
        assert len(threshold.why) > 20
        assert threshold.unit


@pytest.mark.parametrize("axis", ["step", "epoch", "row"])
@pytest.mark.parametrize("name", ODD_RUNS)
@pytest.mark.parametrize("code", RULES)
@pytest.mark.filterwarnings("error")
def test_the_rule_answers_odd_runs_without_raising(code: str, name: str, axis: str) -> None:
    verdict = RULES[code].rule.check(run_of(ODD_RUNS[name], axis))
    assert isinstance(verdict, (Present, Absent, NotEvaluated))
    for evidence in getattr(verdict, "evidence", ()):
        assert evidence.says
        assert not evidence.says.endswith(".")
        assert not re.search(r"np\.|array\(|\bNone\b", evidence.says)


@pytest.mark.parametrize("code", RULES)
def test_an_empty_run_is_not_evaluated_or_absent_but_never_present(code: str) -> None:
    assert not isinstance(RULES[code].rule.check(run_of({})), Present) or RULES[code].rule.slug == "no-evaluation"


@pytest.mark.parametrize("code", RULES)
def test_asking_twice_gives_the_same_answer(code: str) -> None:
    entry: Entry[Measured] = RULES[code]
    rng = np.random.default_rng(3)
    columns = {"train/loss": (list(range(300)), list(2.0 + rng.normal(0, 0.1, 300)))}
    assert entry.rule.check(run_of(columns)) == entry.rule.check(run_of(columns))
