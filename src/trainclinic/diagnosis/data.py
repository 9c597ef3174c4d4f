"""Read, survey, judge and show training data: what `trainclinic data` and `trainclinic.data` in Python do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import Present, Severity
from trainclinic.catalogue.wording import words
from trainclinic.corpus.open import open_corpus
from trainclinic.dataset.data import Data
from trainclinic.dataset.examine import all_rules, examine
from trainclinic.encoding.tokens.load import load_tokenizer

if TYPE_CHECKING:
    from trainclinic.catalogue.finding import Finding
    from trainclinic.corpus.sample import Schema
    from trainclinic.encoding.preparation import Plan, Preparation
    from trainclinic.encoding.tokens.tokenizer import Tokenizer
    from trainclinic.record.source import Source
    from trainclinic.report.data.model import DataReport

DataPath = str | PathLike[str]
ALARMING, COULD_NOT = 1, 2
BINARY = ("parquet", "arrow")
"""Containers whose bytes are not their characters."""


@dataclass(frozen=True, eq=False)
class DataExamination:
    """What training data look like under their tokenizer, template, loss mask and length limit.

    Attributes:
        data: The data, surveyed.
        findings: Every rule's answer, present ones first.
    """

    data: Data
    findings: tuple[Finding, ...]

    @property
    def present(self) -> tuple[Finding, ...]:
        """The symptoms that are there, the most harmful first."""
        return tuple(finding for finding in self.findings if finding.is_present)

    def exit_code(self, fail_on: Severity = Severity.HARMFUL) -> int:
        """0 when nothing is as severe as `fail_on`, 1 otherwise, 2 when no row could be used."""
        if not self.data.survey.rows:
            return COULD_NOT
        return ALARMING if any(finding.severity >= fail_on for finding in self.present) else 0

    def report(self, show: int = 0, lines: Sequence[int] = (), steps: Sequence[int] = (), seed: int = 0) -> DataReport:
        """The document.

        Args:
            show: How many rows to show token by token.
            lines: The rows to show instead, by line.
            steps: Optimizer steps whose rows are to be named.
            seed: Decides the rows that are shown by chance.
        """
        from trainclinic.dataset.placement import rows_of_step
        from trainclinic.dataset.showing import line_of, shown_rows
        from trainclinic.dataset.statistics import statistics_of
        from trainclinic.report.data.compose import compose

        missing = sorted(set(lines) - {line_of(row) for row in self.data.encoded}) if lines else []
        return compose(
            self.data,
            self.findings,
            statistics_of(self.data),
            shown=shown_rows(self.data, show, lines, seed=seed, telling=self._telling_rows),
            steps=[(step, rows_of_step(self.data, step)) for step in steps],
            notes=[f"line {line:,} is not shown: no training row that was kept stands there" for line in missing],
        )

    @property
    def _telling_rows(self) -> list[tuple[Source, str]]:
        """Rows that findings name, the most harmful finding first."""
        return [
            (evidence.source, words(finding.entry.rule.slug))
            for finding in self.findings
            if isinstance(finding.verdict, Present)
            for evidence in finding.verdict.evidence
            if evidence.source is not None
        ]

    @cached_property
    def _plain_report(self) -> DataReport:
        return self.report()

    def render(self, form: str = "terminal", *, color: bool = False, width: int = 80) -> str:
        """The report without single rows as text; `report` takes what else to show.

        Args:
            form: `terminal`, `md`, `html` or `json`.
            color: Whether the terminal form may use colour.
            width: Columns of the terminal form.

        Raises:
            ValueError: If `form` is none of the four.
        """
        from trainclinic.report.data.render import render

        return render(self._plain_report, form, color=color, width=width)

    def _repr_html_(self) -> str:
        """The HTML report in a frame of its own, so that its styles leave the notebook alone."""
        from trainclinic.report.html.page import in_frame

        return in_frame(self.render("html"))


def examine_data(
    paths: DataPath | Iterable[DataPath],
    *,
    held_out: Iterable[DataPath] = (),
    tokenizer: DataPath | Tokenizer | None = None,
    preparation: Preparation | None = None,
    plan: Plan | None = None,
    model: str = "",
    schema: Schema | None = None,
    columns: Mapping[str, str] | None = None,
    rules: Callable[[str, str, str], bool] = lambda *_: True,
    progress: Callable[[int, int], None] | None = None,
    jobs: int = 1,
    ray: bool = False,
) -> DataExamination:
    """Examine training data.

    Args:
        paths: Files, folders or glob patterns.
        held_out: The same for data that a model is judged by; files called `val`, `test` ... are that by themselves.
        tokenizer: A folder, a `tokenizer.json`, the name of a model in the local cache, or a tokenizer that was loaded
            before; bytes stand in without one.
        preparation: How rows become ids and labels.
        plan: How the run goes through them.
        model: Name of the model, for what is known about its family.
        schema: How rows are written, when that is not to be found out.
        columns: Which field plays which part, e.g. `{"prompt": "q"}`.
        rules: Which rules to ask, by code, name and group.
        progress: Told of the characters that were looked at since the last call, and of about how many there are (0
            when that cannot be known before); only with one job.
        jobs: Processes for several files.
        ray: Whether to share the files out on a Ray cluster.

    Raises:
        ReadError: If nothing there is training data, or the tokenizer cannot be read.
        TrainclinicError: If Ray is asked for and not installed.
    """
    share = None
    corpus = open_corpus(
        [paths] if isinstance(paths, (str, PathLike)) else paths, held_out=held_out, schema=schema, columns=columns
    )
    if ray or (jobs > 1 and len(corpus.shards) > 1):
        from trainclinic.dataset.sharing import on_processes, on_ray

        share = on_ray() if ray else on_processes(jobs)
    is_plain = all(shard.form not in BINARY and not shard.compression for shard in corpus.shards)
    size = corpus.size if is_plain else 0
    data = Data(
        corpus,
        load_tokenizer(tokenizer) if tokenizer is None or isinstance(tokenizer, (str, PathLike)) else tokenizer,
        preparation,
        plan,
        progress=(lambda characters: progress(characters, size)) if progress else None,
        share=share,
        model=model,
    )
    asked = [entry for code, entry in all_rules().items() if rules(code, entry.rule.slug, entry.group)]
    return DataExamination(data, examine(data, asked))
