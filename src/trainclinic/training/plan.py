"""A complete recipe from an incomplete one: what is open is chosen for this model, these rows and this machine.

Every choice says why. What a recipe states is never changed here, except where the machine cannot do it. It does not
know how a recipe is run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from trainclinic.recipe.keys import Value, all_keys, value_of, with_value
from trainclinic.recipe.model import Recipe
from trainclinic.record.errors import TrainclinicError
from trainclinic.signals.reference_losses import Reference, known_reference
from trainclinic.training.model import ModelShape
from trainclinic.training.numerics import Machine, settled

ROUNDING = 64
"""Length limits are multiples of it, in tokens."""
LONGEST_BY_DEFAULT = 2048
TOKENS_PER_PASS = {"cpu": 2048, "mps": 4096, "cuda": 8192}
"""Tokens of a forward pass by default, so that activations of a model of a few billion weights fit."""
SMALLEST_PUBLISHED = 50_000_000
"""Weights below which no listed model lies."""
FEWEST_STEPS = 60
"""Updates below which a run mostly warms up."""
MOST_EPOCHS = 10.0
LEARNING_RATES = {"lora": 2e-4, "full": 2e-5}
"""Usual peaks: adapters start at zero and take about ten times the rate of all weights (Hu et al. 2021, table 11)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A setting that the recipe left open.

    Attributes:
        key: Its dotted name.
        value: What was chosen.
        why: A clause after "because".
    """

    key: str
    value: Value
    why: str


@dataclass(frozen=True, slots=True)
class Amount:
    """How much there is to train on.

    Attributes:
        rows: Training rows.
        lengths: Tokens of each, before any limit.
        is_text: Whether the rows are plain text, which is cut into blocks.
        processes: Data-parallel processes.
    """

    rows: int
    lengths: Sequence[int]
    is_text: bool
    processes: int = 1


class Planner:
    """Fills a recipe.

    Args:
        recipe: What the user states.

    Attributes:
        recipe: The recipe as far as it is filled.
        choices: What was chosen, in the order in which it was.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.choices: list[Choice] = []

    def choose(self, key: str, value: Value, why: str) -> None:
        """Set a key that is open; a stated one stays.

        Args:
            key: Dotted name.
            value: What to set.
            why: A clause after "because".
        """
        if value_of(self.recipe, key) is None:
            self.replace(key, value, why)

    def replace(self, key: str, value: Value, why: str) -> None:
        """Set a key whatever the recipe states, because the machine or the model cannot do otherwise."""
        if value_of(self.recipe, key) != value:
            self.recipe = with_value(self.recipe, key, value)
            self.choices.append(Choice(key, value, why))

    def machine(self, machine: Machine) -> None:
        """Device and number formats.

        Raises:
            TrainclinicError: If the recipe names a device that is not there.
        """
        is_quantised = bool(self.recipe.adapter.quantised_bits)
        found, why = settled(self.recipe.precision, machine, quantised=is_quantised)
        for key, reason in why.items():
            if key == "adapter.quantised_bits":
                self.replace(key, 0, reason)
            else:
                self.replace(key, value_of(replace(self.recipe, precision=found), key) or False, reason)
        self.recipe = replace(self.recipe, precision=found)

    def method(self, shape: ModelShape) -> None:
        """What is trained, and at which rate."""
        if value_of(self.recipe, "adapter.method") is None:
            size = f" of {shape.parameters / 1e6:,.0f} million weights" if shape.parameters else ""
            self.choose(
                "adapter.method", "lora", f"adapters leave the model{size} as it is and need a fraction of the memory"
            )
        method = str(self.recipe.adapter.method)
        self.choose("optimizer.learning_rate", LEARNING_RATES[method], f"it is the usual peak for {method} training")
        if method == "lora" and self.recipe.model.new_tokens:
            both = ("embed_tokens", "lm_head")
            self.choose("adapter.in_full", both, "the rows of new tokens have to be learned")
        known = _reference(shape)
        if known is not None and (start := known.usual or known.start) is not None:
            self.choose("guard.first_loss", start, f"intact starts of {known.title} lie there")

    def lengths(self, shape: ModelShape, amount: Amount) -> None:
        """The length limit."""
        longest = max(amount.lengths, default=1)
        if self.recipe.text.max_length is not None and self.recipe.text.max_length > shape.positions:
            self.replace("text.max_length", shape.positions, f"the model has {shape.positions:,} positions")
        most = min(shape.positions, LONGEST_BY_DEFAULT)
        if amount.is_text:
            self.choose("text.max_length", min(most, 1024), "texts are cut into blocks, and longer ones cost memory")
            return
        fitting = min(most, math.ceil(longest / ROUNDING) * ROUNDING)
        over = sum(length > fitting for length in amount.lengths)
        why = f"the longest row has {longest:,} tokens" + (f"; {over:,} rows are longer" if over else "")
        self.choose("text.max_length", fitting, why)

    def batches(self, amount: Amount) -> None:
        """Rows per step, and the number of steps."""
        recipe = self.recipe
        length = recipe.text.max_length or 1024
        wanted = 8 if amount.rows < 500 else 16 if amount.rows < 5000 else 32
        fitting = max(1, TOKENS_PER_PASS.get(str(recipe.precision.device), 2048) // length)
        per_process = max(1, wanted // amount.processes)
        rows = 1 << (min(per_process, fitting, max(1, amount.rows // amount.processes)).bit_length() - 1)
        self.choose("batch.rows", rows, f"{rows * length:,} tokens a forward pass fit into usual memory")
        held = self.recipe.batch.rows or 1
        accumulation = max(1, per_process // held)
        self.choose(
            "batch.accumulation", accumulation, f"an update then sees {held * accumulation * amount.processes} rows"
        )
        self._steps(amount)

    def _steps(self, amount: Amount) -> None:
        batch = self.recipe.batch
        per_epoch = max(1, math.ceil(amount.rows / ((batch.rows or 1) * (batch.accumulation or 1) * amount.processes)))
        if self.recipe.schedule.epochs is None and not self.recipe.schedule.steps:
            epochs = min(MOST_EPOCHS, max(3.0, math.ceil(FEWEST_STEPS / per_epoch)))
            why = "three passes are usual" if epochs == 3 else f"an epoch has only {per_epoch} updates"
            self.choose("schedule.epochs", epochs, why)
        steps = self.recipe.schedule.steps or math.ceil((self.recipe.schedule.epochs or 3.0) * per_epoch)
        self.replace("schedule.steps", steps, f"an epoch has {per_epoch} updates")
        self.choose("schedule.warmup_steps", min(100, max(1, steps // 20)), f"that is a twentieth of {steps} updates")
        if (self.recipe.schedule.warmup_steps or 0) >= steps:
            self.replace("schedule.warmup_steps", max(0, steps // 10), f"the run has only {steps} updates")

    def rhythm(self, *, held_out: int) -> None:
        """When to log, judge and save."""
        steps = self.recipe.schedule.steps or 1
        if not self.recipe.evaluation.every_steps:
            self.replace("evaluation.every_steps", max(1, math.ceil(steps / 10)), "that makes ten evaluations")
        every = self.recipe.evaluation.every_steps or 1
        wanted = self.recipe.checkpoints.every_steps or every
        if held_out and wanted % every:
            self.replace(
                "checkpoints.every_steps", max(every, round(wanted / every) * every), "the best is found by evaluating"
            )
        elif not self.recipe.checkpoints.every_steps:
            self.replace("checkpoints.every_steps", wanted, "a checkpoint is saved at every evaluation")
        self.choose("guard.log_every_steps", max(1, min(10, steps // 50)), f"the run has {steps} updates")

    def defaults(self) -> None:
        """Take the default of every key that is still open."""
        for key in all_keys().values():
            if key.default is not None and value_of(self.recipe, key.name) is None:
                self.recipe = with_value(self.recipe, key.name, key.default)


def _reference(shape: ModelShape) -> Reference | None:
    """The published model that this is by its name, unless it has another size: folders are called as people like."""
    if shape.parameters is None:
        return known_reference(shape.identity)
    by_size = known_reference("", (float(shape.parameters),))
    by_name = known_reference(shape.identity, (float(shape.parameters),))
    is_listed = by_size is not None and by_name is not None and by_size.title == by_name.title
    return by_name if is_listed or shape.parameters > SMALLEST_PUBLISHED else None


def refuse_untrainable(recipe: Recipe) -> None:
    """Stop before work is done for a recipe that cannot be run here.

    Args:
        recipe: The recipe.

    Raises:
        TrainclinicError: If it names no model or data, or asks for what is not supported.
    """
    for key, flag in (("model.name", "--model"), ("data.train", "--data")):
        if not value_of(recipe, key):
            message = f"`{key}` is not known"
            raise TrainclinicError(message, hint=f"set it in the recipe, or give {flag}")
    if recipe.objective in {"dpo", "other"} or recipe.data.form == "preference":
        message = f"`objective` is `{recipe.objective}`, expected `sft` or `pretraining`"
        raise TrainclinicError(message, hint="preference pairs can be trained on with TRL's `DPOTrainer`")
    if recipe.loss.shifted_by == "nobody":
        message = "`loss.shifted_by` is `nobody`, and the models of transformers shift the labels themselves"
        raise TrainclinicError(message, hint="`loss.shifted_by: model` is right for them")
