"""Rows of named numbers: `step 10/500: train loss 2.1, val loss 2.3 | LR: 2e-5 | 1.04 steps/sec`, in any such spelling.

A line is a row when it says where training stands (a step, an epoch, `[N/T]`) and holds a metric, time or speed. Each
number gets its name from the words before it and its unit from the word behind it. Sentences that merely mention
numbers must not become rows: without a known metric, only `name=value` and `name: value` count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from trainclinic.readers.grammars.layout import Hole, Role, RowKind, Shape
from trainclinic.readers.grammars.numbers import NUMBER
from trainclinic.readers.grammars.prefixes import Prefix, says_evaluation
from trainclinic.readers.grammars.row_words import (
    EPOCH_WORDS,
    EVAL_WORDS,
    STEP_WORDS,
    SUMMARY_WORDS,
    TRAIN_WORDS,
    Meaning,
    is_unit,
    meaning_of,
    spelling,
)
from trainclinic.readers.settings.names import canonical_setting
from trainclinic.readers.tables.column_names import meanings_of
from trainclinic.record.vocabulary import SERIES

MAX_LENGTH = 2_000
"""Longer lines are dumps of something, not rows."""

_BAR = re.compile(
    r"(?:(?P<percent>(?<!\d)\d+)%\|[^|\[\]]*\|\s*)?"
    r"(?P<now>(?<!\d)\d+)/(?P<total>\d+) \[(?P<elapsed>[\d:]+)<(?P<remaining>[\d:]+|\?),"
    r"\s*(?P<rate>[\d.]+|\?)\s?(?P<unit>[a-zA-Z]+/[a-zA-Z]+)(?P<rest>[^\]]*)\]"
)
_BAR_UNITS = {"it/s", "s/it", "step/s", "s/step", "steps/s", "batch/s", "s/batch", "ba/s"}
_OTHER_WORK = re.compile(
    r"map|download|load|token|filter|generat|process|fetch|shard|convert|sav|eval|valid|\btest|predict|sampl|pack|"
    r"group|creat|concat|writ|extract|upload|merg|quantiz|calib|fold|flatten|shuffl",
    re.I,
)
_TOKEN = re.compile(
    r"(?P<duration>(?<!\d)\d+(?:\.\d+)?\s?(?:d|h|hr|hrs|hours?|m|min|mins|minutes?)[ ,:]{0,2}"
    r"(?:\d+(?:\.\d+)?\s?(?:h|hr|hrs|m|min|mins|minutes?|s|sec|secs|seconds?)\b[ ,:]{0,2})+)"
    r"|(?P<opaque>(?<!\d)(?:\d+(?:[-/]\d+){2,}\S*|\d+\.\d+\.\d[\w.+-]*|\d+x\d+\S*|\d+(?:\.\d+)?:\d+:\d+:\S+))"
    r"|(?P<clock>(?<!\d)\d+:\d\d(?::\d\d)?(?:\.\d+)?)(?![\d:])"
    rf"|(?<![\w.@])(?P<number>{NUMBER})(?P<total>\s*/\s*(?P<of>\d[\d,]*)(?![\w.]))?"
)
_UNIT = re.compile(
    r"\s?([a-zµ]+/[a-z]+|[a-zµ]+ per (?:sec(?:ond)?|step|iteration)|%|[a-zµ]+)(?![\w/])(?!\s?[:=])", re.I
)
_NAME_UNIT = re.compile(r"\s*[\(\[]\s*([a-zA-Zµ%]+(?:/[a-zA-Z]+)?)\s*[\)\]]\s*[:=]?\s*$")
_BREAK = re.compile(r"[|,;\t()\[\]{}<>•·]|\s{2,}|\s[-–—]+\s|[.!?]\s|:\s+(?=\S)")
_PHASED_PLACE = re.compile(r"\b(epoch|iter)\((?:train|val|test)\)$", re.I)
"""As mmengine writes where it stands: `Epoch(train) [1][50/5000]`."""
_HEADING = re.compile(
    r"[\W_]*(?:(?:train\w*|start\w*|begin\w*)\W+)?"
    r"(?:(?:global[ _])?(?:step|iter(?:ation)?|batch|epoch)\W{0,4}\d[\d,]*(?:\s*(?:/|of)\s*\d[\d,]*)?\W*){1,2}",
    re.I,
)
_EVALUATION = re.compile(r"\b(?:val|valid|validation|eval|evaluation|evaluating|evaluate|dev|test|testing)\b", re.I)


_PHASE_WORDS = TRAIN_WORDS | EVAL_WORDS


@dataclass(slots=True)
class _Item:
    """One number of a line with its surroundings."""

    begin: int
    end: int
    shape: Shape
    name: str
    unit: str
    joined: bool
    total: tuple[int, int] | None = None

    @property
    def word(self) -> str:
        return spelling(self.name)


def find_bar(text: str) -> re.Match[str] | None:
    """The last progress bar of tqdm in a line, or `None`."""
    if "<" not in text or "[" not in text:
        return None
    found = list(_BAR.finditer(text))
    return found[-1] if found else None


def read_bar(text: str, bar: re.Match[str]) -> tuple[RowKind, list[Hole]] | None:
    """What the numbers of a training progress bar are; `None` for bars of other work (maps, downloads, evaluation)."""
    before = text[: bar.start()]
    if bar["unit"].lower() not in _BAR_UNITS or _OTHER_WORK.search(before):
        return None
    holes = [
        Hole(*bar.span("now"), role="step", shape="digits"),
        Hole(*bar.span("total"), role="total", shape="digits"),
    ]
    holes.append(Hole(*bar.span("elapsed"), role="value", name="time/elapsed", shape="clock"))
    if bar["remaining"] != "?":
        holes.append(Hole(*bar.span("remaining"), role="value", name="time/remaining", shape="clock"))
    head = _items(text, 0, bar.start())
    holes += [hole for item in head if item.word in EPOCH_WORDS for hole in _place_holes(item, "epoch", "epochs")]
    shown = [(item, _meaning(item, evaluating=False)) for item in head if item.joined]
    shown = [pair for pair in shown if pair[1] is not None and pair[1].known and pair[0].end < bar.start()]
    shown += [(item, _meaning(item, evaluating=False)) for item in _items(text, *bar.span("rest"))]
    holes += [_value_hole(item, mean) for item, mean in shown if mean is not None and item.word not in EPOCH_WORDS]
    return "bar", sorted(_unique(holes), key=lambda hole: hole.begin)


def read_named_row(text: str, prefix: Prefix) -> tuple[RowKind, list[Hole]] | None:
    """What the numbers of a line are, or `None` when it is no row.

    Args:
        text: The line.
        prefix: What stands before the row in it.
    """
    if len(text) > MAX_LENGTH:
        return None
    items = _items(text, prefix.end, len(text))
    if len(items) < 2:
        return None
    step = _step_item(items)
    epoch = _epoch_item(items)
    if step is None and epoch is None:
        return None
    evaluating = bool(_EVALUATION.search(text[prefix.end : items[0].begin])) or says_evaluation(text, prefix)
    if (
        evaluating
        and step is not None
        and _EVALUATION.search(step.name)
        and epoch is None
        and "/" in text[step.end : step.end + 3]
    ):
        return None  # progress inside one evaluation
    places = {id(item) for item in (step, epoch) if item is not None}
    others = [item for item in items if id(item) not in places and item.word not in STEP_WORDS]
    values = [(item, meaning) for item in others if (meaning := _meaning(item, evaluating=evaluating)) is not None]
    values += _bare_losses(others, values, text)
    if not _is_row(step, epoch, values):
        return None
    holes = [_value_hole(item, meaning) for item, meaning in _with_weak_names(values)]
    holes += _place_holes(step, "step", "total") if step is not None else []
    holes += _place_holes(epoch, "epoch", "epochs") if epoch is not None else []
    holes += prefix_holes(prefix)
    return "row", sorted(_unique(holes), key=lambda hole: hole.begin)


def read_named_block_line(text: str, prefix: Prefix, *, evaluating: bool) -> tuple[RowKind, list[Hole]] | None:
    """What the numbers of a line without a place are (`Loss: 0.53` under `Evaluation results:`), or `None`."""
    items = _items(text, prefix.end, len(text))
    values = [(item, meaning) for item in items if (meaning := _meaning(item, evaluating=evaluating)) is not None]
    known = [(item, meaning) for item, meaning in values if meaning.known and item.joined]
    said = spelling(text[prefix.end : items[0].begin]).split("_") if items else []
    if not known or SUMMARY_WORDS & {word for item, _ in known for word in (*said, *item.word.split("_"))}:
        return None
    holes = [_value_hole(item, meaning) for item, meaning in values if item.joined] + prefix_holes(prefix)
    return "block", sorted(_unique(holes), key=lambda hole: hole.begin)


def prefix_holes(prefix: Prefix) -> list[Hole]:
    """The process number and the time stamp before a row."""
    holes = []
    if prefix.rank is not None:
        holes.append(Hole(*prefix.rank, role="rank", shape="digits"))
    if prefix.stamp is not None:
        holes.append(Hole(*prefix.stamp, role="stamp", shape="stamp"))
    return holes


def _items(text: str, begin: int, end: int) -> list[_Item]:
    items: list[_Item] = []
    position = begin
    for match in _TOKEN.finditer(text, begin, end):
        if match.lastgroup == "opaque" or match.start() < position:
            position = max(position, match.end())
            continue
        before = text[position : match.start()]
        name, name_unit, joined = _name_before(before)
        shape: Shape = "duration" if match["duration"] else "clock" if match["clock"] else "number"
        start, stop = match.span("duration" if match["duration"] else "clock" if match["clock"] else "number")
        stop = start + len(text[start:stop].rstrip(" ,:"))
        if shape == "number" and "," in text[start:stop]:
            shape = "commas"
        unit, position = name_unit, max(match.end(), stop)
        if shape in {"number", "commas"}:
            found = _UNIT.match(text, match.end("number"))
            if found and is_unit(found[1]):
                unit, position = found[1], max(found.end(), match.end())
            elif text[match.end() : match.end() + 1].isalpha():
                position = match.end()
                continue  # `3rd`, `8bit`, `7b`
        total = match.span("of") if match["total"] else None
        items.append(_Item(start, stop, shape, name, unit, joined, total))
    return items


def _name_before(before: str) -> tuple[str, str, bool]:
    """Name, unit in brackets, and whether `=` or `:` joins the name to the number."""
    unit = ""
    if found := _NAME_UNIT.search(before):
        if is_unit(found[1]):
            unit = found[1]
        before = before[: found.start()] + ":" if is_unit(found[1]) else before
    bare = before.rstrip(" \t'\"[(~≈$")
    joined = bare.endswith(("=", ":"))
    bare = bare.rstrip("=: \t'\"")
    phased = _PHASED_PLACE.search(bare)
    parts = [phased[1]] if phased else _BREAK.split(bare)
    name = parts[-1].strip().strip("'\"")
    return "" if name.startswith("/") else name, unit, joined


def _with_weak_names(values: list[tuple[_Item, Meaning]]) -> list[tuple[_Item, Meaning]]:
    """Names that mean a quantity only when the row has nothing better for it (`Grad: 0.36`, `norm 15.4`)."""
    if all(meaning.known for _, meaning in values):
        return values
    names = [meaning.name if meaning.known else _weak_spelling(item.word) for item, meaning in values]
    out = []
    for (item, meaning), column in zip(values, meanings_of(names), strict=True):
        weak = not meaning.known and column.name in SERIES and not meaning.name.startswith("eval/")
        out.append((item, Meaning(column.name, meaning.scale, column.unit or meaning.unit) if weak else meaning))
    return out


def _bare_losses(items: list[_Item], values: list[tuple[_Item, Meaning]], text: str) -> list[tuple[_Item, Meaning]]:
    """Both losses of a row that names the splits alone (`step 50 train 4.12 val 4.05`) and no other loss."""
    if any(meaning.name.endswith("/loss") for _, meaning in values):
        return []
    train = [item for item in items if item.word in TRAIN_WORDS and "." in text[item.begin : item.end]]
    held_out = [item for item in items if item.word in EVAL_WORDS and "." in text[item.begin : item.end]]
    if len(train) != 1 or len(held_out) != 1:
        return []
    return [(train[0], Meaning("train/loss")), (held_out[0], Meaning("eval/loss"))]


def _weak_spelling(word: str) -> str:
    first, _, rest = word.partition("_")
    return f"val_{rest}" if first in EVAL_WORDS else word


def _step_item(items: list[_Item]) -> _Item | None:
    """The item that says the step: by its word, else a leading or bracketed `N/T` without a name."""
    named = [item for item in items if item.word in STEP_WORDS and item.shape in {"number", "commas"}]
    if named:
        return min(named, key=lambda item: (STEP_WORDS[item.word], item.begin))
    for item in items:
        last = item.word.rpartition("_")[2]
        if last in {"step", "iter", "iteration"} and item.shape in {"number", "commas"}:
            return item
    first = next((item for item in items if item.word not in EPOCH_WORDS | _PHASE_WORDS), None)
    return first if first is not None and first.total is not None and not first.name else None


def _epoch_item(items: list[_Item]) -> _Item | None:
    """The item that says the epoch: by its word, or as timm writes it, `Train: 3 [  50/1251`."""
    named = next((item for item in items if item.word in EPOCH_WORDS), None)
    phased = len(items) > 1 and items[0].word in _PHASE_WORDS and items[1].total is not None and not items[1].name
    return items[0] if named is None and phased else named


def _meaning(item: _Item, *, evaluating: bool) -> Meaning | None:
    if item.total is not None and not item.name:
        return None
    meaning = meaning_of(item.name, item.unit, evaluating=evaluating)
    if meaning is not None and item.shape in {"clock", "duration"}:
        return meaning if meaning.name.startswith(("time", "speed/seconds")) else None
    return meaning


def _is_row(step: _Item | None, epoch: _Item | None, values: list[tuple[_Item, Meaning]]) -> bool:
    known = [item for item, meaning in values if meaning.known]
    if not known:
        exact = step is not None and step.word in STEP_WORDS
        return exact and any(item.joined and item.word for item, _ in values) and not _is_settings(values)
    if step is None:
        telling = [m for _, m in values if m.known and not m.name.startswith(("time", "speed/"))]
        return epoch is not None and bool(telling)
    plural = step.word in {"steps", "iters", "iterations", "updates", "batches"} and step.total is None
    return not ((plural or step.word.startswith("batch")) and _is_settings(values))


def _is_settings(values: list[tuple[_Item, Meaning]]) -> bool:
    """Whether the names are mostly those of settings: `steps 5000 | batch 8 | block 256`."""
    names = [item.word for item, meaning in values if not meaning.name.startswith(("train/loss", "eval/loss"))]
    return len(names) == len(values) and sum(canonical_setting(name) is not None for name in names) >= max(
        1, len(names) / 2
    )


def _place_holes(item: _Item, role: Role, total_role: Role) -> list[Hole]:
    holes = [Hole(item.begin, item.end, role, shape=item.shape)]
    if item.total is not None:
        holes.append(Hole(*item.total, role=total_role, shape="commas"))
    return holes


def _value_hole(item: _Item, meaning: Meaning) -> Hole:
    return Hole(item.begin, item.end, "value", meaning.name, item.shape, meaning.scale, meaning.unit)


def _unique(holes: list[Hole]) -> list[Hole]:
    """Each name once: the first number wins (`Loss: 6.93 (6.91)` shows a mean behind the value)."""
    seen: set[tuple[str, str]] = set()
    out = []
    for hole in holes:
        key = (hole.role, hole.name)
        if key not in seen:
            seen.add(key)
            out.append(hole)
    return out


def read_heading(text: str, prefix: Prefix) -> tuple[RowKind, list[Hole]] | None:
    """A line that says where training stands and nothing else (`Epoch 3/10`, `[batch=100/1000]:`), or `None`."""
    bare = text[prefix.end :].strip()
    if len(bare) > 60 or not _HEADING.fullmatch(bare):
        return None
    items = _items(text, prefix.end, len(text))
    step = next((item for item in items if item.word in STEP_WORDS), None)
    epoch = next((item for item in items if item.word in EPOCH_WORDS), None)
    holes = _place_holes(step, "step", "total") if step is not None else []
    holes += _place_holes(epoch, "epoch", "epochs") if epoch is not None else []
    return ("place", sorted(_unique(holes), key=lambda hole: hole.begin)) if holes else None
