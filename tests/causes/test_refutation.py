"""What is ruled out: only with a number, the most telling first, and never what is still suspected."""

from __future__ import annotations

from trainclinic.catalogue.verdict import Absent, Evidence, Present, Verdict
from trainclinic.causes.infer import Answer, infer

FIRST = "loss is 9.227 at step 0, where this model starts at 2.8"


def answers(**verdicts: Verdict) -> list[Answer]:
    return [Answer("XXX000", slug.replace("_", "-"), verdict) for slug, verdict in verdicts.items()]


def test_an_absence_refutes_only_with_its_number() -> None:
    early = Present((Evidence(FIRST),))
    numbered = Absent((Evidence("gap 1.0 %"),))
    shared = {"initial_loss_too_high": early, "initial_loss_above_uniform": early}  # neither excludes overfitting
    with_number = infer(answers(**shared, rising_eval_loss=numbered))
    without = infer(answers(**shared, rising_eval_loss=Absent((Evidence("looked at all of it"),))))
    refuting = {one.cause.slug: one.answer.slug for one in with_number.ruled_out}
    assert refuting.get("overfitting") == "rising-eval-loss"
    assert "overfitting" not in {one.cause.slug for one in without.ruled_out}


def test_what_is_ruled_out_is_not_among_the_suspects_and_the_exclusions_come_first() -> None:
    early = Present((Evidence(FIRST),))
    found = infer(
        answers(
            initial_loss_too_high=early,
            wrong_value_before_first_update=early,
            plateau_at_unigram_entropy=early,
            rising_eval_loss=Absent((Evidence("gap 1.0 %"),)),
        )
    )
    refuted = [one.cause.slug for one in found.ruled_out]
    assert "learning-rate-too-high" in refuted
    assert not set(refuted) & {suspect.cause.slug for suspect in found.suspects}
    excluded = [isinstance(one.answer.verdict, Present) for one in found.ruled_out]
    assert excluded == sorted(excluded, reverse=True)
