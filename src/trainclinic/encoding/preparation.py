"""How rows become training examples: template, end token, loss mask, length limit, padding; and the plan of the run.

Each setting says who stated it. What nobody stated is assumed so that rows can be shown, and an assumption never
becomes a verdict. It does not know rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

T = TypeVar("T")
Scored = Literal["all", "answers", "last-answer"]
Side = Literal["right", "left"]
Order = Literal["shuffled", "sequential", "random-windows"]


@dataclass(frozen=True, slots=True)
class Stated(Generic[T]):
    """A setting, and who stated it.

    Attributes:
        value: The setting.
        by: Where it was stated, as the user would name it (`--max-length`, ``config.yaml `cutoff_len` ``); empty when
            it is assumed.
    """

    value: T
    by: str = ""

    @property
    def is_assumed(self) -> bool:
        """Whether nobody stated it."""
        return not self.by


_YES: Stated[bool] = Stated(value=True)
_NO: Stated[bool] = Stated(value=False)


@dataclass(frozen=True, slots=True)
class Preparation:
    """How one row becomes ids and labels.

    Attributes:
        template: Chat template: a name, Jinja source, or empty for the tokenizer's own. Rows that are no conversation
            get one only when it is stated.
        scored: Which tokens carry a loss: all, every answer, or the last one. Plain text is always scored as a whole.
        appends_end: Whether the end token is written after a row that no template formats.
        adds_specials: Whether the tokenizer's begin and end tokens are added to the finished text.
        max_length: Tokens that are kept; `None` without limit.
        truncation: The side where tokens are cut off.
        pad: Padding token that training uses, empty for the tokenizer's own.
        masks_pads: Whether the collator takes every id equal to the padding token out of the loss (the language-model
            collator does), also where it is meant as an end token.
        pads_to_maximum: Whether rows are padded to `max_length` instead of to the longest of their batch.
        scores_padding: Whether padding positions carry their id as label.
        packing: Whether several rows share a sequence.
        vocabulary: Rows of the model's embedding; `None` when not known.
        response_marker: Text after which the collator begins to score; empty when it searches for none.
        needs_markers: Whether the loss mask comes from the `{% generation %}` markers of the template.
        mask_by_length: Whether the prompt is tokenised alone and masked by its number of tokens.
    """

    template: Stated[str] = Stated("")
    scored: Stated[Scored] = Stated("answers")
    appends_end: Stated[bool] = _YES
    adds_specials: Stated[bool] = _YES
    max_length: Stated[int | None] = Stated(None)
    truncation: Stated[Side] = Stated("right")
    pad: Stated[str] = Stated("")
    masks_pads: Stated[bool] = _NO
    pads_to_maximum: Stated[bool] = _NO
    scores_padding: Stated[bool] = _NO
    packing: Stated[bool] = _NO
    vocabulary: Stated[int | None] = Stated(None)
    response_marker: Stated[str] = Stated("")
    needs_markers: Stated[bool] = _NO
    mask_by_length: Stated[bool] = _NO


@dataclass(frozen=True, slots=True)
class Plan:
    """How the run goes through the rows.

    Attributes:
        micro_batch: Rows per process and forward pass.
        accumulation: Forward passes per optimizer step.
        processes: Data-parallel processes.
        epochs: Passes over the rows.
        steps: Optimizer steps, where they are planned instead of epochs.
        warmup_steps: Steps of warm-up.
        seed: Seed of the sampler.
        order: How rows are drawn.
        rows: Rows that the run says it trains on.
        full_weights: Whether all weights are trained, not an adapter.
    """

    micro_batch: Stated[int | None] = Stated(None)
    accumulation: Stated[int] = Stated(1)
    processes: Stated[int] = Stated(1)
    epochs: Stated[float | None] = Stated(None)
    steps: Stated[int | None] = Stated(None)
    warmup_steps: Stated[int | None] = Stated(None)
    seed: Stated[int | None] = Stated(None)
    order: Stated[Order] = Stated("shuffled")
    rows: Stated[int | None] = Stated(None)
    full_weights: Stated[bool | None] = Stated(None)

    @property
    def rows_per_step(self) -> int | None:
        """Rows of one optimizer step over all processes; `None` when the batch size is not stated."""
        batch = self.micro_batch.value
        return None if batch is None else batch * self.accumulation.value * self.processes.value
