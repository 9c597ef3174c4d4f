"""Rows that are printed as a dictionary: `{'loss': 2.1, 'epoch': 0.5}` of the Hugging Face trainers and other loops.

Transformers 4 prints floats (`nan` bare), transformers 5 prints every value in quotes with four significant digits.
Nothing is evaluated: keys and numbers are found by their shape.
"""

from __future__ import annotations

import re

from trainclinic.readers.grammars.layout import Hole, RowKind
from trainclinic.readers.grammars.numbers import NUMBER
from trainclinic.readers.grammars.prefixes import Prefix
from trainclinic.readers.tables.column_names import canonical_name, column_meaning, is_step_name, step_column
from trainclinic.readers.tables.summary_rows import is_summary
from trainclinic.record.vocabulary import SERIES

_ITEM = re.compile(
    rf"""(?P<quote>['"])(?P<key>[^'"\n]{{1,120}}?)(?P=quote)\s*:\s*"""
    rf"""(?:tensor\(|np\.float\d+\()?(?P<open>['"])?(?P<number>{NUMBER})(?=[\s'",}})\]]|$)"""
)
_BEGIN = re.compile(r"\{\s*['\"]")
_BEGINS_ROW = re.compile(r"\{\s*['\"](?:loss|eval_loss|train_runtime|eval_runtime)['\"]\s*:")


def find_row(text: str, start: int = 0) -> tuple[int, int] | None:
    """Begin and end of the first flat dictionary in a line, or `None`."""
    begin = _BEGIN.search(text, start)
    if begin is None:
        return None
    end = text.find("}", begin.start())
    return (begin.start(), end + 1) if end > 0 else None


def looks_cut(text: str) -> bool:
    """Whether a dictionary row begins in this text and does not end."""
    begin = _BEGINS_ROW.search(text)
    return begin is not None and "}" not in text[begin.start() :]


def read_dict_row(text: str, begin: int, end: int, prefix: Prefix) -> tuple[RowKind, list[Hole]] | None:
    """What the numbers of a dictionary row are, or `None` when it is no row of a training log.

    Args:
        text: The line.
        begin: Where the dictionary begins.
        end: Where it ends.
        prefix: What stands before it.
    """
    items = list(_ITEM.finditer(text, begin, end))
    keys = [item["key"] for item in items]
    kind = _kind(keys)
    if kind is None:
        return None
    holes = []
    taken: set[str] = set()
    step, unit = _step_key(keys), _loss_unit(keys)
    for item in items:
        hole = _hole(item, kind, step, unit)
        if hole.role != "value" or hole.name not in taken:
            taken.add(hole.name)
            holes.append(hole)
    return kind, [*_prefix_holes(prefix), *holes]


def _prefix_holes(prefix: Prefix) -> list[Hole]:
    holes = []
    if prefix.rank is not None:
        holes.append(Hole(*prefix.rank, role="rank", shape="digits"))
    if prefix.stamp is not None:
        holes.append(Hole(*prefix.stamp, role="stamp", shape="stamp"))
    return sorted(holes, key=lambda hole: hole.begin)


def _kind(keys: list[str]) -> RowKind | None:
    if is_summary(keys):
        return "summary"
    words = {key.rpartition("/")[2] for key in keys}
    if any(key.startswith(("eval_", "eval/", "val_", "val/", "test_", "valid_")) for key in keys):
        return "train" if "loss" in words and "loss" in keys else "eval"
    placed = any(is_step_name(key) for key in keys) or "epoch" in words
    if "loss" in words or (placed and any(canonical_name(key) in SERIES for key in keys if key != "epoch")):
        return "train"
    return None


def _step_key(keys: list[str]) -> str | None:
    """The key to take steps from; fairseq names it `valid_num_updates` where it evaluates."""
    plain = {re.sub(r"^(?:valid|train)_(?=num_updates$)", "", key): key for key in keys}
    best = step_column(list(plain))
    return None if best is None else plain[best]


def _loss_unit(keys: list[str]) -> str:
    """`bits` for rows of fairseq, whose losses are logarithms to base 2 (`fairseq.criterions`, all releases)."""
    plain = {key.removeprefix("valid_").removeprefix("train_") for key in keys}
    return "bits" if "num_updates" in plain and plain & {"ppl", "nll_loss", "wps"} else ""


def _hole(item: re.Match[str], kind: RowKind, step: str | None, loss_unit: str) -> Hole:
    begin, end = item.span("number")
    key, quoted = item["key"], item["open"] is not None
    if kind == "summary":
        return Hole(begin, end, "value", f"summary:{key}", quoted=quoted)
    if key == step:
        return Hole(begin, end, "step")
    meaning = column_meaning(key)
    if meaning.name == "train/epoch":
        return Hole(begin, end, "epoch", quoted=quoted)
    unit = meaning.unit or (loss_unit if meaning.name.endswith("/loss") else "")
    return Hole(begin, end, "value", meaning.name, scale=meaning.factor, unit=unit, quoted=quoted)
