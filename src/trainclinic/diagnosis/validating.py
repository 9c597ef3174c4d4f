"""Does a model work? Measure it, judge what was measured and what it wrote, and compare with an earlier time.

It knows the order. Measuring, rules and layout are known by the rooms below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from trainclinic.catalogue.finding import Finding, in_order
from trainclinic.catalogue.verdict import Absent, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, listed, words
from trainclinic.record.parts import Generation
from trainclinic.record.run import RunRecord
from trainclinic.record.source import Source

if TYPE_CHECKING:
    from trainclinic.report.validation.model import ValidationReport
    from trainclinic.retrieval.endpoint import Endpoint
    from trainclinic.signals.generated_text import OutputShape
    from trainclinic.validation.measure import Tell
    from trainclinic.validation.tested import Tested

Word = Literal["pass", "fail", "cannot tell"]
EXIT_CODES: dict[Word, int] = {"pass": 0, "fail": 1, "cannot tell": 3}
FEWEST_ANSWERS = 3
"""Answers below which nothing is said about what a model writes."""
OF_FILES = frozenset({"GEN808"})
"""Symptoms of outputs before and after an export: here the logits of the merged model are compared."""
PAIRED = frozenset({"GEN807"})
"""Symptoms that show in two answers to one question."""
GREEDY_ONLY = frozenset({"GEN803"})
"""Symptoms that greedy decoding brings out in sound models too (Holtzman et al. 2020): drawn answers have to show them
as well."""


@dataclass(frozen=True, eq=False)
class Validation:
    """What a model is worth.

    Attributes:
        tested: What was measured.
        findings: Every rule's answer, present ones first.
        record: The answers as a run would have recorded them.
        shapes: The greedy answers, measured.
        word: The verdict.
        reason: Why, in one sentence.
    """

    tested: Tested
    findings: tuple[Finding, ...]
    record: RunRecord
    shapes: tuple[OutputShape, ...]
    word: Word
    reason: str

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 3 cannot tell."""
        return EXIT_CODES[self.word]

    def report(self, against: Path | None = None) -> ValidationReport:
        """The document.

        Args:
            against: An earlier report in JSON, to compare with.

        Raises:
            TrainclinicError: If it is none.
        """
        from trainclinic.diagnosis.validated import document_of
        from trainclinic.report.validation.comparing import beside

        report = document_of(self.tested, self.findings, self.shapes, self.word, self.reason)
        return beside(report, against) if against is not None else report

    def render(self, form: str = "terminal", *, color: bool = False, width: int = 80) -> str:
        """The report as text.

        Args:
            form: `terminal`, `md`, `html` or `json`.
            color: Whether the terminal form may use colour.
            width: Columns of the terminal form.

        Raises:
            ValueError: If `form` is none of the four.
        """
        from trainclinic.report.validation.render import render

        return render(self.report(), form, color=color, width=width)

    def _repr_html_(self) -> str:
        """The HTML report in a frame of its own, so that its styles leave the notebook alone."""
        from trainclinic.report.html.page import in_frame

        return in_frame(self.render("html"))


def validate(
    model: str | Path,
    *,
    base: str = "",
    data: Sequence[str | Path] = (),
    prompts: Path | None = None,
    template: str = "",
    device: str = "auto",
    dtype: str | None = None,
    depth: str = "usual",
    seed: int = 0,
    pickles: bool = False,
    tell: Tell | None = None,
) -> Validation:
    """Test a model in a folder.

    Args:
        model: Folder of a model or of an adapter.
        base: Its base; for an adapter it is found by itself where it is on this machine.
        data: Held-out rows; by default those that the recipe beside the model holds out.
        prompts: A file with questions; by default those of the held-out rows.
        template: Chat template in place of the tokenizer's: Jinja source, or the name of a public format.
        device: `auto`, `cpu`, `mps` or `cuda`.
        dtype: Number format of the weights; `None` for what suits the device.
        depth: `quick`, `usual` or `full`.
        seed: Decides which rows are taken, and what is drawn by chance.
        pickles: Whether pickled weights are read, as tensors alone.
        tell: Told of the progress.

    Raises:
        TrainclinicError: If it is no model, parts are missing or damaged, or it does not fit into memory.
    """
    from trainclinic.validation.measure import Wanted, measure
    from trainclinic.validation.tested import DEPTHS
    from trainclinic.validation.texts import material_of

    chosen = replace(DEPTHS[depth], seed=seed)
    folder = Path(model).expanduser()
    material = material_of(folder, data, prompts, chosen)
    wanted = Wanted(folder, base, template, device, dtype, chosen, pickles)
    return judged(measure(wanted, material, tell) if tell is not None else measure(wanted, material))


def validate_served(
    endpoint: Endpoint,
    *,
    data: Sequence[str | Path] = (),
    prompts: Path | None = None,
    depth: str = "usual",
    seed: int = 0,
    tell: Tell | None = None,
) -> Validation:
    """Test a model that is served: only what it writes can be looked at.

    Args:
        endpoint: Where it is served.
        data: Held-out rows, whose questions are asked.
        prompts: A file with questions.
        depth: `quick`, `usual` or `full`.
        seed: Decides which rows are taken, and what is drawn by chance.
        tell: Told of the progress.

    Raises:
        TrainclinicError: If nobody answers there.
    """
    from trainclinic.validation.served import measure_served
    from trainclinic.validation.tested import DEPTHS
    from trainclinic.validation.texts import material_of

    chosen = replace(DEPTHS[depth], seed=seed)
    material = material_of(None, data, prompts, chosen)
    return judged(measure_served(endpoint, material, chosen, tell))


def judged(tested: Tested) -> Validation:
    """Judge what was measured.

    Args:
        tested: What was measured.
    """
    from trainclinic.signals.measured import Measured
    from trainclinic.validation.examine import examine

    record = RunRecord(name=tested.name, generations=tuple(_greedy(tested)))
    measured = Measured(record)
    findings = sorted([*examine(tested), *_of_outputs(tested, measured)], key=in_order)
    texts = measured.generated_texts
    word, reason = _verdict(tested, findings)
    return Validation(tested, tuple(findings), record, texts.shapes if texts is not None else (), word, reason)


def _of_outputs(tested: Tested, measured: Any) -> Iterator[Finding]:
    """The rules on recorded outputs, asked of greedy answers first and then of those drawn by chance."""
    from trainclinic.findings.examine import all_rules
    from trainclinic.signals.measured import Measured

    drawn = Measured(RunRecord(name=tested.name, generations=tuple(_drawn(tested))))
    beside = Measured(RunRecord(name=tested.name, generations=tuple(_beside(tested))))
    for entry in all_rules().values():
        if entry.group != "generation" or entry.rule.code in OF_FILES:
            continue
        is_paired = entry.rule.code in PAIRED
        greedy, chance = entry.rule.check(beside if is_paired else measured), entry.rule.check(drawn)
        verdict = _with_need(greedy, tested, is_paired=is_paired)
        if isinstance(chance, Present) and not isinstance(greedy, Present):
            told = tuple(replace(one, says=f"drawn by chance: {one.says}") for one in chance.evidence)
            verdict = replace(chance, evidence=told, severity=Severity.WARNING)
        elif isinstance(greedy, Present) and entry.rule.code in GREEDY_ONLY and not isinstance(chance, Present):
            told_by = (
                "answers drawn by chance do not" if isinstance(chance, Absent) else "no answer was drawn by chance"
            )
            means = f"Greedy decoding shows it, as with many sound models; {told_by}"
            verdict = replace(greedy, severity=Severity.WARNING, means=means)
        yield Finding(entry, verdict)


def _with_need(verdict: Verdict, tested: Tested, *, is_paired: bool) -> Verdict:
    """The verdict; one that lacks answers says what it takes here, where nobody reads a log."""
    if not isinstance(verdict, NotEvaluated):
        return verdict
    if not tested.answers:
        return NotEvaluated(tested.needs("answers", "a question"))
    alone = "the same questions alone and in a batch; `--quick` and `--endpoint` leave that out"
    return NotEvaluated(alone) if is_paired else verdict


def _greedy(tested: Tested) -> Iterator[Generation]:
    """Greedy answers, as a run would have recorded them."""
    for at, one in enumerate(tested.answers):
        place = Source(tested.name, key=f"answers[{at}]")
        yield Generation(one.text, place, one.prompt, one.reference or None, one.new_tokens, stopped=one.stopped)


def _beside(tested: Tested) -> Iterator[Generation]:
    """Greedy answers in their batch, and to the same questions alone."""
    for at, one in enumerate(tested.answers):
        if one.alone is not None:
            place = Source(tested.name, key=f"answers[{at}]")
            yield Generation(one.text, place, one.prompt, label=f"batch {len(tested.answers)}")
            yield Generation(one.alone, place, one.prompt, label="batch 1")


def _drawn(tested: Tested) -> Iterator[Generation]:
    for at, one in enumerate(tested.answers):
        if one.sampled is not None:
            place = Source(tested.name, key=f"sampled[{at}]")
            yield Generation(one.sampled, place, one.prompt, one.reference or None)


def _verdict(tested: Tested, findings: Sequence[Finding]) -> tuple[Word, str]:
    harmful = [one for one in findings if one.is_present and one.severity is Severity.HARMFUL]
    if harmful:
        names = listed([words(one.entry.rule.slug) for one in harmful[:3]])
        more = f" and {len(harmful) - 3} more" if len(harmful) > 3 else ""
        return "fail", f"{names}{more}"
    made = sum(not isinstance(one.verdict, NotEvaluated) for one in findings)
    if len(tested.answers) < FEWEST_ANSWERS:
        needed = tested.needs("answers", f"at least {FEWEST_ANSWERS} questions")
        return "cannot tell", f"nothing harmful in {count(made, 'check')}, but the model wrote too little: {needed}"
    doubts = [one for one in findings if one.is_present and one.severity is Severity.WARNING]
    worth = f", {count(len(doubts), 'finding')} worth a look" if doubts else ""
    open_ = "" if tested.own is not None else "; its loss was not measured, which takes held-out rows (`--data`)"
    if tested.kind == "endpoint":
        open_ = "; only its texts could be looked at"
    return "pass", f"{count(made, 'check')} found nothing harmful{worth}{open_}"
