"""What happens after a step has been read: rules look, alarms are written and told, the run stops or goes back.

It decides on readings alone, which are the same on all processes, so all of them decide alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainclinic.guard.judgement import Judgement
from trainclinic.guard.live import About, Alarm, Reading, load_rules
from trainclinic.guard.notify import Notifier
from trainclinic.guard.rollback import Snapshot

if TYPE_CHECKING:
    import torch

    from trainclinic.guard.policy import Action, Policy
    from trainclinic.guard.rates import Rates
    from trainclinic.guard.recorder import FlightRecorder
    from trainclinic.guard.troubles import Troubles

_WEIGHT = {"warn": 0, "rollback": 1, "stop": 2}


class Answering:
    """Judges steps and acts on them.

    Args:
        policy: What to do about what.
        about: What rules may know.
        recorder: Where alarms and rollbacks are written.
        troubles: Where failed deliveries are told.
        rates: The learning rates, which a rollback lowers.

    Attributes:
        stopping: Whether the run should end.
        judgement: What speaks against the present state.
        snapshot: The last good state; `None` while there is none.
    """

    def __init__(
        self, policy: Policy, about: About, recorder: FlightRecorder, troubles: Troubles, rates: Rates
    ) -> None:
        self._policy = policy
        self._recorder = recorder
        self._rates = rates
        self._rules = load_rules(about)
        self._notifier = Notifier(policy.webhook, policy.command, troubles.note)
        self._tries = 0
        self._ignored_until = 0
        self.judgement = Judgement(self._rules)
        self.snapshot: Snapshot | None = None
        self.stopping = False

    def take(self, reading: Reading, now: int, optimizer: Any) -> None:
        """Write one step, let every rule look at it, and act.

        Args:
            reading: What was measured.
            now: The step that the run has reached; later than the reading's where numbers come with a lag.
            optimizer: The optimizer, for a rollback.
        """
        self._recorder.write("step", _row(reading))
        if reading.step <= self._ignored_until:
            return
        alarms = []
        for rule in self._rules:
            says = rule.look(reading)
            if says is not None:
                alarms.append(Alarm(rule.slug, rule.concern, reading.step, says))
        self.judgement.take(reading, alarms)
        if not alarms:
            return
        answers = [(alarm, self._answer(alarm)) for alarm in alarms]
        for alarm, action in answers:
            row = {"step": alarm.step, "rule": alarm.rule, "says": alarm.says, "action": action}
            self._recorder.write("alarm", row)
            if self._recorder.writes:
                self._notifier.tell(alarm, action)
        gravest, action = max(answers, key=lambda answer: _WEIGHT[answer[1]])
        if action == "stop":
            self.stopping = True
        elif action == "rollback":
            self._roll_back(gravest, now, optimizer)

    def keep(self, model: torch.nn.Module, optimizer: Any, step: int) -> None:
        """Take a snapshot of a state that the caller has found good.

        Args:
            model: The model.
            optimizer: Its optimizer.
            step: The step after which this is.
        """
        self.snapshot = None  # the old one goes first: two of them may not fit
        self.snapshot = Snapshot(model, optimizer, step)

    def close(self) -> None:
        """Wait for deliveries."""
        self._notifier.wait()

    def _answer(self, alarm: Alarm) -> Action:
        """What the policy wants, or stopping where no rollback is left."""
        action = self._policy.action(alarm.concern)
        possible = self.snapshot is not None and self._tries < self._policy.tries
        return action if action != "rollback" or possible else "stop"

    def _roll_back(self, alarm: Alarm, now: int, optimizer: Any) -> None:
        if self.snapshot is None:
            return
        self._tries += 1
        self.snapshot.restore(optimizer)
        self._rates.lower(self._policy.rate_factor)
        self.judgement.clear()
        # Numbers that are still under way belong to the state that was left.
        self._ignored_until = now
        row = {"step": now, "to": self.snapshot.step, "try": self._tries, "says": alarm.says}
        self._recorder.write("rollback", row)


def _row(reading: Reading) -> dict[str, object]:
    """A step as the recorder has it."""
    names = ("step", "loss", "grad_norm", "learning_rate", "tokens", "seconds", "epoch", "memory", "loss_scale", "rows")
    return {"step": reading.step, "time": reading.time, **{name: getattr(reading, name) for name in names[1:]}}
