"""The files beside Hugging Face weights: `config.json`, adapter, generation and tokenizer configuration."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from trainclinic.readers.reader import Reader
from trainclinic.readers.settings.json_tree import json_object, json_settings
from trainclinic.readers.settings.names import Setting
from trainclinic.readers.settings.settings_fragment import settings_fragment
from trainclinic.readers.settings.value_words import dtype_name
from trainclinic.record.facts import Fact

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile
    from trainclinic.readers.fragment import Fragment

_KIND_BY_NAME = {
    "adapter_config.json": "adapter",
    "generation_config.json": "generation",
    "tokenizer_config.json": "tokenizer",
    "special_tokens_map.json": "tokenizer",
    "added_tokens.json": "added",
}
_MODEL_KEYS = re.compile(r'"(model_type|architectures|num_hidden_layers|vocab_size|n_layer|_name_or_path)"\s*:')
_TRAINING_KEYS = re.compile(r'"(learning_rate|lr|per_device_train_batch_size|num_train_epochs|max_steps|warmup_steps)"')
_MAPS = ("id2label.", "label2id.", "added_tokens_decoder.", "auto_map.", "task_specific_params.", "vision_config.")
_ADAPTER_NAMES = {"r": "lora_rank", "base_model_name_or_path": "model_name", "alpha_pattern": "", "rank_pattern": ""}


def sniff(file: LogFile) -> float:
    """By the file's name, and for `config.json` by keys that describe a model."""
    name = file.path.name.lower()
    if file.is_binary or not file.head_text.lstrip("\ufeff \r\n\t").startswith("{"):
        return 0.0
    if name in _KIND_BY_NAME:
        return 0.95
    described = name.endswith("config.json") and _MODEL_KEYS.search(file.head_text)
    return 0.95 if described and not _TRAINING_KEYS.search(file.head_text) else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read what the configuration says about the model, the adapter, the tokens or the generation.

    Raises:
        ReadError: If the file holds no JSON object.
    """
    kind = _KIND_BY_NAME.get(file.path.name.lower(), "model")
    tree = json_object(file)
    settings = [setting for setting in json_settings(file, tree) if not setting.name.startswith(_MAPS)]
    fragment = settings_fragment(file, "model_config", _TRANSLATED[kind](settings, tree))
    # The version in these files wrote the weights that a run began with, or the run itself: it proves neither.
    for fact in [fact for fact in fragment.versions if fact.name == "transformers"]:
        fragment.versions.remove(fact)
        fragment.other_facts.append(Fact("transformers_version", fact.value, fact.source, fact.how))
    return [fragment]


def _model(settings: list[Setting], tree: dict[str, Any]) -> Iterable[Setting]:
    """`torch_dtype` is the dtype of the saved weights; the text part of a multimodal model stands for the model."""
    for setting in settings:
        name = setting.name.removeprefix("quantization_config.")
        if "vocab_size" not in tree:
            name = name.removeprefix("text_config.").removeprefix("llm_config.")
        if name in {"torch_dtype", "dtype"}:
            dtype = dtype_name(setting.value)
            yield setting._replace(name="pretrained_dtype", value=dtype or setting.value)
        elif name == "bits":
            yield setting._replace(name="quantization_bits")
        else:
            yield setting._replace(name=name)
    labels = tree.get("id2label")
    if isinstance(labels, dict) and labels:
        yield Setting("num_labels", len(labels))


def _adapter(settings: list[Setting], tree: dict[str, Any]) -> Iterable[Setting]:
    """PEFT's short names in full."""
    del tree
    for setting in settings:
        name = _ADAPTER_NAMES.get(setting.name, setting.name)
        if name == "modules_to_save" and setting.value is None:  # the file lists all that is saved
            yield setting._replace(value="null")
        elif name:
            yield setting._replace(name=name)


def _generation(settings: list[Setting], tree: dict[str, Any]) -> Iterable[Setting]:
    """Everything under `generation.`: a `max_length` here is no sequence length of the training."""
    del tree
    return (setting._replace(name=f"generation.{setting.name}") for setting in settings)


def _added(settings: list[Setting], tree: dict[str, Any]) -> Iterable[Setting]:
    """The largest id in a map of added tokens to ids."""
    del settings
    ids = [value for value in tree.values() if isinstance(value, int) and not isinstance(value, bool)]
    if ids:
        yield Setting("tokenizer.largest_added_token_id", max(ids))


def _tokenizer(settings: list[Setting], tree: dict[str, Any]) -> Iterable[Setting]:
    """Special tokens, also as `{"content": ...}`; a token that is explicitly `null` is said to be `null`."""
    for setting in settings:
        name = setting.name.removesuffix(".content")
        if name in {"pad_token", "eos_token", "bos_token", "unk_token"}:
            yield setting._replace(name=name, value="null" if setting.value is None else setting.value)
        elif name in {"tokenizer_class", "chat_template"} and isinstance(setting.value, str):
            yield setting._replace(name=name)
        elif "." not in name:
            yield setting._replace(name=f"tokenizer.{name}")
    added = tree.get("added_tokens_decoder")
    ids = [int(key) for key in added if str(key).isdigit()] if isinstance(added, dict) else []
    if ids:
        yield Setting("tokenizer.largest_added_token_id", max(ids))
    templates = tree.get("chat_template")
    if isinstance(templates, list):
        named = [str(entry.get("template", "")) for entry in templates if isinstance(entry, dict)]
        yield Setting("chat_template", next(iter(named), None))


_TRANSLATED: dict[str, Callable[[list[Setting], dict[str, Any]], Iterable[Setting]]] = {
    "model": _model,
    "adapter": _adapter,
    "generation": _generation,
    "tokenizer": _tokenizer,
    "added": _added,
}


READER = Reader(
    name="model_config",
    title="config.json, adapter_config.json, generation_config.json, tokenizer_config.json, special_tokens_map.json, "
    "added_tokens.json",
    recognised_by="the file's name, and keys that describe a model",
    delivers="architecture, sizes, dtype of the saved weights, LoRA settings, special tokens and ids, chat template",
    limits="the library version in these files is kept under its own name: it may be that of the base model's authors",
    sniff=sniff,
    read=read,
)
