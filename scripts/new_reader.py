"""Start a file format: `python scripts/new_reader.py my_logger --title "MyLogger JSON"`.

Writes the reader and one test case; the result passes every test until you change what it reads.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

READER = '''"""{title}: say in one sentence what writes this file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.readers.fragment import Fragment
from trainclinic.readers.reader import Reader
from trainclinic.record.errors import ReadError

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile

MAGIC = "# {name}"


def sniff(file: LogFile) -> float:
    """Certain by the first line."""
    return 1.0 if file.head_text.startswith(MAGIC) else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read `step loss` rows; a line that is not such a row is counted as damage.

    Raises:
        ReadError: If the file holds no row.
    """
    fragment = Fragment(file=file.name, reader="{name}")
    for number, line in file.lines():
        if number == 1:
            continue
        try:
            step, loss = line.split()
            fragment.column("train/loss").add(int(step), float(loss), number)
        except ValueError:
            file.count_damage("line that is not `step loss`", number)
    if fragment.is_empty:
        message = f"`{{file.name}}` holds no row"
        raise ReadError(message, hint="expected `step loss` after the first line")
    return [fragment]


READER = Reader(
    name="{name}",
    title="{title}",
    recognised_by="its first line",
    delivers="the training loss by step",
    limits="no settings",
    sniff=sniff,
    read=read,
)
'''


def write_reader(root: Path, name: str, title: str) -> list[Path]:
    """Write the files of a new reader below `root` and return them.

    Raises:
        ValueError: If the name is malformed or taken.
    """
    reader = root / "src/trainclinic/readers/formats" / f"{name}.py"
    case = root / "tests/readers" / name / "two_rows"
    if not re.fullmatch(r"[a-z][a-z0-9_]+", name) or reader.exists():
        message = f"`{name}` should be a new name of small letters, digits and underscores"
        raise ValueError(message)
    case.mkdir(parents=True)
    reader.write_text(READER.format(name=name, title=title), encoding="utf-8")
    log, expected = case / "run.log", case / "expected.json"
    log.write_text(f"# {name}\n10 2.5\n20 2.25\n", encoding="utf-8")
    expected.write_text(json.dumps(EXPECTED, indent=2) + "\n", encoding="utf-8")
    return [reader, log, expected]


COLUMN = {"n": 2, "first": [10, 2.5, 2], "last": [20, 2.25, 3], "unit": "", "printed": "full"}
EXPECTED = {"fragments": [{"columns": {"train/loss": COLUMN}}], "damage": []}


def main() -> None:
    """Parse the command line and write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="short name of the format, e.g. `my_logger`")
    parser.add_argument("--title", required=True, help="what the format is called in the reference")
    options = parser.parse_args()
    try:
        written = write_reader(ROOT, options.name, options.title)
    except ValueError as error:
        raise SystemExit(f"error: {error}") from error
    for path in written:
        print(f"wrote {path.relative_to(ROOT)}")
    print("next: pytest tests/readers, then python scripts/generate_docs.py")


if __name__ == "__main__":
    main()
