"""The file that readers get: encoding, size, lines and damage handled once."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainclinic.readers import file as module
from trainclinic.readers.file import MAX_LINE_BYTES, LogFile
from trainclinic.record.errors import ReadError


def log_file(tmp_path: Path, content: bytes) -> LogFile:
    (tmp_path / "x.log").write_bytes(content)
    return LogFile(tmp_path / "x.log")


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"a", ["a"]),
        (b"a\n", ["a"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"a\n\nb", ["a", "", "b"]),
        (b"10%\r20%\rdone\nb\n", ["10%\r20%\rdone", "b"]),
        (b"\n\n", ["", ""]),
    ],
)
def test_lines_are_numbered_from_1(tmp_path: Path, content: bytes, lines: list[str]) -> None:
    assert list(log_file(tmp_path, content).lines()) == list(enumerate(lines, start=1))


def test_a_line_longer_than_a_mebibyte_is_cut_and_counted(tmp_path: Path) -> None:
    file = log_file(tmp_path, b"first\n" + b"x" * (3 * MAX_LINE_BYTES) + b"\nlast\n")
    lines = dict(file.lines())
    assert (lines[1], lines[3]) == ("first", "last")
    assert len(lines[2]) == MAX_LINE_BYTES
    (damage,) = file.damage
    assert (damage.source.line, damage.count) == (2, 1)


def test_a_character_on_the_border_of_two_blocks_stays_whole(tmp_path: Path) -> None:
    text = "é" * 5000
    assert "".join(log_file(tmp_path, text.encode()).blocks(size=7)) == text


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("Gerät".encode(), "utf-8"),
        ("Gerät".encode("utf-8-sig"), "utf-8-sig"),
        ("Gerät".encode("cp1252"), "cp1252"),
        ("loss 2.5, step 10".encode("utf-16"), "utf-16"),
        ("loss 2.5, step 10".encode("utf-16-le"), "utf-16-le"),
        ("loss 2.5, step 10".encode("utf-16-be"), "utf-16-be"),
        ("loss".encode("utf-32"), "utf-32"),
    ],
)
def test_the_encoding_is_found(tmp_path: Path, content: bytes, encoding: str) -> None:
    file = log_file(tmp_path, content)
    assert file.encoding == encoding
    assert not file.is_binary
    assert file.text() == content.decode(encoding)


def test_broken_bytes_are_counted_but_a_written_replacement_character_is_not(tmp_path: Path) -> None:
    file = log_file(tmp_path, b"x" * 70_000 + "\ufffd".encode() + b"\xff\xfe\n")
    assert file.text().count("\ufffd") == 3
    assert [damage.count for damage in file.damage] == [2]


def test_a_file_too_large_for_one_piece_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TEXT_BYTES", 10)
    with pytest.raises(ReadError, match="too many to be read in one piece"):
        log_file(tmp_path, b"x" * 11).text()


@pytest.mark.parametrize("content", [b"\x00" * 50, bytes(range(256)), b"\x7fELF\x02\x01\x01\x00"])
def test_binary_is_told_from_text(tmp_path: Path, content: bytes) -> None:
    assert log_file(tmp_path, content).is_binary


def test_colours_and_progress_bars_are_text(tmp_path: Path) -> None:
    assert not log_file(tmp_path, b"\x1b[32m 10%|#   |\x1b[0m\r" * 20).is_binary


def test_a_missing_file_is_an_error_a_user_understands(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"`nope\.log` cannot be read") as caught:
        LogFile(tmp_path / "nope.log")
    assert caught.value.hint
