"""Every rule on finished models: present, absent, not evaluated, and the milder severity where it has one."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest

from tests.validation.by_hand import adapter, answer, losses, sound, tokens, weights
from trainclinic.catalogue.finding import Finding
from trainclinic.catalogue.verdict import Absent, NotEvaluated, Present, Severity
from trainclinic.validation import tested as measured
from trainclinic.validation.examine import examine, rules_of_models
from trainclinic.validation.rule import difference
from trainclinic.validation.tested import DEPTHS, Answer, Scored

HARMFUL, WARNING, NOTE = Severity.HARMFUL, Severity.WARNING, Severity.NOTE
EMPTY = measured.Tested("nothing", "model", DEPTHS["usual"])


@dataclass(frozen=True)
class Case:
    """A model as measured, and what a rule must say about it.

    Attributes:
        code: The rule.
        fact: What is special about it, for the name of the test.
        tested: What was measured.
        expected: A severity for present, else the kind of verdict.
        says: Words of the first observation, or of what is missing.
    """

    code: str
    fact: str
    tested: measured.Tested
    expected: Severity | type[Absent] | type[NotEvaluated]
    says: str


def renamed(count: int) -> measured.Tested:
    return tokens(renamed=tuple((at, "the", "ing") for at in range(306, 306 + count)))


def ended(probability: float) -> measured.Tested:
    return sound(own=losses(0.5, end=probability))


def others(own: float, best: float, **more: object) -> measured.Tested:
    ways = {"own": losses(own), "chatml": losses(best), "alpaca": losses(best + 1.0)}
    return sound(other_templates=ways, **more)


def answers(
    *texts: str, question: str = "What colour is the old door?", reference: str = "It is red."
) -> measured.Tested:
    return sound(answers=tuple(answer(text, question, reference) for text in texts))


GERMAN = "Die Tür ist rot und der Hut ist nicht rot, das ist mit dem Auge zu sehen."
ENGLISH = "The door is red and the hat is not red, as it is to be seen with the eye."
QUESTION = "What is the colour of the door and of the hat that are in the room?"


def in_languages(german: int, english: int) -> measured.Tested:
    return answers(*[GERMAN] * german, *[ENGLISH] * english, question=QUESTION, reference="")


def chrf(tuned: tuple[float, ...], base: tuple[float, ...] = ()) -> measured.Tested:
    return sound(scores=(Scored("exact match", tuned, base), Scored("chrF", tuned, base)))


CASES = [
    Case("VAL001", "NaN in two tensors", weights(non_finite=("a.weight", "b.weight")), HARMFUL,
         "2 tensors of 21 hold NaN or infinity: `a.weight`, `b.weight`"),
    Case("VAL001", "all finite", sound(), Absent, "all 131,008 values of 21 tensors are finite"),
    Case("VAL001", "served", sound(weights=None), NotEvaluated, "folder"),
    Case("VAL002", "no tensor differs", weights(changed=0, change=0.0), HARMFUL, "all 21 tensors equal"),
    Case("VAL002", "an adapter without effect", adapter(effect=0.0), HARMFUL, "the adapter changes logits by 0"),
    Case("VAL002", "rounding of sums", adapter(effect=9e-7), HARMFUL, "the adapter changes logits"),
    Case("VAL002", "one tensor differs", weights(changed=1, change=0.01), Absent, "1 of 21 tensors differ"),
    Case("VAL002", "an adapter with effect", adapter(effect=2e-6), Absent, "the adapter changes logits"),
    Case("VAL002", "no base", weights(compared=0, changed=0), NotEvaluated, "`--base`"),
    Case("VAL002", "NaN", weights(non_finite=("a",)), NotEvaluated, "weights that are finite"),
    Case("VAL003", "a tensor at random", weights(at_random=("q_proj.weight",)), HARMFUL, "1 tensor of the model in no"),
    Case("VAL003", "a tensor without a place", weights(unused=("x", "y")), WARNING, "2 tensors of the files without"),
    Case("VAL003", "both", weights(at_random=("a",), unused=("x",)), HARMFUL, "`a`"),
    Case("VAL003", "each in its place", sound(), Absent, "each of 21 tensors"),
    Case("VAL003", "NaN", weights(non_finite=("a",)), NotEvaluated, "weights that are finite"),
    Case("VAL004", "one id too many", tokens(ids=385), HARMFUL, "385 ids, the embedding 384 rows"),
    Case("VAL004", "as many ids as rows", tokens(ids=384), Absent, "384 ids"),
    Case("VAL004", "no tokenizer", sound(tokens=None), NotEvaluated, "tokenizer"),
    Case("VAL005", "many renamed", renamed(4), HARMFUL, "4 of 381 ids stand for other tokens: id 306 is `the`"),
    Case("VAL005", "a few renamed", renamed(3), NOTE, "3 of 381 ids"),
    Case("VAL005", "none renamed", sound(), Absent, "all 381 ids"),
    Case("VAL005", "no base", tokens(shared=0), NotEvaluated, "tokenizer of the base"),
    Case("VAL101", "overflow on held-out rows", sound(own=losses(0.5, finite=False)), HARMFUL, "not all logits of 24"),
    Case("VAL101", "overflow on general text", sound(general=losses(3.0, finite=False)), HARMFUL, "not all logits"),
    Case("VAL101", "all finite", sound(), Absent, "all logits of 24 rows are finite in float32"),
    Case("VAL101", "nothing computed", sound(own=None, general=None, training=None), NotEvaluated, "can be run"),
    Case("VAL102", "higher than the base", sound(own=losses(2.06)), HARMFUL, "2.06 against 2 under the base"),
    Case("VAL102", "within the seeds", sound(own=losses(2.04)), Absent, "2.04 against 2"),
    Case("VAL102", "within the spread", sound(own=losses([1.0] * 4 + [3.3] * 4)), Absent, "2.15 against 2"),
    Case("VAL102", "no rows", sound(own=None), NotEvaluated, "`--data`"),
    Case("VAL102", "no base", sound(of_base=None), NotEvaluated, "`--base`"),
    Case("VAL103", "a guess", sound(own=losses(2.7)), HARMFUL, "the loss is 2.70 nats/token"),
    Case("VAL103", "better than a guess", sound(own=losses(2.6)), Absent, "token frequencies alone give 3"),
    Case("VAL103", "few tokens", sound(unigram=None), NotEvaluated, "at least 50 tokens"),
    Case("VAL103", "overflow", sound(own=losses(9.0, finite=False)), NotEvaluated, "finite"),
    Case("VAL103", "no rows", sound(own=None), NotEvaluated, "`--data`"),
    Case("VAL104", "never", ended(0.019), HARMFUL, "behind 8 answers, `</s>` has a probability of 0.019"),
    Case("VAL104", "rarely", ended(0.09), WARNING, "0.090 (median)"),
    Case("VAL104", "likely", ended(0.1), Absent, "0.10 (median)"),
    Case("VAL104", "all cut off", ended(float("nan")), NotEvaluated, "not cut off"),
    Case("VAL104", "no rows", sound(own=None), NotEvaluated, "`--data`"),
    Case("VAL105", "another one fits", others(1.5, 0.5), HARMFUL, "written as `chatml`, the answers lose 1 "),
    Case("VAL105", "its own fits", sound(), Absent, "`alpaca`"),
    Case("VAL105", "a tenth of a large loss", others(1.7, 1.5), Absent, "as well as the best of 2 others"),
    Case("VAL105", "nothing is read", others(3.0, 1.9), Absent, "as well as"),
    Case("VAL105", "nothing is known to be read", others(3.0, 1.9, unigram=None), HARMFUL, "`chatml`"),
    Case("VAL105", "no conversations", sound(other_templates={}), NotEvaluated, "chat template"),
    Case("VAL106", "merging changes it", adapter(merging=2e-4), HARMFUL, "merging changes the logits by 2.0e-04"),
    Case("VAL106", "merging is exact", adapter(merging=9e-5), Absent, "merging changes the logits"),
    Case("VAL106", "whole weights", sound(), NotEvaluated, "an adapter"),
    Case("VAL106", "in 16 bits", adapter(merging=None), NotEvaluated, "float32"),
    Case("VAL107", "as the base", sound(own=losses(1.99)), WARNING, "1.99 against 2"),
    Case("VAL107", "lower", sound(own=losses(1.97)), Absent, "1.97 against 2"),
    Case("VAL107", "higher is another symptom", sound(own=losses(2.5)), Absent, "2.50 against 2"),
    Case("VAL107", "no base", sound(of_base=None), NotEvaluated, "`--base`"),
    Case("VAL108", "padding changes it", sound(padding=2e-3), HARMFUL, "padding changes the last logits by 0.002"),
    Case("VAL108", "rounding in 16 bits", sound(padding=2e-3, dtype="bfloat16"), Absent, "0.002"),
    Case("VAL108", "more than rounding", sound(padding=0.2, dtype="bfloat16"), HARMFUL, "0.2"),
    Case("VAL108", "padding is nothing", sound(), Absent, "1.0e-07"),
    Case("VAL108", "not run", sound(padding=None), NotEvaluated, "can be run"),
    Case("VAL109", "forgotten", sound(general=losses(4.1)), HARMFUL, "loses 4.10 nats/token, 3 under the base"),
    Case("VAL109", "partly forgotten", sound(general=losses(3.9)), WARNING, "3.9"),
    Case("VAL109", "kept", sound(general=losses(3.25)), Absent, "3.25"),
    Case("VAL109", "a base that cannot read", sound(general_base=losses(5.1)), NotEvaluated, "5.10 nats/token"),
    Case("VAL109", "no base", sound(general_base=None), NotEvaluated, "`--base`"),
    Case("VAL109", "not run", sound(general=None), NotEvaluated, "can be run"),
    Case("VAL110", "by heart", sound(training=losses(0.1), own=losses(0.9)), WARNING, "0.100 nats/token on training"),
    Case("VAL110", "known, and held-out rows too", sound(training=losses(0.1)), Absent, "0.500 on held-out rows"),
    Case("VAL110", "a gap from a loss that is not low", sound(training=losses(0.3), own=losses(1.9)), Absent, "0.3"),
    Case("VAL110", "training rows unknown", sound(training=None), NotEvaluated, "`recipe.yaml`"),
    Case("VAL201", "half of them echo", answers("What colour is the old door? Red.", "It is red."), HARMFUL,
         "1 of 2 answers begin with their question"),
    Case("VAL201", "one of three", answers("What colour is the old door?", "Red.", "Blue."), WARNING, "1 of 3"),
    Case("VAL201", "none", sound(), Absent, "none of 5 answers"),
    Case("VAL201", "the reference restates it too",
         answers("What colour is the old door? Red.", reference="What colour is the old door? Blue."), Absent, "none"),
    Case("VAL201", "short questions", answers("Door?", question="Door?"), NotEvaluated, "at least 3 words"),
    Case("VAL202", "all in another", in_languages(3, 0), HARMFUL, "3 of 3 answers in another language: German"),
    Case("VAL202", "one of four", in_languages(1, 3), WARNING, "1 of 4 answers"),
    Case("VAL202", "none in another", in_languages(0, 3), Absent, "all 3 answers that could be told are in English"),
    Case("VAL202", "nothing can be told", answers("Red.", "Blue.", "Green."), NotEvaluated, "can be told"),
    Case("VAL203", "always the same", answers(*["It is  red."] * 3, "IT IS red.", question="?", reference=""), HARMFUL,
         "4 of 4 answers read"),
    Case("VAL203", "as often as the references", answers(*["It is red."] * 4), Absent, "1 different texts"),
    Case("VAL203", "all different", sound(), Absent, "5 different texts in 5 answers"),
    Case("VAL203", "few answers", answers("Red.", "Red.", "Red.", ""), NotEvaluated, "at least 4 answers"),
    Case("VAL204", "worse", chrf((0.2, 0.3, 0.2, 0.3), (0.8, 0.9, 0.8, 0.9)), WARNING, "chrF is 0.25 for the model"),
    Case("VAL204", "better", sound(), Absent, "over 5 questions"),
    Case("VAL204", "within chance", chrf((0.0, 0.5, 0.5, 0.5), (0.9, 0.5, 0.5, 0.5)), Absent, "chrF"),
    Case("VAL204", "a little worse", chrf((0.5,) * 4, (0.54,) * 4), Absent, "chrF"),
    Case("VAL204", "no base", chrf((0.9,) * 4), NotEvaluated, "`--base`"),
    Case("VAL204", "no library", sound(scores=(Scored("exact match", (1.0,)),)), NotEvaluated, "`sacrebleu`"),
]  # fmt: skip
MILDER = {"VAL003": WARNING, "VAL005": NOTE, "VAL104": WARNING, "VAL109": WARNING, "VAL201": WARNING, "VAL202": WARNING}
"""Rules that have a milder instance."""


def said(case: Case) -> tuple[object, str]:
    """The severity or the kind of the verdict, and its first words."""
    entry = rules_of_models()[case.code]
    found = Finding(entry, entry.rule.check(case.tested))
    if isinstance(found.verdict, Present):
        return found.severity, found.verdict.evidence[0].says
    if isinstance(found.verdict, Absent):
        return Absent, found.verdict.evidence[0].says
    return NotEvaluated, found.verdict.missing


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code} {case.fact}")
def test_a_rule_answers_each_case(case: Case) -> None:
    verdict, says = said(case)
    assert verdict == case.expected, says
    assert case.says in says


@pytest.mark.parametrize("code", rules_of_models())
def test_every_rule_has_a_case_of_each_kind(code: str) -> None:
    kinds = {case.expected for case in CASES if case.code == code}
    worst = rules_of_models()[code].rule.severity
    assert kinds == {worst, Absent, NotEvaluated, *([MILDER[code]] if code in MILDER else [])}


def test_a_sound_model_shows_nothing() -> None:
    shown = [found.entry.rule.code for tested in (sound(), adapter()) for found in examine(tested) if found.is_present]
    assert shown == []


def test_nothing_measured_is_nothing_claimed() -> None:
    verdicts = {found.entry.rule.code: found.verdict for found in examine(EMPTY)}
    assert len(verdicts) == 19
    assert all(isinstance(verdict, NotEvaluated) and verdict.missing for verdict in verdicts.values())


def nothing_in(name: str) -> object:
    value = getattr(EMPTY, name)
    return value if value in ((), {}) else None


MEASURED = [one.name for one in dataclasses.fields(measured.Tested) if one.name not in ("name", "kind", "depth")]


@pytest.mark.parametrize("name", MEASURED)
def test_no_rule_stumbles_over_a_value_that_is_missing(name: str) -> None:
    for tested in (sound(), adapter()):
        without = dataclasses.replace(tested, **{name: nothing_in(name)})
        assert [found.entry.rule.code for found in examine(without) if found.is_present] == []


EXTREMES = {
    "no rows at all": sound(own=losses([]), of_base=losses([]), general=losses([]), training=losses([])),
    "rows without a token": sound(own=losses(0.0, tokens=0), of_base=losses(0.0, tokens=0)),
    "one row": sound(own=losses([9.0]), of_base=losses([2.0])),
    "other rows than the base": sound(own=losses([0.5] * 3), of_base=losses(2.0)),
    "NaN losses": sound(own=losses(float("nan")), general=losses(float("nan"), finite=False), padding=float("nan")),
    "infinite losses": sound(own=losses(float("inf")), of_base=losses(float("inf")), unigram=float("inf")),
    "empty answers": sound(answers=(answer("", ""), answer(" \n", "\x00"), Answer("", "", "\ud800"))),
    "answers of one sign": sound(answers=tuple(answer("�" * 50, "?" * 50) for _ in range(5))),
    "scores of nothing": sound(scores=(Scored("chrF", ()),)),
    "an embedding without rows": tokens(ids=0, rows=0),
}


def test_of_logits_that_are_not_finite_nothing_else_is_claimed() -> None:
    overflow = losses(float("nan"), end=float("nan"), finite=False)
    tested = sound(
        own=overflow, general=overflow, training=overflow, other_templates={**sound().other_templates, "own": overflow}
    )
    verdicts = {found.entry.rule.code: found.verdict for found in examine(tested)}
    assert isinstance(verdicts["VAL101"], Present)
    for code in ("VAL102", "VAL103", "VAL104", "VAL105", "VAL107", "VAL109", "VAL110"):
        assert verdicts[code] == NotEvaluated("logits that are finite")


@pytest.mark.parametrize("name", EXTREMES)
def test_no_rule_raises_on_any_measured_value(name: str) -> None:
    with np.errstate(all="ignore"):
        assert len(examine(EXTREMES[name])) == 19


def test_what_it_takes_is_said_in_the_words_of_the_measuring() -> None:
    tested = sound(own=None, missing={"own": "rows that the model can read"})
    verdict = rules_of_models()["VAL102"].rule.check(tested)
    assert verdict == NotEvaluated("rows that the model can read")


def test_a_difference_is_the_ratio_estimate_with_its_interval() -> None:
    found = difference(losses([1.0, 2.0, 3.0, 4.0]), losses([1.0, 1.0, 1.0, 1.0]))
    assert found.nats == pytest.approx(1.5)
    assert found.spread == pytest.approx(1.96 * np.std([0.0, 1.0, 2.0, 3.0], ddof=1) / 2)
    assert str(found) == "1.50 ± 1.3 nats/token over 4 rows"
    assert difference(losses([1.0]), losses([0.0])).spread == float("inf")
