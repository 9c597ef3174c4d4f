"""Column names of many tools, mapped to the project's canonical series names."""

from __future__ import annotations

_ALIASES = {
    "train/loss": "loss train_loss train/loss training_loss train_loss_step loss_train tr_loss lm_loss lm loss",
    "train/grad_norm": "grad_norm train/grad_norm gradient_norm grad norm gnorm grad_norm_total",
    "train/learning_rate": "learning_rate lr train/learning_rate train/lr learning-rate learning rate lr-adamw",
    "train/epoch": "epoch train/epoch",
    "eval/loss": "eval_loss val_loss eval/loss validation_loss valid_loss val/loss test_loss loss_val",
}


def canonical_name(column: str) -> str:
    """The canonical series name of a column, or the column's own name when we have none for it."""
    return _BY_ALIAS.get(column.strip().lower(), column.strip())


_BY_ALIAS = {alias: name for name, aliases in _ALIASES.items() for alias in aliases.split(" ")}
