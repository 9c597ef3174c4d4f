"""The corrected training script: a readable program that needs nothing of this project.

One template serves every recipe; what a recipe does not need is not in its script.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trainclinic.fixes.files.templates import rendered
from trainclinic.knowledge.models import family_of
from trainclinic.recipe.keys import value_of
from trainclinic.recipe.model import Recipe
from trainclinic.recipe.patch import resolve

NAME = "finetune_fixed.py"
VALIDATION_NAME = "validate_model.py"
OUTPUT = "fixed-model"
QUICK_STEPS = 20
NEW_TOKENS_PER_ANSWER = 200
REQUIREMENTS = ("torch", '"transformers>=4.56"', "accelerate")
FORMS = ("messages", "prompt-completion", "instruction", "question-answer", "text")
"""Ways of writing rows that the script reads."""
_FIELDS = {
    "messages": ("", "", "messages"),
    "prompt-completion": ("prompt", "", "completion"),
    "instruction": ("instruction", "input", "output"),
    "question-answer": ("question", "", "answer"),
    "text": ("", "", "text"),
}
"""Usual keys of the question, of a second part of it, and of the answer."""
_ENDINGS = {
    "messages": "JSON, JSONL or Parquet",
    "text": "text, Markdown, JSON, JSONL, CSV or Parquet",
    "question-answer": "JSON, JSONL, CSV, Parquet or Markdown",
}
_SETTINGS = (
    ("MODEL", "model.name"),
    ("TOKENIZER", "model.tokenizer"),
    ("DATA", "data.train"),
    ("EVALUATION_DATA", "data.evaluation"),
    ("QUESTION_FIELD", "data.question_field"),
    ("INPUT_FIELD", "data.input_field"),
    ("ANSWER_FIELD", "data.answer_field"),
    ("HELD_OUT", "data.held_out"),
    ("TEMPLATE", "text.template"),
    ("SYSTEM", "text.system"),
    ("MAX_LENGTH", "text.max_length"),
    ("NEW_TOKENS", "model.new_tokens"),
    ("LORA_RANK", "adapter.rank"),
    ("LORA_ALPHA", "adapter.alpha"),
    ("LORA_DROPOUT", "adapter.dropout"),
    ("LORA_TARGETS", "adapter.modules"),
    ("TRAINED_IN_FULL", "adapter.in_full"),
    ("OPTIMIZER", "optimizer.name"),
    ("LEARNING_RATE", "optimizer.learning_rate"),
    ("WEIGHT_DECAY", "optimizer.weight_decay"),
    ("ADAM_EPSILON", "optimizer.epsilon"),
    ("MAX_GRAD_NORM", "optimizer.max_grad_norm"),
    ("SCHEDULE", "schedule.name"),
    ("WARMUP_STEPS", "schedule.warmup_steps"),
    ("EPOCHS", "schedule.epochs"),
    ("STEPS", "schedule.steps"),
    ("DEVICE", "precision.device"),
    ("ATTENTION", "model.attention"),
    ("BATCH_ROWS", "batch.rows"),
    ("ACCUMULATION", "batch.accumulation"),
    ("GRADIENT_CHECKPOINTING", "batch.checkpointing"),
    ("WORKERS", "batch.workers"),
    ("EVALUATE_EVERY", "evaluation.every_steps"),
    ("PATIENCE", "evaluation.patience"),
    ("GENERATIONS", "evaluation.generations"),
    ("KEEP_CHECKPOINTS", "checkpoints.keep"),
    ("RESUME_FROM", "checkpoints.resume_from"),
    ("LOG_EVERY", "guard.log_every_steps"),
    ("EXPECTED_FIRST_LOSS", "guard.first_loss"),
    ("SEED", "seed"),
)
_LORA_ONLY = {"LORA_RANK", "LORA_ALPHA", "LORA_DROPOUT", "LORA_TARGETS", "TRAINED_IN_FULL"}


@dataclass(frozen=True, slots=True)
class Header:
    """What a script says about itself.

    Attributes:
        headline: The first line of its docstring.
        remarks: Remarks on settings, by key of the recipe.
        faulty_loss: The first loss that the faulty run logged; `None` when it is not known.
    """

    headline: str
    remarks: Mapping[str, str] = field(default_factory=dict)
    faulty_loss: float | None = None


_PICTURES = re.compile(r"llava|bunny|vision|pixtral|(^|[-_/])vl([-_/.0-9]|$)|vl-(chat|instruct)")


def can_write(recipe: Recipe) -> str:
    """Why no script can be written for a recipe; empty when one can."""
    name = str(recipe.model.name or "").lower()
    family = family_of(name) if name else None
    if family is not None and family.kind != "causal":
        return f"{family.title} is no causal language model"
    if _PICTURES.search(name):
        return "this model reads pictures as well"
    if recipe.objective == "other":
        return "its objective is not next-token prediction"
    if recipe.objective == "dpo" or recipe.data.form == "preference":
        return "it trains on preferences"
    return ""


def training_script(recipe: Recipe, header: Header) -> str:
    """The script that trains a recipe.

    Args:
        recipe: The recipe; defaults stand in for what is unknown.
        header: What the script says about itself.
    """
    whole = with_form(recipe)
    form = str(whole.data.form)
    lora = whole.adapter.method != "full"
    missing = " and ".join(
        word for word, value in (("the model", whole.model.name), ("the data", whole.data.train)) if not value
    )
    remarks = {"schedule.steps": "0 to go by EPOCHS", **header.remarks}
    if recipe.optimizer.name not in {None, whole.optimizer.name}:
        remarks["optimizer.name"] = f"the run used {recipe.optimizer.name}, which does not run on every device"
    return rendered(
        "finetune.py.jinja",
        headline=header.headline,
        name=NAME,
        validation_name=VALIDATION_NAME,
        quick_steps=QUICK_STEPS,
        requirements=" ".join([*REQUIREMENTS, *(["peft"] if lora else [])]),
        form=form,
        endings=_ENDINGS.get(form, "JSON, JSONL, CSV or Parquet"),
        reads_csv=form != "messages",
        lora=lora,
        from_scratch=bool(whole.model.from_scratch),
        quantised=lora and bool(whole.adapter.quantised_bits),
        bits=whole.adapter.quantised_bits,
        frozen=whole.precision.frozen_weights,
        compute=whole.precision.compute,
        new_tokens=bool(whole.model.new_tokens),
        in_full=lora and bool(whole.adapter.in_full),
        rank_stabilised=bool(whole.adapter.rank_stabilised),
        scores_all=whole.loss.targets == "all",
        has_input=bool(whole.data.input_field),
        repair=bool(whole.data.repair_encoding),
        checkpointing=bool(whole.batch.checkpointing),
        by_length=bool(whole.batch.by_length),
        schedule_options=bool(whole.schedule.minimum),
        missing=missing or "the model or the data",
        settings=_settings(whole, remarks, header.faulty_loss, lora=lora),
    )


def with_form(recipe: Recipe) -> Recipe:
    """A recipe without unknown values, as far as defaults can stand in, and with a way of reading rows."""
    from dataclasses import replace

    epochs_known = recipe.schedule.epochs is not None
    whole, _ = resolve(recipe)
    form = whole.data.form or _form_of(recipe)
    question, more, answer = _FIELDS.get(form, ("", "", ""))
    data = replace(
        whole.data,
        form=form,
        question_field=whole.data.question_field or question,
        input_field=whole.data.input_field or more,
        answer_field=whole.data.answer_field or answer,
    )
    # Passes over the rows fit whatever number of rows there is; planned steps fitted the rows that the run had.
    steps = 0 if epochs_known else whole.schedule.steps
    name = whole.schedule.name
    schedule = replace(
        whole.schedule,
        steps=steps,
        name="cosine_with_min_lr" if whole.schedule.minimum and name == "cosine" else name,
        minimum=whole.schedule.minimum if name == "cosine" else 0.0,
    )
    optimizer = replace(whole.optimizer, name=_optimizer(str(whole.optimizer.name)))
    return replace(whole, data=data, schedule=schedule, optimizer=optimizer)


def _form_of(recipe: Recipe) -> str:
    """How rows are most probably written, when nobody could look: plain text is trained on as it is."""
    is_text = str(recipe.data.train or "").endswith((".txt", ".md"))
    return "text" if is_text or recipe.objective == "pretraining" else "messages"


def _optimizer(name: str) -> str:
    """The optimizer as the Trainer calls it; those that need a library or CUDA become plain AdamW."""
    known = {"adafactor", "sgd", "rmsprop", "adagrad"}
    return name.lower() if name.lower() in known else "adamw_torch"


def _settings(recipe: Recipe, remarks: Mapping[str, str], faulty: float | None, *, lora: bool) -> list[str]:
    lines = []
    for name, key in _SETTINGS:
        if (name in _LORA_ONLY and not lora) or _is_idle(name, key, recipe):
            continue
        lines.append(_setting(name, _literal(value_of(recipe, key)), remarks.get(key, "")))
        if name == "EXPECTED_FIRST_LOSS":
            highest = max(recipe.guard.first_loss or (0.0,))
            lines.append(f"FAULTY_FIRST_LOSS = {faulty if faulty is not None and faulty > highest > 0 else None}")
        if name == "WEIGHT_DECAY":
            lines.append(f"ADAM_BETAS = ({recipe.optimizer.beta1!r}, {recipe.optimizer.beta2!r})")
        if name == "SCHEDULE" and recipe.schedule.minimum:
            lines.append(f'SCHEDULE_OPTIONS = {{"min_lr": {recipe.schedule.minimum!r}}}')
    lines.append(f"NEW_TOKENS_PER_ANSWER = {NEW_TOKENS_PER_ANSWER}")
    lines.append(f"QUICK_STEPS = {QUICK_STEPS}")
    lines.append(f'OUTPUT = "{OUTPUT}"')
    return lines


def _is_idle(name: str, key: str, recipe: Recipe) -> bool:
    """Whether a setting has no reader in the script of this recipe."""
    chat_only = {"QUESTION_FIELD", "TEMPLATE", "SYSTEM"}
    if recipe.data.form == "text" and name in chat_only:
        return True
    optional = {"INPUT_FIELD", "QUESTION_FIELD", "NEW_TOKENS", "TRAINED_IN_FULL"}
    return name in optional and not value_of(recipe, key)


def _setting(name: str, literal: str, remark: str) -> str:
    line = f"{name} = {literal}"
    note = " ".join(remark.split())
    if not note:
        return line
    return f"{line}  # {note}" if len(line) + len(note) + 4 <= 120 else f"# {note}\n{line}"


def _literal(value: Any) -> str:
    if value is None:
        return '""'
    if isinstance(value, tuple):
        return repr(list(value)).replace("'", '"')
    if isinstance(value, str):
        import json

        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and value == int(value) and abs(value) < 1e6:
        return repr(value)
    return repr(value)


def validation_script(recipe: Recipe, run: str) -> str:
    """The script that lets a trained model answer, and checks what it says.

    Args:
        recipe: The recipe.
        run: Name of the diagnosed run.
    """
    whole = with_form(recipe)
    is_text = whole.data.form == "text"
    return rendered(
        "validate.py.jinja",
        headline=f"Does the model of `{run}` work? What it generates decides, not its loss.",
        name=VALIDATION_NAME,
        output=OUTPUT,
        requirements=" ".join([*REQUIREMENTS, "peft"]),
        stops=not is_text,
        most_new_tokens=NEW_TOKENS_PER_ANSWER,
        plain_prompt="text" if is_text else 'f"User: {text}\\nAssistant:"',
    )
