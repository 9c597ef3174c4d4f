"""What a prescription is made from: a diagnosed run as plain values, without its log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from trainclinic.recipe.model import Recipe

HEALTHY = "healthy-explanation"
UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A possible cause.

    Attributes:
        slug: The cause.
        title: What it is, in a few words.
        family: Its family.
        probability: Of this cause, alone or together with others.
    """

    slug: str
    title: str
    family: str
    probability: float

    @property
    def is_fault(self) -> bool:
        """Whether something is wrong with the run if it is this one."""
        return self.family not in {HEALTHY, UNDETERMINED}


@dataclass(frozen=True, slots=True)
class Refuted:
    """A popular explanation that the evidence refutes.

    Attributes:
        slug: The explanation.
        title: What it is, in a few words.
        because: What was read, then why both cannot be true; one sentence without full stop.
    """

    slug: str
    title: str
    because: str


@dataclass(frozen=True, slots=True)
class OpenTest:
    """What would decide between causes.

    Attributes:
        title: The question.
        how: Code, commands, or what to log or pass.
        is_code: Whether `how` is code or a command.
        minutes: What it takes.
        yes: Titles of causes that a yes points to.
        no: Titles of causes that a no points to.
        moves: Slugs of causes that its answer moves most.
    """

    title: str
    how: str
    is_code: bool
    minutes: float
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    moves: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Weights:
    """Saved weights of the run.

    Attributes:
        step: Step they were saved at.
        path: As the user would name them; empty when no file is known.
        why: Why they are good, or not to be trusted.
    """

    step: int
    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a script in which a symptom stands.

    Attributes:
        place: `train.py:31`.
        says: What is wrong there.
    """

    place: str
    says: str


@dataclass(frozen=True, slots=True)
class Case:
    """A diagnosed run.

    Attributes:
        name: Its name.
        verdict: `sick`, `healthy` or `undetermined`.
        reason: Why that word.
        suspects: Possible causes, the most probable first.
        refuted: Popular explanations that the evidence refutes.
        tests: What would decide between the causes, the best for its cost first.
        recipe: The recipe as far as the files tell it.
        places: For each known key where its value was read.
        numbers: Numbers of the run by name (`fix.NUMBERS`), ready to be printed.
        first_loss: Range of the first loss of an intact run of this model, nats/token, and whose range that is.
        saved: Number of checkpoints that the run is known to have written.
        best: The best of them.
        distrusted: Those that must not be used before they are evaluated again.
        lines: Lines of the run's own scripts in which symptoms stand.
    """

    name: str
    verdict: Literal["sick", "healthy", "undetermined"]
    reason: str = ""
    suspects: tuple[Suspect, ...] = ()
    refuted: tuple[Refuted, ...] = ()
    tests: tuple[OpenTest, ...] = ()
    recipe: Recipe = field(default_factory=Recipe)
    places: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)
    first_loss: tuple[float, float, str] | None = None
    saved: int = 0
    best: Weights | None = None
    distrusted: tuple[Weights, ...] = ()
    lines: tuple[Line, ...] = ()
