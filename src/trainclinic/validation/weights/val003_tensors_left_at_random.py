"""Tensors of the model are in no file, or tensors of the files have no place.

## What it sees

Names that the model has and its files do not, so that they were initialised at random; and names that the files have
and the model does not, so that what was trained there is lost.

## Why it matters

A random layer turns a model into noise, and a trained tensor without a place is training that was thrown away.
Libraries warn about both in one line that scrolls by.

## What it does not mean

Buffers and tied matrices that a library rebuilds by itself are not counted.

## Example

4 tensors are in no file: `lm_head.weight` and more; 4 of the files have no place: `module.lm_head.weight` and more.

## Check it by hand

Load with `output_loading_info=True` and print `missing_keys` and `unexpected_keys`.

## References

- https://huggingface.co/docs/transformers/main_classes/model (`output_loading_info`)
- https://huggingface.co/docs/peft/developer_guides/checkpoint (names in an adapter file)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.validation.rule import model_rule, named

if TYPE_CHECKING:
    from trainclinic.validation.tested import Tested


def check(tested: Tested) -> Verdict:
    """Look at both lists of names."""
    seen = tested.weights
    if seen is None or seen.non_finite:
        return NotEvaluated("weights that are finite" if seen is not None else "the folder of the model")
    says = []
    if seen.at_random:
        says.append(
            Evidence(f"{count(len(seen.at_random), 'tensor')} of the model in no file: {named(seen.at_random)}")
        )
    if seen.unused:
        says.append(Evidence(f"{count(len(seen.unused), 'tensor')} of the files without a place: {named(seen.unused)}"))
    if says:
        return Present(tuple(says), severity=None if seen.at_random else Severity.WARNING)
    return Absent((Evidence(f"each of {count(seen.tensors, 'tensor')} found its place"),))


RULE = model_rule(
    code="VAL003",
    slug="tensors-left-at-random",
    severity=Severity.HARMFUL,
    needs=("files of the weights",),
    check=check,
)
