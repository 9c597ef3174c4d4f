"""A failing model with everything a report can show, one that works, one that was hardly looked at, and a hostile one."""

from __future__ import annotations

from trainclinic.report.model import AbsentEntry, FindingEntry, Item, NotEvaluatedEntry, Observation, Warned
from trainclinic.report.validation.model import Measure, Piece, SampleEntry, ValidationReport

HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e`</code>``` | ![x](http://x.example/y.png)"


def finding(code: str, slug: str, severity: str, says: str) -> FindingEntry:
    """A symptom with a second observation."""
    seen = (Observation(says), Observation("an example of it", "models/tuned", key="answers[1]"))
    return FindingEntry(
        code=code,
        slug=slug,
        title="A symptom of a model",
        group="losses",
        severity=severity,  # type: ignore[arg-type]
        says=says,
        evidence=seen,
        means="Nothing ends an answer but the limit.",
        does_not_mean="It is not about the data.",
        check="python -c 'print(1)'",
        settle="the label of the end token in a training row",
    )


SAMPLES = (
    SampleEntry(
        question="What colour is the door?",
        reference="It is red.",
        base="The door stands by the gate.",
        answer=(Piece("It is red. It is "), Piece("red. It is red. It is red.", "repeated")),
        sampled="It is crimson.",
        remarks=("repeats `It is red.` 4 times", "does not end: the token limit cut it off"),
    ),
    SampleEntry(
        question="Which colour\nhas the jar?",
        reference="It is blue.",
        base="",
        answer=(Piece("It is blue.\n"), Piece("<|user|>\nAnd the hat?", "turn")),
        sampled=None,
        remarks=("speaks for another: `<|user|>`",),
    ),
    SampleEntry(
        question="The pen?",
        reference="",
        base=None,
        answer=(Piece("It is "), Piece("<pad>", "reserved"), Piece(" black.")),
        sampled="",
        remarks=("writes `<pad>`",),
    ),
    SampleEntry("The egg?", "It is white.", "An egg.", (), None, ("empty after 1 token",)),
    SampleEntry("The hat?", "It is green.", "A hat.", (Piece("It is green."),), "It is green.", ()),
)


def failing() -> ValidationReport:
    """A model with every kind of trouble, compared with an earlier time."""
    return ValidationReport(
        title="models/tuned",
        verdict="fail",
        reason="improbable end token and endless generation",
        findings=(
            finding("VAL104", "improbable-end-token", "harmful", "`</s>` has a probability of 0.001 (median)"),
            finding("GEN802", "endless-generation", "warning", "no stop in 3 of 5 outputs"),
        ),
        absent=(AbsentEntry("VAL001", "non-finite-model-weights", "Weights are NaN", "weights",
                            (Observation("all 131,008 values are finite"),)),),
        not_evaluated=(NotEvaluatedEntry("VAL106", "logits-changed-by-merging", "Merging changes it", "losses",
                                         "an adapter"),),
        measures=(
            Measure("loss of held-out answers", 0.5123, "nats/token", "lower", 0.05, 3.9877, 0.2011),
            Measure("probability of the end behind an answer", 0.001, "", "higher", 0.15, None, 0.93),
            Measure("chrF", 0.8125, "", "higher", 0.1, 0.25, 0.84),
        ),
        samples=SAMPLES,
        settings=(
            Item("kind", "model"),
            Item("base", "models/base"),
            Item("held-out rows", "16 rows with 80 answer tokens, held-out.jsonl"),
            Item("seed", 7),
            Item("ran on", "cpu, float32"),
        ),
        regressions=("loss of held-out answers was 0.201 and is 0.512", "`improbable-end-token` is there and was not"),
        against="earlier.json",
        warnings=(Warned("the earlier report was made with another depth: numbers may differ by that alone"),),
    )  # fmt: skip


def working() -> ValidationReport:
    """A model that works, without a base and without an earlier time."""
    return ValidationReport(
        title="models/good",
        verdict="pass",
        reason="22 checks found nothing harmful",
        findings=(),
        absent=(AbsentEntry("VAL001", "non-finite-model-weights", "Weights are NaN", "weights"),),
        not_evaluated=(),
        measures=(Measure("answers that end by themselves", 1.0, "", "higher", 0.1),),
        samples=(SampleEntry("The hat?", "", None, (Piece("It is green."),), None, ()),),
        settings=(Item("kind", "model"), Item("seed", 0)),
    )


def unseen() -> ValidationReport:
    """A model that wrote nothing and whose losses were not measured."""
    return ValidationReport(
        title="models/short",
        verdict="cannot tell",
        reason="nothing harmful in 4 checks, but the model wrote too little: at least 3 questions",
        findings=(),
        absent=(),
        not_evaluated=(
            NotEvaluatedEntry(
                "VAL102", "held-out-loss-above-base", "It predicts worse", "losses", "the base (`--base`)"
            ),
        ),
        measures=(),
        samples=(),
        settings=(Item("kind", "model"), Item("longest answer", 128, "tokens")),
    )


def hostile() -> ValidationReport:
    """Texts that try to be commands of a terminal or of a page."""
    answer = (Piece(HOSTILE), Piece(HOSTILE, "turn"))
    return ValidationReport(
        title=HOSTILE,
        verdict="fail",
        reason=HOSTILE,
        findings=(finding("VAL201", "prompt-echo", "harmful", HOSTILE),),
        absent=(),
        not_evaluated=(),
        measures=(Measure(HOSTILE, float("nan"), HOSTILE, "lower", 0.1, float("inf"), 0.0),),
        samples=(SampleEntry(HOSTILE, HOSTILE, HOSTILE, answer, HOSTILE, (HOSTILE,)),),
        settings=(Item(HOSTILE, HOSTILE, note=HOSTILE),),
        regressions=(HOSTILE,),
        against=HOSTILE,
        warnings=(Warned(HOSTILE),),
    )


REPORTS = {"failing": failing, "working": working, "unseen": unseen, "hostile": hostile}
