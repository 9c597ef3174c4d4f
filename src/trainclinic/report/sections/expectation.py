"""What a healthy run of this kind looks like: expected losses with their source, and levels to compare with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.wording import number
from trainclinic.report.model import Item, Passage

if TYPE_CHECKING:
    from trainclinic.signals.loss_baselines import Baselines
    from trainclinic.signals.measured import Measured

GRADES = {"published": "", "derived": "derived from published figures", "unverified": "not verified"}


def expectation(measured: Measured) -> Passage | None:
    """Expected first and final loss, and where this run's first loss lies; `None` when nothing is known."""
    baselines = measured.baselines
    says = [_first_loss(measured), _forecast(measured)]
    items: list[Item] = []
    if baselines is not None:
        says.insert(0, _reference(baselines))
        items = _levels(baselines)
    says = [text for text in says if text]
    return Passage(tuple(f"{text}." for text in says), tuple(items)) if says or items else None


def _reference(baselines: Baselines) -> str:
    reference = baselines.reference
    if reference is None:
        return ""
    parts = []
    if reference.start is not None:
        parts.append(f"starts between {number(reference.start[0], 3)} and {number(reference.start[1], 3)}")
    parts.append(f"ends between {number(reference.tuned[0], 3)} and {number(reference.tuned[1], 3)}")
    what = "No figures are listed for this very model; fine-tuning of" if reference.generic else "Fine-tuning of"
    return f"{what} {reference.title} on ordinary text {' and '.join(parts)} nats/token"


def _first_loss(measured: Measured) -> str:
    first, baselines = measured.initial_loss, measured.baselines
    if first is None or baselines is None or baselines.reference is None or baselines.reference.start is None:
        return ""
    low, high = baselines.reference.start
    place = "inside" if low <= first.at_start <= high else "above" if first.at_start > high else "below"
    mean = " (a mean over the first rows, so the true start is at or above it)" if first.is_window_mean else ""
    return f"This run's first loss, {number(first.value)} at step {first.step:,}{mean}, lies {place} that range"


def _forecast(measured: Measured) -> str:
    found = measured.forecast
    if found is None or found.refused or found.horizon_step <= (measured.record.last_step or 0):
        return ""
    band = f"{number(found.low)} to {number(found.high)}"
    return (
        f"Going on as it did, its training loss would be {number(found.value)} at step {found.horizon_step:,} "
        f"(90 % interval {band})"
    )


def _levels(baselines: Baselines) -> list[Item]:
    items = []
    reference = baselines.reference
    if reference is not None:
        grade = GRADES[reference.grade]
        note = f"{reference.source}{'; ' + grade if grade else ''}"
        if reference.start is not None:
            items.append(
                Item("expected first loss", f"{number(reference.start[0], 3)} – {number(reference.start[1], 3)}")
            )
        items.append(
            Item("expected final loss", f"{number(reference.tuned[0], 3)} – {number(reference.tuned[1], 3)}", note=note)
        )
    if baselines.uniform is not None and baselines.vocabulary is not None:
        source = baselines.vocabulary_source
        items.append(
            Item(
                "guessing every token alike",
                baselines.uniform,
                path=source.path if source else None,
                line=source.line if source else None,
                note=f"logarithm of {baselines.vocabulary:,} tokens",
            )
        )
    if baselines.unigram is not None:
        items.append(Item("knowing token frequencies only", baselines.unigram, note="measured on the training data"))
    elif baselines.typical_unigram is not None:
        items.append(Item("knowing token frequencies only", baselines.typical_unigram, note="typical for English text"))
    return items
