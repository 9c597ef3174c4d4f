"""The arithmetic of the ledger, against hand-made tables whose answers can be computed on paper."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from trainclinic.catalogue.cause import ALWAYS, OFTEN, Cause, Excluded, Expect
from trainclinic.causes.knowledge import UNKNOWN_SHARE, Knowledge, background, knowledge
from trainclinic.causes.ledger import DISCOUNT, EXCLUSION, Ledger, weigh

A = Cause("a", "A", "data", 1, ("log",), "look", "b", (Expect("x", ALWAYS, "of a"), Expect("y", OFTEN, "of a")))
B = Cause("b", "B", "data", 1, ("log",), "look", "a", (Expect("z", ALWAYS, "of b"),), (Excluded("y", "no b has y"),))
HEALTHY = Cause("fine", "Fine", "healthy-explanation", 0, ("log",), "none", "a")


def known_with(group: tuple[int, int, int] = (0, 1, 2), cap: float = 3.0) -> Knowledge:
    return Knowledge(
        causes=(A, B, HEALTHY),
        findings=("x", "y", "z"),
        shows=np.array([[0.95, 0.5, 0.0], [0.0, 0.0, 0.9], [0.0, 0.0, 0.0]]),
        anyway=np.array([0.1, 0.2, 0.3]),
        unlisted=np.array([0.2, 0.2, 0.2]),
        cap_against=np.full(3, cap),
        proof=np.zeros(3, dtype=np.bool_),
        permits=np.zeros(3, dtype=np.bool_),
        group=np.array(group),
        prior=np.array([0.3, 0.3, 0.34]),
    )


def test_a_weight_is_the_log_ratio_of_noisy_or_and_background() -> None:
    ledger = weigh({"x": True, "y": False}, known_with())
    assert ledger.weights[0] == pytest.approx([math.log((1 - 0.9 * 0.05) / 0.1), math.log(0.5)])
    assert ledger.weights[1] == pytest.approx([0.0, 0.0])


def test_a_missing_hint_weighs_at_most_its_cap() -> None:
    assert weigh({"x": False}, known_with()).weights[0] == pytest.approx([math.log(0.05)])
    assert weigh({"x": False}, known_with(cap=1.0)).weights[0] == pytest.approx([-1.0])


@pytest.mark.parametrize("slug", sorted(background()))
def test_a_verdict_weighs_at_most_its_caps_for_any_cause(slug: str) -> None:
    row = background()[slug]
    seen, missing = weigh({slug: True}, knowledge()), weigh({slug: False}, knowledge())
    assert seen.weights.max() <= row.cap_for + 1e-9
    assert seen.weights.min() >= -1e-9
    assert missing.weights.min() >= -row.cap_against - 1e-9
    assert missing.weights.max() <= 1e-9


def test_the_posterior_of_one_verdict_is_bayes_rule() -> None:
    ledger = weigh({"z": True}, known_with())
    b = math.log((1 - 0.7 * 0.1) / 0.3)
    unknown = math.log((1 - 0.7 * 0.8) / 0.3)
    scores = {
        "a": 0.3,
        "b": 0.3 * math.exp(b),
        "fine": 0.34,
        "pair": 0.09 * math.exp(b),
        "unknown": UNKNOWN_SHARE * math.exp(unknown),
    }
    total = sum(scores.values())
    assert ledger.single == pytest.approx([scores["a"] / total, scores["b"] / total, scores["fine"] / total])
    assert ledger.probability[0] == pytest.approx((scores["a"] + scores["pair"]) / total)
    assert ledger.unknown == pytest.approx(scores["unknown"] / total)


def test_the_second_verdict_of_a_group_counts_half() -> None:
    apart = weigh({"x": True, "y": True}, known_with())
    together = weigh({"x": True, "y": True}, known_with(group=(0, 0, 2)))

    def odds(ledger: Ledger) -> float:
        return math.log(ledger.single[0] / ledger.single[2])

    lighter = min(apart.weights[0])
    assert odds(apart) - odds(together) == pytest.approx((1 - DISCOUNT) * lighter)


def with_second_cause(*excluded: Excluded) -> Knowledge:
    known = known_with()
    second = Cause("b", "B", "data", 1, ("log",), "look", "a", B.expects, excluded)
    return Knowledge((A, second, HEALTHY), *(getattr(known, f) for f in known.__dataclass_fields__ if f != "causes"))


def pair_against_first(ledger: Ledger) -> float:
    return math.log((ledger.probability[0] - ledger.single[0]) / ledger.single[0])


@pytest.mark.parametrize(
    ("excluded", "pair_falls"),
    [
        (Excluded("y", "no b has y"), 0.0),
        (Excluded("z", "no b has z"), EXCLUSION),
        (Excluded("x", "b needs x", when="absent"), EXCLUSION),
    ],
    ids=["the partner shows it", "nobody shows it", "both need what is missing"],
)
def test_an_exclusion_costs_its_nats_and_spares_a_pair_whose_other_cause_explains_it(
    excluded: Excluded, pair_falls: float
) -> None:
    seen = {"x": False, "y": True, "z": True}
    before, after = weigh(seen, with_second_cause()), weigh(seen, with_second_cause(excluded))
    fall = math.log(before.single[1] / before.single[2]) - math.log(after.single[1] / after.single[2])
    assert fall == pytest.approx(EXCLUSION)
    assert pair_against_first(before) - pair_against_first(after) == pytest.approx(pair_falls)


def test_two_faults_need_evidence_for_each() -> None:
    both = weigh({"x": True, "z": True}, known_with())
    one = weigh({"x": True}, known_with())
    assert both.probability[0] - both.single[0] > one.probability[0] - one.single[0]


def test_healthy_explanations_form_no_pairs() -> None:
    ledger = weigh({"x": True, "z": True}, known_with())
    assert ledger.probability[2] == ledger.single[2]


def test_a_circumstance_that_excludes_one_cause_excludes_its_pairs_too() -> None:
    """No cause produces a circumstance, so the partner cannot have brought it about."""
    seen = {"y": True, "z": True}
    symptom = with_second_cause(Excluded("y", "b is never with y"))
    circumstance = replace(symptom, permits=np.array([False, True, False]))
    fall = pair_against_first(weigh(seen, symptom)) - pair_against_first(weigh(seen, circumstance))
    assert fall == pytest.approx(EXCLUSION)
