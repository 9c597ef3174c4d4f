"""The figures of the founding report B as columns: evaluation rows, and mean speed with remaining time between them."""

from __future__ import annotations

import numpy as np

from trainclinic.record.facts import Fact, Facts
from trainclinic.record.run import RunRecord
from trainclinic.record.series import Printed, make_series
from trainclinic.record.source import Source
from trainclinic.signals.measured import Measured

EVALUATIONS = (
    # step, train loss, validation loss, learning rate, elapsed s, printed steps/s
    (0, 9.2270, 9.2680, 2.00e-06, 17.5, 0.00),
    (500, 6.9544, 7.1291, 2.00e-05, 480.9, 1.04),
    (1000, 6.5811, 6.7096, 1.95e-05, 975.8, 1.02),
    (1500, 6.6511, 6.7427, 1.79e-05, 1518.1, 0.99),
    (2000, 9.5846, 9.6169, 1.55e-05, 2099.2, 0.95),
    (2500, 6.6424, 6.7105, 1.26e-05, 4046.9, 0.62),
)
# steps/s and remaining minutes at every 25th step between the evaluations
PROGRESS = """
0.66/126.3 0.85/97.4 0.90/90.9 0.94/86.6 0.98/82.5 1.01/79.9 1.03/77.7 1.05/75.8 1.07/74.4 1.08/73.4 1.08/72.9
1.08/72.5 1.08/72.0 1.08/71.5 1.09/71.0 1.09/70.4 1.09/69.9 1.09/69.6 1.09/69.2 1.04/71.7 1.04/71.3 1.04/70.8
1.04/70.3 1.04/69.8 1.05/69.3 1.05/68.9 1.05/68.4 1.05/68.1 1.05/67.6 1.05/67.2 1.05/66.8 1.05/66.4 1.05/65.9
1.05/65.6 1.05/65.2 1.05/64.8 1.05/64.4 1.05/64.0 1.02/64.7 1.02/64.3 1.02/63.9 1.02/63.6 1.02/63.3 1.02/63.1
1.01/62.9 1.01/62.5 1.01/62.1 1.01/61.7 1.01/61.3 1.01/61.0 1.01/60.6 1.01/60.2 1.01/60.0 1.01/59.5 1.01/59.1
1.01/58.8 1.01/58.4 0.99/58.8 0.98/58.5 0.98/58.1 0.98/57.7 0.98/57.5 0.98/57.2 0.97/56.9 0.97/56.7 0.97/56.4
0.96/56.2 0.96/55.8 0.96/55.4 0.96/55.0 0.96/54.5 0.96/54.1 0.96/53.7 0.96/53.2 0.96/52.8 0.96/52.3 0.95/52.1
0.95/51.7 0.95/51.4 0.95/51.0 0.95/50.5 0.95/50.2 0.95/49.7 0.95/49.3 0.95/48.8 0.95/48.4 0.95/47.9 0.95/47.5
0.95/47.1 0.69/63.9 0.61/72.3 0.61/71.3 0.61/70.2 0.61/69.2 0.62/68.2 0.62/66.5 0.62/65.5
"""
PLAN = {
    "planned_steps": 5000.0,
    "learning_rate": 2e-5,
    "minimum_learning_rate": 2e-6,
    "warmup_steps": 500.0,
    "micro_batch_size": 8.0,
    "sequence_length": 256.0,
    "evaluation_batches": 20.0,
}


def report_b(**facts: float) -> Measured:
    """The run of report B; the planned steps are always known, because every row prints them."""
    step, train, val, rate, elapsed, mean = (np.array(column) for column in zip(*EVALUATIONS, strict=True))
    every = np.array([s for s in range(25, 2551, 25) if s % 500])
    pairs = np.array([[float(part) for part in pair.split("/")] for pair in PROGRESS.split()])
    series = {
        "train/loss": make_series("train/loss", step, train, printed=Printed("fixed", 4)),
        "eval/loss": make_series("eval/loss", step, val, printed=Printed("fixed", 4)),
        "train/learning_rate": make_series("train/learning_rate", step, rate, printed=Printed("significant", 3)),
        "time/elapsed": make_series("time/elapsed", step, elapsed, unit="s", printed=Printed("fixed", 1)),
        "time/remaining": make_series("time/remaining", every, pairs[:, 1], unit="min", printed=Printed("fixed", 1)),
        "speed/steps_per_second": make_series(
            "speed/steps_per_second",
            np.concatenate((step, every)),
            np.concatenate((mean, pairs[:, 0])),
            unit="steps/s",
            printed=Printed("fixed", 2),
        ),
    }
    known = {"planned_steps": 5000.0, **facts}
    return Measured(RunRecord("report-b", series, Facts(Fact(n, v, Source("log")) for n, v in known.items())))
