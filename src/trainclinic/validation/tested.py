"""What was measured on a finished model: plain values, without the model itself.

Rules look at nothing else, so that a model is loaded, measured and let go before the next one needs its memory. What
could not be measured is `None`, and `missing` says what it takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["adapter", "model", "endpoint"]


@dataclass(frozen=True, slots=True)
class WeightsSeen:
    """The files of the weights, read tensor by tensor.

    Attributes:
        tensors: Number of tensors.
        values: Number of values.
        non_finite: Names of tensors with NaN or infinity.
        at_random: Names of tensors that the files do not hold, so that they were left at random.
        unused: Names of tensors in the files that the model has no place for.
        compared: Tensors that were compared with those of the base; 0 when there was none.
        changed: Of them, those that differ.
        change: Largest relative change of a tensor, the norm of the difference over that of the base.
        effect: Largest change of a logit by the adapter, as a share of the largest; `None` without adapter.
        merging: Largest change of a logit by merging the adapter, likewise.
    """

    tensors: int
    values: int
    non_finite: tuple[str, ...] = ()
    at_random: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    compared: int = 0
    changed: int = 0
    change: float = 0.0
    effect: float | None = None
    merging: float | None = None


@dataclass(frozen=True, slots=True)
class TokensSeen:
    """The tokenizer beside the model.

    Attributes:
        ids: Ids of the tokenizer, added tokens included.
        rows: Rows of the input embedding.
        template: Whether the tokenizer brings a chat template.
        ends: Texts of the tokens that end an answer.
        shared: Tokens that were compared with the tokenizer of the base; 0 when there was none.
        renamed: Of them, those whose id stands for another token there: id, here, there.
    """

    ids: int
    rows: int
    template: bool
    ends: tuple[str, ...]
    shared: int = 0
    renamed: tuple[tuple[int, str, str], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Losses:
    """Losses of rows under one model and one way of writing them.

    Attributes:
        sums: Loss of the answer without its end, summed over its tokens, nats, `[rows]`.
        tokens: Tokens in that sum, `[rows]`.
        ends: Probability of any end token where the answer ends, `[rows]`; NaN where the row was cut off before.
        finite: Whether every logit was finite.
    """

    sums: NDArray[np.float64]
    tokens: NDArray[np.int64]
    ends: NDArray[np.float64]
    finite: bool = True

    @property
    def mean(self) -> float:
        """Loss per token, nats."""
        return float(self.sums.sum() / max(1, self.tokens.sum()))

    @property
    def per_row(self) -> NDArray[np.float64]:
        """Loss per token of each row, nats, `[rows]`."""
        found: NDArray[np.float64] = self.sums / np.maximum(self.tokens, 1)
        return found

    @property
    def end_probability(self) -> float | None:
        """Median probability of an end token where answers end; `None` when no row shows its end."""
        seen = self.ends[np.isfinite(self.ends)]
        return float(np.median(seen)) if len(seen) else None


@dataclass(frozen=True, slots=True)
class Answer:
    """A question with what was answered.

    Attributes:
        prompt: What the model read, with its markup.
        question: The last turn alone, as a person wants to read it.
        text: The greedy answer.
        new_tokens: Tokens of it, the end token included; `None` when nobody said.
        stopped: Whether it ended by itself; `None` when nobody said.
        reference: The expected answer; empty when there is none.
        sampled: An answer drawn by chance; `None` when none was drawn.
        base: The greedy answer of the base; `None` when there was none.
        alone: The greedy answer in a batch of its own; `None` when it was not asked for.
    """

    prompt: str
    question: str
    text: str
    new_tokens: int | None = None
    stopped: bool | None = None
    reference: str = ""
    sampled: str | None = None
    base: str | None = None
    alone: str | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """How near answers are to their references.

    Attributes:
        metric: `exact match` or `chrF`.
        tuned: Of each answer, 0 to 1.
        base: Of each answer of the base; empty when there was none.
    """

    metric: str
    tuned: tuple[float, ...]
    base: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Depth:
    """How much is looked at.

    Attributes:
        name: `quick`, `usual` or `full`.
        rows: Held-out rows whose loss is measured.
        prompts: Questions that are answered.
        new_tokens: Longest answer.
        length: Longest row, in tokens; the rest is cut off.
        compared: Rows that are written by other templates as well.
        passages: Passages of general text.
        alone: Questions that are answered in a batch of their own as well.
        is_brief: Whether no answers are drawn by chance, and only the most usual of the other templates are tried.
        seed: Decides which rows are taken, and what is drawn by chance.
    """

    name: str
    rows: int
    prompts: int
    new_tokens: int
    length: int
    compared: int = 16
    passages: int = 100
    alone: int = 3
    is_brief: bool = False
    seed: int = 0


DEPTHS = {
    "quick": Depth(
        "quick", rows=6, prompts=3, new_tokens=24, length=192, compared=2, passages=2, alone=0, is_brief=True
    ),
    "usual": Depth("usual", rows=64, prompts=12, new_tokens=128, length=1024),
    "full": Depth("full", rows=100_000, prompts=64, new_tokens=256, length=4096),
}
"""Differences between templates that matter are of some tenths of a nat: few rows show them."""


@dataclass(frozen=True, slots=True, eq=False)
class Tested:
    """Everything that was measured.

    Attributes:
        name: How the user names the model.
        kind: What it is.
        depth: How much was looked at.
        device: Where it ran; empty for an endpoint.
        dtype: Number format of its weights while it ran.
        base: Name of the base; empty when there was none.
        data: Name of the held-out rows; empty when there were none.
        weights: Its files.
        tokens: Its tokenizer.
        own: Held-out losses as its own template writes the rows.
        of_base: The same rows under the base.
        other_templates: The same rows under other ways of writing, by name.
        unigram: Loss of a guess by the frequencies of the answer tokens, nats/token.
        training: Losses of rows that it was trained on.
        general: Losses of general text, one entry per passage.
        general_base: The same under the base.
        padding: Largest change of a logit by padding, as a share of the largest.
        answers: Questions with answers.
        scores: How near the answers are to their references.
        missing: What it takes to measure what was not, by attribute.
        notes: What else should be known, sentences without full stop.
    """

    name: str
    kind: Kind
    depth: Depth
    device: str = ""
    dtype: str = ""
    base: str = ""
    data: str = ""
    weights: WeightsSeen | None = None
    tokens: TokensSeen | None = None
    own: Losses | None = None
    of_base: Losses | None = None
    other_templates: Mapping[str, Losses] = field(default_factory=dict)
    unigram: float | None = None
    training: Losses | None = None
    general: Losses | None = None
    general_base: Losses | None = None
    padding: float | None = None
    answers: tuple[Answer, ...] = ()
    scores: tuple[Scored, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def needs(self, what: str, otherwise: str) -> str:
        """What it takes to measure something.

        Args:
            what: Name of the attribute.
            otherwise: What to say when nothing else is known.
        """
        return self.missing.get(what, otherwise)
