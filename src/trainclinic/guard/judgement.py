"""Which state the run is in, for checkpoints and snapshots: good, or suspect and why.

A checkpoint is suspect when an alarm was raised, or a non-finite value reached an update, since the run was last known
to be good. It knows alarms and readings, no weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainclinic.guard.live import Alarm, LiveRule, Reading


class Judgement:
    """Remembers what speaks against the state that the run is in.

    Args:
        rules: The rules that are asked whether they are uneasy.
    """

    def __init__(self, rules: Sequence[LiveRule]) -> None:
        self._rules = rules
        self._against: dict[str, str] = {}

    @property
    def why(self) -> str:
        """What speaks against the state; empty when nothing does."""
        return "; ".join(self._against.values())

    @property
    def calm(self) -> bool:
        """Whether nothing speaks against it and no rule is watching anything."""
        return not self._against and not any(rule.uneasy for rule in self._rules)

    def take(self, reading: Reading, alarms: Sequence[Alarm]) -> None:
        """Weigh one step.

        Args:
            reading: What was measured. A gradient that was dropped, or that a loss scaler skips, did not reach the
                weights and does not count.
            alarms: What rules have said about it.
        """
        for alarm in alarms:
            if not (reading.dropped and alarm.concern == "on_non_finite"):
                self._against.setdefault(alarm.rule, alarm.says)
        if reading.bad_gradient and not reading.dropped and not reading.scaled:
            self._against.setdefault(
                "update", f"an update was made with a non-finite gradient at step {reading.step:,}"
            )
        for rule in self._rules:
            # A rise that is over has left the weights where they would be; a non-finite update has not.
            if rule.concern != "on_non_finite" and not rule.uneasy:
                self._against.pop(rule.slug, None)

    def clear(self) -> None:
        """The run has gone back to a good state."""
        self._against = {}
        for rule in self._rules:
            rule.forget()
