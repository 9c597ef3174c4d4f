"""Permutations against those of torch 2.13 (`torch.randperm` with a seeded CPU generator)."""

from __future__ import annotations

import numpy as np
import pytest

from trainclinic.dataset.randperm import LARGEST, randperm

TORCH = [
    (2, 7, [1, 0]),
    (10, 42, [2, 6, 1, 8, 4, 5, 0, 9, 3, 7]),
    (10, 43, [8, 4, 9, 0, 5, 1, 6, 7, 2, 3]),
    (10, 0xDEADBEEF, [7, 8, 1, 0, 4, 2, 5, 9, 6, 3]),
    (100, 0, [44, 19, 93, 90, 71, 69, 37, 95, 53, 91]),
    (1_000, 2**33 + 5, [411, 49, 291, 695, 678, 515, 112, 606, 6, 942]),
    (100_003, 1234, [45100, 6424, 10089, 89368, 45120, 53149, 90631, 98152, 38088, 70340]),
]
SUMS = {2: 0, 10: {42: 223, 43: 175, 0xDEADBEEF: 204}, 100: 232386, 1_000: 44820, 100_003: 316087}


@pytest.mark.parametrize(("rows", "seed", "first"), TORCH)
def test_permutations_are_those_of_torch(rows: int, seed: int, first: list[int]) -> None:
    found = randperm(rows, seed)
    assert found[:10].tolist() == first
    # the whole of it: sum of place times row, as torch's permutation gives it
    known = SUMS[rows]
    assert int((found * np.arange(rows)).sum()) % 1_000_003 == (known[seed] if isinstance(known, dict) else known)


@pytest.mark.parametrize("rows", [0, 1, 2, 17, 624, 625, 2_000])
def test_every_row_is_drawn_once(rows: int) -> None:
    assert sorted(randperm(rows, 3).tolist()) == list(range(rows))


def test_only_the_lowest_32_bits_of_a_seed_count() -> None:
    assert randperm(50, 9).tolist() == randperm(50, 9 + 2**32).tolist() != randperm(50, 10).tolist()


def test_more_rows_than_torch_shuffles_this_way_are_refused() -> None:
    with pytest.raises(ValueError, match="another way"):
        randperm(LARGEST + 1, 0)
