"""A fix: what to change, which causes that treats, what should be seen then, and what it costs."""

from __future__ import annotations

import enum
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from trainclinic.recipe.patch import Patch

Kind = Literal["recipe", "script", "data", "environment", "machine", "export", "evaluation", "alternative"]
Restart = Literal["nothing", "before the fault", "the best checkpoint", "the last checkpoint", "no training"]
Horizon = Literal["immediate", "longer term"]


START_AGAIN: dict[Restart, str] = {
    "nothing": "Resume from nothing: start again from the base model",
    "before the fault": "Resume from the last checkpoint before the fault",
    "the best checkpoint": "Resume from the best checkpoint",
    "the last checkpoint": "Resume from the last checkpoint: the weights are as good as they were",
    "no training": "Nothing has to be trained again",
}
"""What each way of going on means, as a sentence without full stop."""


class Benefit(float, enum.Enum):
    """How many runs with a cause work after a fix, other causes aside. Three words are as fine as judgement is."""

    CURES = 0.9
    HELPS = 0.5
    EASES = 0.2


CURES, HELPS, EASES = Benefit


@dataclass(frozen=True, slots=True)
class Treats:
    """A cause that a fix acts on.

    Attributes:
        cause: Slug of the cause.
        benefit: How many runs with it work afterwards.
        why: The mechanism, as a clause after "because".
    """

    cause: str
    benefit: Benefit
    why: str


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of code, shown side by side.

    Attributes:
        before: Code as people with the fault write it.
        after: The same lines after the change.
        note: What to mind, in one sentence; may be empty.
    """

    before: str
    after: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is seen when the fix was right.

    Attributes:
        says: The observation, with numbers. Names in braces stand for numbers of the run (`NUMBERS` lists them).
        otherwise: The same without them, for runs in which one of them is not known.
    """

    says: str
    otherwise: str = ""

    def told(self, numbers: Mapping[str, str]) -> str:
        """The observation for a run.

        Args:
            numbers: What is known of the run, by name, ready to be printed.
        """
        return self.says.format_map(numbers) if self.names <= numbers.keys() else self.otherwise

    @property
    def names(self) -> frozenset[str]:
        """The numbers that it needs."""
        return frozenset(name for _, name, _, _ in string.Formatter().parse(self.says) if name)


NUMBERS = {
    "first_loss": "the first loss that the run had (inverted, where a filter had distorted it)",
    "logged_first_loss": "the first loss that the run logged",
    "expected_first_loss": "range of the first loss of an intact run of this model, e.g. `3.3-4.0`",
    "uniform_loss": "loss of guessing every token alike",
    "unigram_loss": "loss of knowing only how frequent each token is",
    "last_loss": "the last finite training loss",
    "learning_rate": "peak learning rate of the run",
    "new_learning_rate": "peak learning rate after the change",
    "max_length": "length limit of the run, tokens",
    "new_max_length": "length limit after the change, tokens",
    "batch": "rows per optimizer step",
    "new_batch": "rows per optimizer step after the change",
    "accumulation": "forward passes per optimizer step",
    "lora_scale": "alpha over rank of the run",
    "new_lora_scale": "alpha over rank after the change",
    "max_grad_norm": "limit of the gradient norm after the change",
    "model": "name of the model",
    "eos": "end token of the model",
    "steps_per_epoch": "optimizer steps per pass over the rows",
    "best_step": "step of the best checkpoint",
    "fault_step": "first step at which values were not finite or the loss left its course",
    "lost_time": "time lost in stalls",
    "speed": "typical speed, steps per second",
}
"""What an expectation may name, with its meaning."""


@dataclass(frozen=True, slots=True)
class Fix:
    """One fix. The docstring of its module is its page.

    Attributes:
        slug: Imperative, e.g. `append-end-token`.
        title: The same as a sentence, without full stop.
        kind: What is changed.
        change: One or two sentences: what to do, concretely.
        treats: The causes that it acts on.
        expects: What is seen when it was right, the most telling first.
        check: How to check that it worked, as one instruction.
        risk: What can go wrong with it, in one sentence.
        minutes: Working time that it takes a person.
        restart: What training goes on from afterwards.
        patches: Changes of the recipe.
        edit: Change of a script.
        commands: Commands to run, ready to be copied.
        alternatives: Slugs of fixes that do the same in another way and are a real choice.
        pros: What speaks for it, as a choice.
        cons: What speaks against it, as a choice.
        spoils: What every checkpoint of such a run was, where all are lost; completes "every one of them was".
        horizon: Whether it belongs to the next run or to what comes after.
        is_precaution: Whether it costs nothing and harms nobody, so that new scripts have it in any case.
        since: Version of the first release with it.
    """

    slug: str
    title: str
    kind: Kind
    change: str
    treats: tuple[Treats, ...]
    expects: tuple[Expectation, ...]
    check: str
    risk: str
    minutes: float
    restart: Restart
    patches: tuple[Patch, ...] = ()
    edit: Edit | None = None
    commands: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    pros: tuple[str, ...] = ()
    cons: tuple[str, ...] = ()
    spoils: str = ""
    horizon: Horizon = "immediate"
    is_precaution: bool = False
    since: str = "0.6"
