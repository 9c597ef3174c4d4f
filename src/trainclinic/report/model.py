"""The document: everything a report says about one run, as plain values that every format renders.

A document holds text, numbers and nothing else: no numpy, no record, no rule. Field names are the keys of the JSON
report, so this file is also its shape. A section that has nothing to say is `None` or empty, and no format prints it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trainclinic.report.cause_entries import CauseEntry, NextTestEntry, RuledOutEntry
from trainclinic.report.chart import Chart

VerdictWord = Literal["healthy", "sick", "undetermined"]
SeverityWord = Literal["note", "warning", "harmful"]
FixGroup = Literal["now", "precaution", "later", "if"]
Scalar = float | int | str | bool | None


@dataclass(frozen=True, slots=True)
class Item:
    """One labelled value.

    Attributes:
        label: What it is, in words.
        value: The value; text where a number would say less.
        unit: Unit of a number; empty for text.
        path: File it was read from; `None` for computed values.
        line: Line in that file.
        key: Key or column inside the file.
        note: How we know it when it was not simply read, e.g. `inferred from the logged learning rates`.
    """

    label: str
    value: Scalar
    unit: str = ""
    path: str | None = None
    line: int | None = None
    key: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """One piece of evidence, with the place it was read and the step it belongs to."""

    says: str
    path: str | None = None
    line: int | None = None
    key: str = ""
    step: int | None = None
    series: str = ""


@dataclass(frozen=True, slots=True)
class FindingEntry:
    """A symptom that is there: seen, means, does not mean, check it, settle.

    Attributes:
        code: Code of the rule.
        slug: Noun phrase after "this run shows".
        title: One sentence: what the rule sees.
        group: What was examined, e.g. `loss`.
        severity: Harm if true.
        says: The most telling observation.
        evidence: All observations, the most telling first.
        means: What it means in this run.
        does_not_mean: What must not be concluded from it.
        check: How to check it by hand.
        settle: What would decide what is open about it; may be empty.
        aside: Whether it only says more of another finding, or of what is ordinary: a line for people, not an entry.
    """

    code: str
    slug: str
    title: str
    group: str
    severity: SeverityWord
    says: str
    evidence: tuple[Observation, ...]
    means: str
    does_not_mean: str
    check: str
    settle: str = ""
    aside: bool = False


@dataclass(frozen=True, slots=True)
class AbsentEntry:
    """A symptom that was looked for and is not there."""

    code: str
    slug: str
    title: str
    group: str
    evidence: tuple[Observation, ...] = ()


@dataclass(frozen=True, slots=True)
class NotEvaluatedEntry:
    """A symptom that could not be looked for, and what would make it visible."""

    code: str
    slug: str
    title: str
    group: str
    missing: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Which run this is.

    Attributes:
        name: Short name.
        files: Files it was read from.
        log_format: Reader that delivered the series.
        axis: What the steps of this report count: `step`, `epoch` or `row`.
        model: Model as the files name it.
        method: How it was trained, in words, e.g. `lora, rank 16, alpha 32`.
        device: Where it ran, and in which precision.
        last_step: Last logged step.
        planned_steps: Steps the run was meant to take.
        first_step: First logged step.
        rows: Logged values over all series.
        seconds: Wall time the log covers.
    """

    name: str
    files: tuple[str, ...] = ()
    log_format: str = ""
    axis: Literal["step", "epoch", "row"] = "step"
    model: str = ""
    method: str = ""
    device: str = ""
    first_step: int | None = None
    last_step: int | None = None
    planned_steps: int | None = None
    rows: int = 0
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One line of the timeline. A change is against the previous shown row that has the value."""

    step: int
    train_loss: float | None = None
    train_change: float | None = None
    eval_loss: float | None = None
    eval_change: float | None = None
    grad_norm: float | None = None
    learning_rate: float | None = None
    steps_per_second: float | None = None
    status: str = ""
    severity: SeverityWord | None = None
    codes: tuple[str, ...] = ()
    path: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class AtEvent:
    """What was configured and where the data stood when something happened."""

    step: int
    title: str
    code: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class SpeedSpan:
    """Steps over which the run had one speed, or stood still."""

    first_step: int
    last_step: int
    kind: str
    steps_per_second: float | None = None
    seconds: float | None = None
    lost_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Speed:
    """Throughput and what was lost: sentences first, then the spans they come from."""

    says: tuple[str, ...]
    typical_steps_per_second: float | None = None
    lost_seconds: float = 0.0
    spans: tuple[SpeedSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """Sentences about one thing that was measured, and the numbers behind them."""

    says: tuple[str, ...]
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckpointEntry:
    """Saved weights and what speaks for or against them; `path` is empty when none is known for that step."""

    step: int
    path: str
    reason: str
    exists: bool | None = None


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Which saved weights to keep: `best` by the noise band of the evaluation, `suspect` with the reason."""

    best: CheckpointEntry | None = None
    equally_good: tuple[int, ...] = ()
    suspect: tuple[CheckpointEntry, ...] = ()
    known: int = 0


@dataclass(frozen=True, slots=True)
class Warned:
    """Damage that was met while reading, counted."""

    says: str
    path: str | None = None
    line: int | None = None
    count: int = 1


@dataclass(frozen=True, slots=True)
class FixEntry:
    """Something to change, which causes it treats, and what to expect if it was right.

    Attributes:
        slug: Imperative, e.g. `append-end-token`.
        priority: 1 for the first thing to do.
        treats: Slugs of the causes of this run that it acts on, the most probable first.
        change: What to do, concretely.
        expect: What is seen when it was right, with numbers.
        title: The slug as a sentence.
        group: To be done `now`, as a `precaution` that costs nothing, `later`, or only `if` a test points there.
        why: How it acts on the first cause, as a clause after "because".
        check: How to check that it worked.
        restart: What training goes on from afterwards.
        worth: Probability of what it treats times the share of such runs that work after it.
        minutes: Working time that it takes.
        against: Titles of the causes.
    """

    slug: str
    priority: int
    treats: tuple[str, ...]
    change: str
    expect: str
    title: str = ""
    group: FixGroup = "now"
    why: str = ""
    check: str = ""
    restart: str = ""
    worth: float = 0.0
    minutes: float = 0.0
    against: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """The report on one run.

    Attributes:
        run: Which run.
        verdict: One word.
        reason: Why that word.
        summary: One paragraph in plain words.
        findings: Symptoms that are there, the most harmful first, asides last.
        absent: Symptoms that were looked for and are not there.
        not_evaluated: Symptoms that could not be looked for.
        timeline: Chosen rows of the run.
        at_events: Configuration when the most telling things happened.
        speed: Throughput.
        schedule: The learning-rate schedule behind the logged rates, and the arithmetic that follows from it.
        generalisation: Training against evaluation.
        checkpoints: Which saved weights to keep.
        expectation: What a healthy run of this kind looks like.
        facts: The run's configuration, with sources.
        warnings: What could not be read.
        causes: Possible causes by probability, an unlisted one among them; empty when none were inferred.
        ruled_out: Popular explanations that the evidence refutes.
        next_tests: What would decide between the causes, the best for its cost first.
        stuck: Why the loss stays where it is, in numbers; only for a run that got stuck.
        fixes: What to change.
        chart: Curves and marks for formats that draw.
    """

    run: Identity
    verdict: VerdictWord
    reason: str
    summary: str
    findings: tuple[FindingEntry, ...] = ()
    absent: tuple[AbsentEntry, ...] = ()
    not_evaluated: tuple[NotEvaluatedEntry, ...] = ()
    timeline: tuple[TimelineRow, ...] = ()
    at_events: tuple[AtEvent, ...] = ()
    speed: Speed | None = None
    schedule: Passage | None = None
    generalisation: Passage | None = None
    checkpoints: Checkpoints | None = None
    expectation: Passage | None = None
    facts: tuple[Item, ...] = ()
    warnings: tuple[Warned, ...] = ()
    causes: tuple[CauseEntry, ...] = ()
    ruled_out: tuple[RuledOutEntry, ...] = ()
    next_tests: tuple[NextTestEntry, ...] = ()
    stuck: Passage | None = None
    fixes: tuple[FixEntry, ...] = ()
    chart: Chart | None = None

    @property
    def told(self) -> tuple[FindingEntry, ...]:
        """The findings that are an entry of their own, in the order of their numbers."""
        return tuple(finding for finding in self.findings if not finding.aside)

    @property
    def asides(self) -> tuple[FindingEntry, ...]:
        """The findings that are only noted."""
        return tuple(finding for finding in self.findings if finding.aside)
