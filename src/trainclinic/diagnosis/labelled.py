"""Run folders whose true cause is known: read, judged, and ready to be counted or scored.

A labelled folder holds what a user had, and `expect.yaml` with the answer: `cause`, `also_accept`, `must_not`,
`verdict`, `tiers`, `identifiable`, `source`. The answer never reaches a reader: the folder is copied without it.
"""

from __future__ import annotations

import re
import shutil
import tempfile
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


def _judged(case: Path) -> tuple[tuple[Answer, ...], Word | Literal["error"], str]:
    from trainclinic.diagnosis.diagnose import diagnose
    from trainclinic.findings.overall import overall_verdict

    with tempfile.TemporaryDirectory() as box:
        run = Path(box) / "run"
        shutil.copytree(case, run, ignore=shutil.ignore_patterns(ANSWER_FILE))
        try:
            diagnosis = diagnose(run)
        except TrainclinicError as error:
            return (), "error", str(error).splitlines()[0]
        main = diagnosis.runs[0]
        return main.answers, overall_verdict(main.measured, main.findings).word, ""
