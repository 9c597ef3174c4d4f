"""Which test to make next: the information it is expected to bring, against a direct computation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present
from trainclinic.causes.infer import Answer
from trainclinic.causes.knowledge import UNKNOWN, Floats, knowledge
from trainclinic.causes.next_tests import MOST_TESTS, SMALLEST_GAIN, _gain, _not_looked_for, next_tests


def entropy(belief: list[float]) -> float:
    return -sum(p * math.log(p) for p in belief if p)


def test_the_gain_is_the_expected_fall_of_the_entropy() -> None:
    belief, yes = [0.5, 0.3, 0.2], [0.9, 0.1, 0.5]
    positive = sum(p * y for p, y in zip(belief, yes, strict=True))
    after = positive * entropy([p * y / positive for p, y in zip(belief, yes, strict=True)])
    after += (1 - positive) * entropy([p * (1 - y) / (1 - positive) for p, y in zip(belief, yes, strict=True)])
    assert _gain(np.array(belief), np.array(yes)) == pytest.approx(entropy(belief) - after)


def test_a_test_that_says_the_same_under_every_cause_gains_nothing() -> None:
    assert _gain(np.array([0.5, 0.5]), np.array([0.3, 0.3])) == pytest.approx(0.0)
    assert _gain(np.array([0.5, 0.5]), np.array([1.0, 1.0])) == 0.0


def split_between(*slugs: str) -> dict[str, float]:
    known = knowledge()
    rest = 0.1 / len(known.causes)
    probability = {cause.slug: rest for cause in known.causes} | {UNKNOWN: 0.05}
    return probability | dict.fromkeys(slugs, 0.85 / max(len(slugs), 1))


def test_two_shifts_are_told_from_a_kernel_by_the_label_shift_test() -> None:
    found = next_tests(split_between("double-label-shift", "mps-instability"), {}, knowledge())
    assert "label-shift" in [test.slug for test in found]
    (test,) = [test for test in found if test.slug == "label-shift"]
    assert "double-label-shift" in test.separates


def test_what_was_answered_already_is_not_asked_again() -> None:
    probability = split_between("double-label-shift", "mps-instability")
    seen = Answer("X", "shifted-labels-to-shifting-model", Present((Evidence("seen"),)))
    assert "label-shift" not in [test.slug for test in next_tests(probability, {seen.slug: seen}, knowledge())]


def test_a_test_that_cannot_be_made_here_is_not_proposed() -> None:
    probability = split_between("packing-contamination", "corrupt-input-data")
    unpacked = Answer("C", "packed-sequences", Absent(), setting=True)
    free = [test.slug for test in next_tests(probability, {}, knowledge())]
    assert "packed-against-single" in free
    assert "packed-against-single" not in [
        test.slug for test in next_tests(probability, {unpacked.slug: unpacked}, knowledge())
    ]


def test_what_was_not_laid_beside_the_log_is_a_test_too() -> None:
    probability = split_between("low-bit-merge-rounding", "learning-rate-too-low")
    blind = Answer("C", "adapter-training", NotEvaluated("how it was trained (`lora_r`)"), setting=True)
    found = {test.slug: test for test in next_tests(probability, {blind.slug: blind}, knowledge())}
    every = {test.slug for test in next_tests(probability, {}, knowledge())}
    assert "adapter-training" not in every
    assert "lora_r" in found["adapter-training"].how


def test_nothing_is_proposed_when_the_cause_is_certain() -> None:
    sure = dict.fromkeys(split_between("double-label-shift"), 0.0003) | {"double-label-shift": 0.96}
    assert next_tests(sure, {}, knowledge()) == ()


def test_few_tests_are_proposed_and_each_is_worth_its_time() -> None:
    found = next_tests(split_between("eos-masked-as-padding", "missing-eos-in-targets"), {}, knowledge())
    assert 0 < len(found) <= MOST_TESTS
    assert all(test.gain >= SMALLEST_GAIN for test in found)
    rates = [test.gain / (test.minutes + 2) for test in found]
    assert rates == sorted(rates, reverse=True)


def test_an_answer_points_to_what_it_leaves_probable() -> None:
    found = next_tests(split_between("double-label-shift", "mps-instability"), {}, knowledge())
    (test,) = [test for test in found if test.slug == "label-shift"]
    assert test.no == ("double-label-shift",)
    assert test.yes == ("mps-instability",)


def test_a_test_of_what_is_learned_says_nothing_about_lost_time() -> None:
    found = next_tests(split_between("double-label-shift", "machine-sleep"), {}, knowledge())
    (test,) = [test for test in found if test.slug == "label-shift"]
    assert (test.yes, test.no) == ((), ("double-label-shift",))


def test_what_to_log_is_an_instruction() -> None:
    probability = split_between("frozen-adapter", "learning-rate-too-low")
    blind = Answer("N", "zero-gradient-norm", NotEvaluated("`train/grad_norm`"))
    unknown = Answer("C", "adapter-training", NotEvaluated("the method (`lora_r`)"), setting=True)
    found = _not_looked_for(*_slugs_and_belief(probability), {a.slug: a for a in (blind, unknown)}, knowledge())
    assert [(test.question, test.how) for test in found] == [
        ("Does the run show zero gradient norm?", "Log or pass `train/grad_norm`, then diagnose again"),
        ("Does the run involve adapter training?", "Pass the method (`lora_r`), then diagnose again"),
    ]


def _slugs_and_belief(probability: dict[str, float]) -> tuple[tuple[str, ...], Floats]:
    slugs = (*(cause.slug for cause in knowledge().causes), UNKNOWN)
    belief = np.array([probability[slug] for slug in slugs])
    return slugs, belief / belief.sum()


def test_a_test_that_was_made_for_none_of_the_suspects_is_not_proposed() -> None:
    found = next_tests(split_between("packing-contamination") | {UNKNOWN: 0.4}, {}, knowledge())
    assert not {"targets-per-row", "optimizer-holds-the-model", "dtype-of-trained-parameters"} & {
        test.slug for test in found
    }


def test_a_quick_test_comes_before_a_slow_one_that_says_a_little_more() -> None:
    found = {
        t.slug: t for t in next_tests(split_between("padding-side-mismatch", "learning-rate-too-low"), {}, knowledge())
    }
    quick, slow = found["batch-without-padding"], found["ten-times-the-learning-rate"]
    assert quick.gain < slow.gain < 1.5 * quick.gain
    assert list(found).index(quick.slug) < list(found).index(slow.slug)


def test_nothing_that_moves_too_little_is_proposed() -> None:
    sure = dict.fromkeys(split_between(), 1e-6) | {"double-label-shift": 0.94, "machine-sleep": 0.01}
    assert next_tests(sure, {}, knowledge()) == ()


def test_what_only_follows_another_finding_is_no_question_of_its_own() -> None:
    probability = split_between("normal-convergence", "learning-rate-too-high")
    blind = [
        Answer("X", slug, NotEvaluated("rows")) for slug in ("divergence-at-peak-learning-rate", "loss-divergence")
    ]
    slugs = (*probability,)
    belief = np.array([*probability.values()]) / sum(probability.values())
    asked = _not_looked_for(slugs, belief, {answer.slug: answer for answer in blind}, knowledge())
    assert [test.slug for test in asked] == ["loss-divergence"]
