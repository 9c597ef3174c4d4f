"""What every probe must do, whatever it asks: answer, leave all as found, be documented."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import pytest

from trainclinic.catalogue.page import HEADINGS
from trainclinic.catalogue.verdict import Absent, NotEvaluated, Present, Severity
from trainclinic.probes.examine import all_probes, cost_of, in_asking_order

PROBES = all_probes()
torch = pytest.importorskip("torch", reason="needs the training stack: pip install 'trainclinic[train]'")

from .faults import ABSENT, FAULTS, MILDER, MISSING  # noqa: E402
from .state import asked, says, state_of  # noqa: E402


def named(table):
    return [(code, name) for code, faults in table.items() for name in faults]


@pytest.mark.parametrize("code", PROBES)
def test_the_page_has_every_heading_with_text(code):
    page = PROBES[code].page
    assert tuple(page.sections) == HEADINGS
    assert all(page.sections.values())
    assert page.title.endswith(".")
    assert PROBES[code].rule.question.endswith("?")
    assert all(len(one.why) > 20 and one.unit for one in PROBES[code].rule.thresholds)


def test_every_probe_has_a_fault_that_it_sees_and_a_run_that_it_cannot_judge():
    assert set(FAULTS) == set(PROBES)
    assert set(MISSING) == set(PROBES)


@pytest.mark.parametrize("code", PROBES)
def test_a_healthy_run_shows_nothing(code, healthy):
    settings = {"pad_id": 2} if code == "PRB004" else {}
    verdict = asked(healthy(**settings), code)
    if settings:
        assert isinstance(verdict, (Absent, NotEvaluated)), says(verdict)
    else:
        assert isinstance(verdict, Absent), says(verdict)


@pytest.mark.parametrize(("code", "name"), named(ABSENT))
def test_a_run_that_differs_from_the_faulty_one_in_one_fact_shows_nothing(code, name, healthy):
    verdict = asked(ABSENT[code][name](healthy), code)
    assert isinstance(verdict, Absent), says(verdict)


@pytest.mark.parametrize(("code", "name"), named(FAULTS))
def test_a_fault_is_present_with_the_severity_of_its_rule(code, name, healthy):
    verdict = asked(FAULTS[code][name](healthy), code)
    assert isinstance(verdict, Present), says(verdict)
    assert verdict.severity is None or verdict.severity is PROBES[code].rule.severity
    for one in verdict.evidence:
        assert one.says
        assert not one.says.endswith(".")
        assert not re.search(r"tensor\(|\bNone\b|torch\.", one.says)


@pytest.mark.parametrize(("code", "name"), named(MILDER))
def test_a_milder_fault_is_a_warning(code, name, healthy):
    verdict = asked(MILDER[code][name](healthy), code)
    assert isinstance(verdict, Present), says(verdict)
    assert verdict.severity is Severity.WARNING


@pytest.mark.parametrize("code", PROBES)
def test_what_cannot_be_looked_at_is_not_evaluated(code, healthy):
    verdict = asked(MISSING[code](healthy), code)
    assert isinstance(verdict, NotEvaluated), says(verdict)
    assert "broke off" not in verdict.missing
    assert not verdict.missing.endswith(".")


def raising(*_arguments, **_named):
    message = "out of `memory`\nwith a second line"
    raise RuntimeError(message)


ODD = {
    "a loss that raises": {"loss_of": raising},
    "logits that raise": {"logits_of": raising},
    "an optimizer that raises": {"optimizer": raising},
    "an autocast that raises": {"autocast": raising},
    "a decoder that raises": {"decode": raising},
    "saving that raises": {"save": raising},
    "a loss of NaN": {"loss_of": lambda model, batch: model(**batch).loss * float("nan")},
    "a loss of zero": {"loss_of": lambda model, batch: model(**batch).loss * 0.0},
    "no batch": {"batches": ()},
    "no rows": {"batches": ({name: torch.zeros(0, 4, dtype=torch.long) for name in ("input_ids", "labels")},)},
    "one token": {"batches": ({name: torch.ones(1, 1, dtype=torch.long) for name in ("input_ids", "labels")},)},
    "no labels": {"batches": ({"input_ids": torch.ones(2, 4, dtype=torch.long)},)},
}


@pytest.mark.parametrize("name", ODD)
def test_no_probe_raises_on_an_odd_run_and_each_leaves_it_as_found(name, healthy):
    live = healthy()
    for code in PROBES:
        verdict = asked(replace(live, **ODD[name]), code)
        assert isinstance(verdict, (Absent, NotEvaluated, Present))
        assert "\n" not in says(verdict)


def test_an_exception_is_the_reason_why_nothing_was_looked_at(healthy):
    verdict = asked(healthy(loss_of=raising), "PRB103")
    assert verdict.missing == "a check that can finish; it broke off with `RuntimeError: out of 'memory'`"


def test_the_state_that_is_compared_would_show_a_change(healthy):
    live = healthy()
    before = state_of(live.model)
    torch.rand(1)
    assert state_of(live.model)["random"] != before["random"]
    with torch.no_grad():
        next(iter(live.model.parameters()))[0, 0] += 1e-6
    assert state_of(live.model)["weights"] != before["weights"]


def test_cheap_probes_are_asked_first():
    costs = [cost_of(entry) for entry in in_asking_order()]
    assert costs == sorted(costs)
    assert len(costs) == len(PROBES)


def test_the_pages_of_probes_are_read_without_the_training_stack():
    code = "import sys\nfrom trainclinic.probes.examine import all_probes\nimport trainclinic.guard.preflight\n"
    code += "assert len([entry.page for entry in all_probes().values()]) > 20\nassert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
