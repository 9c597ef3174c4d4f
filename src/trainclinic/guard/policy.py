"""What the guard does about what it sees, as plain data. It knows no model and no step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, NoReturn, get_args

from trainclinic.record.errors import TrainclinicError

Action = Literal["warn", "stop", "rollback"]
"""`warn` writes and notifies; `stop` ends the run as well; `rollback` goes back to the last good snapshot instead."""

Concern = Literal["on_non_finite", "on_zero", "on_divergence", "on_spike"]
"""The fields of a policy that an alarm can belong to."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What to do, and when.

    Attributes:
        on_non_finite: About a gradient or loss that is NaN or infinite.
        on_zero: About a loss or gradient that is exactly 0.
        on_divergence: About a loss that has risen far and lastingly.
        on_spike: About a loss that has jumped out of its band and not come back.
        tries: Rollbacks before an alarm that asks for one stops the run instead.
        rate_factor: What the learning rate is multiplied by, for the rest of the run, at each rollback; 0-1.
        snapshot_every: Steps between snapshots in CPU memory; taken only where an alarm can roll back.
        sample_every: Steps between norms and update ratios by layer; 0 for none.
        strict: Read the flag of non-finite gradients before the update, and drop the gradients of a bad one, so that
            the weights stay as good as they were. It costs one wait for the device per step; `None` for doing so on
            the CPU only, where it costs nothing.
        webhook: Address that every alarm is posted to as JSON; empty for none.
        command: Program and arguments that are run at every alarm, without a shell; empty for none.

    Raises:
        TrainclinicError: If a value is not possible.
    """

    on_non_finite: Action = "stop"
    on_zero: Action = "stop"
    on_divergence: Action = "stop"
    on_spike: Action = "warn"
    tries: int = 2
    rate_factor: float = 0.5
    snapshot_every: int = 100
    sample_every: int = 50
    strict: bool | None = None
    webhook: str = ""
    command: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for field in fields(self):
            if field.name.startswith("on_") and getattr(self, field.name) not in get_args(Action):
                given = getattr(self, field.name)
                _refuse(f"`{field.name}` is `{given}`, expected one of `warn`, `stop`, `rollback`")
        if not 0.0 < self.rate_factor <= 1.0:
            _refuse(f"`rate_factor` is `{self.rate_factor}`, expected a number above 0 and at most 1")
        if self.tries < 0 or self.snapshot_every < 1 or self.sample_every < 0:
            _refuse("`tries` and `sample_every` must be at least 0, and `snapshot_every` at least 1")
        if isinstance(self.command, str):
            _refuse(f"`command` is the text `{self.command}`, expected a list: the program and its arguments")
        if self.webhook and not self.webhook.startswith(("http://", "https://")):
            _refuse(f"`webhook` is `{self.webhook}`, expected an address that begins with `https://`")

    @property
    def rolls_back(self) -> bool:
        """Whether any alarm can roll back, so that snapshots are worth their memory."""
        asked = (self.on_non_finite, self.on_zero, self.on_divergence, self.on_spike)
        return self.tries > 0 and "rollback" in asked

    def action(self, concern: Concern) -> Action:
        """What to do about an alarm.

        Args:
            concern: The field that it belongs to.
        """
        chosen: Action = getattr(self, concern)
        return chosen


def _refuse(says: str) -> NoReturn:
    message = f"a guard's policy: {says}"
    raise TrainclinicError(message, hint="see docs/guides/guarding-a-run.md")
