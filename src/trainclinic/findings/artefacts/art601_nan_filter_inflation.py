"""A logged loss is inflated by the filter of non-finite losses, and inverts to a plausible value.

## What it sees
A row far above any plausible loss whose next row is exactly 0 or whose gradient norm is NaN, and for which some number
of finite micro-batches gives a plausible mean loss under the formula of the Hugging Face Trainer's
`logging_nan_inf_filter` (on by default). Every solution that fits is named with its assumption: the accumulation comes
from the run's own settings, or is left open; the window is the distance to the row before.

## Why it matters
The giant number never was a loss. Read as one, it sends people to the data format, the learning rate or the batch size.
What did happen is that values became non-finite at the step that the inversion names.

## What it does not mean
It does not mean that the first loss was too high, that gradients exploded, or that the prompt format is wrong; and the
zeros after it do not mean that the model learned to output nothing. A real explosion can log alike when finite but
rising losses and gradient norms came first: such a run is not reported here.

## Example
Ten steps with 8 micro-batches each, NaN from step 3 on, log `{"step": 10, "loss": 14577.9766, "grad_norm": NaN}` and
then `{"step": 20, "loss": 0.0, "grad_norm": NaN}`; the mean loss of steps 1 and 2 was 2.231.

## Check it by hand
If m whole steps of N are finite and GA is the accumulation: loss = logged x N / m x ((m + 1) / (N + 1)) ** GA.
Or repeat the first N steps with `logging_nan_inf_filter=False` and `logging_steps=1`.

## References
- https://github.com/huggingface/transformers/blob/main/src/transformers/trainer.py (`logging_nan_inf_filter`)
- https://github.com/huggingface/transformers/issues/13758
- https://github.com/huggingface/trl/issues/6702
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.signals.measured import Measured
from trainclinic.signals.nan_filter import GIANT

if TYPE_CHECKING:
    from trainclinic.record.source import Source
    from trainclinic.signals.nan_filter import FilteredWindow

SHOWN, SHOWN_OF_ANY = 10, 4
"""Solutions that are spelled out, fewer where no setting is known; the rest is counted."""


def check(run: Measured) -> Verdict:
    """Look for rows that the filter inflated."""
    found = run.nan_filter
    if found is None:
        return NotEvaluated(missing="`train/loss`")
    if found.ruled_out:
        return Absent((Evidence(found.ruled_out),))
    windows = [window for window in found.windows if window.kind != "dip"]
    if not windows:
        return Absent((Evidence("no giant row stands before exact zeros or beside a NaN gradient norm"),))
    first = windows[0]
    lasting = any(window.kind == "giant" for window in windows)
    return Present(
        tuple(evidence for window in windows[:3] for evidence in _evidence(window, found.loss.source(window.row))),
        means=_means(first),
        settle=f"the first {_steps(first)} again with `logging_nan_inf_filter=False` and "
        "`logging_steps=1`" + ("" if first.accumulation else "; or the script's `gradient_accumulation_steps`"),
        severity=None if lasting else Severity.WARNING,
    )


def _evidence(window: FilteredWindow, source: Source) -> list[Evidence]:
    """The row with what it inverts to, then the other solutions."""
    seen = f"loss {window.logged:,.10g} at step {window.step}"
    best = window.best
    if best is None:
        says = f"{seen} fits the filter of non-finite losses: {_list(window, whole=True) or _list(window, whole=False)}"
        return [Evidence(says, source, window.step, "train/loss")]
    says = (
        f"{seen} is a mean loss of {number(best.mean_loss)} over {_micro_batches(best.finite)}, then NaN from "
        f"step {window.onset(best)} on (row of {best.interval} steps, accumulation {best.accumulation})"
    )
    others = _list(window, whole=False)
    more = [Evidence(f"also possible, if the first NaN fell inside a step: {others}", source, window.step)]
    return [Evidence(says, source, window.step, "train/loss"), *(more if others else [])]


def _list(window: FilteredWindow, *, whole: bool) -> str:
    """Solutions in words: `mean loss 1.133 (14 finite micro-batches, NaN in step 2)`, or an empty text."""
    rows = [s for s in window.solutions if s.whole_steps is whole and s is not window.best]
    open_interval, open_count = window.interval is None, window.accumulation is None
    told, shown = [], SHOWN_OF_ANY if open_interval and open_count else SHOWN
    for s in rows[:shown]:
        assumed = [f"accumulation {s.accumulation}"] if open_count else []
        assumed += [] if s.whole_steps else [_micro_batches(s.finite)]
        assumed += [f"{s.interval} steps a row"] if open_interval else [f"NaN in step {window.onset(s)}"]
        told.append(f"mean loss {number(s.mean_loss)} ({', '.join(assumed)})")
    more = len(rows) - len(told)
    return ", ".join(told) + (f", and {more} more" if more else "")


def _micro_batches(finite: int) -> str:
    return "1 finite micro-batch" if finite == 1 else f"{finite:,} finite micro-batches"


def _steps(window: FilteredWindow) -> str:
    steps = window.begins + (window.interval or 10)
    return "step" if steps == 1 else f"{steps:,} steps"


def _means(window: FilteredWindow) -> str:
    band = f"{number(window.band.low, 2)}-{number(window.band.high, 2)} ({window.band.source})"
    zeros = " The exact zeros after it are windows without one finite micro-batch." if window.zero_follows else ""
    best = window.best
    true = f"The true mean loss was {number(best.mean_loss)}, inside {band}." if best else f"Plausible means: {band}."
    rival = " A real explosion logs alike when finite, rising losses came first; no row before it shows any."
    return f"This number was never a loss. {true}{zeros}{rival}"


RULE = Rule(
    code="ART601",
    slug="nan-filter-inflation",
    severity=Severity.HARMFUL,
    needs=("train/loss", "train/grad_norm", "accumulation_steps", "logging_steps"),
    check=check,
    thresholds=(
        Threshold(
            "inflated row over the rows before it",
            GIANT,
            "1",
            "a window mean over many micro-batches does not triple from one hard batch; without rows before it, the "
            "value must lie above every plausible start of such training",
        ),
    ),
)
