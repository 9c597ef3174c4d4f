# ruff: noqa: E501 (one expression a line: a table to be read downwards)
"""Settings that a log prints: hyper-parameter blocks, argument dumps, parameter counts, devices, library versions.

A name that the vocabulary knows is taken wherever it is printed as `name: value` or `name = value`; other names only
inside a block (after a heading such as `HYPERPARAMETERS`, or among neighbours that are settings), where a run of such
lines cannot be anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainclinic.readers.settings.interpreter import LIBRARIES
from trainclinic.readers.settings.names import canonical_setting
from trainclinic.record.vocabulary import FACTS

Pair = tuple[str, str]

_HEADING = re.compile(
    r"^\W*(?:[\w/ -]{0,40}\b)?(?:hyper-?\s?parameters?|config(?:uration)?|arguments|args|settings|params|parameters|"
    r"Running training|training_args|namespace)\b[\w/ ()-]{0,30}\W*$",
    re.I,
)
_NAME = re.compile(r"[A-Za-z_][\w .\-/()&,]{0,80}")
_SEVERAL = re.compile(r"(?:^|[,|;(]\s?|(?<=\s\s))([A-Za-z][\w /.-]{0,40}?)\s*[:=]\s*(\d{1,3}(?:,\d{3})+\b|[^\s,|;()]+)")
_CALL = re.compile(
    r"\b(?:Namespace|\w*(?:TrainingArguments|TrainingConfig|Arguments|LoraConfig|\w+Config))\s?\((.*)$", re.S
)
_CALL_ITEM = re.compile(
    r"(?:^|[\s,(])([A-Za-z_]\w*)=('(?:[^'\\]|\\.)*'|\"[^\"]*\"|\[[^\]]*\]|\{[^}]*\}|[^\s,()]+(?:\([^()]*\))?)"
)
_VERSION = re.compile(
    r"(?<![\w/.-])("
    + "|".join(sorted(LIBRARIES)).replace("_", "[-_]")
    + r")(?:\s+version)?\s*(?:==|=|:|\s|-)\s*v?(\d+\.\d+(?:\.\w+)*)",
    re.I,
)

# What trainers say in words: expression, and the setting it gives (group 1 is the value unless one is fixed).
_PHRASES = tuple(
    (hint, re.compile(expression, re.I), name, fixed)
    for hint, expression, name, fixed in (
        ("num examples", r"\bNum examples\s*[=:]\s*([\d,_]+)", "dataset_rows", None),
        ("num epochs", r"\bNum Epochs\s*[=:]\s*([\d,.]+)", "num_train_epochs", None),
        ("batch size per", r"batch size per (?:device|GPU)\s*[=:]\s*([\d,]+)", "per_device_train_batch_size", None),
        ("total train batch", r"Total train batch size[^=]*=\s*([\d,]+)", "total_train_batch_size", None),
        ("accumulation steps", r"Gradient Accumulation steps\s*[=:]\s*(\d+)", "gradient_accumulation_steps", None),
        ("optimization steps", r"Total optimi[sz]ation steps\s*[=:]\s*([\d,]+)", "max_steps", None),
        ("training steps", r"Total training steps\s*[=:]\s*([\d,]+)", "max_steps", None),
        ("trainable parameters", r"Number of trainable parameters\s*[=:]\s*([\d,]+)", "trainable_params", None),
        ("number of parameters", r"number of parameters:\s*([\d,.]+\s?[MB]?)", "total_params", None),
        ("trainable params", r"\btrainable params:\s*([\d,]+)", "trainable_params", None),
        ("all params", r"\ball params:\s*([\d,]+)", "total_params", None),
        ("trainable", r"\btrainable(?:\s*\((?:total|lora|all)\))?:\s*([\d,]{2,})\s*(?:$|\(|\|)", "trainable_params", None),
        ("trainable", r"\btrainable ([\d,]{4,}) of ([\d,]{4,})", "trainable_params", None),
        ("parameters", r"\btotal(?: model)? parameters(?: count)?:\s*([\d,]{2,})", "total_params", None),
        ("parameters", r"\btrainable parameters(?: count)?:\s*([\d,]{2,})", "trainable_params", None),
        ("parameters", r"\bModel loaded with ([\d,]{4,}) parameters", "total_params", None),
        ("frozen", r"\bFrozen(?: \([\w ]+\))?:\s*([\d,]{4,})", "frozen_params", None),
        ("starting training for", r"Starting training for ([\d,]+) steps", "training_steps", None),
        ("starting training", r"Starting training\.*,? iters:\s*(\d+)", "max_iters", None),
        ("total training steps", r"Total training steps:\s*([\d,]+)", "max_steps", None),
        ("starting from step", r"Starting from step ([\d,]+)", "start_step", None),
        ("warmup steps", r"\b([\d,]+) warmup steps", "warmup_steps", None),
        ("lr range", r"LR range:\s*[\d.e+-]+\s*(?:→|->)\s*([\d.e+-]+)", "learning_rate", None),
        ("lr range", r"LR range:.*(?:→|->)\s*([\d.e+-]+)\s*$", "min_lr", None),
        ("tokens", r"\bVocabulary size:\s*([\d,]+)", "vocab_size", None),
        ("saving every", r"saving every ([\d,]+) steps", "save_steps", None),
        ("checkpoint interval", r"checkpoint interval:\s*([\d,]+)", "save_steps", None),
        ("using device", r"\busing (?:the )?device:?\s*['\"]?((?:cuda|mps|cpu|xpu|tpu|hpu)\b(?::\d+)?)", "device", None),
        ("device", r"^\W*(?:model )?device:\s*['\"]?((?:cuda|mps|cpu|xpu|tpu|hpu)\b(?::\d+)?)", "device", None),
        ("apple silicon gpu", r"Using Apple Silicon GPU", "device", "mps"),
        ("lora rank", r"LoRA rank:?\s*(\d+)", "lora_rank", None),
        ("lora rank", r"LoRA rank:?\s*\d+,?\s*alpha:?\s*([\d.]+)", "lora_alpha", None),
        ("lora rank", r"LoRA rank.*dropout:?\s*([\d.]+)", "lora_dropout", None),
        ("vocab_size", r"\bvocab_size[ :=]+([\d,]{3,})\b", "vocab_size", None),
        ("using gpt-2 model", r"Using GPT-2 model:\s*(\S+)", "model_name_or_path", None),
        ("downloading and preparing model", r"Downloading and preparing model (\S+)", "model_name_or_path", None),
        ("loading ", r"\bLoading (\S+) from Hugging\s?Face", "model_name_or_path", None),
        ("training data", r"^\W*(?:loading )?training data(?: source| from)?:\s*(\S+)", "data_path", None),
        ("batch size:", r"Batch size:\s*(\d+), Block size:\s*\d+", "batch_size", None),
        ("block size:", r"Batch size:\s*\d+, Block size:\s*(\d+)", "block_size", None),
        ("gradient checkpointing enabled", r"gradient checkpointing enabled", "gradient_checkpointing", "true"),
        ("half precision backend", r"Using (?:auto|\w+) half precision backend", "half_precision_backend", "auto"),
        ("gpu:", r"^\W*GPU:\s*(.{3,60}?)(?:\.\s.*)?$", "gpu", None),
        ("bfloat16 =", r"\bBfloat16 = (TRUE|FALSE)\. FA\b", "supports_bfloat16", None),
        ("gpu =", r"\bGPU = ([^.]{3,40}?)\.", "gpu", None),
        ("precision:", r"^\W*precision:\s*(\w+)", "precision", None),
    )
)  # fmt: skip
_HINTS = sorted({hint for hint, *_ in _PHRASES})
_MAX_VALUE = 400
_SENTENCE_WORDS = 6


def spoken_settings(line: str, lowered: str) -> Iterator[Pair]:
    """Settings that trainers state in words (`Num examples = 52,002`, `LoRA rank: 16, alpha: 32.0`)."""
    for hint, expression, name, fixed in _PHRASES:
        if hint in lowered and (found := expression.search(line)):
            yield name, fixed or _in_full(found[1])
            if found.re.groups == 2:
                yield "total_params", found[2]


def _in_full(value: str) -> str:
    """`10.65M` parameters as a number."""
    found = re.fullmatch(r"(\d[\d,]*(?:\.\d+)?)([MB])", value)
    return f"{float(found[1].replace(',', '')) * (1e6 if found[2] == 'M' else 1e9):.0f}" if found else value


def has_hint(lowered: str) -> bool:
    """Whether a text may state settings in words; a cheap test for whole blocks of lines."""
    return any(hint in lowered for hint in _HINTS)


def is_heading(line: str) -> bool:
    """Whether a line announces a block of settings."""
    return len(line) < 120 and _HEADING.match(line) is not None


def single_setting(line: str) -> Pair | None:
    """Name and value of a line that holds nothing else, whether the name is known or not."""
    ends = [at for sign in "=:" if (at := line.find(sign)) > 0]
    if not ends:
        return None
    name = line[: min(ends)].strip(" \t-*•│|>'\"")
    value = line[min(ends) + 1 :].strip().removesuffix(",").rstrip()
    if not value or len(value) > _MAX_VALUE or not _NAME.fullmatch(name) or len(name.split()) > _SENTENCE_WORDS:
        return None
    if value.endswith(")") and value.count("(") < value.count(")"):
        value = value[:-1]
    return name, value.strip("'\"")


def known_settings(line: str) -> Iterator[Pair]:
    """`name: value` and `name=value` pairs of a line whose names the vocabulary knows."""
    single = single_setting(line)
    if single is not None and canonical_setting(single[0]) and " " not in single[1]:
        yield single
        return
    for name, value in _SEVERAL.findall(line):
        fact = canonical_setting(name)
        if fact and not (FACTS[fact][0] == "text" and value[:1].isdigit()) and not value.startswith(("[", "{", "(")):
            yield name, value.strip("'\"")


def call_settings(text: str) -> list[Pair] | None:
    """Arguments of a printed `Namespace(...)`, `TrainingArguments(...)` or configuration object; `None` without one."""
    found = _CALL.search(text)
    if found is None:
        return None
    return [(name, value.strip("'\"")) for name, value in _CALL_ITEM.findall(found[1])]


def versions(line: str) -> Iterator[Pair]:
    """Library names and versions that a line mentions."""
    for name, version in _VERSION.findall(line):
        yield f"{name.lower()}_version", version
