"""Which overrides can take the calls of a Trainer."""

from __future__ import annotations

import ast

import pytest

from trainclinic.script.oracle.answers import CallShape
from trainclinic.script.oracle.extraction import shape_of
from trainclinic.script.oracle.package import Package
from trainclinic.script.oracle.parameters import Parameter, Site
from trainclinic.script.oracle.signatures import Oracle


def parameters(arguments: str) -> tuple[Parameter, ...]:
    source = f"class X:\n    def m(self, {arguments}): ..."
    ast.parse(source)
    shape = shape_of(Package({"lib/__init__.py": source}.get), "lib.X.m")
    assert shape is not None
    return shape.parameters


@pytest.mark.parametrize(
    ("method", "version", "arguments", "taken"),
    [
        ("training_step", "4.45.2", "model, inputs", True),
        ("training_step", "4.46.3", "model, inputs", False),
        ("training_step", "4.46.3", "model, inputs, num_items_in_batch=None", True),
        ("training_step", "4.46.3", "*args, **kwargs", True),
        ("training_step", "4.45.2", "model, inputs, num_items_in_batch", False),
        ("compute_loss", "4.46.3", "model, inputs, return_outputs=False", False),
        ("compute_loss", "4.46.3", "model, inputs, return_outputs=False, **kwargs", True),
        ("compute_loss", "4.46.3", "model, inputs, return_outputs=False, num_items_in_batch=None", True),
        ("log", "4.46.3", "logs", True),
        ("log", "5.24.0", "logs", False),
        ("log", "5.24.0", "logs, start_time=None", True),
        ("log", "5.24.0", "logs, start_time", False),
        ("prediction_step", "5.24.0", "model, inputs, prediction_loss_only, ignore_keys=None", True),
        ("prediction_step", "5.24.0", "model, inputs, prediction_loss_only", False),
    ],
)
def test_an_override_breaks_exactly_when_a_call_does_not_fit(
    method: str, version: str, arguments: str, taken: bool
) -> None:
    shape = Oracle({"transformers": version}, installed=False).calls_override_with(method)
    assert shape is not None
    assert (shape.refused_by(parameters(arguments)) is None) is taken


def test_a_keyword_that_is_already_given_by_position_is_refused() -> None:
    shape = CallShape("m", "1", (Site(1, ("a",)),))
    assert shape.refused_by(parameters("a, b=1")) == Site(1, ("a",))


def test_an_unpacked_call_may_fill_what_is_required() -> None:
    shape = CallShape("m", "1", (Site(0, (), unpacks=True),))
    assert shape.refused_by(parameters("a, b")) is None
