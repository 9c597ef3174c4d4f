"""A guard for any PyTorch loop, in three lines.

    guard = Guard(model, optimizer, "out")
    ...
    loss.backward()
    guard.look(loss, tokens=batch["attention_mask"].sum())
    optimizer.step()
    if guard.step():
        break

It measures each step, writes `flight.jsonl`, and says when the run should end. It does not know how a batch was made,
and nothing that fails in it reaches the loop.
"""

from __future__ import annotations

import math
import os
import sys
import time
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch

from trainclinic.guard.answering import Answering
from trainclinic.guard.layers import Layers
from trainclinic.guard.live import About, Reading
from trainclinic.guard.policy import Policy
from trainclinic.guard.ranks import agree, is_first, processes
from trainclinic.guard.rates import Rates
from trainclinic.guard.recorder import FlightRecorder
from trainclinic.guard.run_facts import facts_of_model, vocabulary_of
from trainclinic.guard.telemetry import FIELDS, Accumulated, Gradients, Reader, factors_of, memory_of, pack
from trainclinic.guard.troubles import Troubles, harmless, told

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from torch import Tensor

    from trainclinic.guard.telemetry import Norms

Reason = Literal["finished", "stopped", "failed"]
Judged = Literal["good", "suspect"]


class Guard:
    """Watches one run.

    Args:
        model: The model that is trained.
        optimizer: Its optimizer; without one the learning rate is unknown and a rollback restores weights alone.
        folder: Where `flight.jsonl` is written.
        policy: What to do about what is seen.
        facts: What is known about the run, by name of the vocabulary (`learning_rate`, `micro_batch_size` ...).
        scheduler: What sets the learning rate, so that a rollback can lower it for good.
        scaler: A `torch.amp.GradScaler`: updates that it skips are normal.
        first_step: Steps that were taken before, for a run that is resumed.

    Attributes:
        troubles: Exceptions inside the guard.
        taken: Optimizer steps so far.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        optimizer: Any = None,
        folder: str | os.PathLike[str] = "trainclinic",
        *,
        policy: Policy | None = None,
        facts: Mapping[str, object] | None = None,
        scheduler: Any = None,
        scaler: Any = None,
        first_step: int = 0,
    ) -> None:
        self.troubles = Troubles()
        self.taken = self._first = first_step
        self._policy = policy or Policy()
        self._model, self._optimizer = model, optimizer
        self._scaler = scaler if scaler is not None and getattr(scaler, "is_enabled", lambda: True)() else None
        self._step = Accumulated()
        self._sent: Sent | None = None
        self._tokens = 0
        self._dropped = False
        self._over = False
        self._since = time.perf_counter()
        self._reader = Reader(torch.device("cpu"))
        self._facts: dict[str, object] = {"world_size": processes()}
        self._open(folder, dict(facts or {}), scheduler)

    @harmless(None)
    def _open(self, folder: str | os.PathLike[str], facts: dict[str, object], scheduler: Any) -> None:
        self._gradients = Gradients(self._model)
        self._reader = Reader(self._gradients.device)
        self._rates = Rates(self._optimizer, scheduler)
        self._layers = Layers(self._gradients, self._policy.sample_every)
        strict = self._policy.strict
        self._strict = self._reader.lag == 0 if strict is None else strict
        vocabulary = facts.get("vocabulary_size") or vocabulary_of(self._model)
        about = About(int(str(vocabulary)) if vocabulary else None, str(facts.get("objective") or ""))
        self._recorder = self._recorder_in(folder)
        self.troubles.recorder = self._recorder
        self._facts |= {**facts_of_model(self._model), **facts}
        self._recorder.head(self._facts)
        self._answering = Answering(self._policy, about, self._recorder, self.troubles, self._rates)
        self._end_when_lost = weakref.finalize(self, _end, self._recorder, self._answering, None)

    def _recorder_in(self, folder: str | os.PathLike[str]) -> FlightRecorder:
        """The recorder; one that does not write where the folder cannot be written: the run is guarded all the same."""
        try:
            return FlightRecorder(folder, writes=is_first())
        except OSError as error:
            self.troubles.note(f"nothing is recorded: {told(error)}")
            return FlightRecorder(folder, writes=False)

    @property
    def stopping(self) -> bool:
        """Whether the run should end."""
        answering = getattr(self, "_answering", None)
        return answering is not None and answering.stopping

    @property
    def taken_here(self) -> int:
        """Steps since this guard began; fewer than `taken` in a run that was resumed."""
        return self.taken - self._first

    @property
    def path(self) -> str:
        """The file of the flight recorder."""
        recorder = self.troubles.recorder
        return str(recorder.path) if recorder is not None else ""

    @harmless(None)
    def look(
        self,
        loss: Tensor | float | None = None,
        *,
        tokens: Tensor | int | None = None,
        weight: Tensor | float = 1.0,
        rows: Sequence[int] | None = None,
        last: bool = True,
    ) -> None:
        """Look at one micro-batch, after `backward` and before clipping.

        Args:
            loss: Its loss, `[]`, not divided by the number of micro-batches.
            tokens: Attended tokens in it.
            weight: What its loss counts in the mean of the step, e.g. its number of targets.
            rows: Numbers of its rows, to find the batch of a bad step again.
            last: Whether the update follows. Gradients are looked at then only; leaving it out costs a further look
                per micro-batch and is right too.
        """
        if loss is not None:
            one = loss.detach() if isinstance(loss, torch.Tensor) else torch.tensor(float(loss))
            self._step.losses.append(one.reshape(()) * weight)
            self._step.weights.append(weight)
        if tokens is not None:
            self._step.tokens.append(tokens)
        if rows is not None:
            self._step.rows.extend(int(row) for row in rows)
        if last:
            self.look_at_gradients()

    @harmless(None)
    def look_at_gradients(self) -> None:
        """Take norms of the gradients as they are now: all of them are there, and none is clipped."""
        if self._policy.rolls_back and self._answering.snapshot is None and self._gradients.weights_are_finite():
            self._answering.keep(self._model, self._optimizer, self.taken)
        self._step.rate = self._rates.current()
        norms = self._step.norms = self._gradients.norms()
        if norms is None:
            return
        if self._scaler is not None:
            self._step.scale, norms.scaled_by = factors_of(self._scaler, self._optimizer)
        elif self._strict and not norms.sharded and not norms.is_finite():
            self._gradients.drop()
            self._dropped = True
            return
        if self._layers.is_due(self.taken + 1):
            self._layers.before_update()

    def step(self, *, epoch: float | None = None) -> bool:
        """End one optimizer step, after `optimizer.step()`. Every process of a run must call it at every step.

        Args:
            epoch: Passes over the data so far.

        Returns:
            Whether the run should end.
        """
        if self._over or (self.troubles.silent and processes() == 1):
            return self.stopping
        packed = self._packed()
        self.taken += 1
        self.troubles.step = self.taken
        try:
            self._exchange(packed, epoch)
        except Exception as error:  # whatever it is, the training goes on
            self.troubles.note(f"step: {told(error)}")
        self._step, self._dropped = Accumulated(), False
        self._keep_when_due()
        return self.stopping

    def begin_step(self) -> None:
        """Count the seconds of the next step from now on, where something else came after the last one; optional."""
        self._since = time.perf_counter()

    def flush(self) -> None:
        """Judge the step whose numbers are still under way, so that the judgement is exact; waits for the device."""
        sent, self._sent = self._sent, None
        if sent is None:
            return
        try:
            values = dict(zip(FIELDS, self._reader.receive(sent.copy), strict=True))
        except Exception as error:  # whatever it is, the training goes on
            self.troubles.note(f"flush: {told(error)}")
            return
        if values["silent"] > 0.0:
            # One process has given up: all of them do at this step, so that none waits for another.
            self.troubles.give_up()
            self._over = True
        self._judge(sent, values)

    @harmless(("suspect", "the guard could not look"))
    def judge_weights(self) -> tuple[Judged, str]:
        """Say whether a checkpoint of this moment is good; waits for the device.

        Returns:
            `good` or `suspect`, and why.
        """
        self.flush()
        judgement = self._answering.judgement
        why = judgement.why
        if not self._gradients.weights_are_finite():
            why = "; ".join(filter(None, (why, "a trained weight is not finite")))
        if not why and self._policy.rolls_back and judgement.calm:
            self._answering.keep(self._model, self._optimizer, self.taken)
        return ("suspect", why) if why else ("good", "")

    @harmless(None)
    def record(self, kind: str, **values: object) -> None:
        """Write a line of another kind, e.g. an evaluation.

        Args:
            kind: `evaluation`, `generation` or `checkpoint`.
            values: What it says; the step is added.
        """
        self._recorder.write(kind, {"step": self.taken, **values})

    @harmless(None)
    def tell_facts(self, **facts: object) -> None:
        """Add to what the record says about the run; possible until the first step is written.

        Args:
            facts: Values by name of the vocabulary.
        """
        self._facts.update(facts)
        self._recorder.head(self._facts)

    def close(self, reason: Reason | None = None) -> None:
        """End the record, and leave the optimizer as it was found; a second call does nothing.

        Args:
            reason: Why the run ended; when it is left out, `stopped` after the guard said so and `finished` otherwise.
        """
        self.flush()
        self._over = True
        self._close(reason)

    def __enter__(self) -> Guard:
        """Watch until the block ends."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the record: `failed` when the block ended with an exception."""
        self.close("failed" if kind is not None else None)

    @harmless(None)
    def _close(self, reason: Reason | None) -> None:
        self._rates.close()
        self._end_when_lost.detach()
        _end(self._recorder, self._answering, reason, self.taken)

    def _packed(self) -> Tensor | None:
        """This process's part of the step; `None` where it has trouble, or has given up."""
        if self.troubles.silent:
            return None
        try:
            return pack(self._step, self._gradients.device, processes())
        except Exception as error:  # the other processes wait for the sum
            self.troubles.note(f"step: {told(error)}")
            return None

    def _exchange(self, packed: Tensor | None, epoch: float | None) -> None:
        """Send this step's numbers on their way, and judge those that have arrived."""
        if packed is None:
            packed = torch.zeros(len(FIELDS), device=self._reader.device)
            packed[-1] = float(self.troubles.silent)
        packed = agree(packed)
        if self._reader.lag:
            self.flush()
        reading = self._reading(epoch)
        norms = self._step.norms
        if norms is not None and self._layers.is_due(self.taken):
            self._recorder.write("layers", {"step": self.taken, **self._layers.after_update(norms)})
        self._sent = Sent(reading, self._reader.send(packed), norms)
        if not self._reader.lag:
            self.flush()

    def _reading(self, epoch: float | None) -> Reading:
        """What the CPU knows about the step without asking the device."""
        now = time.perf_counter()
        seconds, self._since = now - self._since, now
        return Reading(
            step=self.taken,
            learning_rate=self._step.rate,
            seconds=round(seconds, 6),
            epoch=epoch,
            memory=memory_of(self._gradients.device),
            scaled=self._scaler is not None,
            dropped=self._dropped,
            rows=self._step.rows or None,
            time=round(time.time(), 3),
        )

    @harmless(None)
    def _judge(self, sent: Sent, values: dict[str, float]) -> None:
        """Complete a reading with the numbers that have arrived, and let the rules look at it."""
        reading = sent.reading
        if values["weight"] > 0.0:
            reading.loss = values["loss"] / values["weight"]
        if sent.norms is not None:
            reading.grad_norm = math.sqrt(values["square"])
            reading.bad_gradient = values["bad"] > 0.0
            if reading.bad_gradient:
                reading.bad_tensor = self._gradients.first_bad(sent.norms)
        if values["tokens"] > 0.0:
            self._tokens += round(values["tokens"])
            reading.tokens = self._tokens
        reading.loss_scale = values["scale"] or None
        self._answering.take(reading, self.taken, self._optimizer)

    @harmless(None)
    def _keep_when_due(self) -> None:
        """Take a snapshot when the last one is old and the run is good."""
        snapshot = self._answering.snapshot
        if snapshot is None or self.taken - snapshot.step < self._policy.snapshot_every:
            return
        if self._answering.judgement.calm and self._gradients.weights_are_finite():
            self._answering.keep(self._model, self._optimizer, self.taken)


@dataclass(slots=True)
class Sent:
    """A step whose numbers are on their way from the device.

    Attributes:
        reading: What the CPU knows of it.
        copy: What the reader gave.
        norms: Its gradient norms, on the device.
    """

    reading: Reading
    copy: tuple[Tensor, Any]
    norms: Norms | None


def _end(recorder: FlightRecorder, answering: Answering, reason: Reason | None, step: int | None = None) -> None:
    """Write the last line; also when a guard is lost without a word, because the process ends.

    Python keeps the exception that ends a process in `sys.last_value`.
    """
    if reason is None:
        failed = getattr(sys, "last_value", None) is not None
        reason = "stopped" if answering.stopping else "failed" if failed else "finished"
    answering.close()
    recorder.write("end", {"step": step, "reason": reason})
    recorder.close()
