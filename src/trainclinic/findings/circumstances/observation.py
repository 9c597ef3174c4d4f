"""Circumstances of what was observed of a run: who wrote its rows, evaluations, pauses, texts that the model wrote."""

from __future__ import annotations

import numpy as np

from trainclinic.catalogue.circumstance import Circumstance
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Verdict
from trainclinic.catalogue.wording import count, percent
from trainclinic.findings.stated import absent, framework, shown
from trainclinic.signals.measured import Measured
from trainclinic.signals.nan_filter import TRAINER_WORDS, writes_filtered_rows
from trainclinic.signals.planned_pauses import DEAR, INTERVALS, planned_pauses
from trainclinic.signals.throughput import FEWEST_PERIODIC

OTHER_TOOLS = ("nanogpt", "mlx", "megatron", "torchtune", "litgpt", "lightning", "llama.cpp", "keras", "fairseq")
TELLING_ROWS = 3
ROWS_BEFORE_EVALUATION = 10
"""Rows without an evaluation from which none was planned: evaluations are usually ten or more rows apart."""
MISSED_EVALUATIONS = 2.5
"""Intervals without an evaluation before the end of a log that count as stopped, not as not due yet."""


def _trainer_rows(run: Measured) -> Verdict:
    loss = run.record.get("train/loss")
    if loss is None:
        return NotEvaluated("rows of a training log")
    name = f"{run.record.log_format} {framework(run)}"
    tool = run.record.facts.get("framework")
    if tool is not None and any(word in framework(run) for word in OTHER_TOOLS):
        return absent(tool, "it writes rows of its own")
    if writes_filtered_rows(run):
        known = any(word in name for word in TRAINER_WORDS)
        says = (
            "the rows are those of a Hugging Face Trainer" if known else "every row has loss, rate and fractional epoch"
        )
        return Present((Evidence(says, loss.source(0), int(loss.step[0]), "train/loss"),))
    columns = ("train/epoch", "train/learning_rate", "train/grad_norm")
    if run.record.log_format == "console_log" and len(loss) >= TELLING_ROWS and not any(map(run.record.get, columns)):
        says = f"{count(len(loss), 'printed row')} without epoch, learning rate and gradient norm"
        return Absent((Evidence(says, loss.source(0), int(loss.step[0]), "train/loss"),))
    return NotEvaluated("which tool wrote the rows")


def _evaluated(run: Measured) -> Verdict:
    rows = run.eval_loss
    names = [name for name in run.record.series if name.startswith("eval/") and run.record.get(name) is not None]
    if rows is None and names:
        rows = run.record.get(names[0])
    train = run.record.get("train/loss")
    if rows is None or not len(rows):
        due = run.record.facts.number("eval_steps")
        if train is None or len(train) < ROWS_BEFORE_EVALUATION or (due is not None and int(train.step[-1]) < due):
            return NotEvaluated("rows of the log up to the first evaluation")
        says = f"{count(len(train), 'training row')} and no evaluation"
        return Absent((Evidence(says, train.source(-1), int(train.step[-1]), "train/loss"),))
    seen = Evidence(f"{count(len(rows), 'evaluation row')}", rows.source(0), int(rows.step[0]), rows.name)
    gaps = np.diff(np.unique(rows.step))
    if (
        train is not None
        and gaps.size
        and int(train.step.max()) - int(rows.step.max()) > MISSED_EVALUATIONS * gaps.max()
    ):
        last = f"the last evaluation stands at step {int(rows.step.max()):,}, rows go on to {int(train.step.max()):,}"
        return Absent((Evidence(last, rows.source(-1), int(rows.step[-1]), rows.name), seen))
    return Present((seen,))


def _recorded(run: Measured) -> Verdict:
    texts = run.record.generations
    if texts:
        return Present((Evidence(f"{count(len(texts), 'recorded output')}", texts[0].source),))
    if run.train_loss is None:
        return NotEvaluated("texts that the model wrote, or a log beside which they would lie")
    return Absent((Evidence("a log without any text that the model wrote"),))


def _planned_pauses(run: Measured) -> Verdict:
    """Saves leave no row of their own, so that slow windows are unexplained only where their interval is known."""
    speed, facts = run.throughput, run.record.facts
    if speed is None:
        return NotEvaluated("elapsed time or steps per second beside the steps")
    found, paid = speed.periodic, speed.overhead
    if found is None:
        if paid is None or paid.count < FEWEST_PERIODIC or paid.share < DEAR:
            return NotEvaluated("slow windows at equal distances")
        says = f"{count(paid.count, 'slow window')} with an evaluation or a save, {percent(paid.share)} of the time"
        return Present((Evidence(says, None, int(speed.windows.end[speed.windows.overhead][0]), speed.windows.series),))
    slow = Evidence(f"slow windows about every {found.period:,} steps", None, found.steps[0], speed.windows.series)
    explained = planned_pauses(run, speed, found)
    if explained:
        return Present((slow, *(shown(fact) for name in explained if (fact := facts.get(name)) is not None)))
    stated = [fact for name, _ in INTERVALS if (fact := facts.get(name)) is not None]
    if "save_steps" not in facts:
        return NotEvaluated("steps between saves (`save_steps`)")
    return Absent((slow, *(shown(fact) for fact in stated)))


def _crops(run: Measured) -> Verdict:
    place = run.position
    if place is None or place.sampling == "unknown":
        return NotEvaluated("how batches are drawn: an epoch column, or a loop that says it")
    if place.sampling == "random crops":
        rows = run.eval_loss
        source = rows.source(0) if rows is not None and len(rows) else None
        says = "every batch is cropped from the data at random places, and the log has no epochs"
        return Present((Evidence(says, source, None, "eval/loss"),))
    return Absent((Evidence("the log counts epochs: every row is read once in each"),))


CIRCUMSTANCES: tuple[Circumstance[Measured], ...] = (
    Circumstance(
        code="CIR936",
        slug="trainer-log-rows",
        title="The rows were written by a Hugging Face Trainer.",
        matters="Its filter may replace non-finite losses, and its rows are means over windows.",
        needs=("train/loss", "train/epoch", "train/learning_rate", "framework", "log format"),
        check=_trainer_rows,
    ),
    Circumstance(
        code="CIR942",
        slug="uninterrupted-evaluation",
        title="The run was evaluated on held-out data up to its end.",
        matters="An evaluation judges the weights apart from the training rows: normal values clear them.",
        needs=("eval/loss", "train/loss"),
        check=_evaluated,
    ),
    Circumstance(
        code="CIR943",
        slug="recorded-outputs",
        title="Texts that the model wrote lie beside the log.",
        matters="Some faults leave a perfect curve; people who suffer from them bring what the model wrote.",
        needs=("generations", "train/loss"),
        check=_recorded,
    ),
    Circumstance(
        code="CIR944",
        slug="planned-pauses",
        title="Slow windows recur at the steps at which the configuration evaluates or saves.",
        matters="Such pauses take time by plan: they say nothing about the loader, the compiler or the device.",
        needs=("eval_steps", "save_steps", "time/elapsed", "speed/seconds_per_step"),
        check=_planned_pauses,
    ),
    Circumstance(
        code="CIR945",
        slug="random-crops",
        title="Batches are crops from random places of one long text.",
        matters="There is no order of samples then, and no step at which a place in the data is reached.",
        needs=("train/epoch", "sequence_length", "framework"),
        check=_crops,
    ),
)
