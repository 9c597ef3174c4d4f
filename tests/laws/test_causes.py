"""Laws of the ledger: adding evidence never misbehaves, whatever the tables say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainclinic.catalogue.cause import ALWAYS, Cause, Excluded, Expect
from trainclinic.causes.knowledge import UNKNOWN_SHARE, Knowledge, knowledge
from trainclinic.causes.ledger import EXCLUSION, Ledger, weigh

FINDINGS = tuple(f"f{i}" for i in range(10))


def cause_called(name: str, family: str, excluded: tuple[Excluded, ...] = ()) -> Cause:
    return Cause(
        slug=name,
        title=name,
        family=family,  # type: ignore[arg-type]
        incidents=1,
        decided_by=("log",),
        decisive_test="look",
        false_diagnosis="none",
        expects=(Expect("f0", ALWAYS, "it does"),),
        excluded_by=excluded,
    )


@st.composite
def tables(draw: st.DrawFn) -> Knowledge:
    count = draw(st.integers(2, 6))
    rate = st.floats(0.02, 0.95)
    shows = np.array([[draw(st.one_of(st.just(0.0), rate)) for _ in FINDINGS] for _ in range(count)])
    causes = tuple(cause_called(f"c{i}", "healthy-explanation" if i == 0 else "data") for i in range(count))
    prior = np.array([draw(st.floats(0.05, 1.0)) for _ in range(count)])
    return Knowledge(
        causes=causes,
        findings=FINDINGS,
        shows=shows,
        anyway=np.array([draw(st.floats(0.01, 0.6)) for _ in FINDINGS]),
        unlisted=0.3 * shows.mean(axis=0),
        cap_against=np.array([draw(st.sampled_from([3.0, 7.0])) for _ in FINDINGS]),
        proof=np.zeros(len(FINDINGS), dtype=np.bool_),
        permits=np.zeros(len(FINDINGS), dtype=np.bool_),
        group=np.array([draw(st.integers(0, 3)) for _ in FINDINGS]),
        prior=(1 - UNKNOWN_SHARE) * prior / prior.sum(),
    )


states = st.dictionaries(st.sampled_from(FINDINGS), st.booleans(), max_size=8)


def odds(ledger: Ledger, one: int, other: int) -> float:
    return float(np.log(ledger.single[one]) - np.log(ledger.single[other]))


def against_unknown(ledger: Ledger, one: int) -> float:
    return float(np.log(ledger.single[one]) - np.log(ledger.unknown))


@given(tables(), states)
def test_probabilities_are_probabilities(known: Knowledge, seen: dict[str, bool]) -> None:
    ledger = weigh(seen, known)
    assert 0 <= ledger.unknown <= 1
    assert np.all((ledger.probability >= 0) & (ledger.probability <= 1 + 1e-12))
    assert ledger.single.sum() + ledger.unknown <= 1 + 1e-9


@given(tables(), states, st.randoms(use_true_random=False))
def test_the_order_of_evidence_is_irrelevant(known: Knowledge, seen: dict[str, bool], random: object) -> None:
    items = list(seen.items())
    random.shuffle(items)  # type: ignore[attr-defined]
    assert np.array_equal(weigh(dict(items), known).probability, weigh(seen, known).probability)


@given(tables(), states, st.sampled_from(FINDINGS), st.data())
def test_a_finding_that_a_cause_shows_never_lowers_it_against_causes_that_do_not(
    known: Knowledge, seen: dict[str, bool], finding: str, data: st.DataObject
) -> None:
    column = FINDINGS.index(finding)
    showing = [i for i in range(len(known.causes)) if known.shows[i, column] > 0]
    silent = [i for i in range(len(known.causes)) if known.shows[i, column] == 0]
    if not showing or not silent:
        return
    one, other = data.draw(st.sampled_from(showing)), data.draw(st.sampled_from(silent))
    without = {slug: state for slug, state in seen.items() if slug != finding}
    before, after = weigh(without, known), weigh(without | {finding: True}, known)
    assert odds(after, one, other) >= odds(before, one, other) - 1e-9


@given(tables(), states, st.sampled_from(FINDINGS))
def test_the_cause_that_a_finding_speaks_for_most_never_loses_by_it_when_nothing_else_of_its_group_is_known(
    known: Knowledge, seen: dict[str, bool], finding: str
) -> None:
    column = FINDINGS.index(finding)
    group = known.group[column]
    without = {slug: s for slug, s in seen.items() if known.group[FINDINGS.index(slug)] != group}
    ledger = weigh(without | {finding: True}, known)
    weight = ledger.weights[:, list(ledger.columns).index(column)]
    best = int(np.argmax(weight))
    rival = float(ledger.unknown_weights[list(ledger.columns).index(column)])
    if weight[best] <= rival:
        return
    before = weigh(without, known)
    # A pair may explain it better than any single cause, so the promise is about the cause with its pairs.
    assert ledger.probability[best] >= before.probability[best] - 1e-9


@given(tables(), states, st.sampled_from(FINDINGS))
def test_an_absence_never_helps_a_cause_that_would_have_shown_it(
    known: Knowledge, seen: dict[str, bool], finding: str
) -> None:
    column = FINDINGS.index(finding)
    without = {slug: state for slug, state in seen.items() if slug != finding}
    before, after = weigh(without, known), weigh(without | {finding: False}, known)
    silent = [i for i in range(len(known.causes)) if known.shows[i, column] == 0]
    for one in range(len(known.causes)):
        for other in silent:
            assert odds(after, one, other) <= odds(before, one, other) + 1e-9


@given(tables())
def test_without_evidence_the_prior_is_left(known: Knowledge) -> None:
    nothing = weigh({}, known)
    ratio = nothing.single / known.prior
    assert np.allclose(ratio, ratio[0])
    assert nothing.unknown / UNKNOWN_SHARE == pytest.approx(ratio[0])


@given(tables(), states)
def test_a_verdict_on_an_unknown_finding_changes_nothing(known: Knowledge, seen: dict[str, bool]) -> None:
    assert np.array_equal(weigh(seen | {"not-in-any-table": True}, known).probability, weigh(seen, known).probability)


@given(tables(), states, st.sampled_from(FINDINGS), st.data())
def test_taking_evidence_away_moves_the_weight_of_its_group_towards_zero(
    known: Knowledge, seen: dict[str, bool], finding: str, data: st.DataObject
) -> None:
    """A cause's whole score with one verdict less is nearer to its prior in that verdict's direction."""
    without = {slug: state for slug, state in seen.items() if slug != finding}
    present = data.draw(st.booleans())
    full = weigh(without | {finding: present}, known)
    less = weigh(without, known)
    column = list(full.columns).index(FINDINGS.index(finding))
    silent = [i for i in range(len(known.causes)) if known.shows[i, FINDINGS.index(finding)] == 0]
    for one in range(len(known.causes)):
        for other in silent:
            moved = odds(full, one, other) - odds(less, one, other)
            assert moved * full.weights[one, column] >= -1e-9


@given(st.data())
@settings(max_examples=60)
def test_an_exclusion_costs_a_cause_all_its_nats_however_well_the_rest_fits(data: st.DataObject) -> None:
    """Everything speaks for one cause, and then a verdict says that it cannot be alone at work.

    The promise is about the cause alone: in a pair the other cause may produce what excludes the first.
    """
    known = knowledge()
    faults = [i for i, c in enumerate(known.causes) if any(x.when == "present" for x in c.excluded_by) and c.expects]
    row = data.draw(st.sampled_from(faults))
    cause = known.causes[row]
    rule = data.draw(st.sampled_from([x for x in cause.excluded_by if x.when == "present"]))
    expected = [e.finding for e in cause.expects]
    seen = dict.fromkeys(data.draw(st.lists(st.sampled_from(expected), unique=True)) or expected, True)
    before, after = weigh(seen, known), weigh(seen | {rule.finding: True}, known)
    assert against_unknown(after, row) <= against_unknown(before, row) - EXCLUSION + 1e-6
