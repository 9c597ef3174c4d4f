"""From what the user points at to a corpus: find data files, tell what they are, sort them into splits.

It knows names and first rows. It reads no file to its end.
"""

from __future__ import annotations

import glob
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice, takewhile
from pathlib import Path

from trainclinic.corpus.archives import compression_of
from trainclinic.corpus.container import all_containers, pick_container
from trainclinic.corpus.corpus import Corpus, Shard, Split
from trainclinic.corpus.raw import Raw
from trainclinic.corpus.row_schema import most_common_schema, renamed
from trainclinic.corpus.sample import Schema, Trouble
from trainclinic.corpus.stream import DataFile
from trainclinic.record.errors import ReadError
from trainclinic.record.source import Source

Target = str | os.PathLike[str]
SNIFFED_ROWS = 200
SNIFFED_BYTES = 4 << 20
LEAST_UNDERSTOOD = 0.5
"""Share of the first rows that a file inside a folder must have in a known form to count as training data."""
CLEARLY_UNDERSTOOD = 0.9
MOST_FILES = 100_000
_HELD_OUT = re.compile(
    r"(?<![a-z])(?:val|valid|validation|test|eval|evaluation|dev|held-?_?out|hold-?_?out)(?![a-z])", re.IGNORECASE
)
_TRAIN = re.compile(r"(?<![a-z])train(?:ing)?(?![a-z])", re.IGNORECASE)
# fmt: off
_NO_DATA = re.compile(
    r"(?i)(?:trainer_state|training_args|config|generation_config|tokenizer|tokenizer_config|special_tokens_map|"
    r"added_tokens|vocab|dataset_info|dataset_dict|state|adapter_config|all_results|train_results|eval_results|"
    r"package|package-lock|preprocessor_config|chat_template|index|report|requirements|merges|license|readme)\.\w+$"
    r"|.*\.(?:log|out|err|py|ipynb|sh|yaml|yml|toml|cfg|ini|safetensors|bin|pt|pth|ckpt|gguf|npy|npz|png|jpg|svg|"
    r"html|pdf|zip|tar|lock|model|pkl|pickle|so|tfevents.*)$|.*tfevents.*"
)
# fmt: on
_OUTPUTS = re.compile(r"(?i)generat|sampl|predict|output|result|metric|log|preview|history|checkpoint|score")
_OF_LOGS = frozenset(
    {"step", "loss", "epoch", "lr", "learning_rate", "grad_norm", "current_steps", "batch", "new_tokens"}
)
_PROSE = (".txt", ".md", ".markdown")
_FORM_FOR: dict[tuple[str, Schema | None], str] = {
    ("markdown", "text"): "text",
    ("text", "question-answer"): "markdown",
}
"""How prose is read when its rows are said to be written otherwise than it seems."""


def open_corpus(
    targets: Iterable[Target],
    *,
    held_out: Iterable[Target] = (),
    schema: Schema | None = None,
    columns: Mapping[str, str] | None = None,
) -> Corpus:
    """Find the data files of a run.

    Args:
        targets: Files, folders (also those that `datasets` saves) or glob patterns. A file or folder with a word such
            as `val`, `test` or `eval` in its name is held out, everything else is trained on.
        held_out: The same for files that are held out whatever their names.
        schema: How rows are written, when that is not to be found out.
        columns: Which field plays which part, e.g. `{"prompt": "q", "completion": "a"}`.

    Raises:
        ReadError: If a path does not exist, or nothing there is training data.
    """
    named = [Path(os.fspath(target)).expanduser() for target in targets]
    others = [Path(os.fspath(target)).expanduser() for target in held_out]
    found = list(_found(named, schema, columns or {}))
    apart = list(_found(others, schema, columns or {}))
    troubles = [one for one in (*found, *apart) if isinstance(one, Trouble)]
    judged_by = {one.path.resolve(): replace(one, split="held-out") for one in apart if isinstance(one, Shard)}
    trained_on: dict[Path, Shard] = {}
    for one in found:
        if isinstance(one, Shard) and one.path.resolve() not in judged_by:
            trained_on.setdefault(one.path.resolve(), one)
    title = named[0].name or named[0].resolve().name if len(named) == 1 else "data"
    if not trained_on and not judged_by:
        raise ReadError(_why_nothing(title, troubles), hint=_HINT)
    shards = list(trained_on.values())
    if not judged_by and all(one.split == "held-out" for one in shards):
        shards = [replace(one, split="train") for one in shards]  # the only data there are: what is to be looked at
    return Corpus(tuple(_told_apart([*shards, *judged_by.values()])), title, tuple(troubles))


def looks_like_data(path: Path) -> bool:
    """Whether a file beside a log is training data: its first rows say so, and it is no log and no output of a model.

    Args:
        path: A file.
    """
    if _OUTPUTS.search(path.name) or _NO_DATA.match(path.name):
        return False
    try:
        file = _opened(path, path.name)
        first = islice(pick_container(file).read(file), SNIFFED_ROWS)
        rows = [raw.value for raw in first if isinstance(raw, Raw)]
    except (ReadError, OSError):
        return False
    if any(isinstance(row, Mapping) and _OF_LOGS & {str(name).lower() for name in row} for row in rows[:5]):
        return False
    found, share = most_common_schema(rows)
    return found is not None and share >= CLEARLY_UNDERSTOOD


_HINT = "give JSON, JSON lines, CSV, TSV, Parquet, Arrow, Markdown or text with known fields, or name them: `--column`"


def _why_nothing(title: str, troubles: list[Trouble]) -> str:
    if troubles:
        reasons = "; ".join(f"`{one.source.path}`: {one.says.replace('`', '')}" for one in troubles[:3])
        return f"`{title}` holds no training data that can be read: {reasons}"
    return f"`{title}` holds no training data"


def _found(targets: list[Path], schema: Schema | None, columns: Mapping[str, str]) -> Iterator[Shard | Trouble]:
    """The data files at all targets; where these are several folders, the names of the folders tell splits apart."""
    has_several = len({_home(target) for target in targets}) > 1
    for target in targets:
        split = _split_of(_home(target).name) if has_several else None
        for one in _shards(target, schema, columns):
            if split is not None and isinstance(one, Shard) and _split_of(one.name) is None:
                yield replace(one, split=split)
            else:
                yield one


def _home(target: Path) -> Path:
    """The folder that a target names: itself, or the one that its files lie in."""
    fixed = Path(*takewhile(lambda part: not glob.has_magic(part), target.parts))
    return fixed if fixed != target or target.is_dir() else target.parent


def _split_of(name: str) -> Split | None:
    """What a name says about the split, the file before its folders; `None` when it says nothing."""
    for part in reversed(name.split("/")):
        if _TRAIN.search(part):
            return "train"
        if _HELD_OUT.search(part):
            return "held-out"
    return None


def _told_apart(shards: list[Shard]) -> Iterator[Shard]:
    """The same files, with names that say which is which: those that share a name get their folder before it."""
    seen = Counter(shard.name for shard in shards)
    for shard in shards:
        if seen[shard.name] == 1:
            yield shard
        else:
            yield replace(shard, name=shard.path.as_posix())


def _shards(target: Path, schema: Schema | None, columns: Mapping[str, str]) -> Iterator[Shard | Trouble]:
    """The data files at a path, and those that cannot be read; prose counts only where there is nothing else.

    Raises:
        ReadError: If there is nothing at the path, or a file that the user named cannot be read.
    """
    if not target.is_dir():
        for path, name in _named_files(target):
            found = _shard(path, name, asked=True, schema=schema, columns=columns)
            if found is not None:
                yield found
        return
    files = _below(target)
    are_there = False
    for is_prose in (False, True):
        for path in files:
            if (path.suffix.lower() in _PROSE) is is_prose:
                name = path.relative_to(target).as_posix()
                found = _shard(path, name, asked=False, schema=schema, columns=columns)
                are_there = are_there or isinstance(found, Shard)
                if found is not None:
                    yield found
        if are_there:
            return


def _named_files(target: Path) -> Iterator[tuple[Path, str]]:
    """The file, or the files of a pattern, with their names.

    Raises:
        ReadError: If there is none.
    """
    if target.exists():
        yield target, target.name
    elif glob.has_magic(str(target)):
        matches = sorted((Path(match) for match in glob.glob(str(target), recursive=True)), key=_natural)  # noqa: PTH207
        if not matches:
            message = f"`{target}` matches no file"
            raise ReadError(message, hint="put the pattern in quotes, and check it with `ls`")
        for match in matches:
            if match.is_file():
                yield match, match.relative_to(_home(target)).as_posix()
    else:
        message = f"`{target}` does not exist"
        raise ReadError(message, hint="give a data file, a folder of them, or a pattern such as `data/*.jsonl`")


def _below(folder: Path) -> list[Path]:
    """Files of a folder that may hold data, in natural order."""
    found: list[Path] = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        saved = _saved_by_datasets(Path(root)) if "state.json" in names else ()
        kept = [name for name in names if not name.startswith(".") and not _NO_DATA.match(name)]
        arrows = [name for name in kept if name.endswith(".arrow")]
        if saved:
            kept = [name for name in kept if name in saved]
        elif any(not name.startswith("cache-") for name in arrows):  # what `map` left behind is made from the others
            kept = [name for name in kept if not (name in arrows and name.startswith("cache-"))]
        found += [Path(root, name) for name in kept]
        if len(found) > MOST_FILES:
            message = f"`{folder}` holds more than {MOST_FILES:,} files"
            raise ReadError(message, hint="name the folder or the files that hold the data")
    return sorted((path for path in found if path.is_file()), key=_natural)


def _saved_by_datasets(folder: Path) -> frozenset[str]:
    """The data files that `state.json` of a saved data set lists; none where it is something else."""
    try:
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        return frozenset(str(file["filename"]) for file in state["_data_files"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return frozenset()


def _natural(path: Path) -> list[tuple[int, str]]:
    """`part2` before `part10`."""
    pieces = re.split(r"(\d{1,18})", path.as_posix())
    return [(int(piece), "") if piece.isdecimal() else (0, piece) for piece in pieces]


def _shard(
    path: Path, name: str, *, asked: bool, schema: Schema | None, columns: Mapping[str, str]
) -> Shard | Trouble | None:
    """A data file; `None` for a file of a folder that is something else, a trouble for one that cannot be read."""
    try:
        file = _opened(path, name)
        container = pick_container(file)
        if (form := _FORM_FOR.get((container.form, schema))) is not None:
            container = all_containers()[form]
        first = list(islice(container.read(file), SNIFFED_ROWS))
    except ReadError as error:
        if asked:
            raise
        return Trouble("unreadable", error.message, Source(name))
    rows = [row for row in first if isinstance(row, Raw)]
    broken = next((row for row in first if isinstance(row, Trouble) and row.kind == "unreadable"), None)
    if not rows and broken is not None:
        return broken
    found, share = most_common_schema(renamed(row.value, columns) for row in rows)
    found, share = next(((row.schema, 1.0) for row in rows if row.schema), (found, share))
    if not asked and schema is None and (found is None or share < LEAST_UNDERSTOOD):
        return None
    return Shard(
        path,
        name,
        container.form,
        file.compression,
        schema or found,
        _split_of(name) or "train",
        path.stat().st_size,
        tuple(columns.items()),
    )


def _opened(path: Path, name: str) -> DataFile:
    try:
        with path.open("rb") as handle:
            compression = compression_of(handle.read(8))
    except OSError as error:
        message = f"`{name}` cannot be read: {error.strerror or error}"
        raise ReadError(message, hint="check that the file exists and that you may read it") from error
    if not compression and path.suffix.lower() in (".gz", ".zst"):
        message = f"`{name}` is called `{path.suffix.lower()}` and is no such archive"
        raise ReadError(message, hint="check that it was downloaded as a whole; Git LFS leaves a pointer in its place")
    return DataFile(path, name, compression, limit=SNIFFED_BYTES)
