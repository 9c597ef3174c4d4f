"""From a diagnosed run to its prescription: the values that fixes ask for, taken out of what other rooms found."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from trainclinic.catalogue.wording import duration, number
from trainclinic.fixes.case import Case, Line, OpenTest, Refuted, Suspect, Weights
from trainclinic.fixes.prescription import prescribe
from trainclinic.recipe.infer import infer
from trainclinic.report.sections.fixes import fix_entries

if TYPE_CHECKING:
    from trainclinic.corpus.corpus import Corpus, Shard
    from trainclinic.recipe.model import Recipe
    from trainclinic.report.cause_entries import CauseEntry
    from trainclinic.report.model import CheckpointEntry, Document
    from trainclinic.signals.measured import Measured

_FORMS = {"sharegpt": "messages", "alpaca": "instruction", "kto": "preference", "tokens": None}
"""Ways of writing rows that a recipe calls otherwise, or has no word for."""
_SCRIPTS = (".py", ".ipynb", ".sh")
MOST_LINES = 4


def with_fixes(document: Document, measured: Measured) -> Document:
    """A report with what to do about it.

    Args:
        document: The report.
        measured: The run and its signals.
    """
    return replace(document, fixes=fix_entries(prescribe(case_of(document, measured))))


def case_of(document: Document, measured: Measured) -> Case:
    """A diagnosed run as the fixes see it.

    Args:
        document: The report on it.
        measured: The run and its signals.
    """
    recipe, places = infer(measured.record.facts)
    if recipe.objective is None and measured.objective.is_language_model is False:
        recipe, places = (
            replace(recipe, objective="other"),
            {**places, "objective": "inferred: its loss is another one"},
        )
    known = document.checkpoints
    return Case(
        name=document.run.name,
        verdict=document.verdict,
        reason=document.reason,
        suspects=tuple(Suspect(c.slug, c.title, c.family, c.probability) for c in document.causes),
        refuted=tuple(Refuted(r.slug, r.title, r.because) for r in document.ruled_out),
        tests=tuple(
            OpenTest(t.title, t.how, t.kind == "run", t.minutes, t.yes, t.no, t.decides) for t in document.next_tests
        ),
        recipe=recipe,
        places=places,
        numbers=dict(_numbers(measured, recipe)),
        first_loss=_first_loss(measured),
        saved=known.known if known else 0,
        best=_weights(known.best) if known and known.best else None,
        distrusted=tuple(map(_weights, known.suspect)) if known else (),
        lines=_lines(document.causes),
    )


def with_data(case: Case, corpus: Corpus) -> Case:
    """A case whose recipe reads the data that were found.

    Args:
        case: The case.
        corpus: The data files of the run.
    """
    from trainclinic.corpus.keys import keys_of

    held_out = next((shard for shard in corpus.shards if shard.split == "held-out"), None)
    shard = next((shard for shard in corpus.shards if shard.split == "train"), None)
    if shard is None or shard.schema is None:
        return case
    keys = keys_of(shard)
    data = replace(
        case.recipe.data,
        train=_path(shard),
        evaluation=_path(held_out) if held_out is not None else case.recipe.data.evaluation,
        form=_FORMS.get(shard.schema, shard.schema),
        question_field=keys.question or None,
        input_field=keys.more or None,
        answer_field=keys.answer or None,
    )
    places = {"data.train": shard.name, "data.form": f"read in {shard.name}"}
    return replace(case, recipe=replace(case.recipe, data=data), places={**case.places, **places})


def _path(shard: Shard) -> str:
    return str(shard.path.resolve())


def _weights(entry: CheckpointEntry) -> Weights:
    return Weights(entry.step, entry.path if entry.exists is not False else "", entry.reason)


def _lines(causes: Sequence[CauseEntry]) -> tuple[Line, ...]:
    """Where the scripts of the run show what the most probable fault does."""
    leading = next((cause for cause in causes if cause.is_likely_fault), None)
    if leading is None:
        return ()
    found = [
        Line(f"{one.path}:{one.line}" if one.line else str(one.path), one.says)
        for one in leading.evidence_for
        if one.state == "present" and str(one.path).endswith(_SCRIPTS)
    ]
    return tuple(found[:MOST_LINES])


def _first_loss(measured: Measured) -> tuple[float, float, str] | None:
    """Where the first loss of an intact run of this model lies; `None` when nothing is known of the model itself."""
    baselines = measured.baselines
    reference = baselines.reference if baselines is not None else None
    if reference is None or reference.generic:
        return None
    usual = reference.usual or reference.start
    return None if usual is None else (*usual, reference.title)


def _numbers(measured: Measured, recipe: Recipe) -> Iterator[tuple[str, str]]:
    """What is known of the run, ready to be printed."""
    found: dict[str, float | None] = {
        **_losses(measured),
        "learning_rate": recipe.optimizer.learning_rate,
        "max_length": recipe.text.max_length,
        "accumulation": recipe.batch.accumulation,
        "steps_per_epoch": measured.position.steps_per_epoch if measured.position else None,
        "batch": measured.position.sequences_per_step if measured.position else None,
    }
    if recipe.adapter.alpha is not None and recipe.adapter.rank:
        found["lora_scale"] = recipe.adapter.alpha / recipe.adapter.rank
    best = measured.checkpoint_quality.best if measured.checkpoint_quality else None
    found["best_step"] = best.step if best else None
    found["fault_step"] = measured.broken_rows.first_step if measured.broken_rows else None
    speed = measured.throughput
    if speed is not None:
        found["speed"] = speed.clean_speed
        if speed.lost > 0:
            yield "lost_time", duration(speed.lost)
    expected = _first_loss(measured)
    if expected is not None:
        yield "expected_first_loss", f"{expected[0]:.1f}-{expected[1]:.1f}"
    if recipe.model.name:
        yield "model", recipe.model.name
    eos = measured.record.facts.text("eos_token")
    if eos:
        yield "eos", eos
    for name, value in found.items():
        if value is not None and math.isfinite(value):
            yield name, number(value)


def _losses(measured: Measured) -> dict[str, float | None]:
    first, baselines, rows = measured.initial_loss, measured.baselines, measured.loss_rows
    logged = first.value if first is not None else None
    true = first.at_start if first is not None else None
    windows = measured.nan_filter.windows if measured.nan_filter else ()
    if windows and windows[0].row == 0:  # the filter had distorted the first row
        logged = windows[0].logged
        true = windows[0].best.mean_loss if windows[0].best is not None else None
    finite = rows.finite() if rows is not None else None
    return {
        "logged_first_loss": logged,
        "first_loss": true,
        "uniform_loss": baselines.uniform if baselines else None,
        "unigram_loss": baselines.frequencies if baselines else None,
        "last_loss": float(finite.value[-1]) if finite is not None and len(finite) else None,
    }
