"""A fine-tune from its recipe: first the plan, then the parts, then the run.

    planned = plan(recipe)          # reads configuration, tokenizer and rows; loads no weights
    job = build(planned, output)    # loads the model and sets up the Trainer
    outcome = run(job)              # trains, keeps the best state, saves what a model needs

It does not know that anybody watches or checks.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainclinic.corpus.corpus import Corpus
from trainclinic.corpus.open import open_corpus
from trainclinic.encoding.tokens.tokenizer import Tokenizer
from trainclinic.recipe.model import Recipe
from trainclinic.recipe.write import as_yaml
from trainclinic.record.errors import TrainclinicError
from trainclinic.training import checkpoints
from trainclinic.training.batches import Collator, Items, Packs, padding_id, refuse_leaky_packing
from trainclinic.training.formatting import Formatting, formatting_of, usual_template
from trainclinic.training.model import ModelShape, load_model, shape_of
from trainclinic.training.numerics import Machine, this_machine
from trainclinic.training.plan import Amount, Choice, Planner, refuse_untrainable
from trainclinic.training.rows import Rows, make_rows, read_samples
from trainclinic.training.tokenizers import tokenizers_of

if TYPE_CHECKING:
    from trainclinic.training.trainer import RecipeTrainer

RECIPE_FILE = "recipe.yaml"
PROMPTS_FILE = "validation_prompts.json"
MANIFEST = "training.json"
SAMPLE_OF_PROMPTS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """What will be trained, before any weight is loaded.

    Attributes:
        recipe: The complete recipe.
        choices: What the user's recipe left open, with reasons.
        shape: What the model's files say.
        tokenizer: The tokenizer.
        saved_tokenizer: The same as transformers loads and saves it.
        formatting: How conversations are written.
        corpus: The data files.
        rows: The rows, written and labelled.
        pad: Id of the padding.
        processes: Data-parallel processes.
    """

    recipe: Recipe
    choices: tuple[Choice, ...]
    shape: ModelShape
    tokenizer: Tokenizer
    saved_tokenizer: Any
    formatting: Formatting
    corpus: Corpus
    rows: Rows
    pad: int
    processes: int


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A fine-tune that is ready to run.

    Attributes:
        planned: What will be trained.
        output: Output folder.
        model: The model as it is to be trained, on its device.
        trainer: The Trainer.
        collator: Puts rows into batches.
    """

    planned: Planned
    output: Path
    model: Any
    trainer: RecipeTrainer
    collator: Collator


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run.

    Attributes:
        steps: Optimizer steps that were made.
        first_loss: First logged loss, nats/token; `None` when none was logged.
        last_loss: Mean of the last tenth of the logged losses.
        best_loss: Lowest held-out loss; `None` without held-out rows.
        best: The checkpoint with that loss; `None` when none was saved.
        is_complete: Whether the run came to its planned end or stopped because it no longer got better.
        rows: Everything that was logged.
    """

    steps: int
    first_loss: float | None
    last_loss: float | None
    best_loss: float | None
    best: Path | None
    is_complete: bool
    rows: list[dict[str, float]] = field(default_factory=list)


def plan(recipe: Recipe, *, machine: Machine | None = None, processes: int | None = None) -> Planned:
    """Complete a recipe for its model, its rows and this machine.

    Args:
        recipe: What the user states.
        machine: What the machine can do; found out by default.
        processes: Data-parallel processes; those of the launcher by default.

    Raises:
        TrainclinicError: If something that is needed is missing or cannot be done.
    """
    refuse_untrainable(recipe)
    count = processes if processes is not None else int(os.environ.get("WORLD_SIZE", "1"))
    planner = Planner(recipe)
    shape = shape_of(str(recipe.model.name))
    planner.machine(machine or this_machine())
    planner.method(shape)
    named = planner.recipe.model
    saved, tokenizer = tokenizers_of(named.tokenizer or str(named.name), named.new_tokens or ())
    corpus = _corpus(planner.recipe)
    planner.choose("data.evaluation", "", "no held-out file is named")
    samples = [sample for sample, _ in read_samples(corpus, _defaulted(planner.recipe))[0][:SAMPLE_OF_PROMPTS]]
    is_text = bool(samples) and all(not sample.messages and not sample.ids for sample in samples)
    planner.choose("data.form", _form(samples[0].schema if samples else "messages"), "the rows are written so")
    prompts = [sample.prompt for sample in samples if sample.schema == "prompt-completion"]
    planner.choose("text.template", *usual_template(tokenizer, prompts))
    unlimited = _defaulted(planner.recipe, limit=False)
    formatting = formatting_of(tokenizer, unlimited.text)
    if is_text:
        planner.lengths(shape, Amount(len(samples), (), is_text=True))
    else:
        lengths = [len(row) for row in make_rows(corpus, unlimited, tokenizer, formatting).training]
        planner.lengths(shape, Amount(len(lengths), lengths, is_text=False))
    rows = make_rows(corpus, _defaulted(planner.recipe), tokenizer, formatting)
    _steps(planner, rows, count)
    planner.rhythm(held_out=len(rows.held_out))
    planner.defaults()
    if planner.recipe.data.form != "text":
        saved.chat_template = formatting.source  # what the model is asked with must be what it was trained with
    pad = padding_id(tokenizer, planner.recipe)
    return Planned(
        planner.recipe, tuple(planner.choices), shape, tokenizer, saved, formatting, corpus, rows, pad, count
    )


def build(planned: Planned, output: Path) -> Job:
    """Load the model and set up the Trainer.

    Args:
        planned: What will be trained.
        output: Output folder.

    Raises:
        TrainclinicError: If the model cannot be loaded.
    """
    from transformers import set_seed

    from trainclinic.training.trainer import trainer_of

    recipe, rows = planned.recipe, planned.rows
    set_seed(recipe.seed or 0)
    model = load_model(recipe, planned.tokenizer.vocabulary_size)
    collator = Collator(planned.pad, str(recipe.text.padding_side), scores_padding=bool(recipe.loss.padding))
    training: Items = Items(rows.training)
    if recipe.text.packing and planned.recipe.data.form != "text" and len(rows.training) > 1:
        refuse_leaky_packing(model, rows.training)
        training = Packs(rows.training, recipe.text.max_length or rows.longest)
    trainer = trainer_of(
        recipe,
        output,
        model=model,
        training=training,
        held_out=Items(rows.held_out) if rows.held_out else None,
        collator=collator,
        tokenizer=planned.saved_tokenizer,
    )
    return Job(planned, output, trainer.model, trainer, collator)


def run(job: Job, *, resume: Path | None = None) -> Outcome:
    """Train to the end, and save what a model needs.

    Args:
        job: The fine-tune.
        resume: Checkpoint to go on from.
    """
    trainer, output = job.trainer, job.output
    if trainer.is_world_process_zero():
        output.mkdir(parents=True, exist_ok=True)
        write_plan(job.planned, output)
    trainer.train(resume_from_checkpoint=str(resume) if resume is not None else None)
    state = trainer.state
    losses = [row["loss"] for row in state.log_history if "loss" in row]
    tail = losses[-max(1, len(losses) // 10) :]
    held = [row["eval_loss"] for row in state.log_history if "eval_loss" in row]
    found = checkpoints.best(checkpoints.whole_checkpoints(output))
    return Outcome(
        steps=state.global_step,
        first_loss=losses[0] if losses else None,
        last_loss=sum(tail) / len(tail) if tail else None,
        best_loss=min(held, default=None),
        best=found.folder if found is not None else None,
        is_complete=True,
        rows=state.log_history,
    )


def save(job: Job, outcome: Outcome) -> None:
    """Save the trained weights with everything that is needed to use them.

    Args:
        job: The fine-tune.
        outcome: What came of it.
    """
    trainer, output, planned = job.trainer, job.output, job.planned
    trainer.save_model(str(output))
    if not trainer.is_world_process_zero():
        return
    planned.saved_tokenizer.save_pretrained(output)
    base = getattr(job.model, "get_base_model", lambda: job.model)()
    settings = base.generation_config
    settings.eos_token_id, settings.pad_token_id = sorted(planned.formatting.ends), planned.pad
    settings.save_pretrained(output)
    asked = [{"prompt": one.prompt, "answer": one.reference} for one in planned.rows.asked]
    (output / PROMPTS_FILE).write_text(json.dumps(asked, ensure_ascii=False, indent=1), encoding="utf-8")
    (output / MANIFEST).write_text(json.dumps(_manifest(job, outcome), indent=1) + "\n", encoding="utf-8")


def write_plan(planned: Planned, output: Path) -> Path:
    """Save the complete recipe, each choice with its reason; returns the file.

    Args:
        planned: What will be trained.
        output: Output folder.
    """
    remarks = {choice.key: choice.why for choice in planned.choices}
    path = output / RECIPE_FILE
    part = path.with_suffix(".part")
    heading = "The complete recipe of this run; a remark says why a value was chosen that nobody had stated."
    part.write_text(as_yaml(planned.recipe, remarks, heading=heading), encoding="utf-8")
    part.replace(path)
    return path


def _steps(planner: Planner, rows: Rows, processes: int) -> None:
    lengths = [len(row) for row in rows.training]
    amount = Amount(len(lengths), lengths, is_text=planner.recipe.data.form == "text", processes=processes)
    if planner.recipe.text.packing and not amount.is_text:
        packs = len(Packs(rows.training, planner.recipe.text.max_length or rows.longest))
        amount = Amount(packs, lengths, is_text=False, processes=processes)
    planner.batches(amount)


def _defaulted(recipe: Recipe, *, limit: bool = True) -> Recipe:
    """A recipe with defaults for what is open, for reading rows; without `limit` no row is too long."""
    from dataclasses import replace

    planner = Planner(recipe)
    planner.defaults()
    if limit:
        return planner.recipe
    return replace(planner.recipe, text=replace(planner.recipe.text, max_length=None))


def _corpus(recipe: Recipe) -> Corpus:
    data = recipe.data
    parts = {"prompt": data.question_field, "input": data.input_field}
    answer = {"messages": "messages", "text": "text"}.get(str(data.form), "completion")
    columns = {part: name for part, name in {**parts, answer: data.answer_field}.items() if name and name != part}
    held = [data.evaluation] if data.evaluation else []
    return open_corpus([str(data.train)], held_out=held, columns=columns if data.question_field else {})


def _form(schema: str) -> str:
    known = {"alpaca": "instruction", "sharegpt": "messages"}
    form = known.get(schema, schema)
    if form in {"kto", "preference"}:
        message = "the rows are preference pairs, expected conversations, questions with answers, or texts"
        raise TrainclinicError(message, hint="preference pairs can be trained on with TRL's `DPOTrainer`")
    return form if form != "tokens" else "text"


def _manifest(job: Job, outcome: Outcome) -> Mapping[str, Any]:
    from importlib.metadata import version

    libraries = ("trainclinic", "torch", "transformers", "peft", "accelerate", "numpy")
    return {
        "schema": "trainclinic.training.v1",
        "versions": {"python": platform.python_version()} | {name: version(name) for name in libraries},
        "rows": {"training": len(job.planned.rows.training), "held_out": len(job.planned.rows.held_out)},
        "left_out": dict(job.planned.rows.left_out),
        "steps": outcome.steps,
        "first_loss": outcome.first_loss,
        "last_loss": outcome.last_loss,
        "best_loss": outcome.best_loss,
        "best_checkpoint": outcome.best.name if outcome.best is not None else None,
        "end_tokens": sorted(job.planned.formatting.ends),
        "pad_token": job.planned.pad,
    }
