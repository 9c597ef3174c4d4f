"""Calls that train, and the statements that hold them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tests.script.programs import program_of

from trainclinic.script.program.trainings import stands_in, trainer_runs, training_events


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("trainer.train()", 1),
        ("own.train()", 1),
        ("(trainer if flag else own).train()", 1),
        ("model.train()", 0),
        ("train()", 0),
        ("trainer.evaluate()", 0),
    ],
)
def test_runs_are_those_of_trainers_that_the_files_build(tmp_path: Path, line: str, count: int) -> None:
    text = f"""
    from transformers import Trainer

    class Own(Trainer): pass

    def main(model, flag, train):
        trainer, own = Trainer(model), Own(model)
        {line}
    """
    assert len(trainer_runs(program_of(tmp_path, text))) == count


def test_statements_hold_what_they_call_in_other_files(tmp_path: Path) -> None:
    fit = "def fit(model, batch):\n    model(**batch).loss.backward()\n"
    text = "from other import fit\n\ndef main(model, batch):\n    fit(model, batch)\n    print(1)\n"
    program = program_of(tmp_path, text, other=fit)
    main = next(file for file in program.project.files if file.name == "train.py")
    other = next(file for file in program.project.files if file.name == "other.py")
    assert main.tree is not None
    holder = main.tree.body[1]
    assert isinstance(holder, ast.FunctionDef)
    event = list(training_events(program))[-1]
    assert stands_in(event, holder.body[:1], main)
    assert not stands_in(event, holder.body[1:], main)
    assert not stands_in(event, holder.body[:1], other)
