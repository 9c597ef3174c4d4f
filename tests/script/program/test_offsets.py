"""By how much labels are ahead of inputs, through every way that code cuts texts."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.script.programs import program_of, the_call

from trainclinic.script.program.offsets import ahead

HEAD = (
    "import torch\nimport numpy as np\nimport torch.nn.functional as F\nfrom tool import look, data, ids, n, i, start\n"
)


def ahead_in(folder: Path, code: str) -> int | None:
    program = program_of(folder, HEAD + code)
    inputs, labels = the_call(program, "look").args
    found = ahead(program, labels, inputs)
    return None if found is None else found[0]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("look(ids, ids)", 0),
        ("look(ids, ids.clone())", 0),
        ("look(ids[:, :-1], ids[:, 1:])", 1),
        ("look(ids[:-1], ids[1:])", 1),
        ("look(ids, ids[..., 1:])", 1),
        ("look(ids[:, 2:], ids[:, 1:])", -1),
        ("look(data[i:i + n], data[i + 1:i + n + 1])", 1),
        ("look(data[i:i + n], data[1 + i:i + 1 + n])", 1),
        ("look(data[i * n:(i + 1) * n], data[i * n + 1:(i + 1) * n + 1])", 1),
        ("look(data[i:i + n], data[i + 2:i + n + 2])", 2),
        ("look(data[i:i + n], data[start + 1:start + n])", None),
        ("look(ids, torch.roll(ids, -1, dims=1))", 1),
        ("look(ids, ids.roll(-1, 1))", 1),
        ("look(ids, torch.cat([ids[:, 1:], start], dim=1))", 1),
        ("look(ids, ids[1:] + [0])", 1),
        ("look([0] + ids, ids)", 1),
        ("look(ids, F.pad(ids, (0, 1), value=-100)[:, 1:])", 1),
        ("y = ids.clone()\ny[:, :-1] = ids[:, 1:]\nlook(ids, y)", 1),
        ("y = ids.clone()\ny[ids == 0] = -100\nlook(ids, y)", 0),
        ("at = torch.randint(9, (4,))\nx = torch.stack([data[j:j+n] for j in at])\n"
         "y = torch.stack([data[j+1:j+1+n] for j in at])\nlook(x, y)", 1),
        ("at = torch.randint(9, (4,))\nx = torch.stack([torch.from_numpy(data[j:j+n].astype(np.int64)) for j in at])\n"
         "y = torch.stack([torch.from_numpy(data[j+1:j+1+n].astype(np.int64)) for j in at])\n"
         "x, y = x.pin_memory().to('cuda', non_blocking=True), y.pin_memory().to('cuda')\nlook(x, y)", 1),
        ("b = next(data)\nlook(b['input_ids'], b['labels'])", 0),
        ("b = next(data)\nlook(b['input_ids'], b['labels'][:, 1:])", 1),
        ("look(ids, torch.where(ids == 0, -100, ids))", 0),
        ("look(ids[:, -5:], ids[:, 1:])", None),
        ("look(ids[::2], ids[1:])", None),
        ("look(ids, data)", None),
    ],
)  # fmt: skip
def test_labels_are_ahead_by_as_many_positions_as_the_code_says(
    tmp_path: Path, code: str, expected: int | None
) -> None:
    assert ahead_in(tmp_path, code) == expected


def test_a_data_set_and_its_loader_keep_the_shift(tmp_path: Path) -> None:
    program = program_of(
        tmp_path,
        """
        from torch.utils.data import DataLoader, Dataset
        from tool import look, tokens
        class Rows(Dataset):
            def __init__(self, tokens, n):
                self.tokens, self.n = tokens, n
            def __getitem__(self, at):
                chunk = self.tokens[at * self.n : (at + 1) * self.n + 1]
                return chunk[:-1], chunk[1:]
        for epoch in range(2):
            for x, y in DataLoader(Rows(tokens, 8), batch_size=4):
                look(x, y)
        """,
    )
    x, y = the_call(program, "look").args
    found = ahead(program, y, x)
    assert found is not None
    assert found[0] == 1
    assert [str(step.place) for step in found[1]] == ["train.py:9:28"]


def test_rows_of_a_mapped_data_set_hold_what_the_function_returned(tmp_path: Path) -> None:
    program = program_of(
        tmp_path,
        """
        from datasets import load_dataset
        from transformers import AutoTokenizer, Trainer
        tok = AutoTokenizer.from_pretrained("gpt2")
        def encode(row):
            out = tok(row["text"])
            out["labels"] = out["input_ids"].copy()
            return out
        ds = load_dataset("json").map(encode)
        Trainer(train_dataset=ds)
        """,
    )
    row = program.element_of(the_call(program, "Trainer").keywords[0][1])
    assert row is not None
    labels = program.value_of(row, "labels")
    assert labels is not None
    assert labels.code == "out['input_ids'].copy()"
