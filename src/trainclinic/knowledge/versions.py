"""The order of version numbers, and which known version stands for an unknown one.

Only the numbers count: `5.0.0rc1` is read as `5.0.0`, since the surface of a library rarely changes after its first
release candidate.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_NUMBERS = re.compile(r"v?(\d+(?:\.\d+)*)")
Key = tuple[int, ...]


def key(version: str) -> Key:
    """The numbers of a version, without trailing zeros, so that `5.0` and `5.0.0` are equal; `()` when it has none."""
    found = _NUMBERS.match(version.strip())
    numbers = [int(part) for part in found.group(1).split(".")] if found else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def nearest(version: str, known: Sequence[str]) -> int:
    """Index of the known version whose interface `version` has, as far as can be told.

    The same version; else the newest patch of the same minor series, because interfaces change between minor versions;
    else the newest that is not newer; else, for versions older than all, the oldest.

    Args:
        version: Any version.
        known: Versions in ascending order, at least one.
    """
    wanted = key(version)
    keys = [key(each) for each in known]
    if wanted in keys:
        return keys.index(wanted)
    series = [index for index, each in enumerate(keys) if _series(each) == _series(wanted)]
    older = [index for index, each in enumerate(keys) if each <= wanted]
    return (series or older or [0])[-1]


def _series(numbers: Key) -> Key:
    return (*numbers, 0, 0)[:2]
