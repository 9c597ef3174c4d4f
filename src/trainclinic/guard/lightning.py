"""The guard for PyTorch Lightning, version 2: one callback, under either of its two package names.

It does not know losses of manual optimization, where Lightning calls no hook around the backward pass.
"""

# ruff: noqa: ARG002 Lightning calls with these arguments
from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import TYPE_CHECKING, Any

from trainclinic.guard.run_facts import facts_of_lightning
from trainclinic.guard.troubles import Troubles, harmless
from trainclinic.guard.watch import Guard
from trainclinic.record.errors import TrainclinicError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainclinic.guard.policy import Policy

_PACKAGES = ("pytorch_lightning", "lightning.pytorch")


def _callback_class() -> Any:
    """The base class of the package that the program uses: the one that it has imported, else the one that is there.

    Raises:
        TrainclinicError: If neither is installed.
    """
    loaded = (name for name in _PACKAGES if name in sys.modules)
    there = (name for name in _PACKAGES if importlib.util.find_spec(name.partition(".")[0]) is not None)
    for name in (*loaded, *there):
        return importlib.import_module(name).Callback
    message = "PyTorch Lightning is not installed, expected `pytorch_lightning` or `lightning`"
    raise TrainclinicError(message, hint="pip install pytorch-lightning")


class TrainclinicLightningCallback(_callback_class()):  # type: ignore[misc]
    """Guards a run of Lightning's Trainer.

    Args:
        folder: Where `flight.jsonl` is written; the Trainer's root folder when it is empty.
        policy: What to do about what is seen.
        facts: What is known about the run, by name of the vocabulary.

    Attributes:
        guard: The guard of the present run; `None` outside one.
        troubles: Exceptions inside the callback.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] = "",
        *,
        policy: Policy | None = None,
        facts: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__()
        self.guard: Guard | None = None
        self.troubles = Troubles()
        self._folder = folder
        self._policy = policy
        self._facts = dict(facts or {})
        self._steps = 0

    @harmless(None)
    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin to watch."""
        schedulers = [config.scheduler for config in trainer.lr_scheduler_configs]
        self._steps = int(trainer.global_step)
        self.guard = Guard(
            pl_module,
            trainer.optimizers[0] if trainer.optimizers else None,
            self._folder or trainer.default_root_dir,
            policy=self._policy,
            facts={**facts_of_lightning(trainer), **self._facts},
            scheduler=schedulers[0] if schedulers else None,
            scaler=getattr(trainer.precision_plugin, "scaler", None),
            first_step=self._steps,
        )
        self.troubles = self.guard.troubles

    @harmless(None)
    def on_before_backward(self, trainer: Any, pl_module: Any, loss: Any) -> None:
        """Take the loss; Lightning has divided it by the number of accumulated batches."""
        if self.guard is not None:
            self.guard.look(loss.detach() * trainer.accumulate_grad_batches, last=False)

    @harmless(None)
    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        """Look at the gradients: unscaled, not yet clipped."""
        if self.guard is not None:
            self.guard.look_at_gradients()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """End the step when the optimizer has taken one."""
        if self.guard is None or trainer.global_step == self._steps:
            return
        self._steps = int(trainer.global_step)
        if self.guard.step(epoch=_epochs(trainer, batch_idx)):
            trainer.should_stop = True

    @harmless(None)
    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Write the validation loss, under the name that it was logged by."""
        if self.guard is None or trainer.sanity_checking:
            return
        metrics = trainer.callback_metrics
        loss = next((metrics[name] for name in ("val_loss", "val/loss", "valid_loss") if name in metrics), None)
        if loss is not None:
            self.guard.record("evaluation", loss=float(loss))

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Stop watching."""
        self._close(failed=False)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Stop watching a run that has failed."""
        self._close(failed=True)

    def _close(self, *, failed: bool) -> None:
        guard, self.guard = self.guard, None
        if guard is not None:
            guard.close("failed" if failed else None)


def _epochs(trainer: Any, batch: int) -> float | None:
    """Passes over the data; `None` where their length is not known."""
    batches = trainer.num_training_batches
    return trainer.current_epoch + (batch + 1) / batches if 0 < batches < float("inf") else None
