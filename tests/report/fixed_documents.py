"""Documents written by hand, every section filled: what renderers are tested on, whatever signals and rules say."""

from __future__ import annotations

import dataclasses
import math

from trainclinic.report.cause_entries import CauseEntry, CauseEvidence, NextTestEntry, RuledOutEntry
from trainclinic.report.chart import Chart, Curve, Gap, Mark, Panel
from trainclinic.report.model import (
    AbsentEntry,
    AtEvent,
    CheckpointEntry,
    Checkpoints,
    Document,
    FindingEntry,
    Identity,
    Item,
    NotEvaluatedEntry,
    Observation,
    Passage,
    Speed,
    SpeedSpan,
    TimelineRow,
    Warned,
)

LOG = "training.log"
EVALUATED = (0.0, 500.0, 1000.0, 1500.0, 2000.0, 2500.0)
TRAIN = (9.2270, 6.9544, 6.5811, 6.6511, 9.5846, 6.6424)
HELD_OUT = (9.2680, 7.1291, 6.7096, 6.7427, 9.6169, 6.7105)
RATES = (2e-6, 2e-5, 1.95e-5, 1.79e-5, 1.55e-5, 1.26e-5)

PAGES = {
    "means": "A pretrained GPT-2 starts near 3.6 on English text.",
    "does_not_mean": "It does not say that the learning rate is too low.\n\n- nor that the batch is too small\n- nor the block",
    "check": "Compare `CE(logits[:, :-k], ids[:, k:])` for k = 0 to 3.",
}


def spike() -> Document:
    """The second founding run with its excursion at step 2000."""
    first = FindingEntry(
        code="LOS201", slug="initial-loss-above-uniform", title="The first loss is above that of guessing", group="loss",
        severity="harmful", says="first loss 9.227 nats/token at step 0",
        evidence=(Observation("first loss 9.227 nats/token at step 0", LOG, 29, "", 0, "train/loss"),),
        settle="one forward pass with the label-offset test", **PAGES,
    )  # fmt: skip
    second = FindingEntry(
        code="LOS205", slug="loss-spike", title="The loss leaves its band", group="loss", severity="warning",
        says="evaluation loss 9.617 at step 2,000, robust z 98",
        evidence=(
            Observation("evaluation loss 9.617 at step 2,000, robust z 98", LOG, 113, "", 2000, "eval/loss"),
            Observation("training loss 9.585 moved with it", LOG, 113, "", 2000, "train/loss"),
        ),
        settle="Evaluate checkpoint 2000 again: about 6.6 is an artefact, about 9.6 is true", **PAGES,
    )  # fmt: skip
    third = FindingEntry(
        code="SPD401", slug="time-gap", title="Time passes without steps", group="speed", severity="note",
        says="1,418 s without progress between steps 2,325 and 2,375",
        evidence=(Observation("1,418 s lost at step 2,350", LOG, 128, "", 2350, "time/elapsed"),), **PAGES,
    )  # fmt: skip
    early = FindingEntry(
        code="NUM119", slug="wrong-value-before-first-update", title="A wrong value stands before the first update",
        group="numerics", severity="note", says="first loss 9.227 nats/token at step 0",
        evidence=(Observation("first loss 9.227 nats/token at step 0", LOG, 29, "", 0, "train/loss"),), aside=True, **PAGES,
    )  # fmt: skip
    return Document(
        run=Identity(
            name="report-b", files=(LOG,), log_format="stdout", model="gpt2, 127 M parameters",
            method="lora, rank 16, alpha 32", device="mps", first_step=0, last_step=2500, planned_steps=5000, rows=118,
            seconds=4046.9,
        ),
        verdict="sick",
        reason="1 harmful finding: initial-loss-above-uniform",
        summary="`gpt2` with LoRA: the log covers steps 0 to 2,500 of 5,000 planned. Training loss went from 9.227 to 6.642.",
        findings=(first, second, third, early),
        absent=(AbsentEntry("EVA502", "rising-eval-loss", "The evaluation loss rises", "evaluation", (Observation("gap 1.0 %"),)),),
        not_evaluated=(
            NotEvaluatedEntry("NUM102", "nan-gradient-norm", "The gradient norm is NaN", "numerics", "`train/grad_norm`"),
            NotEvaluatedEntry("NUM107", "gradient-norm-growth", "The norm grows", "numerics", "`train/grad_norm`"),
        ),
        timeline=_timeline(),
        at_events=(
            AtEvent(2000, "loss spike", "LOS205", (
                Item("learning rate", 1.55e-5, "", LOG, 113),
                Item("token positions seen", 4_096_000.0, note="at most"),
                Item("place in the data", "batches are random crops, so no region belongs to step 2000"),
            )),
        ),
        speed=Speed(
            ("Gaps in time left out, the run made 0.988 steps/s.", "23.6 min were lost in 1 gap in time."),
            1.012, 1418.0, (SpeedSpan(2325, 2375, "gap in time", 0.034, 1468.0, 1418.0),),
        ),
        generalisation=Passage(("The evaluation loss holds its level: no overfitting.",), (Item("gap at the last", 0.0681),)),
        checkpoints=Checkpoints(
            CheckpointEntry(1000, "checkpoints/step001000.pt", "lowest evaluation loss, 6.710", exists=False),
            (1500, 2500), (CheckpointEntry(2000, "checkpoints/step002000.pt", "saved during the excursion", exists=False),), 5,
        ),
        expectation=Passage(("Fine-tuning of GPT-2 starts between 2.8 and 5.4 nats/token.",), (Item("expected first loss", "2.8 – 5.4", note="nanoGPT README"),)),
        facts=(Item("learning rate", 2e-5, "", LOG, 12), Item("fp16", False, "", "config.json", None, "fp16"), Item("seed", None)),
        warnings=(Warned("truncated last line", LOG, 140, 2),),
        causes=(shifted(), CauseEntry("unknown", "Cause not decided by the evidence", "undetermined", 0.11), crashing()),
        ruled_out=(
            RuledOutEntry(
                "learning-rate-too-high", "Learning rate too high",
                "loss is 9.227 at step 0: no update has been made by then", "NUM119", LOG, 29, 0,
            ),
            RuledOutEntry("overfitting", "Overfitting", "no rising evaluation loss (gap 1.0 %): it would be expected, because rows are learned by heart"),
        ),
        next_tests=(
            NextTestEntry(
                "label-shift", "Is the loss of the training path the loss at one token ahead?",
                "for k in range(4):\n    print(k, loss(logits[:, : n - k], ids[:, k:]))  # `k = 1` is right", "run", "2 min",
                2.0, 0.41, ("Labels shifted twice", "Base weights empty, random or wrong"),
                yes=("Base weights empty, random or wrong",), no=("Labels shifted twice",),
            ),
            NextTestEntry(
                "gradient-norm-growth", "Does the run show gradient norm growth?", "Log or pass `train/grad_norm`, then diagnose again", "log",
                "15 min", 15.0, 0.2, (), ("Labels shifted twice",),
            ),
        ),
        stuck=Passage(
            ("The loss lies at 6.642 from step 1,000 to 2,500.", "The gap to an intact model is 3.04."),
            (Item("guessing every token alike", 10.825, note="4.2 below it"), Item("level", 6.642)),
        ),
        chart=_chart(),
    )  # fmt: skip


def shifted(probability: float = 0.8) -> CauseEntry:
    """A cause with evidence on both sides."""
    first = CauseEvidence(
        "LOS201", "initial-loss-above-uniform", "present", "strong", "first loss 9.227 nats/token at step 0",
        "the targets are one token too far, so the first loss lies above unigram entropy", LOG, 29, "", 0,
    )  # fmt: skip
    against = CauseEvidence(
        "GEN804", "garbled-generation", "absent", "moderate", "12 of 12 outputs are sentences",
        "it would be expected, because the model learns the word after next", "generations.txt", 1,
    )  # fmt: skip
    return CauseEntry(
        "double-label-shift", "Labels shifted twice", "loss-definition", probability,
        "Targets that were moved already are moved once more", (first,), (against,),
        "Compute the loss at label offsets 0 to 3 on one batch", "a model or learning rate that is too small",
    )  # fmt: skip


def crashing() -> CauseEntry:
    """An unlikely cause, with evidence that has no reason and no place."""
    slow = CauseEvidence("SPD401", "time-gap", "present", "weak", "1,418 s lost", "")
    gap = CauseEvidence(
        "NUM101", "nan-loss", "absent", "weak", "no NaN loss", "it would be expected, because it overflows"
    )
    return CauseEntry(
        "mps-instability", "Wrong numbers from an Apple MPS operator", "kernels-and-backends", 0.04, "An operator is wrong",
        (slow,), (gap,), "Compute one batch on the CPU", "broken hardware",
    )  # fmt: skip


def undecided() -> Document:
    """A sick run whose evidence fits two causes of one family, neither well."""
    other = dataclasses.replace(shifted(0.3), slug="missing-label-shift", title="Labels not shifted at all")
    return dataclasses.replace(spike(), causes=(shifted(0.38), other, crashing()))


def quiet() -> Document:
    """A healthy run with its explanation."""
    convergence = CauseEntry(
        "normal-convergence", "Ordinary convergence", "healthy-explanation", 0.8, "The loss falls as this recipe lets it",
        (CauseEvidence("LOS214", "loss-still-falling", "present", "weak", "the loss still falls", "it learns"),), (),
        "Nothing: compare with another run", "a plateau",
    )  # fmt: skip
    tests = (NextTestEntry("same-batch-on-cpu", "Is it the same on the CPU?", "model.cpu()", "run", "3 min", 3.0, 0.1),)
    return dataclasses.replace(healthy(), causes=(convergence, crashing()), next_tests=tests)


def _timeline() -> tuple[TimelineRow, ...]:
    words = (
        "initial loss above uniform",
        "falling",
        "falling; lowest evaluation",
        "level",
        "loss spike",
        "back to the level of step 1,500",
    )
    rows = []
    for index, step in enumerate(EVALUATED):
        before = index - 1
        rows.append(TimelineRow(
            int(step), TRAIN[index], TRAIN[index] - TRAIN[before] if index else None, HELD_OUT[index],
            HELD_OUT[index] - HELD_OUT[before] if index else None, None, RATES[index], 0.9 if index else None, words[index],
            {0: "harmful", 4: "warning"}.get(index), ("LOS205",) if index == 4 else (), LOG, 29 + 21 * index,
        ))  # fmt: skip
    return tuple(rows)


def _chart() -> Chart:
    speeds = tuple(float(step) for step in range(0, 2525, 25))
    return Chart("step", 0.0, 2500.0, (
        Panel("loss", "Loss", "nats/token", "linear", (
            Curve("train/loss", "train", "train", EVALUATED, TRAIN, dots=True),
            Curve("eval/loss", "evaluation", "eval", EVALUATED, HELD_OUT, dots=True),
        )),
        Panel("grad_norm", "Gradient norm", "", "log", (
            Curve("train/grad_norm", "gradient norm", "train", EVALUATED, (1.0, 0.5, math.nan, math.nan, 20.0, 0.4), dots=True),
        ), (Gap(1000.0, 1500.0, "NaN"),)),
        Panel("learning_rate", "Learning rate", "", "linear", (
            Curve("train/learning_rate", "learning rate", "train", EVALUATED, RATES, dots=True),
        )),
        Panel("speed", "Instantaneous speed", "steps/s", "linear", (
            Curve("speed", "between rows", "train", speeds, tuple(0.03 if 2325 < s <= 2375 else 1.0 for s in speeds)),
        )),
    ), (
        Mark(0.0, "loss", 1, "LOS201", "harmful", "LOS201 initial loss above uniform: first loss 9.227", "train/loss"),
        Mark(2000.0, "loss", 2, "LOS205", "warning", "LOS205 loss spike: evaluation loss 9.617", "eval/loss"),
        Mark(2350.0, "speed", 3, "SPD401", "note", "SPD401 time gap: 1,418 s lost", "time/elapsed"),
    ))  # fmt: skip


def healthy() -> Document:
    """A run with nothing to say: most sections are empty and must leave no trace."""
    curve = Curve("train/loss", "train", "train", (1.0, 2.0, 3.0), (3.0, 2.0, 1.5), dots=True)
    return Document(
        run=Identity(name="fine", files=("metrics.csv",), log_format="csv", first_step=1, last_step=3, rows=3),
        verdict="healthy",
        reason="no harmful or doubtful symptom in 3 training-loss rows",
        summary="The log covers steps 1 to 3. Nothing in these files speaks against the result.",
        chart=Chart("step", 1.0, 3.0, (Panel("loss", "Loss", "nats/token", "linear", (curve,)),)),
    )


def empty() -> Document:
    """A run of which nothing could be drawn or judged, with numbers that JSON cannot hold."""
    row = TimelineRow(10, math.nan, math.inf, -math.inf, None, status="not a number")
    return Document(
        run=Identity(name="nothing", axis="epoch", last_step=10),
        verdict="undetermined",
        reason="only 0 finite training-loss rows to judge by",
        summary="The files hold no usable values.",
        timeline=(row,),
        facts=(Item("learning rate", math.inf),),
    )
