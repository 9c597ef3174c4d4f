"""From a case to a prescription: what to change and why, what stays, what to start from, and what to test first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from trainclinic.catalogue.wording import number
from trainclinic.fixes.case import Case, Refuted, Suspect
from trainclinic.fixes.choice import LIKELY, Choice, Chosen, choose
from trainclinic.fixes.fix import Restart
from trainclinic.recipe.keys import Value, value_of
from trainclinic.recipe.model import Recipe
from trainclinic.recipe.patch import Change, Patch, apply, resolve

State = Literal["treat", "test first", "nothing to fix"]
CERTAIN = 0.97
"""From this probability on no test is worth its time before the fix."""
_RESTARTS: tuple[Restart, ...] = (
    "nothing",
    "before the fault",
    "the best checkpoint",
    "the last checkpoint",
    "no training",
)
"""From the one that throws most away to the one that keeps all."""
_SETTINGS_OF = {
    "batch-size-too-small": ("batch.rows", "batch.accumulation"),
    "block-size-too-large": ("text.max_length",),
    "learning-rate-too-high": ("optimizer.learning_rate",),
    "learning-rate-too-low": ("optimizer.learning_rate",),
    "missing-gradient-clipping": ("optimizer.max_grad_norm",),
    "excessive-lora-scale": ("adapter.alpha", "adapter.rank"),
    "overfitting": ("schedule.epochs", "schedule.steps"),
    "chat-template-mismatch": ("text.template",),
    "mps-instability": ("precision.device",),
    "corrupt-input-data": ("data.train",),
}
"""Settings that people change when they believe in an explanation."""


@dataclass(frozen=True, slots=True)
class Stays:
    """A setting that is left as it is, although people would change it.

    Attributes:
        keys: Names of the keys.
        values: Their values; `None` where they are not known.
        refuted: The explanations that would have it changed.
    """

    keys: tuple[str, ...]
    values: tuple[Value | None, ...]
    refuted: tuple[Refuted, ...]


@dataclass(frozen=True, slots=True)
class Prescription:
    """What a run needs.

    Attributes:
        case: The diagnosed run.
        state: Whether to treat, to test first, or to leave it alone.
        choice: The fixes.
        recipe: The recipe after the fixes.
        changes: What they change in it.
        assumed: Keys that nobody told and that a default stands in for.
        restart: What to go on from.
        stays: Settings that are left as they are, with the reason.
    """

    case: Case
    state: State
    choice: Choice
    recipe: Recipe
    changes: tuple[Change, ...]
    assumed: tuple[str, ...]
    restart: Restart
    stays: tuple[Stays, ...]

    @property
    def leading(self) -> Suspect | None:
        """The most probable fault."""
        return next((suspect for suspect in self.case.suspects if suspect.is_fault), None)

    @property
    def changes_training(self) -> bool:
        """Whether there is anything to train again."""
        return self.restart != "no training"

    @property
    def tests_first(self) -> bool:
        """Whether a test comes before the fixes, because none of their causes is certain."""
        leading = self.leading
        return bool(self.case.tests) and (leading is None or leading.probability < CERTAIN)

    def expectations(self, chosen: Chosen) -> tuple[str, ...]:
        """What is seen when a fix was right, with the numbers of this run."""
        numbers = numbers_after(self.case, self.recipe)
        return tuple(text for one in chosen.fix.expects if (text := one.told(numbers)))


def prescribe(case: Case) -> Prescription:
    """What a run needs.

    Args:
        case: The diagnosed run.
    """
    state = _state(case)
    choice = choose(case.suspects) if state != "nothing to fix" else Choice()
    recipe, changes = case.recipe, tuple[Change, ...]()
    if state == "treat":
        applied = (*choice.immediate, *choice.precautions)
        patches = [(one.fix.slug, patch) for one in applied for patch in one.fix.patches]
        recipe, changes = apply(case.recipe, [*patches, *_always(case)])
    restarts = [one.fix.restart for one in choice.immediate] or ["no training"]
    return Prescription(
        case=case,
        state=state,
        choice=choice,
        recipe=recipe,
        changes=changes,
        assumed=resolve(recipe)[1],
        restart=min(restarts, key=_RESTARTS.index) if state == "treat" else "no training",
        stays=_stays(case, changes) if state == "treat" else (),
    )


def _state(case: Case) -> State:
    top = next((suspect for suspect in case.suspects if suspect.is_fault), None)
    if top is not None and top.probability >= LIKELY:
        return "treat"
    if case.verdict == "healthy":
        return "nothing to fix"
    return "test first"


def _always(case: Case) -> list[tuple[str, Patch]]:
    """What every new run gets: a start of its own, and the range that its first loss has to lie in."""
    start = "a checkpoint is named when the script is started, not by chance of the old settings"
    found = [("", Patch("checkpoints.resume_from", start, to=""))] if case.recipe.checkpoints.resume_from else []
    if case.first_loss is not None:
        low, high, whose = case.first_loss
        found.append(("", Patch("guard.first_loss", f"intact starts of {whose} lie there", to=(low, high))))
    return found


def _stays(case: Case, changes: tuple[Change, ...]) -> tuple[Stays, ...]:
    changed = {change.key for change in changes}
    found: dict[tuple[str, ...], list[Refuted]] = {}
    for one in case.refuted:
        keys = tuple(key for key in _SETTINGS_OF.get(one.slug, ()) if key not in changed)
        if keys:
            found.setdefault(keys, []).append(one)
    return tuple(
        Stays(keys, tuple(value_of(case.recipe, key) for key in keys), tuple(refuted))
        for keys, refuted in found.items()
    )


def numbers_after(case: Case, recipe: Recipe) -> Mapping[str, str]:
    """Numbers of the run, and those of the settings after the change.

    Args:
        case: The run before.
        recipe: The recipe after.
    """
    whole, _ = resolve(recipe)
    new: dict[str, float | None] = {
        "new_learning_rate": whole.optimizer.learning_rate,
        "new_max_length": whole.text.max_length,
        "max_grad_norm": whole.optimizer.max_grad_norm,
    }
    if whole.batch.rows and whole.batch.accumulation:
        new["new_batch"] = whole.batch.rows * whole.batch.accumulation
    if whole.adapter.method != "full" and whole.adapter.alpha and whole.adapter.rank:
        new["new_lora_scale"] = whole.adapter.alpha / whole.adapter.rank
    told = {name: number(value) for name, value in new.items() if value is not None}
    return {**case.numbers, **told}
