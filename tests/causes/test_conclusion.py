"""When causes change the word that the symptoms alone gave."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from trainclinic.causes.catalogue import all_causes
from trainclinic.causes.conclusion import Word, conclude
from trainclinic.causes.infer import Suspect


def answer(cause: str, probability: float, healthy: float) -> Any:
    return SimpleNamespace(suspects=(Suspect(all_causes()[cause].cause, probability),), healthy_probability=healthy)


@pytest.mark.parametrize(
    ("word", "cause", "probability", "healthy", "concluded"),
    [
        ("undetermined", "double-label-shift", 0.9, 0.0, "sick"),
        ("healthy", "double-label-shift", 0.9, 0.0, "sick"),
        ("undetermined", "double-label-shift", 0.49, 0.0, "undetermined"),
        ("healthy", "double-label-shift", 0.6, 0.2, "undetermined"),
        ("undetermined", "double-label-shift", 0.6, 0.2, "undetermined"),
        ("sick", "normal-convergence", 0.9, 0.9, "sick"),
        ("healthy", "normal-convergence", 0.9, 0.9, "healthy"),
        ("healthy", "machine-sleep", 0.9, 0.0, "healthy"),
        ("healthy", "evaluation-artefact", 0.9, 0.0, "healthy"),
        ("healthy", "overfitting", 0.9, 0.0, "undetermined"),
        ("undetermined", "unknown", 0.9, 0.0, "undetermined"),
    ],
)
def test_the_word_after_the_causes(word: Word, cause: str, probability: float, healthy: float, concluded: Word) -> None:
    found = conclude(word, answer(cause, probability, healthy))
    assert found.word == concluded
    assert bool(found.because) == (concluded != word)
