"""Every sound model passes and every broken one fails by a symptom of what was done to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.validation.zoo import Specimen, broken, sound
from trainclinic.diagnosis.validating import validate

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::UserWarning:peft")]
SOUND = (
    "all weights trained",
    "an adapter",
    "the adapter merged",
    "all weights trained longer",
    "all weights trained, no base named",
    "without a chat template",
)
BROKEN = (
    "NaN in one weight",
    "end token never learned",
    "loss on the prompts",
    "another template beside it",
    "adapter never trained",
    "adapter with other names",
    "adapter merged into another base",
    "embedding shuffled",
    "embedding shuffled, no base named",
    "overtrained on four rows",
    "weights rounded to one bit",
    "ids of another tokenizer",
    "a tensor in no file",
    "diverged at a high rate",
    "the base itself",
)


@pytest.fixture(scope="module")
def zoo(clinic, tmp_path_factory) -> dict[str, Specimen]:
    """All specimens by name; those that work come first."""
    where: Path = tmp_path_factory.mktemp("zoo")
    kept = sound(where, clinic.base)
    return {one.name: one for one in (*kept, *broken(where, clinic.base, kept[0].folder, kept[1].folder))}


def test_every_specimen_is_tested(zoo):
    assert tuple(zoo) == SOUND + BROKEN


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_model_passes(zoo, clinic, name):
    found = validate(zoo[name].folder, base=zoo[name].base, data=[clinic.held_out])
    assert found.word == "pass", found.reason


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_model_fails_by_what_was_done_to_it(zoo, clinic, name):
    one = zoo[name]
    found = validate(one.folder, base=one.base, data=[clinic.held_out])
    assert found.word == "fail", found.reason
    seen = {finding.entry.rule.code for finding in found.findings if finding.is_present}
    assert seen & one.codes, f"{sorted(seen)} instead of {sorted(one.codes)}"


@pytest.mark.parametrize("name", SOUND)
def test_a_quick_look_calls_no_sound_model_broken(zoo, clinic, name):
    found = validate(zoo[name].folder, base=zoo[name].base, data=[clinic.held_out], depth="quick")
    assert found.word != "fail", found.reason
