"""The levels that a loss can be compared with: uniform guessing, word frequencies, and the intact pretrained model.

Uniform is ln V with V the rows of the output embedding (padding included, because a fresh head spreads over them too).
The unigram entropy needs the data; without it only a typical value is given, and marked as such. The reference is where
the same pretrained model starts and ends elsewhere. What the run's own loss says against these is not known here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.signals.reference_losses import Reference, generic_reference, known_reference, known_vocabulary

if TYPE_CHECKING:
    from trainclinic.record.source import Source
    from trainclinic.signals.measured import Measured

WORD_PIECE_ROWS = 16_000
"""From this vocabulary size on, tokens are word pieces of ordinary text."""

TYPICAL_UNIGRAM = 6.5
"""Unigram entropy of English in word pieces, nats: 6.1-6.7 over prose, chats and plays with 32k-50k vocabularies."""

BITS = 1.0 / math.log(2.0)


@dataclass(frozen=True, slots=True)
class Baselines:
    """Levels to compare a loss with, in the unit of the run's loss.

    Attributes:
        vocabulary: Rows of the output embedding; `None` when unknown.
        vocabulary_from: How we know: the name of the fact, or the model family.
        vocabulary_source: Where it was read, when a file says it.
        uniform: Loss of guessing every token alike, ln V (log2 V for a loss in bits); `None` when V is unknown.
        unigram: Loss of knowing the token frequencies only, measured on the data; `None` when the data was not seen.
        typical_unigram: The usual value of that for word pieces of English; `None` for other vocabularies.
        reference: The intact pretrained model; `None` when the run does not start from one as far as we know.
    """

    vocabulary: int | None
    vocabulary_from: str
    vocabulary_source: Source | None
    uniform: float | None
    unigram: float | None
    typical_unigram: float | None
    reference: Reference | None

    @property
    def frequencies(self) -> float | None:
        """Level of a model that ignores its context: measured, else typical."""
        return self.unigram if self.unigram is not None else self.typical_unigram


def baselines_of(run: Measured) -> Baselines | None:
    """Baselines of a token-level cross-entropy; `None` when the loss is certainly something else."""
    objective = run.objective
    if objective.is_language_model is False:
        return None
    facts = run.record.facts
    name = " ".join(filter(None, (facts.text("model_name"), facts.text("model_type"))))
    fact = facts.get("vocabulary_size")
    vocabulary = int(fact.value) if fact is not None and float(fact.value) >= 2 else known_vocabulary(name)
    said = "vocabulary_size" if fact is not None else f"the family of `{name}`" if vocabulary else ""
    scale = BITS if objective.loss_unit == "bits/token" else 1.0
    word_pieces = vocabulary is not None and vocabulary >= WORD_PIECE_ROWS
    return Baselines(
        vocabulary=vocabulary,
        vocabulary_from=said,
        vocabulary_source=fact.source if fact is not None else None,
        uniform=scale * math.log(vocabulary) if vocabulary else None,
        unigram=None if run.unigram_entropy is None else scale * run.unigram_entropy,
        typical_unigram=scale * TYPICAL_UNIGRAM if word_pieces else None,
        reference=_reference(run, name) if objective.started_from == "pretrained" else None,
    )


def _reference(run: Measured, name: str) -> Reference | None:
    if run.objective.loss_unit not in ("nats/token", ""):
        return None
    counts = _base_counts(run)
    known = known_reference(name, counts)
    if known is not None:
        return known
    # Encoder-decoders and speech models start anywhere between 0.5 and 40: no size class bounds them.
    return generic_reference(counts) if run.objective.kind == "causal-lm" else None


def _base_counts(run: Measured) -> tuple[float, ...]:
    """All parameters, and all without the trained adapters."""
    total = run.record.facts.number("parameter_count")
    trained = run.record.facts.number("trainable_parameter_count")
    if total is None:
        return ()
    return (total,) if trained is None or trained >= total else (total - trained, total)
