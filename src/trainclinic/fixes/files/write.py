"""Every file of a prescription as text, by name; writing them to disk is for others."""

from __future__ import annotations

from trainclinic.fixes.files.notebook import NOTEBOOK, notebook
from trainclinic.fixes.files.plan import PLAN, plan
from trainclinic.fixes.files.script import (
    NAME,
    VALIDATION_NAME,
    Header,
    can_write,
    training_script,
    validation_script,
)
from trainclinic.fixes.prescription import Prescription
from trainclinic.recipe.keys import all_keys
from trainclinic.recipe.write import as_yaml, written

RECIPE = "recipe.yaml"


def files_of(prescription: Prescription) -> dict[str, str]:
    """The files of a prescription: always the plan, the recipe and the validation; the others where they can help."""
    case, recipe = prescription.case, prescription.recipe
    told = {RECIPE: "the recipe after the changes" if prescription.changes else "the recipe as the files tell it"}
    texts = {RECIPE: as_yaml(recipe, _remarks(prescription), heading=_heading(prescription))}
    why_not = _why_no_script(prescription)
    validation = validation_script(recipe, case.name)
    if not why_not:
        script = training_script(
            recipe, Header(_headline(prescription), _changed(prescription), _faulty_loss(prescription))
        )
        told[NAME] = "trains it, on its own, on CUDA, MPS or a CPU"
        texts[NAME] = script
        told[NOTEBOOK] = "the same on a rented GPU, in Colab or any Jupyter"
        texts[NOTEBOOK] = notebook(recipe, case.name, script, validation)
    told[VALIDATION_NAME] = "lets the trained model answer, and says whether it works"
    texts[VALIDATION_NAME] = validation
    return {PLAN: plan(prescription, tuple(told.items()), why_no_script=why_not), **texts}


def _why_no_script(prescription: Prescription) -> str:
    if prescription.state == "nothing to fix":
        return "nothing has to be trained again"
    if prescription.state == "test first":
        return "the causes are not decided, and a script would be a guess"
    if not prescription.changes_training:
        return "nothing has to be trained again"
    reason = can_write(prescription.recipe)
    return f"this release writes scripts for next-token prediction, and {reason}" if reason else ""


def _headline(prescription: Prescription) -> str:
    model = prescription.recipe.model.name or "a language model"
    return f"Fine-tune {model} as prescribed for `{prescription.case.name}`."


def _faulty_loss(prescription: Prescription) -> float | None:
    logged = prescription.case.numbers.get("logged_first_loss")
    return float(logged.replace(",", "")) if logged is not None else None


def _heading(prescription: Prescription) -> str:
    state = {
        "treat": "The recipe of the next run. Behind each value: where it was read, or why it was changed.",
        "test first": "The recipe as the files of the run tell it. Nothing was changed: the causes are not decided.",
        "nothing to fix": "The recipe as the files of the run tell it. Nothing has to be changed.",
    }[prescription.state]
    return f"Run `{prescription.case.name}`. {state}\n`unknown` stands for what nobody told."


def _changed(prescription: Prescription) -> dict[str, str]:
    """Remarks on what was changed."""
    keys = all_keys()
    return {
        change.key: change.why
        if change.before is None
        else f"was {written(keys[change.key], change.before)}: {change.why}"
        for change in prescription.changes
    }


def _remarks(prescription: Prescription) -> dict[str, str]:
    keys = all_keys()
    assumed = {
        name: f"the files do not say it; `{written(keys[name], keys[name].default)}` is used"
        for name in prescription.assumed
    }
    return {**prescription.case.places, **assumed, **_changed(prescription)}
