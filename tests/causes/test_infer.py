"""What the answer holds: caps by the kind of evidence, what goes to unknown, and which causes are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present
from trainclinic.causes.catalogue import all_causes
from trainclinic.causes.infer import (
    LOG_ONLY_CAP,
    PROVEN_CAP,
    SETTINGS_NEEDED,
    WITHOUT_PROOF_CAP,
    Answer,
    Inference,
    infer,
)
from trainclinic.causes.knowledge import Counts, build_knowledge, knowledge

SEEN = Present((Evidence("seen"),))
SHIFT = ("initial-loss-too-high", "wrong-value-before-first-update", "loss-plateau", "plateau-at-unigram-entropy")
QUIET = ("adapter-training", "gradient-accumulation", "tied-embeddings", "loader-without-workers", "tiny-batch")


def symptoms(*slugs: str) -> list[Answer]:
    return [Answer("X", slug, SEEN) for slug in slugs]


def settings(count: int) -> list[Answer]:
    return [Answer("C", slug, Absent((Evidence("read"),)), setting=True) for slug in QUIET[:count]]


def first(inference: Inference) -> float:
    return inference.suspects[0].probability


def unknown(inference: Inference) -> float:
    return next(s.probability for s in inference.suspects if s.cause.slug == "unknown")


def test_a_log_alone_earns_the_smallest_cap_and_what_is_cut_off_is_unknown() -> None:
    held = infer(symptoms(*SHIFT))
    assert held.suspects[0].cause.slug == "double-label-shift"
    assert first(held) == LOG_ONLY_CAP
    assert held.capped
    assert unknown(held) >= 1 - LOG_ONLY_CAP - 0.1
    free = float(held.ledger.probability.max())
    assert unknown(held) == pytest.approx(held.ledger.unknown + free - LOG_ONLY_CAP)


@pytest.mark.parametrize(("known", "cap"), [(SETTINGS_NEEDED - 1, LOG_ONLY_CAP), (SETTINGS_NEEDED, WITHOUT_PROOF_CAP)])
def test_a_configuration_counts_as_seen_from_a_few_settings_on(known: int, cap: float) -> None:
    assert first(infer([*symptoms(*SHIFT), *settings(known)])) == cap


def test_settings_that_could_not_be_read_do_not_count() -> None:
    blind = [Answer("C", slug, NotEvaluated("the configuration"), setting=True) for slug in QUIET]
    assert first(infer([*symptoms(*SHIFT), *blind])) == LOG_ONLY_CAP


def test_only_a_proof_earns_the_largest_cap() -> None:
    assert first(infer(symptoms(*SHIFT, "lower-loss-at-other-shift"))) == PROVEN_CAP


def test_the_guide_names_the_caps() -> None:
    guide = (Path(__file__).parents[2] / "docs/guides/how-causes-are-inferred.md").read_text(encoding="utf-8")
    caps = guide.partition("## Caps")[2].partition("##")[0]
    for cap in (LOG_ONLY_CAP, WITHOUT_PROOF_CAP, PROVEN_CAP):
        assert f"{100 * cap:.0f} %" in caps


def test_nothing_is_held_down_below_its_cap() -> None:
    open_question = infer(symptoms("nan-loss"))
    assert not open_question.capped
    assert first(open_question) < LOG_ONLY_CAP


def test_without_any_verdict_nothing_is_suspected() -> None:
    assert [s.cause.slug for s in infer([]).suspects] == ["unknown"]


def test_a_harmful_symptom_speaks_against_every_healthy_explanation() -> None:
    curve = [Answer("N", "nan-loss", Absent((Evidence("none of 100 rows"),)))]
    quiet = infer([*curve, Answer("L", "loss-still-falling", SEEN)])
    harmed = infer([*curve, Answer("L", "loss-still-falling", SEEN, harmful=True)])
    assert quiet.healthy_probability > 0.3
    assert harmed.healthy_probability < 0.01


def test_most_healthy_runs_need_no_special_explanation() -> None:
    known = knowledge()
    prior = {cause.slug: p for cause, p in zip(known.causes, known.prior, strict=True)}
    special = sum(p for slug, p in prior.items() if all_causes()[slug].cause.family == "healthy-explanation")
    assert prior["normal-convergence"] > 0.5 * special


def test_experts_outweigh_a_single_labelled_run() -> None:
    cause = all_causes()["double-label-shift"].cause
    finding = cause.expects[0].finding
    moved = build_knowledge(Counts({cause.slug: {finding: (0, 1)}}))
    row = [c.slug for c in moved.causes].index(cause.slug)
    column = moved.column(finding)
    assert column is not None
    assert moved.shows[row, column] > 0.8 * float(cause.expects[0].frequency)
