"""The two reports' own artefacts, written into folders exactly as a user would have them: nothing else is known."""

from __future__ import annotations

import json
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"

ROWS_OF_A = (
    {
        "epoch": 0.02028397565922921,
        "grad_norm": float("nan"),
        "learning_rate": 0.0002,
        "loss": 14577.9766,
        "step": 10,
    },
    {
        "epoch": 0.04056795131845842,
        "grad_norm": float("nan"),
        "learning_rate": 0.00019863852961198096,
        "loss": 0.0,
        "step": 20,
    },
)
NAMES_THE_MODEL = ("model_type", "gpt2_model_name", "device", "Using GPT-2", "Total param", "Frozen", "Vocabulary")
STARTS = "Starting training"


def console_of_a(epochs: tuple[str, str] = ("0.02028397565922921", "0.04056795131845842")) -> str:
    """The rows as the Trainer prints them: without a step, with an epoch that releases round differently."""
    return "".join(
        f"{{'loss': {row['loss']}, 'grad_norm': nan, 'learning_rate': {row['learning_rate']}, 'epoch': {epoch}}}\n"
        for row, epoch in zip(ROWS_OF_A, epochs, strict=True)
    )


def state_of_a() -> str:
    return json.dumps({"log_history": list(ROWS_OF_A)}, indent=2)


def pasted_rows_of_a() -> str:
    """As the report quotes them: cut out of the file."""
    return ",\n".join(json.dumps(row, indent=2) for row in ROWS_OF_A)


REPORT_A = {
    "console": ("train.log", console_of_a()),
    "console, rounded epochs": ("train.log", console_of_a(("0.02", "0.04"))),
    "trainer state": ("trainer_state.json", state_of_a()),
    "pasted rows": ("rows.txt", pasted_rows_of_a()),
}


def log_of_b() -> str:
    return (EXAMPLES / "report-b/training.log").read_text(encoding="utf-8")


def unnamed_log_of_b() -> str:
    """Without the lines that name the model and the device."""
    return "".join(line for line in log_of_b().splitlines(True) if not line.startswith(NAMES_THE_MODEL))


def headless_log_of_b() -> str:
    """From the start of training on: what scrolls by in a terminal."""
    return STARTS + log_of_b().partition(STARTS)[2]


def evaluations_of_b(*before: str) -> str:
    """The evaluation rows alone, after the given lines."""
    rows = [line for line in log_of_b().splitlines(True) if "train loss" in line]
    return "".join([*before, *rows])


MODEL_LINE = "Using GPT-2 model: gpt2 with LoRA on 49 layers\n"
REPORT_B = {
    "whole log": ("training.log", log_of_b()),
    "model and device not named": ("training.log", unnamed_log_of_b()),
    "no header": ("training.log", headless_log_of_b()),
    "evaluation rows after the line that names the model": ("training.log", evaluations_of_b(MODEL_LINE)),
}


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder
