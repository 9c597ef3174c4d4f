"""The guard for the Hugging Face Trainer and for TRL: one callback.

It gives a `Guard` what the loop of the Trainer hides: the loss as the model returned it, and gradients before they are
clipped. It does not know the data; where the loss is computed outside the model, it takes the logged one and says so.
"""

# ruff: noqa: ARG002 the Trainer calls with these arguments
from __future__ import annotations

import os
import weakref
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

from trainclinic.guard.clipping import Clipping
from trainclinic.guard.model_loss import ModelLoss
from trainclinic.guard.ranks import is_first, processes
from trainclinic.guard.run_facts import facts_of_arguments
from trainclinic.guard.samples import Samples
from trainclinic.guard.troubles import Troubles, harmless
from trainclinic.guard.watch import Guard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from trainclinic.guard.policy import Policy
    from trainclinic.guard.samples import Prompt

_ZERO_IS_NORMAL = frozenset({"GRPOConfig", "RLOOConfig", "OnlineDPOConfig", "PPOConfig"})
"""Settings of trainers whose loss is 0 before the first update, and often later (TRL)."""


class TrainclinicCallback(TrainerCallback):
    """Guards a run of the Trainer.

    Args:
        folder: Where `flight.jsonl` is written; the output folder of the Trainer when it is empty.
        policy: What to do about what is seen.
        facts: What is known about the run beside the training arguments, by name of the vocabulary.
        prompts: Prompts that are answered at every evaluation: texts as the model is to see them, or token numbers.
        tokenizer: For the prompts; the Trainer's own when it is left out.
        max_new_tokens: Longest of these answers.

    Attributes:
        guard: The guard of the present run; `None` before it begins.
        troubles: Exceptions inside the callback.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] = "",
        *,
        policy: Policy | None = None,
        facts: Mapping[str, object] | None = None,
        prompts: Sequence[Prompt] = (),
        tokenizer: Any = None,
        max_new_tokens: int = 64,
    ) -> None:
        self.guard: Guard | None = None
        self.troubles = Troubles()
        self._folder = folder
        self._policy = policy
        self._facts = dict(facts or {})
        self._samples = Samples(prompts, tokenizer, max_new_tokens=max_new_tokens)
        self._loss: ModelLoss | None = None
        self._let_go: Callable[[], object] | None = None
        self._looked = False
        self._from_log = False
        self._waits_for_log = False

    @harmless(None)
    def on_train_begin(self, args: Any, state: Any, control: Any, **found: Any) -> None:
        """Begin to watch."""
        self.close()
        model, optimizer = found["model"], found.get("optimizer")
        self.guard = Guard(
            model,
            optimizer,
            self._folder or args.output_dir,
            policy=_fitting(self._policy, args),
            facts={**facts_of_arguments(args, state.max_steps), **self._facts},
            scheduler=found.get("lr_scheduler"),
            scaler=getattr(optimizer, "scaler", None),
            first_step=state.global_step,
        )
        self.troubles = self.guard.troubles
        together = getattr(args, "average_tokens_across_devices", False)
        self._loss = ModelLoss(model, processes() if together else 1, self.troubles)
        clipping = Clipping(model, self._before_clipping)
        self._let_go = weakref.finalize(self, _let_go, clipping, self._loss)
        clipping.start()

    @harmless(None)
    def on_step_begin(self, args: Any, state: Any, control: Any, **found: Any) -> None:
        """A new step: nobody has looked at its gradients, and the time of evaluating and saving is not its time."""
        self._looked = False
        if self.guard is not None:
            self.guard.begin_step()

    @harmless(None)
    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **found: Any) -> None:
        """Look now where nothing was clipped."""
        self._before_clipping()

    def on_step_end(self, args: Any, state: Any, control: Any, **found: Any) -> None:
        """End the step, unless its loss is only known when it is logged."""
        self._take_loss()
        self._waits_for_log = self._from_log and bool(control.should_log)
        if not self._waits_for_log:
            self._end_step(state, control)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **found: Any) -> None:
        """Take the logged loss where the model does not return one."""
        if not self._waits_for_log or "loss" not in (logs or {}):
            return
        self._waits_for_log = False
        self._see_logged(logs["loss"])
        self._end_step(state, control)

    @harmless(None)
    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **found: Any) -> None:
        """Write the evaluation, and let the model answer the prompts."""
        if self.guard is None:
            return
        loss = next((v for k, v in (metrics or {}).items() if k == "eval_loss" or k.endswith("_loss")), None)
        if loss is not None:
            self.guard.record("evaluation", loss=float(loss))
        if self._samples.prompts:
            self._samples.tokenizer = self._samples.tokenizer or found.get("processing_class")
            for one in self._samples.draw(found["model"]):
                self.guard.record(
                    "generation", prompt=one.prompt, text=one.text, new_tokens=one.new_tokens, stopped=one.stopped,
                    remarks=list(one.remarks),
                )  # fmt: skip

    @harmless(None)
    def on_save(self, args: Any, state: Any, control: Any, **found: Any) -> None:
        """Mark the checkpoint as good or suspect."""
        if self.guard is None:
            return
        judged, why = self.guard.judge_weights()
        if not is_first():
            return
        from trainclinic.training.checkpoints import mark

        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if folder.is_dir():
            mark(folder, state=judged, why=why, step=state.global_step)
            self.guard.record("checkpoint", path=folder.name, state=judged, why=why)

    def on_train_end(self, args: Any, state: Any, control: Any, **found: Any) -> None:
        """Stop watching."""
        self.close()

    def close(self, *, failed: bool = False) -> None:
        """Stop watching, and leave everything as it was found; a second call does nothing.

        Args:
            failed: Whether the training ended with an exception, after which the Trainer calls no callback.
        """
        let_go, self._let_go = self._let_go, None
        if let_go is not None:
            let_go()
        guard, self.guard = self.guard, None
        if guard is not None:
            guard.close("failed" if failed else None)

    def _before_clipping(self) -> None:
        if not self._looked and self.guard is not None:
            self._looked = True
            self.guard.look_at_gradients()

    @harmless(None)
    def _take_loss(self) -> None:
        """Hand the loss and the tokens of the step to the guard."""
        if self.guard is None or self._loss is None:
            return
        loss, tokens = self._loss.take()
        if self.guard.taken_here == 0:
            source = "logged" if loss is None else "model"
            self.guard.tell_facts(guard_loss_source=source)
            self._from_log = loss is None
        if loss is not None or tokens is not None:
            self.guard.look(loss, tokens=tokens, last=False)

    @harmless(None)
    def _see_logged(self, loss: Any) -> None:
        if self.guard is not None:
            self.guard.look(float(loss), last=False)

    def _end_step(self, state: Any, control: Any) -> None:
        if self.guard is not None and self.guard.step(epoch=state.epoch):
            control.should_training_stop = True


def _fitting(policy: Policy | None, args: Any) -> Policy | None:
    """The policy, without stopping at losses of 0 where an objective begins with them: advantages sum to 0."""
    if type(args).__name__ not in _ZERO_IS_NORMAL:
        return policy
    from trainclinic.guard.policy import Policy as Default

    return replace(policy or Default(), on_zero="warn")


def _let_go(clipping: Clipping, loss: ModelLoss) -> None:
    """Undo what a run has left behind, also one that failed and called nobody."""
    clipping.stop()
    loss.close()
