"""Which runs are compared with which: those whose logs lie in one folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainclinic.record.run import RunRecord

MOST = 8
"""A run is compared with the first few of its folder: people lay two or three side by side, sweeps leave hundreds."""


def companions_of(records: Sequence[RunRecord]) -> list[tuple[RunRecord, ...]]:
    """For each record the others of its folder, in order, at most `MOST`.

    Args:
        records: The runs.
    """
    folders: dict[str, list[int]] = {}
    for at, record in enumerate(records):
        if record.files:
            folders.setdefault(record.files[0].rpartition("/")[0], []).append(at)
    found: list[tuple[RunRecord, ...]] = [()] * len(records)
    for members in folders.values():
        for at in members:
            others = [other for other in members[: MOST + 1] if other != at]
            found[at] = tuple(records[other] for other in others[:MOST])
    return found
