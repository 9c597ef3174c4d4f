"""Synthetic healthy fine-tunes of many kinds, to count false alarms on."""

from __future__ import annotations

import numpy as np
from tests.signals.run_builder import run_of

from trainclinic.signals.measured import Measured

FACTS = {"model_name": "meta-llama/Llama-2-7b-hf", "model_type": "llama", "vocabulary_size": 32000.0, "method": "lora"}


def healthy_run(seed: int) -> Measured:
    """One run: 30-3000 rows, level 0.6-2, noise 0.01-0.2 with heavy tails, and one of several schedules or data orders."""
    rng = np.random.default_rng(seed)
    size = int(np.exp(rng.uniform(np.log(30), np.log(3000))))
    every = int(rng.choice([1, 5, 10, 50]))
    step = every * np.arange(1, size + 1)
    share = np.arange(size) / size
    floor, gain, tau = rng.uniform(0.6, 1.6), rng.uniform(0.3, 1.0), rng.uniform(0.01, 0.3)
    value = floor + gain * (1 + share / tau) ** -rng.uniform(0.4, 1.0)
    noise = rng.standard_t(5, size) * rng.choice([0.01, 0.03, 0.06, 0.2])
    for i in range(1, size):
        noise[i] += 0.3 * noise[i - 1]
    rate = (
        2e-4
        * {
            "linear": 1 - share,
            "cosine": 0.5 * (1 + np.cos(np.pi * share)),
            "constant": np.ones(size),
            "cycles": 0.5 * (1 + np.cos(8 * np.pi * share)),
        }[str(rng.choice(["linear", "cosine", "constant", "cycles"]))]
    )
    if rng.random() < 0.2:  # a curriculum: the second half is a little harder
        value += 0.15 * (share > 0.5)
    if rng.random() < 0.2:  # batches sorted by length
        value += 0.05 * np.sin(2 * np.pi * np.arange(size) / 40)
    loss = np.round(np.maximum(value + noise, 0.05), 4)
    epochs = 3 * (share + 1 / size)
    extra = {"train/epoch": np.round(epochs, 4).tolist()}
    return run_of(step.tolist(), loss=loss.tolist(), rate=rate.tolist(), facts=FACTS, extra=extra)
