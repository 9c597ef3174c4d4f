"""Read, measure, judge, infer: one `Diagnosis` from whatever the user points at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any

from trainclinic.diagnosis.companions import broken_first
from trainclinic.diagnosis.run_data import DataPath, RunData, read_run_data
from trainclinic.diagnosis.run_model import RunModel, read_run_model
from trainclinic.diagnosis.scripts import Code, ScriptPath, files_of, read_code
from trainclinic.diagnosis.workers import Beside, judge_all
from trainclinic.findings.overall import Overall
from trainclinic.record.errors import TrainclinicError
from trainclinic.record.run import RunRecord
from trainclinic.signals.measured import Measured

if TYPE_CHECKING:
    from trainclinic.catalogue.finding import Finding
    from trainclinic.causes.infer import Answer, Inference
    from trainclinic.corpus.corpus import Corpus
    from trainclinic.fixes.prescription import Prescription
    from trainclinic.readers.folders.discover import Found
    from trainclinic.record.parts import Damage
    from trainclinic.report.model import Document

Target = str | PathLike[str] | RunRecord


@dataclass(frozen=True, eq=False)
class RunDiagnosis:
    """What one run shows.

    Attributes:
        record: What happened, with sources.
        measured: The signals, computed when first asked for.
        findings: Every rule's answer, present ones first.
        answers: The same verdicts and those on circumstances, as the causes see them.
        inference: The causes by probability, with the evidence for and against each.
        verdict: The verdict on the whole run, with its reason.
        composed: The report, when it was composed along the way; `document` is there in any case.
        corpus: Its training data, when there are any.
    """

    record: RunRecord
    measured: Measured
    findings: tuple[Finding, ...]
    answers: tuple[Answer, ...]
    inference: Inference
    verdict: Overall
    composed: Document | None = None
    corpus: Corpus | None = None

    @property
    def present(self) -> tuple[Finding, ...]:
        """The symptoms that are there, the most harmful first."""
        return tuple(finding for finding in self.findings if finding.is_present)

    @cached_property
    def document(self) -> Document:
        """The report on this run, ready for any format."""
        if self.composed is not None:
            return self.composed
        from trainclinic.diagnosis.prescribing import with_fixes
        from trainclinic.report.compose import compose

        return with_fixes(compose(self.measured, self.findings, self.verdict, self.inference), self.measured)

    @cached_property
    def prescription(self) -> Prescription:
        """What to change, and what the files that change it are made from."""
        from trainclinic.diagnosis.prescribing import case_of, with_data
        from trainclinic.fixes.prescription import prescribe

        case = case_of(self.document, self.measured)
        return prescribe(with_data(case, self.corpus) if self.corpus is not None else case)


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What the user's files show: one entry per run. In a notebook it renders itself.

    Attributes:
        runs: Diagnosed runs, the main run first.
        damage: Files that could not be read at all, with the reason.
    """

    runs: tuple[RunDiagnosis, ...]
    damage: tuple[Damage, ...] = ()

    @property
    def verdict(self) -> Overall:
        """The verdict on the run; with several runs, that of the first sick one, else of the main one."""
        return next((run.verdict for run in self.runs if run.verdict.word == "sick"), self.runs[0].verdict)

    @property
    def record(self) -> RunRecord:
        """The record of the main run."""
        return self.runs[0].record

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every rule's answer about the main run, present ones first."""
        return self.runs[0].findings

    def render(self, form: str = "terminal", *, color: bool = False, width: int = 80) -> str:
        """The report as text.

        Args:
            form: `terminal`, `md`, `html` or `json`.
            color: Whether the terminal form may use colour.
            width: Columns of the terminal form.

        Raises:
            ValueError: If `form` is none of the four.
        """
        from trainclinic.report.compose import with_damage
        from trainclinic.report.render import render

        documents = with_damage([run.document for run in self.runs], self.damage)
        return render(documents, form, color=color, width=width)  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, Any]:
        """The JSON report (`trainclinic.diagnosis.v1`) as plain values."""
        import json

        found: dict[str, Any] = json.loads(self.render("json"))
        return found

    def __str__(self) -> str:
        """One line per run: its name, the verdict, the reason."""
        return "\n".join(f"{run.record.name}: {run.verdict.word}, {run.verdict.reason}" for run in self.runs)

    def _repr_html_(self) -> str:
        """The HTML report in a frame of its own, so that its styles leave the notebook alone."""
        from trainclinic.report.html.page import in_frame

        return in_frame(self.render("html"))


def diagnose(
    target: Target | Iterable[Target],
    *,
    jobs: int = 1,
    scripts: Sequence[ScriptPath] | None = None,
    data: Sequence[DataPath] | None = None,
    tokenizer: str = "",
    model: str = "",
    base: str = "",
) -> Diagnosis:
    """Diagnose a run folder, a log file, several of each, or a record that is already in memory.

    Args:
        target: Paths (folders, files or glob patterns), a `RunRecord`, or several of these.
        jobs: Processes for many runs; 0 takes one per processor when there is enough to do.
        scripts: The scripts that made the runs. By default those that lie in a run's folder are read; an empty list
            reads none.
        data: The training data of the runs. By default data files that lie in a run's folder are examined; an empty
            list examines none.
        tokenizer: Folder or file of their tokenizer; by default that of the model, where it is on this machine.
        model: Folder of the model that the run ended with: it is loaded and tested, and what it shows is weighed too.
        base: Base of that model, to compare it with; for an adapter it is found by itself.

    Raises:
        ReadError: If nothing readable was found; the message says what was looked at.
        TrainclinicError: If the model cannot be loaded, or there are several runs that it could belong to.
    """
    targets = [target] if isinstance(target, (str, PathLike, RunRecord)) else list(target)
    records = [given for given in targets if isinstance(given, RunRecord)]
    paths = [given for given in targets if not isinstance(given, RunRecord)]
    damage: tuple[Damage, ...] = ()
    programs: tuple[Found, ...] = ()
    sets: tuple[Found, ...] = ()
    if paths or not records:
        from trainclinic.corpus.open import looks_like_data
        from trainclinic.readers.collect import collect

        suffice = scripts is None or bool(scripts)
        collected = collect(paths, jobs=jobs, scripts_suffice=suffice, is_data=looks_like_data)
        records += collected.records or [RunRecord(name=collected.title)]
        damage, programs, sets = collected.damage, collected.scripts, collected.data
    code = _code_of(records, programs, scripts)
    records = [one.told(record) for one, record in zip(code, records, strict=True)]
    rows = _data_of(records, sets, data, tokenizer)
    records = [one.told(record) for one, record in zip(rows, records, strict=True)]
    tested = _model_of(records, rows, model, base)
    records = [tested.told(record) for record in records]
    runs = _judged(records, code, rows, tested, jobs)
    order = broken_first(records, [run.verdict.word == "sick" for run in runs])
    return Diagnosis(tuple(runs[at] for at in order), damage)


def _judged(
    records: Sequence[RunRecord], code: Sequence[Code], rows: Sequence[RunData], tested: RunModel, jobs: int
) -> list[RunDiagnosis]:
    """Every run, judged with what lies beside it."""
    beside = [
        Beside((*one.findings, *seen.findings, *tested.findings), seen.unigram_entropy)
        for one, seen in zip(code, rows, strict=True)
    ]
    return [
        RunDiagnosis(
            record,
            judged.measured,
            judged.findings,
            judged.answers,
            judged.inference,
            judged.verdict,
            judged.document,
            seen.corpus,
        )
        for record, judged, seen in zip(records, judge_all(records, jobs, beside), rows, strict=True)
    ]


def _code_of(records: Sequence[RunRecord], beside: Sequence[Found], scripts: Sequence[ScriptPath] | None) -> list[Code]:
    """What the scripts of each run say; runs that share their scripts share the answer."""
    if scripts is not None:
        return [read_code(scripts)] * len(records)
    seen: dict[tuple[Found, ...], Code] = {}
    code: list[Code] = []
    for mine in files_of(records, beside):
        if mine not in seen:
            seen[mine] = read_code([script.path for script in mine], names={one.path: one.name for one in mine})
        code.append(seen[mine])
    return code


def _model_of(records: Sequence[RunRecord], rows: Sequence[RunData], model: str, base: str) -> RunModel:
    """What the finished model shows, of the one run that it belongs to."""
    if not model:
        return RunModel()
    if len(records) > 1:
        message = f"`--model {model}`: {len(records)} runs were read, and a model belongs to one"
        raise TrainclinicError(message, hint="give the folder or the log of that run alone")
    return read_run_model(model, rows[0].corpus, base)


def _data_of(
    records: Sequence[RunRecord], beside: Sequence[Found], data: Sequence[DataPath] | None, tokenizer: str
) -> list[RunData]:
    """What the training data of each run look like under its settings."""
    if data is not None:
        return [read_run_data(record, data, tokenizer=tokenizer) for record in records]
    return [
        read_run_data(
            record, [one.path for one in mine], names={one.path: one.name for one in mine}, tokenizer=tokenizer
        )
        for record, mine in zip(records, files_of(records, beside), strict=True)
    ]
