"""Padding outside the loss, and packed rows that do not see each other."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from trainclinic.encoding.encoded import IGNORED
from trainclinic.recipe.model import Text
from trainclinic.record.errors import TrainclinicError
from trainclinic.training.batches import Collator, Items, Packs, packed, padding_id, refuse_leaky_packing
from trainclinic.training.job import plan
from trainclinic.training.model import load_model
from trainclinic.training.rows import Example


def example(*ids: int, targets: int = 2) -> Example:
    labels = [IGNORED] * (len(ids) - targets) + list(ids[-targets:])
    return Example(np.array(ids, np.int32), np.array(labels, np.int32), "rows.jsonl:1")


def test_padding_is_outside_attention_and_loss():
    batch = Collator(9)([*Items([example(1, 2, 3), example(4, 5)])])
    assert batch["input_ids"].tolist() == [[1, 2, 3], [4, 5, 9]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]
    assert batch["labels"].tolist() == [[IGNORED, 2, 3], [4, 5, IGNORED]]
    assert batch["rows"].tolist() == [0, 1]


def test_padding_can_stand_on_the_left_and_can_be_scored():
    batch = Collator(9, "left", scores_padding=True)([*Items([example(1, 2, 3), example(4, 5)])])
    assert batch["input_ids"].tolist()[1] == [9, 4, 5]
    assert batch["labels"].tolist()[1] == [9, 4, 5]


def test_packing_uses_every_row_once_and_no_sequence_is_too_long():
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 100, size=500).tolist()
    packs = packed(lengths, 128)
    assert sorted(at for pack in packs for at in pack) == list(range(500))
    assert max(sum(lengths[at] for at in pack) for pack in packs) <= 128
    assert len(packs) <= 1.22 * np.ceil(sum(lengths) / 128) + 1


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_a_packed_row_has_the_loss_of_the_row_alone(recipe, architecture):
    import torch

    planned = plan(recipe(architecture=architecture))
    model = load_model(planned.recipe, planned.tokenizer.vocabulary_size).eval()
    rows = planned.rows.training[:5]
    refuse_leaky_packing(model, rows)
    collate = Collator(planned.pad)

    def loss(items) -> tuple[float, int]:
        batch = collate([{k: v for k, v in item.items() if k != "row"} for item in items])
        with torch.no_grad():
            count = int((batch["labels"][:, 1:] != IGNORED).sum())
            return float(model(**batch).loss) * count, count

    alone = [loss([item]) for item in Items(rows)]
    together, count = loss([*Packs(rows, sum(map(len, rows)))])
    assert count == sum(number for _, number in alone)
    assert together == pytest.approx(sum(one for one, _ in alone), rel=1e-4)


def test_a_model_that_reads_across_rows_is_refused():
    import torch

    class Summing(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = torch.nn.Embedding(16, 8)

        def forward(self, input_ids, **_):
            return SimpleNamespace(logits=self.embed(input_ids).cumsum(1))

    with pytest.raises(TrainclinicError, match="see each other"):
        refuse_leaky_packing(Summing(), [example(1, 2, 3), example(4, 5, 6)])


def test_padding_is_never_an_end_token_unless_the_recipe_names_one(recipe):
    planned = plan(recipe())
    assert planned.pad not in planned.formatting.ends
    assert padding_id(planned.tokenizer, recipe(text=Text(pad_token="</s>"))) == 2
    with pytest.raises(TrainclinicError, match="no special token"):
        padding_id(planned.tokenizer, recipe(text=Text(pad_token="<nope>")))
