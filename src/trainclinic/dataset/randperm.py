"""`torch.randperm` on the CPU without torch: which row a seeded shuffle puts where.

The generator is the Mersenne twister of Matsumoto and Nishimura (1998) with their 32-bit seeding, as in torch's CPU
generator; the permutation is torch's loop of swaps (`randperm_cpu` in aten/src/ATen/native/TensorFactories.cpp),
compared with torch 2.13. It does not know the path for more than 214 million rows, nor the generators of GPUs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LARGEST = (2**32 - 1) // 20 - 1
"""Most rows that torch shuffles by this loop."""
_WORDS = 624


def randperm(rows: int, seed: int) -> NDArray[np.int64]:
    """The permutation that `torch.randperm(rows, generator=torch.Generator().manual_seed(seed))` gives.

    Args:
        rows: Length of the permutation, 0 to `LARGEST`.
        seed: Seed of the generator; its lowest 32 bits count.

    Returns:
        The permutation, `[rows]`.

    Raises:
        ValueError: If there are more rows than the loop is used for.
    """
    if rows > LARGEST:
        message = f"`{rows}` rows are shuffled in another way from {LARGEST + 1:,} rows on"
        raise ValueError(message)
    if rows < 2:
        return np.arange(rows, dtype=np.int64)
    draws = _twister(seed).random_raw(rows - 1).astype(np.int64)
    targets = (np.arange(rows - 1) + draws % np.arange(rows, 1, -1)).tolist()
    order = list(range(rows))
    for at, target in enumerate(targets):
        order[at], order[target] = order[target], order[at]
    return np.array(order, dtype=np.int64)


def _twister(seed: int) -> np.random.MT19937:
    word = seed & 0xFFFFFFFF
    key = np.empty(_WORDS, np.uint32)
    for at in range(_WORDS):
        key[at] = word
        word = (1812433253 * (word ^ (word >> 30)) + at + 1) & 0xFFFFFFFF
    generator = np.random.MT19937()
    generator.state = {"bit_generator": "MT19937", "state": {"key": key, "pos": _WORDS}}
    return generator
