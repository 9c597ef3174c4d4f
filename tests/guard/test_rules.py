"""Live rules: what they fire on, when, how often, and what leaves them silent."""

from __future__ import annotations

import math
import random

import pytest

from trainclinic.catalogue.page import HEADINGS, parse_page
from trainclinic.guard import rules
from trainclinic.guard.live import About, Reading, load_rules

RULES = {rule.slug: rule for rule in load_rules(About())}


def fired(slug, readings, vocabulary=None):
    """Steps at which a rule speaks."""
    rule = next(rule for rule in load_rules(About(vocabulary)) if rule.slug == slug)
    return [reading.step for reading in readings if rule.look(reading) is not None]


def losses(values, **more):
    return [Reading(step=at, loss=value, grad_norm=1.0, **more) for at, value in enumerate(values, start=1)]


def curve(steps, seed=0, noise=0.06, start=3.0, end=1.8):
    """A healthy loss with multiplicative noise of heavy tails."""
    chosen = random.Random(seed)
    out = []
    for step in range(steps):
        heavy = chosen.gauss(0, 1) / math.sqrt(sum(chosen.gauss(0, 1) ** 2 for _ in range(5)) / 5)
        out.append((end + (start - end) / (1 + step / 40)) * math.exp(noise * heavy))
    return out


def test_there_are_five_rules_with_pages():
    assert set(RULES) == {"divergence", "exact-zero-loss", "loss-spike", "non-finite-gradient", "non-finite-loss"}
    for rule in RULES.values():
        page = parse_page(__import__(type(rule).__module__, fromlist=["x"]).__doc__, HEADINGS)
        assert all(page.sections.values()), rule.slug
        assert all(len(threshold.why) > 20 for threshold in rule.thresholds)


def test_a_file_that_does_not_bear_its_rule_is_refused(monkeypatch, tmp_path):
    (tmp_path / "wrongly_named.py").write_text("from trainclinic.guard.rules.divergence import RULE\n")
    monkeypatch.setattr(rules, "__path__", [str(tmp_path)])
    with pytest.raises(ValueError, match="holds the rule `divergence`"):
        load_rules(About())


def test_a_bad_gradient_is_told_at_once_and_once_per_stretch():
    bad = [False, True, True, False, True]
    readings = [Reading(step=at, bad_gradient=one, bad_tensor="w") for at, one in enumerate(bad, start=1)]
    assert fired("non-finite-gradient", readings) == [2, 5]


def test_a_loss_scaler_may_skip_twenty_updates_in_a_row():
    calm = [Reading(step=at, bad_gradient=at % 21 != 0, scaled=True) for at in range(1, 100)]
    assert fired("non-finite-gradient", calm) == []
    stuck = [Reading(step=at, bad_gradient=True, scaled=True) for at in range(1, 40)]
    assert fired("non-finite-gradient", stuck) == [21]


def test_a_loss_that_is_not_finite_is_told_at_the_first_step_of_a_stretch():
    assert fired("non-finite-loss", losses([1.0, math.nan, math.inf, 1.0, math.inf])) == [2, 5]


@pytest.mark.parametrize(
    ("loss", "norm", "steps"),
    [
        (0.0, 0.0, [1]),
        (0.0, None, [1]),
        (0.0, math.nan, [1]),
        (0.0, 0.3, []),  # an objective on advantages
        (1.0, 0.0, [3]),
        (1e-9, 1e-9, []),
    ],
)
def test_exact_zeros_are_told_where_nothing_is_learned(loss, norm, steps):
    assert fired("exact-zero-loss", [Reading(step=at, loss=loss, grad_norm=norm) for at in range(1, 6)]) == steps


def test_objectives_on_advantages_may_be_exactly_zero():
    zeros = [Reading(step=at, loss=0.0, grad_norm=0.0) for at in range(1, 9)]
    rule = next(rule for rule in load_rules(About(objective="grpo")) if rule.slug == "exact-zero-loss")
    assert [rule.look(reading) for reading in zeros] == [None] * 8
    signed = [
        Reading(step=1, loss=-0.02, grad_norm=1.0),
        *(Reading(step=at, loss=0.0, grad_norm=0.0) for at in range(2, 9)),
    ]
    assert fired("exact-zero-loss", signed) == []


def test_a_jump_on_memorised_data_is_no_spike():
    chosen = random.Random(0)
    values = [max(2e-4, 2.5 * 0.95**step) * math.exp(chosen.gauss(0, 0.1)) for step in range(400)]
    values[300:320] = [0.2] * 20
    assert fired("loss-spike", losses(values)) == []


def test_two_steps_without_gradient_are_no_fault():
    norms = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0]
    assert (
        fired("exact-zero-loss", [Reading(step=at, loss=1.0, grad_norm=norm) for at, norm in enumerate(norms, 1)]) == []
    )


@pytest.mark.parametrize("ratio", [1.44, 3.0])
def test_a_spike_of_1_44_times_is_seen_and_told_once(ratio):
    values = curve(300, noise=0.03)
    values[200:215] = [value * ratio for value in values[200:215]]
    (step,) = fired("loss-spike", losses(values))
    assert 203 <= step <= 205


def test_one_hard_batch_is_no_spike():
    values = curve(300)
    values[200] *= 5
    values[250] *= 5
    assert fired("loss-spike", losses(values)) == []


def test_a_spike_makes_the_rule_uneasy_until_the_loss_is_back():
    values = curve(300, noise=0.03)
    values[200:215] = [value * 2 for value in values[200:215]]
    rule = next(rule for rule in load_rules(About()) if rule.slug == "loss-spike")
    uneasy = []
    for reading in losses(values):
        rule.look(reading)
        uneasy.append(rule.uneasy)
    assert uneasy[205:214] == [True] * 9
    assert not any(uneasy[240:])


def test_a_new_level_is_learned_instead_of_being_told_for_ever():
    values = [*curve(200, noise=0.03), *(3 * value for value in curve(400, noise=0.03, start=1.8))]
    assert len(fired("loss-spike", losses(values))) == 1


@pytest.mark.parametrize("rise", [2.5, 6.0])
def test_a_lasting_rise_is_a_divergence(rise):
    values = curve(200) + [1.9 + min(rise, rise * step / 50) for step in range(150)]
    (step,) = fired("divergence", losses(values))
    assert 230 <= step <= 330


def test_worse_than_guessing_is_told_sooner():
    values = curve(200) + [9.0] * 60
    (known,) = fired("divergence", losses(values), vocabulary=500)
    (unknown,) = fired("divergence", losses(values))
    assert known < unknown


def test_a_pretrained_model_that_breaks_in_its_first_steps_is_told():
    values = [1.6, 1.7, 1.6, 11.8, 11.6, *[10.37] * 40]
    (step,) = fired("divergence", losses(values), vocabulary=32000)
    assert step <= 25


def test_a_start_above_the_uniform_loss_is_no_divergence():
    assert fired("divergence", losses([12.0] * 100 + curve(100)), vocabulary=500) == []


@pytest.mark.parametrize("slug", sorted(RULES))
@pytest.mark.parametrize("noise", [0.02, 0.1, 0.25])
def test_healthy_runs_raise_no_alarm(slug, noise):
    found = {seed: fired(slug, losses(curve(1500, seed, noise)), vocabulary=32000) for seed in range(8)}
    assert {seed: steps for seed, steps in found.items() if steps} == {}


def test_memorising_down_to_nearly_zero_is_no_divergence():
    chosen = random.Random(1)
    values = [max(0.002, 2.5 * 0.97**step) * math.exp(chosen.gauss(0, 0.8)) for step in range(800)]
    assert fired("divergence", losses(values)) == []


def test_steps_without_a_loss_change_nothing():
    readings = [Reading(step=at) for at in range(1, 50)]
    assert {slug: fired(slug, readings) for slug in RULES} == {slug: [] for slug in RULES}
