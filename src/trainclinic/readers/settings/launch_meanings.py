"""What settings say about how a run is spread over processes, continued, batched and padded.

One small function per kind of setting, as in `meanings`, which lists them. It does not know where settings come from.
"""

from __future__ import annotations

import re
from typing import Any

from trainclinic.readers.settings.value_words import Said, is_true
from trainclinic.record.facts import coerce_fact_value

_NO_WORDS = {"none", "null", "true", "false", "nan", "inf"}


def deepspeed(raw: Any) -> Said:
    """The ZeRO stage, when the name of the configuration file tells it (`ds_z2_config.json`, `zero3.json`)."""
    found = re.search(r"(?:zero|stage|(?<![a-z])z)[_-]?(?:stage[_-]?)?([0-3])(?!\d)", str(raw).lower())
    return [("deepspeed_stage", int(found[1]))] if found else []


def recomputation(raw: Any) -> Said:
    """A flag, or the kind of recomputation by name: `unsloth`, `selective`, `full`; `none` is off."""
    word = str(raw).strip().strip("'\"").lower()
    flag = {"none": False, "unsloth": True, "selective": True, "full": True, "offload": True}.get(word, is_true(raw))
    return [] if flag is None else [("gradient_checkpointing", flag)]


def resumption(raw: Any) -> Said:
    """A checkpoint to go on from, or `true`; false and empty mean a fresh start, which needs no words."""
    text = str(raw).strip().strip("'\"")
    return [("resume_from", text)] if text and is_true(raw) is not False else []


def fully_sharded(raw: Any) -> Said:
    """The `fsdp` of the Hugging Face Trainer: words such as `full_shard auto_wrap`; empty or `no_shard` is off."""
    flag = is_true(raw)
    text = ",".join(map(str, raw)) if isinstance(raw, (list, tuple)) else str(raw)
    if flag is None:
        flag = bool(re.search(r"full_shard|shard_grad_op|hybrid_shard|auto_wrap", text))
        if not flag and not re.fullmatch(r"[\s\[\]'\"]*(?:no_shard)?[\s\[\]'\"]*", text):
            return []
    return [("fsdp", flag)]


def strategy(raw: Any) -> Said:
    """How processes work together: Lightning's `strategy`, accelerate's `distributed_type`."""
    word = str(raw).strip().strip("'\"").lower().removeprefix("distributedtype.")
    if word.startswith("fsdp"):
        return [("fsdp", True)]
    if word.startswith("deepspeed"):
        return deepspeed(word)
    if word.startswith("ddp") or word == "multi_gpu":
        return [("fsdp", False), ("is_distributed", True)]
    return [("fsdp", False), ("is_distributed", False)] if word == "no" else []


def sequence_parallel(raw: Any) -> Said:
    """A number of processes, or Megatron's flag."""
    flag, value = is_true(raw), coerce_fact_value("sequence_parallel_processes", raw)
    if isinstance(value, float) and value > 1:
        return [("sequence_parallel_processes", value)]
    return [] if flag is None else [("sequence_parallel", flag)]


def added_tokens(raw: Any) -> Said:
    """A list of new tokens, as a list or as text; an empty list says that there are none, a number is a count."""
    items = list(raw) if isinstance(raw, (list, tuple)) else re.split(r"[\s,]+", str(raw).strip("[](){} "))
    words = [str(item).strip("'\" ") for item in items]
    telling = [word for word in words if re.match(r"[^\d.\-]", word) and word.lower() not in _NO_WORDS]
    nothing = isinstance(raw, (list, tuple)) and not items
    return [("adds_tokens", True)] if telling else [("adds_tokens", False)] if nothing else []


def sampling(raw: Any) -> Said:
    """The sampler of transformers 5 by name."""
    word = str(raw).strip().strip("'\"").lower().rpartition(".")[2]
    known = {"group_by_length": True, "random": False, "sequential": False}
    return [("group_by_length", known[word])] if word in known else []


def padding(raw: Any) -> Said:
    """The tokenizer's `padding`: to the model's maximum, or to the longest sample of each batch."""
    known = {"max_length": True, "longest": False}
    word = str(raw).strip().strip("'\"").lower()
    return [("pads_to_maximum", known[word])] if word in known else []


def plugins(raw: Any) -> Said:
    """Axolotl's plugin list, where a plugin by itself replaces the loss."""
    return [("fused_loss_kernel", True)] if "cut_cross_entropy" in str(raw).lower() else []


def eight_bit_optimizer(raw: Any) -> Said:
    """`use_8bit_adam: true` is a flag of scripts whose optimizer is otherwise AdamW."""
    flag = is_true(raw)
    named: Said = [("optimizer", "adamw_8bit")] if flag else []
    return [] if flag is None else [*named, ("eight_bit_optimizer", flag)]
