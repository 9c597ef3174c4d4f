"""Which runs are compared with which: those whose logs lie in one folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainclinic.record.run import RunRecord

MOST = 8
"""A run is compared with the first few of its folder: people lay two or three side by side, sweeps leave hundreds."""


def broken_first(records: Sequence[RunRecord], is_sick: Sequence[bool]) -> list[int]:
    """The order in which runs are told: within a folder a sick one first, unless a plain name says which is meant.

    Args:
        records: The runs, the main run of each folder first.
        is_sick: Whether each is sick.
    """
    folders: dict[str, list[int]] = {}
    for at, record in enumerate(records):
        folders.setdefault(record.files[0].rpartition("/")[0] if record.files else f"\0{at}", []).append(at)
    order = list(range(len(records)))
    for members in folders.values():
        if not 1 < len(members) <= MOST or _is_plain(records, members):
            continue
        told = sorted(members, key=lambda at: not is_sick[at])
        for place, at in zip(members, told, strict=True):
            order[place] = at
    return order


def _is_plain(records: Sequence[RunRecord], members: list[int]) -> bool:
    """Whether the names of the others are the name of the first with something added: `train.log`, `train_cpu.log`."""
    stems = [records[at].files[0].rpartition("/")[2].rpartition(".")[0] for at in members]
    return any(stem != stems[0] and stem.startswith(stems[0]) for stem in stems[1:])


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
