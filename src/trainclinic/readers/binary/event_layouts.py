"""TensorBoard events, many at once: the layout of one record is learned, and equal records are decoded as arrays.

A run writes millions of events of a few shapes: same length, same bytes except for wall time, step and value. Fields
are those of `event.proto`, `summary.proto`, `tensor.proto` and `types.proto` of TensorFlow. It knows no tag's meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from trainclinic.readers.binary.checksums import MAX_CHECKED_BYTES, masked_checksums
from trainclinic.readers.binary.wire import (
    BYTES,
    FIXED32,
    FIXED64,
    VARINT,
    Field,
    NotProtobuf,
    fields,
    signed,
    text,
    varint,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.readers.binary.record_file import Block

    Integers = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Rows = NDArray[np.uint8]

MAX_LAYOUTS = 200
"""Shapes per record length that are remembered; further ones are decoded one by one."""
_WALL, _STEP, _SUMMARY, _SESSION = 1, 2, 5, 7
_VALUE, _TAG, _SIMPLE, _TENSOR, _METADATA = 1, 1, 2, 8, 9
_DTYPE, _SHAPE, _CONTENT = 1, 2, 4
# DataType to what one element is in `tensor_content`.
_CONTENT_TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 9: "<i8", 10: "u1", 17: "<u2", 19: "<f2"}
_CONTENT_TYPES |= {14: "bfloat16", 22: "<u4", 23: "<u8"}
_FIXED_LISTS = {5: ("<f4", 4), 6: ("<f8", 8)}
_VARINT_LISTS = {7: "integer", 10: "integer", 11: "integer", 16: "integer", 17: "integer", 13: "half"}
_STRINGS = 8
_BFLOAT16 = 14


class Slot(NamedTuple):
    """Where a record holds a number.

    Attributes:
        tag: What it is called.
        start: Its first byte.
        size: Its bytes.
        kind: A numpy type, `bfloat16` (two bytes), or the meaning of a varint: `integer`, `half`, `half bfloat16`.
    """

    tag: str
    start: int
    size: int
    kind: str


class Note(NamedTuple):
    """What a record says beside numbers.

    Attributes:
        tag: Name of a text or of a plugin's summary; empty for the status of a session.
        plugin: Name of the plugin; `session` for the status of a session.
        content: The text, the plugin's message, or the status.
        record: Number of the record in the file.
        step: Its step.
    """

    tag: str
    plugin: str
    content: bytes
    record: int
    step: int


@dataclass(slots=True)
class Layout:
    """The shape of a record: which bytes are numbers and which must be equal in every record of the shape."""

    wall: int = -1
    step: tuple[int, int] = (0, 0)
    slots: list[Slot] = field(default_factory=list)
    notes: list[tuple[str, str, bytes]] = field(default_factory=list)
    mask: Rows = field(default_factory=lambda: np.zeros(0, np.uint8))
    like: Rows = field(default_factory=lambda: np.zeros(0, np.uint8))

    def compared(self, record: bytes, width: int) -> None:
        """Fix what is compared: every byte but those of numbers; of varints, whether they go on."""
        self.mask = np.zeros(width, np.uint8)
        self.mask[: len(record)] = 255
        if self.wall >= 0:
            self.mask[self.wall : self.wall + 8] = 0
        for start, size, is_varint in [
            (*self.step, True),
            *((s.start, s.size, s.kind in _VARINTS) for s in self.slots),
        ]:
            self.mask[start : start + size] = 128 if is_varint else 0
        self.like = np.zeros(width, np.uint8)
        self.like[: len(record)] = np.frombuffer(record, np.uint8)

    def equals(self, rows: Rows) -> NDArray[np.bool_]:
        """Which rows, `[rows, width]`, have this shape."""
        like, mask = self.like.view(np.uint64), self.mask.view(np.uint64)
        words = rows.view(np.uint64)
        same = (words[:, 0] ^ like[0]) & mask[0] == 0
        for at in range(1, like.size):
            if mask[at]:
                same &= (words[:, at] ^ like[at]) & mask[at] == 0
        return np.asarray(same)


_VARINTS = frozenset(("integer", "half", "half bfloat16"))


class Scalars(NamedTuple):
    """Numbers of one tag in a few records: record number, step, wall seconds and value, `[n]` each."""

    tag: str
    record: Integers
    step: Integers
    wall: Floats
    value: Floats
    kind: str


@dataclass(slots=True)
class EventDecoder:
    """Decodes the blocks of one file.

    Attributes:
        notes: What the events said beside numbers.
        damaged: Numbers of records whose checksum is wrong or that are no event.
    """

    notes: list[Note] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    _known: dict[int, list[Layout]] = field(default_factory=dict)

    def decode(self, block: Block) -> Iterator[Scalars]:
        """The numbers of a block, by shape and tag."""
        raw = np.frombuffer(block.data, np.uint8)
        for length in np.unique(block.length).tolist():
            index = np.flatnonzero(block.length == length)
            width = -(-(length + 4) // 8) * 8
            if length > MAX_CHECKED_BYTES:
                for one in index.tolist():
                    self._note_only(block, one, length)
                continue
            items = np.ndarray((raw.size - width + 1,), f"V{width}", raw, strides=(1,))[block.start[index]]
            rows = items.view(np.uint8).reshape(-1, width)
            yield from self._alike(rows, index + block.first, length)

    def _note_only(self, block: Block, at: int, length: int) -> None:
        """A record too long for a number: pictures, texts, graphs."""
        start = int(block.start[at])
        try:
            layout = layout_of(block.data[start : start + length])
        except NotProtobuf:
            self.damaged.append(block.first + at)
            return
        self._keep_notes(layout, block.data[start : start + length], block.first + at)

    def _alike(self, rows: Rows, number: Integers, length: int) -> Iterator[Scalars]:
        """Rows of one length, shape by shape."""
        known = self._known.setdefault(length, [])
        pending = np.arange(number.size)
        for layout in known:
            if not pending.size:
                return
            same = layout.equals(rows[pending])
            yield from self._numbers(layout, rows[pending[same]], number[pending[same]], length)
            pending = pending[~same]
        while pending.size:
            first = pending[:1]
            learned = self._learn(rows[first], int(number[first[0]]), length)
            if learned is None or not learned.slots:
                pending = pending[1:]
                continue
            if len(known) >= MAX_LAYOUTS:
                chosen, pending = first, pending[1:]
            else:
                known.append(learned)
                same = learned.equals(rows[pending])
                chosen, pending = pending[same], pending[~same]
            yield from self._numbers(learned, rows[chosen], number[chosen], length)

    def _learn(self, row: Rows, number: int, length: int) -> Layout | None:
        """The layout of one row, `[1, width]`; `None` when it is damaged."""
        record = row[0, :length].tobytes()
        if masked_checksums(row[:, :length])[0] == _stored(row, length)[0]:
            try:
                layout = layout_of(record)
            except NotProtobuf:
                pass
            else:
                layout.compared(record, row.shape[1])
                self._keep_notes(layout, record, number)
                return layout
        self.damaged.append(number)
        return None

    def _keep_notes(self, layout: Layout, record: bytes, number: int) -> None:
        step = signed(varint(record, layout.step[0])[0]) if layout.step[1] else 0
        self.notes += [Note(*note, number, step) for note in layout.notes]

    def _numbers(self, layout: Layout, rows: Rows, number: Integers, length: int) -> Iterator[Scalars]:
        """The numbers of rows of one shape, without those whose checksum is wrong."""
        if not number.size:
            return
        varying = np.flatnonzero(layout.mask[:length] != 255)
        good = masked_checksums(rows[:, :length], varying) == _stored(rows, length)
        if not good.all():
            self.damaged += number[~good].tolist()
            rows, number = rows[good], number[good]
        wall = np.full(number.size, np.nan)
        if layout.wall >= 0:
            wall = _fixed(rows, layout.wall, "<f8")
        start, size = layout.step
        step = _varints(rows[:, start : start + size]) if size else np.zeros(number.size, np.int64)
        for slot in layout.slots:
            yield Scalars(slot.tag, number, step, wall, _values(rows, slot), slot.kind)


def _stored(rows: Rows, length: int) -> NDArray[np.uint32]:
    return np.ascontiguousarray(rows[:, length : length + 4]).view("<u4")[:, 0]


def _fixed(rows: Rows, start: int, kind: str) -> Floats:
    size = np.dtype(kind).itemsize
    return np.ascontiguousarray(rows[:, start : start + size]).view(kind)[:, 0].astype(np.float64)


def _varints(columns: Rows) -> Integers:
    """One varint per row whose bytes, `[rows, size]`, go on alike."""
    out = np.zeros(len(columns), np.uint64)
    for place in range(min(columns.shape[1], 10)):
        out |= (columns[:, place].astype(np.uint64) & np.uint64(127)) << np.uint64(7 * place)
    return out.view(np.int64)


def _values(rows: Rows, slot: Slot) -> Floats:
    if slot.kind not in _VARINTS and slot.kind != "bfloat16":
        return _fixed(rows, slot.start, slot.kind)
    if slot.kind == "bfloat16":
        bits = _fixed(rows, slot.start, "<u2").astype(np.uint32)
    else:
        integers = _varints(rows[:, slot.start : slot.start + slot.size])
        if slot.kind == "integer":
            return integers.astype(np.float64)
        bits = integers.astype(np.uint32)
        if slot.kind == "half":
            return bits.astype(np.uint16).view(np.float16).astype(np.float64)
    return (bits << np.uint32(16)).view(np.float32).astype(np.float64)


def layout_of(record: bytes) -> Layout:
    """Learn the layout of one event.

    Raises:
        NotProtobuf: If the bytes are no event.
    """
    layout = Layout()
    for part in fields(record):
        if part.number == _WALL and part.kind == FIXED64:
            layout.wall = part.start
        elif part.number == _STEP and part.kind == VARINT:
            layout.step = (part.start, part.end - part.start)
        elif part.number == _SUMMARY and part.kind == BYTES:
            for value in fields(record, part.start, part.end):
                if value.number == _VALUE and value.kind == BYTES:
                    _read_value(record, value, layout)
        elif part.number == _SESSION and part.kind == BYTES:
            layout.notes.append(("", "session", record[part.start : part.end]))
    return layout


def _read_value(record: bytes, value: Field, layout: Layout) -> None:
    """One tag with its number or text."""
    tag, plugin, content = "", "", b""
    slot: Slot | None = None
    strings: list[bytes] = []
    for part in fields(record, value.start, value.end):
        if part.number == _TAG and part.kind == BYTES:
            tag = text(record, part)
        elif part.number == _SIMPLE and part.kind == FIXED32:
            slot = Slot("", part.start, 4, "<f4")
        elif part.number == _TENSOR and part.kind == BYTES:
            slot, strings = _read_tensor(record, part)
        elif part.number == _METADATA and part.kind == BYTES:
            plugin, content = _plugin(record, part)
    if plugin in {"", "scalars"} and slot is not None:
        layout.slots.append(slot._replace(tag=tag))
    elif plugin == "hparams":
        layout.notes.append((tag, plugin, content))
    elif strings:
        layout.notes.append((tag, "text", strings[0]))


def _plugin(record: bytes, metadata: Field) -> tuple[str, bytes]:
    """Name and message of the plugin that a summary is for."""
    name, content = "", b""
    for part in fields(record, metadata.start, metadata.end):
        if part.number != 1 or part.kind != BYTES:
            continue
        for inner in fields(record, part.start, part.end):
            if inner.number == 1 and inner.kind == BYTES:
                name = text(record, inner)
            elif inner.number == 2 and inner.kind == BYTES:
                content = record[inner.start : inner.end]
    return name, content


def _read_tensor(record: bytes, tensor: Field) -> tuple[Slot | None, list[bytes]]:
    """Where a tensor of one element holds its number, and the strings of a tensor of strings."""
    dtype = 0
    slots: list[Slot] = []
    strings: list[bytes] = []
    for part in fields(record, tensor.start, tensor.end):
        size = part.end - part.start
        if part.number == _DTYPE and part.kind == VARINT:
            dtype = varint(record, part.start)[0]
        elif part.number == _STRINGS and part.kind == BYTES:
            strings.append(record[part.start : part.end])
        elif part.number == _CONTENT and part.kind == BYTES:
            kind = _CONTENT_TYPES.get(dtype, "")
            is_one = kind != "" and size == (2 if kind == "bfloat16" else np.dtype(kind).itemsize)
            slots.append(Slot("", part.start, size if is_one else -1, kind))
        elif part.number in _FIXED_LISTS and part.kind in {BYTES, FIXED32, FIXED64}:
            kind, one = _FIXED_LISTS[part.number]
            slots.append(Slot("", part.start, one if size == one else -1, kind))
        elif part.number in _VARINT_LISTS and part.kind in {BYTES, VARINT}:
            is_one = size > 0 and varint(record, part.start)[1] == part.end
            slots.append(Slot("", part.start, size if is_one else -1, _VARINT_LISTS[part.number]))
    if dtype == _BFLOAT16:
        slots = [slot._replace(kind="half bfloat16") if slot.kind == "half" else slot for slot in slots]
    alone = slots[0] if len(slots) == 1 and slots[0].size > 0 else None
    return alone, strings
