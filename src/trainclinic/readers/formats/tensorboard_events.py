"""TensorBoard event files: scalars of both summary versions, hyperparameters, and the arguments that a Trainer writes.

Steps that go back are kept as they stand: what a resumed run wrote again is for the record to sort. It reads no
histograms, pictures or graphs.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.readers.binary.event_layouts import EventDecoder, Note, Scalars
from trainclinic.readers.binary.hparams import session_settings
from trainclinic.readers.binary.record_file import looks_like_records, record_blocks
from trainclinic.readers.binary.wire import NotProtobuf, fields, varint
from trainclinic.readers.reader import Reader
from trainclinic.readers.settings.interpreter import facts_from_settings
from trainclinic.readers.settings.json_tree import MAX_JSON_BYTES
from trainclinic.readers.settings.names import Setting, flat_settings
from trainclinic.readers.tables.column_names import OF_EVALUATION, canonical_name
from trainclinic.readers.tables.tracked import Tracked, tracked_fragment
from trainclinic.record.errors import ReadError
from trainclinic.record.facts import Fact
from trainclinic.record.parts import Event

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile
    from trainclinic.readers.fragment import Fragment

MAX_TAGS = 5_000
_ARGUMENTS = frozenset(("args/text_summary", "args"))
_EVALUATION_FOLDERS = frozenset(("validation", "eval", "val", "valid", "evaluation", "test", "dev"))
_SESSION_START = 1


def sniff(file: LogFile) -> float:
    """Certain by a framed first record in a file named `*tfevents*`, likely by either alone."""
    framed = looks_like_records(file.head)
    if "tfevents" in file.path.name:
        return 1.0 if framed else 0.9
    return 0.9 if framed and b"brain.Event:" in file.head[:64] else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read every scalar by tag; damaged records are counted, and so is a cut last one.

    Raises:
        ReadError: If the file holds no sound record or no scalar.
    """
    if not looks_like_records(file.head):
        message = "the file does not begin with a TensorBoard record"
        raise ReadError(message, hint="is the file complete, and copied as binary?")
    decoder = EventDecoder()
    tags: dict[str, list[Scalars]] = {}
    for block in record_blocks(file):
        for scalars in decoder.decode(block):
            if scalars.tag not in tags and len(tags) >= MAX_TAGS:
                file.count_damage(f"tag beyond the first {MAX_TAGS:,} was not read", count=scalars.record.size)
            else:
                tags.setdefault(scalars.tag, []).append(scalars)
    if decoder.damaged:
        says = "record whose checksum is wrong or that is no event"
        file.count_damage(says, min(decoder.damaged), count=len(decoder.damaged))
    first = {tag: min(int(part.record[0]) for part in parts) for tag, parts in tags.items()}
    metrics = {tag: _joined(tags.pop(tag)) for tag in sorted(tags, key=first.__getitem__)}
    held_out = file.path.parent.name.lower() in _EVALUATION_FOLDERS
    fragment = tracked_fragment(file, READER.name, metrics, lambda tag: _renamed(tag, held_out=held_out))
    if metrics and all(tag.startswith("epoch_") for tag in metrics) and fragment.axis == "step":
        fragment.axis = "epoch"
    _add_notes(fragment, file, decoder.notes)
    if any(note.plugin == "hparams" for note in decoder.notes):
        _settle_session(fragment, file)
    if fragment.is_empty:
        message = "the event file holds no scalar"
        raise ReadError(message, hint="the run may have stopped before it logged anything")
    return [fragment]


def _joined(parts: list[Scalars]) -> Tracked:
    """All numbers of one tag in the order of the file."""
    record = np.concatenate([part.record for part in parts])
    order = np.argsort(record, kind="stable")
    return Tracked(
        np.concatenate([part.step for part in parts])[order],
        np.concatenate([part.value for part in parts])[order],
        np.concatenate([part.wall for part in parts])[order],
        record[order],
        is_single=all(part.kind == "<f4" for part in parts),
    )


def _renamed(tag: str, *, held_out: bool) -> str:
    """A tag, said to be of evaluation where the folder says so (Keras: `epoch_loss` in `train` and in `validation`)."""
    plain = tag.removeprefix("epoch_")
    return f"eval_{plain}" if held_out and canonical_name(plain) in OF_EVALUATION else tag


def _add_notes(fragment: Fragment, file: LogFile, notes: list[Note]) -> None:
    """Hyperparameters and arguments as settings, and the start of a session as a resume."""
    for note in notes:
        try:
            if note.plugin == "session":
                _add_session(fragment, file, note)
                continue
            settings = _settings(note)
        except (NotProtobuf, ValueError, RecursionError):
            file.count_damage("hyperparameters that cannot be read", note.record)
            continue
        if settings:
            found = facts_from_settings(((s.name, s.value, note.record) for s in settings), "config", file)
            fragment.facts += found.facts
            fragment.other_facts += found.other_facts
            fragment.versions += _unknown(found.versions, fragment.versions)


def _unknown(found: list[Fact], known: list[Fact]) -> list[Fact]:
    names = {fact.name for fact in known}
    return [fact for fact in found if fact.name not in names]


def _settle_session(fragment: Fragment, file: LogFile) -> None:
    """What `add_hparams` writes, into a folder of its own, is about the run above: results are facts and no rows."""
    if any(len(column.step) > 1 for column in fragment.columns.values()):
        return
    for name, column in fragment.columns.items():
        if name != "time/stamp":
            source = file.source(int(column.line[0]), name)
            fragment.other_facts.append(Fact(name, float(column.value[0]), source, "log"))
    fragment.columns.clear()


def _settings(note: Note) -> list[Setting]:
    """What a note says about the run: the hparams plugin's session, or arguments as JSON."""
    if note.plugin == "hparams":
        return session_settings(note.content)
    if note.tag not in _ARGUMENTS or len(note.content) > MAX_JSON_BYTES:
        return []
    value = json.loads(note.content.decode("utf-8", "replace"))
    return list(flat_settings(value)) if isinstance(value, dict) else []


def _add_session(fragment: Fragment, file: LogFile, note: Note) -> None:
    """A session that starts behind step 0 goes on with a run (`purge_step` of a SummaryWriter)."""
    for part in fields(note.content):
        is_start = part.number == 1 and varint(note.content, part.start)[0] == _SESSION_START
        if is_start and note.step > 0:
            says = f"SessionLog START at step {note.step}"
            fragment.events.append(Event("resume", says, file.source(note.record), note.step))


READER = Reader(
    name="tensorboard_events",
    title="TensorBoard event files (`events.out.tfevents.*`)",
    recognised_by="the file's name, and a first record whose length has its checksum",
    delivers="every scalar by step with wall clock and record number; settings of the `hparams` plugin and of a "
    "Trainer's `args`; totals of a finished Trainer; where a session was resumed",
    limits="histograms, pictures and graphs are left out; sources are record numbers; single precision; checksums of "
    "records above 4 kB are not checked",
    sniff=sniff,
    read=read,
)
