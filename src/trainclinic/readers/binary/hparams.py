"""Settings that TensorBoard's hparams plugin keeps in a summary (`plugins/hparams/plugin_data.proto`)."""

from __future__ import annotations

from trainclinic.readers.binary.wire import BYTES, FIXED64, VARINT, Field, double, fields, text, varint
from trainclinic.readers.settings.names import MAX_SETTINGS, Setting

_SESSION_START, _HPARAMS, _KEY, _VALUE = 3, 1, 1, 2
_NUMBER, _TEXT, _FLAG = 2, 3, 4


def session_settings(content: bytes) -> list[Setting]:
    """The settings with which a session was started; none when the message is about something else.

    Args:
        content: The plugin's message `HParamsPluginData`.

    Raises:
        NotProtobuf: If the bytes are no message.
    """
    found: list[Setting] = []
    for part in fields(content):
        if part.number != _SESSION_START or part.kind != BYTES:
            continue
        for entry in fields(content, part.start, part.end):
            if entry.number == _HPARAMS and entry.kind == BYTES and len(found) < MAX_SETTINGS:
                found.append(_setting(content, entry))
    return found


def _setting(content: bytes, entry: Field) -> Setting:
    name, value = "", None
    for part in fields(content, entry.start, entry.end):
        if part.number == _KEY and part.kind == BYTES:
            name = text(content, part)
        elif part.number == _VALUE and part.kind == BYTES:
            value = _plain(content, part)
    return Setting(name, value)


def _plain(content: bytes, value: Field) -> float | str | bool | None:
    """A `google.protobuf.Value`: a number, a text or a flag; lists and objects are left out."""
    for part in fields(content, value.start, value.end):
        if part.number == _NUMBER and part.kind == FIXED64:
            return double(content, part)
        if part.number == _TEXT and part.kind == BYTES:
            return text(content, part)
        if part.number == _FLAG and part.kind == VARINT:
            return bool(varint(content, part.start)[0])
    return None
