"""What a live rule is: it is shown one reading per optimizer step, and says a sentence when something is wrong.

Rules live one per file in `guard/rules` and are found by walking. A rule keeps a few numbers and does constant work per
step. It does not know what will be done about an alarm, and never looks at a model.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from trainclinic.catalogue.rule import Threshold
from trainclinic.guard.policy import Concern


@dataclass(slots=True)
class Reading:
    """One optimizer step as it was measured, the same on all processes of a run.

    Attributes:
        step: Number of the step, from 1.
        loss: Mean over the micro-batches of all processes, before any filter, nats/token; `None` when not known.
        grad_norm: Norm of all gradients before clipping; `None` when not known.
        bad_gradient: Whether a gradient was NaN or infinite on any process.
        bad_tensor: Name of the first tensor with such a gradient; empty when there is none.
        scaled: Whether a loss scaler skips updates with non-finite gradients by itself.
        dropped: Whether the guard has dropped the gradients before the update.
        learning_rate: Rate of the first parameter group in this step.
        tokens: Attended tokens since the run began, over all processes.
        seconds: Wall seconds since the step before.
        epoch: Passes over the data.
        memory: Bytes allocated on the device.
        loss_scale: Factor of the loss scaler.
        rows: Numbers of the rows in the batch.
        time: When the step ended, Unix seconds.
    """

    step: int
    loss: float | None = None
    grad_norm: float | None = None
    bad_gradient: bool = False
    bad_tensor: str = ""
    scaled: bool = False
    dropped: bool = False
    learning_rate: float | None = None
    tokens: int | None = None
    seconds: float | None = None
    epoch: float | None = None
    memory: int | None = None
    loss_scale: float | None = None
    rows: list[int] | None = None
    time: float | None = None


@dataclass(frozen=True, slots=True)
class About:
    """What rules may know about the run.

    Attributes:
        vocabulary: Rows of the output embedding, tokens; `None` when not known.
        objective: What is optimised: `sft`, `dpo`, `grpo` ...; empty when not known.
    """

    vocabulary: int | None = None
    objective: str = ""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something is wrong.

    Attributes:
        rule: Slug of the rule.
        concern: The field of the policy that says what to do.
        step: Step at which it was seen.
        says: A sentence with the numbers, without full stop.
    """

    rule: str
    concern: Concern
    step: int
    says: str


class LiveRule(ABC):
    """One live rule; the docstring of its module is its page.

    Args:
        about: What is known about the run.
    """

    slug: ClassVar[str]
    concern: ClassVar[Concern]
    thresholds: ClassVar[tuple[Threshold, ...]]

    def __init__(self, about: About) -> None:
        self.about = about

    @abstractmethod
    def look(self, reading: Reading) -> str | None:
        """Look at one step.

        Args:
            reading: What was measured.

        Returns:
            What is wrong, once per stretch of steps; `None` otherwise.
        """

    @property
    def uneasy(self) -> bool:
        """Whether the run is not as it should be at the moment: no snapshot is taken then."""
        return False

    @abstractmethod
    def forget(self) -> None:
        """The run has gone back to a good state: what was pending is void."""


def limits(*thresholds: Threshold) -> dict[str, float]:
    """Values of thresholds by name, for a rule to decide by what it documents.

    Args:
        thresholds: The thresholds of a rule.
    """
    return {threshold.name: threshold.value for threshold in thresholds}


def load_rules(about: About) -> tuple[LiveRule, ...]:
    """A fresh rule of every file in `guard/rules`, in order of file names.

    Args:
        about: What is known about the run.

    Raises:
        ValueError: If a file does not bear the name of its rule.
    """
    from trainclinic.guard import rules

    found = []
    for info in sorted(pkgutil.iter_modules(rules.__path__), key=lambda info: info.name):
        rule: type[LiveRule] = importlib.import_module(f"{rules.__name__}.{info.name}").RULE
        if info.name != rule.slug.replace("-", "_"):
            message = f"file `{info.name}.py` holds the rule `{rule.slug}`"
            raise ValueError(message)
        found.append(rule(about))
    return tuple(found)
