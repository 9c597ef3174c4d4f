"""Which saved weights to keep, by the noise band of the evaluation, and which to distrust, with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.wording import number
from trainclinic.report.model import CheckpointEntry, Checkpoints, VerdictWord

if TYPE_CHECKING:
    from trainclinic.signals.checkpoint_quality import CheckpointQuality, JudgedCheckpoint
    from trainclinic.signals.measured import Measured

_BASES = {"eval/loss": "evaluation loss", "train/loss": "training loss"}


def checkpoints(measured: Measured, verdict: VerdictWord) -> Checkpoints | None:
    """The best checkpoint, those as good as it, and the suspect ones; `None` when nothing was saved or evaluated."""
    found = measured.checkpoint_quality
    if found is None:
        return None
    best = found.best
    suspect = tuple(CheckpointEntry(one.step, one.path, one.suspect, one.exists) for one in found.suspects)
    if best is None and not suspect:
        return None
    entry = (
        None
        if best is None
        else CheckpointEntry(best.step, best.path, _why(measured, found, best, verdict), best.exists)
    )
    return Checkpoints(
        best=entry,
        equally_good=tuple(step for step in found.equivalent if best is None or step != best.step),
        suspect=suspect,
        known=len(measured.record.checkpoints),
    )


def _lowest(measured: Measured, found: CheckpointQuality, best: JudgedCheckpoint, loss: float) -> str:
    """What the choice rests on, and where that was measured when it was not at the checkpoint itself."""
    among = sum(1 for one in found.judged if one.loss is not None)
    rows = measured.eval_rows if found.basis == "eval/loss" else measured.loss_rows
    where = ""
    if rows is not None and best.step not in rows.step:
        near = int(rows.step[int(abs(rows.step - best.step).argmin())])
        where = f" at step {near:,}, the nearest one logged"
    if among == 1:
        return f"the only one that could be judged: {_BASES[found.basis]} {number(loss)}{where}"
    return f"lowest {_BASES[found.basis]}, {number(loss)}{where}, of {among:,} steps that could be judged"


def _why(measured: Measured, found: CheckpointQuality, best: JudgedCheckpoint, verdict: VerdictWord) -> str:
    parts = []
    if best.loss is not None and found.basis in _BASES:
        parts.append(_lowest(measured, found, best, best.loss))
    if found.band > 0:
        general = measured.generalisation
        assumed = found.basis == "eval/loss" and general is not None and general.noise.is_assumed
        parts.append(f"differences below {number(found.band, 2)} are {'assumed to be ' if assumed else ''}noise")
    parts.append(found.caveat)
    if not best.path:
        parts.append("the files name no saved weights at this step")
    elif best.exists is False:
        parts.append("named in the log, not seen on disk")
    if verdict == "sick":
        parts.append("best of a sick run: what was found above holds for it too")
    return "; ".join(part for part in parts if part)
