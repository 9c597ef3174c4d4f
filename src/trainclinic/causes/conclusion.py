"""One word for a run, from its symptoms and its causes together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from trainclinic.catalogue.wording import inside
from trainclinic.causes.knowledge import HEALTHY_FAMILY, UNKNOWN

if TYPE_CHECKING:
    from trainclinic.causes.infer import Inference

Word = Literal["healthy", "sick", "undetermined"]

FAULT_PROBABILITY = 0.5
"""A single fault that is more probable than everything else together is what the run has."""
HARMLESS_FAMILIES = frozenset({HEALTHY_FAMILY, "throughput", "evaluation-and-reporting"})
"""Families that leave the trained model as good as it is: whether lost time is harmful is for the symptoms to say."""
MILD_CAUSES = frozenset({"overfitting"})
"""Causes that leave an earlier checkpoint as good as it was."""
HEALTHY_DOUBT = 0.05
"""Above this probability of a healthy run, a run whose symptoms harm nothing is not called sick."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The verdict on a run.

    Attributes:
        word: `sick`, `healthy` or `undetermined`.
        because: Why the causes changed the word that the symptoms alone had given; empty when they did not.
    """

    word: Word
    because: str = ""


def conclude(word: Word, inference: Inference) -> Conclusion:
    """Let the causes speak where the symptoms alone leave it open.

    Harmful symptoms need no cause to make a run sick. But several harmless ones can have only one explanation: a
    warning about padding that names the fault, or a loss that goes to zero on both splits.

    Args:
        word: What the symptoms alone say.
        inference: The causes.
    """
    first = next((s for s in inference.suspects if s.cause.slug != UNKNOWN), None)
    if word == "sick" or first is None or first.cause.family in HARMLESS_FAMILIES:
        return Conclusion(word)
    if first.probability < FAULT_PROBABILITY:
        return Conclusion(word)
    because = f"most probable cause: {inside(first.cause.title)}"
    if inference.healthy_probability > HEALTHY_DOUBT or first.cause.slug in MILD_CAUSES:
        return Conclusion("undetermined", because if word == "healthy" else "")
    return Conclusion("sick", because)
