"""Both reports from their logs alone: the true cause comes first, and each of their own causes is refuted or far below."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.founding.inputs import EXAMPLES, REPORT_A, REPORT_B, evaluations_of_b, write
from trainclinic.causes.infer import Suspect
from trainclinic.causes.knowledge import UNKNOWN, knowledge
from trainclinic.diagnosis.diagnose import RunDiagnosis, diagnose

FAR_BELOW = 0.05
HALF_PRECISION = {"half-precision-weights-without-master-copy", "half-precision-adapter-weights"}
FALSE_FOR_A = {
    "memorised to output nothing": ("overfitting", "empty-answers", "missing-eos-in-targets"),
    "data format or tokenisation": ("chat-template-mismatch", "corrupt-input-data", "tokenizer-vocabulary-mismatch"),
    "batch too small": ("batch-size-too-small", "gradient-accumulation-misnormalisation"),
    "learning rate too high": ("learning-rate-too-high",),
    "no gradient clipping": ("missing-gradient-clipping",),
    "MPS unstable": ("mps-instability",),
}
FALSE_FOR_B = {
    "gradient explosion": ("learning-rate-too-high", "missing-gradient-clipping"),
    "bad or repeated data": ("corrupt-input-data", "duplicate-samples", "unshuffled-data"),
    "batch too small": ("batch-size-too-small",),
    "learning rate too low": ("learning-rate-too-low",),
    "block too large": ("block-size-too-large",),
    "overfitting": ("overfitting",),
    "memory thrashing": ("memory-swapping",),
    "MPS unstable": ("mps-instability",),
}
REFUTED_FOR_A = ("overfitting", "batch-size-too-small", "learning-rate-too-low", "block-size-too-large")
REFUTED_FOR_B = (
    *("learning-rate-too-high", "learning-rate-too-low", "missing-gradient-clipping"),
    *("batch-size-too-small", "block-size-too-large", "overfitting", "memory-swapping"),
)


def diagnosed(folder: Path, name: str, text: str) -> RunDiagnosis:
    (run,) = diagnose(write(folder, name, text)).runs
    return run


def first(run: RunDiagnosis) -> Suspect:
    return next(suspect for suspect in run.inference.suspects if suspect.cause.slug != UNKNOWN)


def probability(run: RunDiagnosis, slug: str) -> float:
    row = next(i for i, cause in enumerate(knowledge().causes) if cause.slug == slug)
    return float(run.inference.ledger.probability[row])


def refuted_with_a_number(run: RunDiagnosis) -> set[str]:
    found = {refuted.cause.slug: refuted.answer.evidence.says for refuted in run.inference.ruled_out}
    return {slug for slug, says in found.items() if any(mark.isdigit() for mark in says)}


def false_causes_left(run: RunDiagnosis, claims: dict[str, tuple[str, ...]]) -> list[str]:
    """Claims of a report that are neither refuted with a number nor far below."""
    refuted = refuted_with_a_number(run)
    return [
        f"{claim}: {slug} {probability(run, slug):.3f}"
        for claim, slugs in claims.items()
        for slug in slugs
        if slug not in refuted and probability(run, slug) > FAR_BELOW
    ]


@pytest.mark.parametrize("form", REPORT_A)
def test_two_rows_of_report_a_are_enough_for_half_precision(form: str, tmp_path: Path) -> None:
    run = diagnosed(tmp_path, *REPORT_A[form])
    assert run.verdict.word == "sick"
    assert first(run).cause.slug in HALF_PRECISION
    assert first(run).cause.family == "numeric-precision"
    assert sum(probability(run, slug) for slug in HALF_PRECISION) > 0.5


@pytest.mark.parametrize("form", REPORT_A)
def test_the_causes_that_report_a_names_are_refuted_or_far_below(form: str, tmp_path: Path) -> None:
    run = diagnosed(tmp_path, *REPORT_A[form])
    assert false_causes_left(run, FALSE_FOR_A) == []
    assert set(REFUTED_FOR_A) <= refuted_with_a_number(run)


def test_the_rows_of_report_a_ask_for_the_dtype_first(tmp_path: Path) -> None:
    run = diagnosed(tmp_path, *REPORT_A["trainer state"])
    assert run.inference.next_tests[0].slug == "dtype-of-trained-parameters"


def test_all_files_of_report_a_say_it_more_surely(tmp_path: Path) -> None:
    (run,) = diagnose(EXAMPLES / "report-a").runs
    rows = diagnosed(tmp_path, *REPORT_A["trainer state"])
    assert first(run).cause.slug == "half-precision-adapter-weights"
    assert probability(run, "half-precision-weights-without-master-copy") < 0.05
    assert probability(run, "distributed-update-corruption") < probability(rows, "distributed-update-corruption")
    assert false_causes_left(run, FALSE_FOR_A) == []


@pytest.mark.parametrize("form", REPORT_B)
def test_the_log_of_report_b_is_enough_for_labels_that_were_shifted_twice(form: str, tmp_path: Path) -> None:
    run = diagnosed(tmp_path, *REPORT_B[form])
    assert run.verdict.word == "sick"
    assert first(run).cause.slug == "double-label-shift"
    assert first(run).probability >= 0.6
    assert "label-shift" in [test.slug for test in run.inference.next_tests]


@pytest.mark.parametrize("form", REPORT_B)
def test_the_causes_that_report_b_names_are_refuted_or_far_below(form: str, tmp_path: Path) -> None:
    assert false_causes_left(diagnosed(tmp_path, *REPORT_B[form]), FALSE_FOR_B) == []


def test_most_causes_of_report_b_are_refuted_each_with_its_number(tmp_path: Path) -> None:
    assert set(REFUTED_FOR_B) <= refuted_with_a_number(diagnosed(tmp_path, *REPORT_B["whole log"]))


def test_the_stall_of_report_b_is_a_matter_of_its_own_that_memory_did_not_make(tmp_path: Path) -> None:
    run = diagnosed(tmp_path, *REPORT_B["whole log"])
    suspects = {suspect.cause.slug: suspect for suspect in run.inference.suspects}
    asleep = suspects["machine-sleep"]
    assert asleep.probability > 0.4
    assert "time-gap" in [weighed.answer.slug for weighed in asleep.supporting]
    for other in ("thermal-throttling", "memory-swapping"):
        assert probability(run, other) < asleep.probability
        explained = [w.answer.slug for w in suspects[other].supporting] if other in suspects else []
        assert "time-gap" not in explained, f"{other} does not stop a run for 24 minutes"


def test_evaluation_rows_without_a_model_stay_undetermined(tmp_path: Path) -> None:
    """9.23 is also what a fresh model with 10,000 tokens starts at: only the name of the model tells them apart."""
    run = diagnosed(tmp_path, "training.log", evaluations_of_b())
    assert run.verdict.word == "undetermined"
    (left_open,) = [f.verdict for f in run.findings if f.entry.rule.slug == "initial-loss-too-high"]
    assert "name of the pretrained model" in str(left_open)
    assert first(run).cause.slug not in {slug for slugs in FALSE_FOR_B.values() for slug in slugs}
    assert all(probability(run, slug) < 0.2 for slugs in FALSE_FOR_B.values() for slug in slugs)
