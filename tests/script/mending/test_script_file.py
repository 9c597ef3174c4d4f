"""Scripts on disk: the same encoding, mark, line ends, permissions and links before and after."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from tests.script.mending.marked import find

from trainclinic.record.errors import ReadError, TrainclinicError
from trainclinic.script.alarm import Edit
from trainclinic.script.mending.apply import apply_mendings
from trainclinic.script.mending.script_file import read_script, write_scripts

LATIN = "# -*- coding: latin-1 -*-\nx = 'é'\n"


@pytest.mark.parametrize(
    "data",
    [
        b"x = 'a'\r\ny = 2\r\n",
        codecs.BOM_UTF8 + "x = 'é'\n".encode(),
        LATIN.encode("latin-1"),
        b"x = 'a'\r\ny = 2\nz = 3",
        b"x = 'a'\n\x0cy = 2\n",
    ],
)
def test_only_the_edited_bytes_change(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_bytes(data)
    file = read_script("train.py", path)
    applied = apply_mendings(file.units, [(Edit("replace", find(file.text, "x"), code="long_name"),)])
    after = file.with_text(file.edited(applied.texts))
    assert after.data == data.replace(b"x =", b"long_name =")


def test_characters_that_the_encoding_has_not_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_bytes(LATIN.encode("latin-1"))
    with pytest.raises(TrainclinicError, match="`α` cannot be written to `train"):
        read_script("train.py", path).with_text("x = 'α'\n")


@pytest.mark.parametrize("data", [b"x = '\xff'\n", b"# coding: nonsense\n", b"# coding: rot13\n", "a".encode("utf-16")])
def test_bytes_that_are_no_text_are_an_error(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_bytes(data)
    with pytest.raises(ReadError, match=r"`train\.py` cannot be read"):
        read_script("train.py", path)


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real.py", tmp_path / "link.py"
    real.write_text("a\n")
    real.chmod(0o751)
    link.symlink_to(real)
    write_scripts({link: b"b\n"})
    assert link.is_symlink()
    assert real.read_bytes() == b"b\n"
    assert real.stat().st_mode & 0o777 == 0o751
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.py", "real.py"]


def test_when_one_file_cannot_be_written_none_is(tmp_path: Path) -> None:
    first = tmp_path / "a.py"
    first.write_text("a\n")
    with pytest.raises(TrainclinicError, match="cannot be written"):
        write_scripts({first: b"b\n", tmp_path / "missing" / "b.py": b"b\n"})
    assert first.read_text() == "a\n"
    assert list(tmp_path.iterdir()) == [first]
