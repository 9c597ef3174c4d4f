"""A small report on scripts: a value that travels over two files, a notebook, a secret, a long call, a silenced alarm."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import ModuleType
from typing import Any

from trainclinic.catalogue.load import Entry
from trainclinic.catalogue.verdict import Severity
from trainclinic.readers.redact import redact
from trainclinic.record.parts import Damage
from trainclinic.record.source import Source
from trainclinic.report.lint.compose import compose
from trainclinic.report.lint.model import LintReport
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending, Safety
from trainclinic.script.places import Place, Step
from trainclinic.script.replacements import replacements_of
from trainclinic.script.rule import script_rule

DATA = """\
import torch


def get_batch(data, at, block):
    x = data[at : at + block]
    y = data[at + 1 : at + 1 + block]
    return torch.stack([x]), torch.stack([y])
"""
TRAIN = """\
from transformers import AutoModelForCausalLM, Trainer
from data import get_batch

model = AutoModelForCausalLM.from_pretrained("gpt2", token="hf_abcdefghijklmnopqrstuvwx", dtype=torch.float16)
for at in range(0, len(data), 256):
    x, y = get_batch(data, at, 256)
    loss = model(input_ids=x, labels=y).loss
    (loss / accumulation).backward()
trainer = Trainer(
    model,
    args,
    train_dataset=train,
    eval_dataset=validation,
    data_collator=collator,
    callbacks=[saving],
)
"""
CELL = """\
tokenizer = AutoTokenizer.from_pretrained(name)
tokenizer.pad_token = tokenizer.eos_token
"""
FILES = {("src/data.py", 0): DATA, ("src/train.py", 0): TRAIN, ("run one.ipynb", 3): CELL}

PAGE = """{title}

## What it sees
Labels that are one position ahead.

## Why it matters
The model learns the token after the next.

## What it does not mean
Nothing about the data.

## Example
`labels=y`

## Check it by hand
Print both.

## References
- https://github.com/huggingface/transformers
"""


def entry(
    code: str,
    slug: str,
    severity: Severity = Severity.HARMFUL,
    find: Any = lambda _: (),
    *,
    title: str = "Something is wrong in the code.",
    group: str = "labels",
    looked: bool = True,
    fix: Safety | None = None,
) -> Entry[Any]:
    """A rule of nothing but what it finds."""
    rule = script_rule(
        code=code,
        slug=slug,
        severity=severity,
        certainty=Certainty.PROOF,
        needs=("calls",),
        find=find,
        looked=lambda _: looked,
        missing="a call",
        fix=fix,
    )
    return Entry(rule, group, ModuleType(slug, PAGE.format(title=title)))


def place_of(path: str, code: str, cell: int = 0) -> Place:
    """The first place of a piece of code in one of the files."""
    text = FILES[path, cell]
    start = text.index(code)
    end = start + len(code)

    def position(at: int) -> tuple[int, int]:
        return text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1

    return Place(path, *position(start), *position(end), cell)


def lines_of(place: Place) -> list[str]:
    text = FILES.get((place.path, place.cell), "")
    return text.split("\n")[place.line - 1 : place.end_line]


SHIFT = entry("LBL001", "double-label-shift", title="Labels are shifted twice.")
PADDING = entry("TOK003", "padding-with-end-token", Severity.WARNING, group="tokens", title="Padding ends a text.")
HALF = entry("PRC001", "half-precision-weights", Severity.HARMFUL, group="precision", title="Weights are in float16.")
UNUSED = entry("LOP004", "call-without-use", Severity.NOTE, group="loops", title="A call has no effect.")


def shift() -> Alarm:
    labels = place_of("src/train.py", "model(input_ids=x, labels=y)")
    return Alarm(
        labels,
        "`labels` are one position ahead of `input_ids`, and the model shifts them once more",
        Certainty.PROOF,
        flow=(
            Step(place_of("src/data.py", "data[at + 1 : at + 1 + block]"), "`y` begins one position behind `x`"),
            Step(place_of("src/train.py", "get_batch(data, at, 256)"), "it is the second value of `get_batch`"),
            Step(labels, "passed as `labels`; the model shifts them again"),
        ),
        mending=Mending(
            "pass the same tokens: `labels=x`", "unsafe", (Edit("set_argument", labels, code="x", name="labels"),)
        ),
    )


def padding() -> Alarm:
    place = place_of("run one.ipynb", "tokenizer.pad_token = tokenizer.eos_token", 3)
    return Alarm(place, "`pad_token` is `eos_token`", Certainty.LIKELY, when="the collator masks `pad_token_id`")


def half() -> Alarm:
    call = 'AutoModelForCausalLM.from_pretrained("gpt2", token="hf_abcdefghijklmnopqrstuvwx", dtype=torch.float16)'
    return Alarm(place_of("src/train.py", call), "weights are loaded as `float16`", Certainty.PROOF)


def dtype() -> Alarm:
    place = place_of("src/train.py", "torch.float16")
    edit = Edit("replace", place, code="torch.float32")
    mending = Mending("load in float32", "safe", (edit,))
    return Alarm(place, "100% of weights: `float16`, in full", Certainty.LIKELY, mending=mending)


def unused() -> Alarm:
    place = place_of("src/train.py", TRAIN[TRAIN.index("Trainer(\n") : TRAIN.rindex(")") + 1])
    return Alarm(place, "`Trainer` is made and never started", Certainty.LIKELY)


def report_of(found: Iterable[tuple[Entry[Any], Alarm]], *troubles: Damage) -> LintReport:
    return compose(
        found,
        [SHIFT, UNUSED, HALF, PADDING],
        lines_of=lines_of,
        mask=redact,
        changes_of=lambda mending: replacements_of(
            mending, {path: text for (path, cell), text in FILES.items() if not cell}
        ),
        root="/home/user/project",
        troubles=troubles,
    )


def small() -> LintReport:
    """Everything at once."""
    found = [(PADDING, padding()), (HALF, half()), (HALF, dtype()), (SHIFT, shift()), (UNUSED, unused())]
    broken = Damage("line 3 is no Python: `(` was never closed", Source("src/old.py", 3))
    stopped = Damage("rule `OPT001` could not finish on this code (`KeyError`): please report it", Source(""))
    report = report_of(found, broken, stopped)
    files = ("run one.ipynb", "src/data.py", "src/old.py", "src/train.py")
    return replace(report, files=files, suppressed=1, hidden=2)


def clean() -> LintReport:
    """Nothing found."""
    return replace(report_of([]), files=("src/train.py",))
