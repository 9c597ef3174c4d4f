"""Column names of many tools, mapped to the project's canonical series names.

A name that may mean several things (`time`, `tokens`, `score`) keeps its own name: a wrong name would give a true
number a false meaning. Names that are a quantity only when nothing better is logged (`epoch_loss`, `bpc`) are *weak*:
`canonical_name` leaves them alone, and `meanings_of`, which sees all columns of a table, promotes them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

_ALIASES = {
    "train/loss": """loss train_loss training_loss tr_loss lm_loss trainloss loss_train loss_train_total avr_loss
        lm_loss_value""",
    "train/grad_norm": """grad_norm gradient_norm gnorm grad_norm_total grad_norm_2 gradnorm total_grad_norm
        global_grad_norm grad_norm_before_clip grad_2_0_norm_total l2_norm_grad_global gradient_norm_total""",
    "train/learning_rate": """learning_rate lr lr_adamw lr_adam learningrate learning_rate_0 lr_group_0 lr_0 lr_pg1
        lr_adamw_pg1 lr_decoupledadamw_group0 current_lr""",
    "train/epoch": "epoch epochs cur_epoch current_epoch epoch_num train_epoch num_epoch",
    "train/tokens": """num_tokens total_tokens tokens_seen total_tokens_seen consumed_tokens num_input_tokens_seen
        tokens_processed cumulative_tokens num_tokens_seen time_token trained_tokens""",
    "train/token_accuracy": "mean_token_accuracy token_accuracy token_acc",
    "train/accuracy": "accuracy acc categorical_accuracy sparse_categorical_accuracy binary_accuracy",
    "train/entropy": "entropy mean_entropy",
    "train/perplexity": "perplexity ppl lm_loss_ppl",
    "time/elapsed": "elapsed_time elapsed time_elapsed elapsed_seconds elapsed_s runtime total_time wall_seconds",
    "time/remaining": "remaining_time eta time_remaining remaining",
    "time/stamp": "timestamp wall_time walltime unix_time",
    "speed/steps_per_second": """steps_per_second steps_per_sec steps_per_s it_s its_s it_per_s it_per_sec its_per_sec
        steps_s iters_per_sec iter_per_sec iterations_per_second steps_sec it_sec iters_sec batches_per_sec
        throughput_batches_per_sec iter_s iters_per_second""",
    "speed/seconds_per_step": """seconds_per_step sec_per_step s_it step_time step_time_s seconds_per_iteration
        sec_it iter_time iteration_time time_per_step time_per_iteration s_step elapsed_time_per_iteration sec_step
        step_time_ms iter_time_ms ms_per_step ms_step time_per_step_ms time_per_iter step_duration time_per_iter_ms""",
    "speed/samples_per_second": """samples_per_second samples_per_sec samples_s samples_sec examples_per_sec
        throughput_samples_per_sec seq_per_sec examples_per_second""",
    "speed/tokens_per_second": """tokens_per_second tokens_per_sec tok_s tok_sec tokens_s toks_s tokens_sec tok_per_sec
        effective_tokens_per_sec throughput_tokens_per_sec tps trained_tokens_per_sec tok_per_s toks_per_sec""",
    "speed/data_seconds": """data_time data_time_s dataloader_time data_load_time data_loading_time dataloading_time
        batch_load_time load_time_per_batch time_data data_wait data_wait_time data_fetch_time data_s""",
    "speed/mfu": "mfu running_mfu throughput_mfu",
    "scale/loss_scale": "loss_scale grad_scale amp_scale loss_scaling scaler_scale loss_scaler dynamic_loss_scale",
    "memory/allocated": """memory_allocated gpu_memory_allocated current_allocated max_memory_allocated
        memory_max_active
        memory_max_mem_active memory_max_allocated memory_max_mem_allocated peak_memory_allocated mem_allocated
        cuda_max_memory_allocated peak_memory_active peak_memory_alloc gpu_mem gpu_memory peak_memory peak_mem
        memory_usage gpu_mem_allocated allocated_memory mem mem_used memory""",
    "memory/reserved": """memory_reserved gpu_memory_reserved driver_allocated max_memory_reserved
        memory_device_reserved
        memory_device_mem_reserved peak_memory_reserved mem_reserved cuda_max_reserved""",
    "reward/mean": "reward mean_reward reward_mean env_reward_mean objective_rlhf_reward rewards_mean",
    "reward/std": "reward_std",
    "reward/margin": "rewards_margins reward_margin rewards_margin",
    "reward/accuracy": "rewards_accuracies rewards_accuracy reward_accuracy",
    "reward/chosen": "rewards_chosen reward_chosen",
    "reward/rejected": "rewards_rejected reward_rejected",
    "policy/kl": "kl objective_kl kl_divergence approx_kl mean_kl",
    "reward/equal_groups": "frac_reward_zero_std",
    "logps/chosen": "logps_chosen",
    "logps/rejected": "logps_rejected",
    "logits/chosen": "logits_chosen",
    "logits/rejected": "logits_rejected",
    "policy/clipped": "clip_ratio clip_ratio_region_mean",
    "completions/min_length": "completions_min_length",
    "completions/max_length": "completions_max_length",
    "completions/terminated_length": "completions_mean_terminated_length",
    "completions/cut": "completions_clipped_ratio",
    "completions/length": "completion_length completions_mean_length mean_completion_length response_length_mean",
}
_WEAK = {
    "train/loss": """epoch_loss train_loss_epoch loss_epoch train_epoch_loss avg_loss average_loss mean_loss total_loss
        running_loss smoothed_loss train_total_loss ce_loss cross_entropy nll_loss nll train_ce_loss avg_train_loss
        average_train_loss mean_train_loss metrics_train_languagecrossentropy train_metrics_ce_loss avr_loss
        dpo_loss sft_loss orpo_loss kto_loss simpo_loss ipo_loss clm_loss language_modeling_loss bpc bpb train_bpc
        train_bpb bits_per_character bits_per_byte loss_bits train_nll train_ce""",
    "eval/loss": """val_epoch_loss avg_val_loss average_val_loss mean_val_loss test_loss avg_test_loss val_bpc val_bpb
        eval_bpc eval_bpb avg_eval_loss val_ce_loss val_nll valid_bpc loss_eval_total val_ce dev_loss heldout_loss
        metrics_eval_languagecrossentropy valid_bpb test_bpc test_bpb best_val_loss val_loss_epoch""",
    "train/grad_norm": "norm grad",
    "train/accuracy": "acc_epoch train_acc_epoch accuracy_epoch train_accuracy_epoch",
    "eval/accuracy": "test_acc test_accuracy avg_test_acc dev_accuracy dev_acc",
    "train/perplexity": "train_perplexity_epoch train_epoch_perplexity perplexity_epoch",
    "eval/perplexity": "val_epoch_perplexity test_perplexity test_ppl",
    "speed/seconds_per_step": "dt_ms dt",
    "speed/data_seconds": "data",
}
OF_EVALUATION = {
    "train/loss": "eval/loss",
    "train/perplexity": "eval/perplexity",
    "train/accuracy": "eval/accuracy",
    "train/token_accuracy": "eval/token_accuracy",
}
"""Quantities that are measured on an evaluation split, too, by their training name."""
_MEMORY_UNITS = {
    "b": 1.0,
    "bytes": 1.0,
    "kb": 1e3,
    "mb": 1e6,
    "gb": 1e9,
    "kib": 1024.0,
    "mib": 1048576.0,
    "gib": 2.0**30,
}
_TIME_UNITS = {
    "ms": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "seconds": 1.0,
    "min": 60.0,
    "minutes": 60.0,
    "h": 3600.0,
    "hours": 3600.0,
}
_EVAL_PREFIX = re.compile(r"^(?:eval|val|valid|validation|evaluation)_")
_BY_ALIAS = {alias: name for name, aliases in _ALIASES.items() for alias in aliases.split()}
_BY_WEAK = {alias: (name, at) for name, text in _WEAK.items() for at, alias in enumerate(text.split())}

_STEP_WORDS = (
    "global_step trainer_global_step train_global_step current_steps step steps optimizer_step optim_step "
    "update_step num_updates num_update updates iteration iterations iter iters train_step training_step "
    "step_num global_steps batch n_iter iter_num update it step_idx step_index trainstep _step"
)
STEP_NAMES = tuple(_STEP_WORDS.split())
"""Names of step columns, the most trustworthy first."""


@dataclass(frozen=True, slots=True)
class ColumnMeaning:
    """What a column holds.

    Attributes:
        name: Canonical series name, or the column's own.
        unit: Unit where it differs from the vocabulary's; empty otherwise.
        factor: What a logged value is multiplied with to be in that unit (a column in GB, a step time in ms).
    """

    name: str
    unit: str = ""
    factor: float = 1.0


def canonical_name(column: str) -> str:
    """The canonical series name of a column, or the column's own name when we have none for it."""
    return column_meaning(column).name


@lru_cache(maxsize=4096)
def column_meaning(column: str) -> ColumnMeaning:
    """What a column holds, judged by its name alone.

    Args:
        column: Name as logged: `train/loss`, `Loss`, `memory/max_allocated(GiB)`, `step_time_ms`.
    """
    words, unit = _normal(column)
    name = _strong(words)
    if name is None:
        stem, _, suffix = words.rpartition("_")
        if suffix in _MEMORY_UNITS or suffix in _TIME_UNITS:
            candidate = _strong(stem)
            if candidate is not None and candidate.startswith(("memory/", "time/", "speed/seconds")):
                name, unit = candidate, unit or suffix
    if name is None:
        return ColumnMeaning(column.strip())
    return _with_unit(name, words, unit, column)


def meanings_of(columns: Sequence[str]) -> list[ColumnMeaning]:
    """What each column of one table holds: weak names fill the gaps, and no two columns share a canonical name.

    Args:
        columns: Names in the table's order; when two mean the same, the better spelling wins (`train/loss` over
            `train_loss_epoch`), then the first, and the others keep their own names.
    """
    found = [column_meaning(column) for column in columns]
    winners: dict[str, tuple[int, int]] = {}
    for at, (column, meaning) in enumerate(zip(columns, found, strict=True)):
        words = _normal(column)[0]
        known = meaning.name in SERIES_NAMES
        name, rank = (meaning.name, _rank(words)) if known else _BY_WEAK.get(words, ("", 0))
        rank += 0 if known else 1000
        if name and (name not in winners or rank < winners[name][0]):
            winners[name] = (rank, at)
    chosen = {at: name for name, (_, at) in winners.items()}
    out = []
    for at, (column, meaning) in enumerate(zip(columns, found, strict=True)):
        words, unit = _normal(column)
        if at in chosen:
            out.append(_with_unit(chosen[at], words, unit, column) if meaning.name != chosen[at] else meaning)
        else:
            out.append(ColumnMeaning(column.strip()) if meaning.name in SERIES_NAMES else meaning)
    return out


def is_step_name(column: str) -> bool:
    """Whether a column counts steps, judged by its name."""
    return _normal(column)[0] in STEP_NAMES or column.strip().lower() == "_step"


def step_column(columns: Sequence[str]) -> str | None:
    """The column to take steps from: `train/global_step` before `step` before `iteration` before a logger's `_step`."""
    names = {("_step" if column.strip().lower() == "_step" else _normal(column)[0]): column for column in columns[::-1]}
    return next((names[name] for name in STEP_NAMES if name in names), None)


def is_epoch_name(column: str) -> bool:
    """Whether a column counts passes over the data, judged by its name."""
    return canonical_name(column) == "train/epoch"


_CLOCK = re.compile(r"\s*(?:(\d+)\s*(?:d|days?),?\s*)?(?:(\d{1,4}):)?(\d{1,3}):(\d{1,2}(?:\.\d+)?)\s*")
_WORDS = re.compile(
    r"\s*(?:(\d+)\s*d(?:ays?)?)?\s*(?:(\d+)\s*h)?\s*(?:(\d+)\s*m(?:in)?)?\s*(?:(\d+(?:\.\d+)?)\s*s)?\s*", re.I
)


def seconds_of(text: str) -> float | None:
    """A duration in seconds: `0:01:34`, `2 days, 21:48:01`, `1h 4m`, `47.2s`; `None` when it is not one."""
    found = _CLOCK.fullmatch(text) or (_WORDS.fullmatch(text) if text.strip() else None)
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


@lru_cache(maxsize=4096)
def _normal(column: str) -> tuple[str, str]:
    """Words of a column name joined with `_`, and the unit it carries in brackets."""
    text = column.strip().strip("\"'").lower()
    unit = ""
    found = re.search(r"[(\[]\s*([^)\]]+?)\s*[)\]]$", text)
    if found and found.start() > 0:
        text, unit = text[: found.start()], found[1]
    return re.sub(r"[\s/._:\\-]+", "_", text).strip("_"), unit


def _strong(words: str) -> str | None:
    """Canonical name of normalised words through prefixes and suffixes that tools add, or `None`."""
    if words in _BY_ALIAS:
        return _BY_ALIAS[words]
    if found := _EVAL_PREFIX.match(words):
        return OF_EVALUATION.get(_BY_ALIAS.get(words[found.end() :].removesuffix("_step"), ""))
    if words in _BY_WEAK:
        return None
    for suffix in ("_val", "_valid", "_eval", "_validation"):
        if words.endswith(suffix):
            return OF_EVALUATION.get(_BY_ALIAS.get(words.removesuffix(suffix), ""))
    stem = words.removeprefix("train_").removeprefix("training_").removeprefix("trainer_")
    stem = stem.removesuffix("_step").removesuffix("_train")
    return _BY_ALIAS.get(stem) if stem not in {"", "epoch"} and not stem.startswith("global") else None


SERIES_NAMES = frozenset(_ALIASES) | frozenset(OF_EVALUATION.values())
"""Canonical names that a column can get."""


def _rank(words: str) -> int:
    """Place of a spelling in its list; plain spellings before those with a prefix or suffix."""
    name = _BY_ALIAS.get(words)
    return _ALIASES[name].split().index(words) if name else 100


def _with_unit(name: str, words: str, unit: str, column: str) -> ColumnMeaning:
    """The meaning with the unit that the column's name states."""
    if name in {"train/loss", "eval/loss"}:
        return ColumnMeaning(name, _loss_unit(words + "_" + unit))
    if name.startswith("memory/"):
        suffix = unit or words.rpartition("_")[2]
        return (
            ColumnMeaning(name, "", _MEMORY_UNITS[suffix]) if suffix in _MEMORY_UNITS else ColumnMeaning(column.strip())
        )
    if name.startswith(("time/", "speed/seconds")):
        suffix = unit or ("ms" if "ms" in words.split("_") else "")
        if words == "dt" and not unit:
            return ColumnMeaning(column.strip())
        return ColumnMeaning(name, "", _TIME_UNITS.get(suffix, 1.0))
    return ColumnMeaning(name)


def _loss_unit(words: str) -> str:
    """`bits/character`, `bits/byte`, `bits` when the name of a loss says so, else nothing."""
    if re.search(r"(^|_)(bpb|bits_per_byte)(_|$)", words):
        return "bits/byte"
    if re.search(r"(^|_)(bpc|bits_per_char(acter)?)(_|$)", words):
        return "bits/character"
    return "bits" if re.search(r"(^|_)bits?(_|$)", words) else ""
