"""Hand every verdict to the causes: the rooms that judge do not know each other, and causes know none of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import Severity
from trainclinic.causes.conclusion import conclude
from trainclinic.causes.infer import Answer
from trainclinic.findings.circumstances import circumstances_of
from trainclinic.findings.overall import Overall

if TYPE_CHECKING:
    from trainclinic.catalogue.finding import Finding
    from trainclinic.causes.infer import Inference
    from trainclinic.signals.measured import Measured


def answers_of(measured: Measured, findings: Sequence[Finding]) -> tuple[Answer, ...]:
    """Every verdict on one run, symptoms and circumstances.

    Args:
        measured: The run, whose circumstances are asked for here.
        findings: What every rule answered.
    """
    symptoms = (
        Answer(f.entry.rule.code, f.entry.rule.slug, f.verdict, harmful=f.is_present and f.severity is Severity.HARMFUL)
        for f in findings
    )
    settings = (Answer(c.code, c.slug, verdict, setting=True) for c, verdict in circumstances_of(measured))
    return (*symptoms, *settings)


def concluded(overall: Overall, inference: Inference) -> Overall:
    """The verdict on the run after its causes have spoken.

    Args:
        overall: What the symptoms alone say.
        inference: The causes.
    """
    conclusion = conclude(overall.word, inference)
    if conclusion.word == overall.word:
        return overall
    return Overall(
        conclusion.word, f"{conclusion.because}. By its symptoms alone the run is {overall.word}: {overall.reason}"
    )
