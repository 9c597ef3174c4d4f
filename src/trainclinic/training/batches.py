"""Rows to batches: padding outside the attention and outside the loss, or several rows in one sequence.

Packed rows do not see each other: their positions begin at 0 again, and attention stays within a row. It does not know
where rows come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from trainclinic.encoding.encoded import IGNORED
from trainclinic.encoding.tokens.tokenizer import Tokenizer
from trainclinic.recipe.model import Recipe
from trainclinic.record.errors import TrainclinicError
from trainclinic.training.rows import Example

if TYPE_CHECKING:
    import torch

Item = dict[str, Any]


class Collator:
    """Puts rows into a batch.

    Args:
        pad: Id of the padding.
        side: Side of the padding, `right` or `left`.
        scores_padding: Whether padding counts in the loss, which teaches nothing but padding.
    """

    def __init__(self, pad: int, side: str = "right", *, scores_padding: bool = False) -> None:
        self.pad = pad
        self.side = side
        self.label = pad if scores_padding else IGNORED

    def __call__(self, items: Sequence[Item]) -> dict[str, torch.Tensor]:
        """A batch.

        Args:
            items: Rows with `input_ids`, `labels`, perhaps `position_ids` and `row`, the number of the row.

        Returns:
            `input_ids`, `labels`, and `attention_mask` or, for packed rows, `position_ids`; each
            `[rows, longest row]`. `rows`, `[rows]`, holds the numbers of the rows where they have some.
        """
        import torch

        longest = max(len(item["input_ids"]) for item in items)
        batch = {
            "input_ids": [self._filled(item["input_ids"], self.pad, longest) for item in items],
            "labels": [self._filled(item["labels"], self.label, longest) for item in items],
        }
        if "position_ids" in items[0]:
            # padding behind a pack is one more row of its own
            batch["position_ids"] = [
                np.concatenate([item["position_ids"], np.arange(longest - len(item["position_ids"]))]) for item in items
            ]
        else:
            batch["attention_mask"] = [self._filled(np.ones(len(item["input_ids"])), 0, longest) for item in items]
        if "row" in items[0]:
            batch["rows"] = [np.array(item["row"]) for item in items]
        return {name: torch.from_numpy(np.stack(values).astype(np.int64)) for name, values in batch.items()}

    def _filled(self, values: Any, fill: int, length: int) -> Any:
        missing = length - len(values)
        wide = (0, missing) if self.side == "right" else (missing, 0)
        return np.pad(np.asarray(values), wide, constant_values=fill)


class Items:
    """Rows as the data loader wants them; a `torch` data set by its methods.

    Args:
        examples: The rows.
    """

    def __init__(self, examples: Sequence[Example]) -> None:
        self.examples = examples

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.examples)

    def __getitem__(self, at: int) -> Item:
        """One row."""
        example = self.examples[at]
        return {"input_ids": example.ids, "labels": example.labels, "row": at}


class Packs(Items):
    """Several rows in each sequence, as many as fit.

    Rows are put, longest first, into the first sequence with room (first-fit decreasing, within 22 % of the fewest
    possible; Johnson 1973).

    Args:
        examples: The rows.
        length: Tokens of a sequence.
    """

    def __init__(self, examples: Sequence[Example], length: int) -> None:
        super().__init__(examples)
        self.packs = packed([len(example) for example in examples], length)

    def __len__(self) -> int:
        """Number of sequences."""
        return len(self.packs)

    def __getitem__(self, at: int) -> Item:
        """One sequence; the first token of each row is no target, since the row before does not announce it."""
        rows = [self.examples[row] for row in self.packs[at]]
        labels = [row.labels.copy() for row in rows]
        for one in labels:
            one[0] = IGNORED
        return {
            "input_ids": np.concatenate([row.ids for row in rows]),
            "labels": np.concatenate(labels),
            "position_ids": np.concatenate([np.arange(len(row)) for row in rows]),
            "row": self.packs[at][0],
        }


def packed(lengths: Sequence[int], most: int) -> list[list[int]]:
    """Which rows share a sequence.

    Args:
        lengths: Tokens of each row, at most `most`.
        most: Tokens of a sequence.

    Returns:
        Positions of rows, one list a sequence.
    """
    room: list[int] = []
    packs: list[list[int]] = []
    open_packs: list[int] = []
    smallest = min(lengths, default=0)
    for at in sorted(range(len(lengths)), key=lambda one: -lengths[one]):
        place = next((pack for pack in open_packs if room[pack] >= lengths[at]), None)
        if place is None:
            place = len(packs)
            packs.append([])
            room.append(most)
            open_packs.append(place)
        packs[place].append(at)
        room[place] -= lengths[at]
        if room[place] < smallest:
            open_packs.remove(place)
        if len(open_packs) > _OPEN:
            open_packs.pop(0)
    return packs


_OPEN = 256
"""Sequences that are looked at for room, so that a million rows are packed in linear time."""


def refuse_leaky_packing(model: Any, examples: Sequence[Example]) -> None:
    """Stop where a model lets packed rows see each other.

    Args:
        model: The model.
        examples: At least two rows.

    Raises:
        TrainclinicError: If the second row of a pack is read otherwise than alone.
    """
    import torch

    first, second = examples[0].ids[:32].tolist(), examples[1].ids[:32].tolist()
    positions = [*range(len(first)), *range(len(second))]
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    with torch.no_grad():
        alone = model(input_ids=torch.tensor([second], device=device)).logits[0]
        both = model(
            input_ids=torch.tensor([first + second], device=device),
            position_ids=torch.tensor([positions], device=device),
        ).logits[0, len(first) :]
    model.train(was_training)
    if not torch.allclose(alone.float(), both.float(), atol=1e-2, rtol=1e-2):
        message = "`text.packing` is `true`, and with this model and attention packed rows see each other"
        raise TrainclinicError(message, hint="set `text.packing: false`, or another `model.attention`")


def padding_id(tokenizer: Tokenizer, recipe: Recipe) -> int:
    """The id of the padding: the one that the recipe names, else one that is no end token.

    It is outside the attention and outside the loss, so that its meaning does not matter.

    Args:
        tokenizer: The tokenizer of the model.
        recipe: A complete recipe.

    Raises:
        TrainclinicError: If the recipe names a token that the tokenizer does not have.
    """
    specials, wanted = tokenizer.specials, recipe.text.pad_token
    if wanted and wanted != "own":
        found = specials.id_of(wanted)
        if found is None:
            message = f"`text.pad_token` is `{wanted}`, which is no special token of `{tokenizer.name}`"
            raise TrainclinicError(message, hint="`own` takes a token that is not the end token")
        return found
    own = (specials.pad, *(text for text in specials.ids if "pad" in text.lower()), specials.unknown)
    ids = [specials.id_of(text) for text in own if text]
    free = [one for one in ids if one is not None and one not in specials.ends]
    return free[0] if free else next(one for one in range(tokenizer.vocabulary_size) if one not in specials.ends)
