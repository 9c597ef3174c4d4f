"""Which tokens of a few batches carry a loss, row by row.

It reads ids, attention masks and labels. It does not run the model, and it does not know how rows were written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.catalogue.wording import percent
from trainclinic.probes.live import IGNORED, Batch

if TYPE_CHECKING:
    from trainclinic.probes.live import Live

_SHOWN_IDS = 12


@dataclass(frozen=True)
class RowView:
    """One row of a batch.

    Attributes:
        batch: Its batch, counted from 1.
        row: Its row in the batch, counted from 1.
        ids: Token ids, `[tokens]`.
        labels: Labels, `[tokens]`; -100 carries no loss.
        attended: Positions that attention may see; all of them where the batch has no mask.
        has_mask: Whether the batch has an attention mask of that shape.
    """

    batch: int
    row: int
    ids: list[int]
    labels: list[int]
    attended: list[int]
    has_mask: bool

    @property
    def targets(self) -> list[int]:
        """Positions with a loss."""
        return [at for at, label in enumerate(self.labels) if label != IGNORED]

    @property
    def place(self) -> str:
        """`row 2 of batch 1`."""
        return f"row {self.row} of batch {self.batch}"


@dataclass(frozen=True)
class MaskView:
    """The rows of all batches looked at.

    Attributes:
        rows: In the order of the batches.
    """

    rows: tuple[RowView, ...]

    @property
    def tokens(self) -> int:
        """Attended tokens."""
        return sum(len(row.attended) for row in self.rows)

    @property
    def targets(self) -> int:
        """Tokens with a loss."""
        return sum(len(row.targets) for row in self.rows)

    @property
    def with_targets(self) -> tuple[RowView, ...]:
        """Rows with at least one target."""
        return tuple(row for row in self.rows if row.targets)

    def share(self) -> str:
        """How much of the batches carries a loss, as a sentence."""
        share = self.targets / self.tokens if self.tokens else 0.0
        return f"{self.targets:,} of {self.tokens:,} tokens in {len(self.rows):,} rows are targets ({percent(share)})"


def mask_view(live: Live) -> MaskView:
    """Read the rows of all batches."""
    rows: list[RowView] = []
    for number, batch in enumerate(live.batches, start=1):
        rows += _rows(batch, number)
    return MaskView(tuple(rows))


def shown(live: Live, row: RowView, positions: list[int]) -> str:
    """Some tokens of a row as text in back-ticks; as ids where there is no tokenizer.

    Args:
        live: The run, for its tokenizer.
        row: The row.
        positions: Places in it, in order.
    """
    ids = [row.ids[at] for at in positions[-_SHOWN_IDS:]]
    if not ids:
        return "nothing"
    try:
        text = live.decode(ids) if live.decode else ""
    except (TypeError, ValueError, IndexError, KeyError):
        text = ""
    if not text:
        return f"`{' '.join(map(str, ids))}`"
    flat = " ".join(text.split()).replace("`", "'")
    return f"`{flat or repr(text)}`"


def _rows(batch: Batch, number: int) -> list[RowView]:
    ids, labels = batch["input_ids"].tolist(), batch["labels"].tolist()
    mask = batch.get("attention_mask")
    has_mask = mask is not None and tuple(mask.shape) == tuple(batch["input_ids"].shape)
    visible = mask.tolist() if has_mask and mask is not None else [[1] * len(row) for row in ids]
    return [
        RowView(number, at + 1, row, labels[at], [place for place, sees in enumerate(visible[at]) if sees], has_mask)
        for at, row in enumerate(ids)
    ]
