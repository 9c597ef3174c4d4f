"""Runs whose true cause is known: read, judged, and ready to be counted or scored.

A labelled folder holds what a user had, and `expect.yaml` with the answer: `cause`, `also_accept`, `must_not`,
`verdict`, `tiers`, `identifiable`, `source`. The answer never reaches a reader: the folder is copied without it.

A collection of public logs has an `index.jsonl` with `id`, `file`, `repo`, `labels` and `confidence` in each line. Its
labels are symptoms; a few of them leave only one cause, and those logs are labelled runs too.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from trainclinic.catalogue.verdict import NotEvaluated, Present
from trainclinic.causes.conclusion import Word
from trainclinic.causes.fitting import Labelled
from trainclinic.causes.infer import Answer
from trainclinic.record.errors import TrainclinicError

ANSWER_FILE = "expect.yaml"
INDEX_FILE = "index.jsonl"
HARMLESS_LABELS = frozenset(
    {"healthy", "nan_grad_benign", "generalization_gap", "no_eval", "noisy", "constant_lr", "nonstandard_unit"}
)
"""Labels that say nothing is wrong, or nothing about it."""
CAUSES_OF_LABEL = {
    "lr_too_high": ("learning-rate-too-high", "excessive-lora-scale", "missing-gradient-clipping"),
    "overfit": ("overfitting", "epoch-memorisation", "duplicate-samples"),
    "epoch_staircase": ("epoch-memorisation", "overfitting", "duplicate-samples"),
    "healthy": (
        "normal-convergence",
        "learning-rate-decayed-to-zero",
        "epoch-memorisation",
        "decay-phase-drop",
        "loss-scaler-calibration",
        "objective-baseline-value",
    ),
}
"""Labels that leave one cause, the most telling first, each with what its log cannot be told from."""
HEALTHY_LABELS = frozenset({"healthy", "epoch_staircase"})
MOST_PER_REPOSITORY = 3
"""Runs of one repository are one person's habits: a few of them say as much as all."""


@dataclass(frozen=True, slots=True)
class LabelledRun:
    """One labelled folder.

    Attributes:
        name: Name of the folder.
        cause: Its true cause.
        also_accept: Causes that its evidence cannot tell from the true one.
        must_not: Causes that people wrongly name here.
        verdict: `sick` or `healthy`.
        accept_undetermined: Whether an honest `undetermined` is right too.
        tiers: Kinds of evidence in the folder.
        identifiable: Which kinds of evidence identify the cause.
        source: The incident it was rebuilt from.
        answers: Every verdict on its main run; empty when nothing could be read.
        word: The verdict on the whole run by its symptoms alone, `error` when nothing could be read.
        error: Why nothing could be read.
    """

    name: str
    cause: str
    also_accept: tuple[str, ...]
    must_not: tuple[str, ...]
    verdict: str
    accept_undetermined: bool
    tiers: tuple[str, ...]
    identifiable: tuple[str, ...]
    source: str
    answers: tuple[Answer, ...] = ()
    word: Word | Literal["error"] = "error"
    error: str = ""

    @property
    def accepted(self) -> frozenset[str]:
        """The causes that count as right."""
        return frozenset({self.cause, *self.also_accept})

    @property
    def labelled(self) -> Labelled:
        """What fitting needs of it."""
        verdicts = {a.slug: a.verdict for a in self.answers if not isinstance(a.verdict, NotEvaluated)}
        return Labelled(
            cause=self.cause,
            states={slug: isinstance(verdict, Present) for slug, verdict in verdicts.items()},
            accepted=self.accepted,
            source=self.repository,
            harmful=any(answer.harmful for answer in self.answers),
        )

    @property
    def repository(self) -> str:
        """What two runs must not share across folds: the repository that an incident comes from."""
        found = re.search(r"[\w.-]+/[\w.-]+", self.source)
        return found.group(0).lower() if found else self.source.lower()


def read_labelled(folder: Path, jobs: int = 2) -> list[LabelledRun]:
    """Read and judge every labelled folder below `folder`, in order of name.

    Args:
        folder: Holds one folder per run.
        jobs: Processes.

    Raises:
        TrainclinicError: If there is none.
    """
    cases = sorted(path.parent for path in folder.glob(f"*/{ANSWER_FILE}"))
    if not cases:
        message = f"`{folder}` holds no labelled run"
        raise TrainclinicError(message, hint=f"a labelled run is a folder with `{ANSWER_FILE}` beside its files")
    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(read_one, cases, chunksize=4))


def read_one(case: Path) -> LabelledRun:
    """Read and judge one labelled folder."""
    import yaml

    expect: dict[str, Any] = yaml.safe_load((case / ANSWER_FILE).read_text(encoding="utf-8"))
    answers, word, error = _judged(case)
    return LabelledRun(
        name=case.name,
        cause=expect["cause"],
        also_accept=tuple(expect.get("also_accept") or ()),
        must_not=tuple(expect.get("must_not") or ()),
        verdict=expect["verdict"],
        accept_undetermined=bool(expect.get("accept_undetermined")),
        tiers=tuple(expect.get("tiers") or ()),
        identifiable=tuple(expect.get("identifiable") or ()),
        source=str(expect.get("source") or case.name),
        answers=answers,
        word=word,
        error=error,
    )


def read_public_logs(folder: Path, jobs: int = 2) -> list[LabelledRun]:
    """Read and judge the logs of a collection whose labels leave one cause.

    Labels of low confidence are left out, and so is what no reader takes.

    Args:
        folder: Holds `index.jsonl` and the files that it names.
        jobs: Processes.
    """
    import json

    entries = [json.loads(line) for line in (folder / INDEX_FILE).read_text(encoding="utf-8").splitlines()]
    chosen: list[tuple[Path, dict[str, Any], str]] = []
    taken: Counter[str] = Counter()
    for entry in entries:
        label = _telling_label(entry["labels"])
        if label and entry["confidence"] != "low" and taken[entry["repo"]] < MOST_PER_REPOSITORY:
            taken[entry["repo"]] += 1
            chosen.append((folder / entry["file"], entry, label))
    with ProcessPoolExecutor(jobs) as pool:
        runs = list(pool.map(_read_public, *zip(*chosen, strict=True), chunksize=8))
    return [run for run in runs if not run.error]


def _telling_label(labels: list[str]) -> str | None:
    """The label that leaves one cause; a log with a label of any other kind has more wrong with it than that."""
    telling = [label for label in CAUSES_OF_LABEL if label in labels]
    others = set(labels) - HARMLESS_LABELS - {"near_zero_train_loss", "divergence", "plateau", "loss_at_chance"}
    return telling[0] if telling and not others - set(telling) else None


def _read_public(path: Path, entry: dict[str, Any], label: str) -> LabelledRun:
    cause, *others = CAUSES_OF_LABEL[label]
    answers, word, error = _diagnosed(path, scripts=())
    return LabelledRun(
        name=entry["id"],
        cause=cause,
        also_accept=tuple(others),
        must_not=(),
        verdict="healthy" if label in HEALTHY_LABELS else "sick",
        accept_undetermined=label != "healthy",
        tiers=("log",),
        identifiable=("from_log",),
        source=entry["repo"],
        answers=answers,
        word=word,
        error=error,
    )


def _judged(case: Path) -> tuple[tuple[Answer, ...], Word | Literal["error"], str]:
    with tempfile.TemporaryDirectory() as box:
        run = Path(box) / "run"
        shutil.copytree(case, run, ignore=shutil.ignore_patterns(ANSWER_FILE))
        return _diagnosed(run)


def _diagnosed(
    path: Path, scripts: Sequence[Path] | None = None
) -> tuple[tuple[Answer, ...], Word | Literal["error"], str]:
    from trainclinic.diagnosis.diagnose import diagnose
    from trainclinic.findings.overall import overall_verdict

    try:
        main = diagnose(path, scripts=scripts).runs[0]
    except TrainclinicError as error:
        return (), "error", str(error).splitlines()[0]
    return main.answers, overall_verdict(main.measured, main.findings).word, ""
