"""Faults and their fixes side by side: `python benchmarks/faulty_and_fixed.py [--write docs/faulty-and-fixed.md]`.

Each fault is put into the script that `trainclinic prescribe` writes, as people make it, and both are trained on the
same tiny model and rows on the CPU. Needs the extra `[train]`; takes about two minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STEPS, RATE = 120, 4e-3


@dataclass(frozen=True)
class Fault:
    """A fault as an edit of a right script.

    Attributes:
        cause: Slug of the cause.
        edits: Pairs of a line of the script and what the faulty script has in its place.
    """

    cause: str
    edits: tuple[tuple[str, str], ...]


_LABELS = "example = encoded(parts_of(messages, tokenizer), tokenizer)\n"


def _after_encoding(code: str) -> tuple[tuple[str, str], ...]:
    return ((_LABELS, f"{_LABELS}            {code}\n"),)


FAULTS = (
    Fault("half-precision-adapter-weights", (("parameter.data.float()", "parameter.data.half()"),)),
    Fault("double-label-shift", _after_encoding('example["labels"] = [*example["labels"][1:], IGNORED]')),
    Fault(
        "missing-eos-in-targets",
        _after_encoding(
            'example["labels"] = [IGNORED if id_ in end_tokens(tokenizer) else id_ for id_ in example["labels"]]'
        ),
    ),
    Fault("fully-masked-labels", _after_encoding('example["labels"] = [IGNORED] * len(example["labels"])')),
    Fault(
        "truncated-answers",
        _after_encoding("example = {name: ids[:14] for name, ids in example.items()}"),
    ),
    Fault(
        "prompt-mask-misalignment",
        _after_encoding('example["labels"] = [IGNORED, IGNORED, IGNORED, *example["labels"][:-3]]'),
    ),
    Fault("learning-rate-too-high", (("learning_rate=options.learning_rate", "learning_rate=10.0"),)),
    Fault(
        "frozen-adapter",
        (
            (
                "    for parameter in model.parameters():\n        if parameter.requires_grad:",
                "    for name, parameter in model.named_parameters():\n"
                '        parameter.requires_grad = "lora_A" in name\n        if parameter.requires_grad:',
            ),
        ),
    ),
    Fault(
        "pretrained-weights-not-loaded",
        (
            (
                "    model.config.use_cache = False\n",
                "    model = type(model)(model.config)\n    model.config.use_cache = False\n",
            ),
        ),
    ),
    Fault(
        "tokenizer-vocabulary-mismatch",
        _after_encoding(
            "size = len(tokenizer)\n"
            '            example["input_ids"] = [(7 * id_ + 3) % size for id_ in example["input_ids"]]\n'
            '            example["labels"] = [x if x == IGNORED else (7 * x + 3) % size for x in example["labels"]]'
        ),
    ),
)
_UNGUARDED = (
    ('        raise SystemExit("stopped before training: the checks above failed")\n', "        pass\n"),
    (
        '        raise SystemExit(f"stopped before training: {len(faults)} of the checks above failed")\n',
        "        pass\n",
    ),
    ("        control.should_training_stop = True\n", ""),
    ("                model.zero_grad(set_to_none=True)  # the weights stay as good as they were\n", ""),
)
"""The faulty scripts have no checks and no guard, as theirs had none."""


@dataclass(frozen=True)
class Outcome:
    """What a script did.

    Attributes:
        first: First logged loss.
        last: Last logged loss.
        good: Answers that are not empty and end by themselves, of those asked for.
        refused: The first check that stopped the script before training; empty when none did.
    """

    first: float
    last: float
    good: str
    refused: str = ""


def run(script: str, folder: Path, model: Path, rows: Path) -> Outcome:
    """Execute a script and read what it logged and printed.

    Args:
        script: Its text.
        folder: An empty folder.
        model: Folder of the tiny model.
        rows: The training rows.
    """
    path = folder / "finetune.py"
    path.write_text(script, encoding="utf-8")
    command = [sys.executable, str(path), "--model", str(model), "--data", str(rows), "--max-steps", str(STEPS)]
    done = subprocess.run(
        [*command, "--learning-rate", str(RATE), "--device", "cpu"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    log = folder / "fixed-model.log.jsonl"
    losses = [row["loss"] for line in log.read_text().splitlines() if "loss" in (row := json.loads(line))]
    refused = [line.removeprefix("check: FAILED ") for line in done.stdout.splitlines() if "check: FAILED" in line]
    good = next((line.split(" answers")[0] for line in done.stdout.splitlines() if "answers are not" in line), "none")
    first, last = (losses[0], losses[-1]) if losses else (float("nan"), float("nan"))
    return Outcome(first, last, good.removeprefix("result: "), refused[0] if refused else "")


def compare(fault: Fault, right: str, folder: Path, model: Path, rows: Path) -> tuple[Outcome, str]:
    """A faulty script without its guard, and what the guard says to the same fault.

    Args:
        fault: The fault.
        right: The right script.
        folder: An empty folder.
        model: Folder of the tiny model.
        rows: The training rows.
    """
    faulty = _edited(right, fault.edits)
    outcomes = []
    for name, script in (("unguarded", _edited(faulty, _UNGUARDED)), ("guarded", faulty)):
        (folder / name).mkdir(parents=True)
        outcomes.append(run(script, folder / name, model, rows))
    return outcomes[0], outcomes[1].refused


def _edited(script: str, edits: tuple[tuple[str, str], ...]) -> str:
    for before, after in edits:
        if before not in script:
            message = f"the script has no line `{before.strip()}`"
            raise ValueError(message)
        script = script.replace(before, after)
    return script


def page(rows: Sequence[tuple[str, str, Outcome, str]], fixed: Outcome) -> str:
    """The comparison as Markdown.

    Args:
        rows: Family, cause, outcome of the faulty script, and what the checks of the fixed one say to the fault.
        fixed: Outcome of the fixed script.
    """
    lines = [
        "<!-- written by benchmarks/faulty_and_fixed.py; do not edit -->",
        "",
        "# Faulty and fixed, side by side",
        "",
        "Each fault is put into the script that `trainclinic prescribe` writes, as people make it, without its checks. "
        f"Both are trained {STEPS} steps on the same model of 150,000 parameters and the same 64 rows, on the CPU. The "
        "last column is what the prescribed script says when it meets the fault: it stops before it trains.",
        "",
        f"**The fixed script**: first loss {fixed.first:.2f}, last {fixed.last:.2f}, {fixed.good} held-out answers are "
        "not empty and end by themselves.",
        "",
        "| family | fault | faulty: first loss | last loss | answers that end | the checks of the fixed script |",
        "|---|---|---|---|---|---|",
    ]
    for family, cause, outcome, refused in rows:
        lines.append(
            f"| {family} | [{cause}](reference/causes/{cause}.md) | {outcome.first:.2f} | {outcome.last:.2f} | "
            f"{outcome.good} | {refused or 'do not see it'} |"
        )
    lines += [
        "",
        "Faults that the checks do not see: a rate, which nobody can know to be wrong before training, and weights "
        "that are consistent in themselves. The range of the first loss shows the second when the model is a known "
        "one, and `validate_model.py` shows both.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run every fault and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="file to write instead of printing")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from tests.fixes.tiny import build_model, write_rows

    from trainclinic.causes.catalogue import all_causes
    from trainclinic.fixes.files.script import Header, training_script
    from trainclinic.recipe.model import Data, Recipe

    right = training_script(Recipe(data=Data(form="messages")), Header("The fixed script."))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = build_model(folder / "model")
        rows = write_rows(folder / "rows.jsonl", "messages")
        (folder / "fixed").mkdir()
        fixed = run(right, folder / "fixed", model, rows)
        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(lambda f: compare(f, right, folder / f.cause, model, rows), FAULTS))
    table = [
        (all_causes()[fault.cause].cause.family, fault.cause, outcome, refused)
        for fault, (outcome, refused) in zip(FAULTS, found, strict=True)
    ]
    text = page(table, fixed)
    if options.write:
        options.write.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
