"""The model of a recipe: loaded, with adapters, with what is trained in float32.

It does not know rows or schedules.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trainclinic.recipe.model import Recipe
from trainclinic.record.errors import TrainclinicError

UNLIMITED = 1_000_000
_SIZES = ("n_positions", "max_position_embeddings", "n_ctx", "max_seq_len")
_EMBEDDINGS = {"embed_tokens": "input", "wte": "input", "lm_head": "output", "embed_out": "output"}


@dataclass(frozen=True, slots=True)
class ModelShape:
    """What the files of a model say before it is loaded.

    Attributes:
        name: As the user names it.
        identity: Words by which published models are recognised: its name, and the name in its configuration.
        kind: `model_type` of the configuration.
        positions: Tokens that it has positions for.
        parameters: Number of weights, estimated from the size of its files; `None` when they are not on this machine.
    """

    name: str
    identity: str
    kind: str
    positions: int
    parameters: int | None


def shape_of(name: str) -> ModelShape:
    """What the configuration of a model says.

    Args:
        name: A folder, or an identifier on the hub.

    Raises:
        TrainclinicError: If there is no such model, or it is no causal language model.
    """
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    folder = Path(name).expanduser()
    if folder.exists() and not (folder / "config.json").is_file():
        hint = "an adapter is no model: name the base it was trained on" if _is_adapter(folder) else ""
        message = f"`{name}` holds no `config.json`, expected the folder of a model"
        raise TrainclinicError(message, hint=hint or "give the folder that `save_pretrained` wrote")
    try:
        config: Any = AutoConfig.from_pretrained(str(folder) if folder.exists() else name)
    except (OSError, ValueError) as error:
        message = f"the configuration of `{name}` cannot be read: {str(error).splitlines()[0]}"
        raise TrainclinicError(message, hint="give a model folder; a name on the hub needs a connection") from error
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        message = f"`{name}` is a `{config.model_type}` model, expected a causal language model"
        raise TrainclinicError(message, hint="training of other kinds of models is not supported")
    text = config.get_text_config()
    sizes = [getattr(text, size, None) for size in _SIZES]
    positions = next((int(size) for size in sizes if isinstance(size, int) and size > 0), UNLIMITED)
    known = getattr(config, "_name_or_path", "") or ""
    return ModelShape(name, f"{name} {known}", config.model_type, positions, _parameters(folder))


def _is_adapter(folder: Path) -> bool:
    return (folder / "adapter_config.json").is_file()


def _parameters(folder: Path) -> int | None:
    """Number of weights by the headers of the safetensors files; nothing is loaded."""
    total = 0
    for path in folder.glob("*.safetensors"):
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            try:
                header = json.loads(file.read(length))
            except ValueError:
                return None
        for name, tensor in header.items():
            size = 1
            for side in tensor["shape"] if name != "__metadata__" else [0]:
                size *= side
            total += size
    return total or None


def load_model(recipe: Recipe, vocabulary: int) -> Any:
    """The model, on the CPU, as it is to be trained.

    Args:
        recipe: A complete recipe.
        vocabulary: Ids of the tokenizer, added tokens included.

    Raises:
        TrainclinicError: If it cannot be loaded, or its weights are not finite.
    """
    model = _base(recipe)
    model.config.use_cache = False
    rows = model.get_input_embeddings().weight.shape[0]
    if vocabulary > rows:
        if not recipe.model.new_tokens:
            message = f"the tokenizer has {vocabulary:,} ids, and the model `{recipe.model.name}` only {rows:,} rows"
            raise TrainclinicError(message, hint="take the tokenizer of the model, or list `model.new_tokens`")
        model.resize_token_embeddings(vocabulary, mean_resizing=True)
    if recipe.adapter.method != "full":
        model = _with_adapters(model, recipe)
    _set_formats(model, recipe)
    _refuse_non_finite(model, str(recipe.model.name))
    return model


def reloaded(recipe: Recipe, folder: Path, vocabulary: int) -> Any:
    """The model again from what was saved, to see whether it is the same.

    Args:
        recipe: A complete recipe.
        folder: Where it was saved.
        vocabulary: Ids of the tokenizer, added tokens included.
    """
    if recipe.adapter.method == "full":
        return _base(replace(recipe, model=replace(recipe.model, name=str(folder), from_scratch=False)))
    import peft

    library: Any = peft
    base = _base(recipe)
    if vocabulary > base.get_input_embeddings().weight.shape[0]:
        base.resize_token_embeddings(vocabulary)
    return library.PeftModel.from_pretrained(base, folder)


def _base(recipe: Recipe) -> Any:
    import torch
    import transformers

    hf: Any = transformers  # its factories are not typed
    name = str(recipe.model.name)
    where = str(Path(name).expanduser()) if Path(name).expanduser().exists() else name
    attention = {"attn_implementation": recipe.model.attention}
    is_full = recipe.adapter.method == "full"
    formats = recipe.precision
    dtype = getattr(torch, str(formats.trained_weights if is_full else formats.frozen_weights))
    if recipe.model.from_scratch:
        config = hf.AutoConfig.from_pretrained(where, **attention)
        return hf.AutoModelForCausalLM.from_config(config).to(dtype)
    options = {"quantization_config": _quantisation(recipe)} if recipe.adapter.quantised_bits else {}
    try:
        return hf.AutoModelForCausalLM.from_pretrained(where, dtype=dtype, **attention, **options)
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        message = f"the model `{name}` cannot be loaded: {str(error).splitlines()[0]}"
        raise TrainclinicError(message, hint="are all files of its weights there?") from error


def _quantisation(recipe: Recipe) -> Any:
    import torch
    import transformers

    hf: Any = transformers
    if recipe.adapter.quantised_bits == 8:
        return hf.BitsAndBytesConfig(load_in_8bit=True)
    compute = getattr(torch, str(recipe.precision.compute))
    return hf.BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=compute)


def _with_adapters(model: Any, recipe: Recipe) -> Any:
    import peft

    library: Any = peft
    adapter = recipe.adapter
    if adapter.quantised_bits:
        model = library.prepare_model_for_kbit_training(
            model, use_gradient_checkpointing=bool(recipe.batch.checkpointing)
        )
    elif recipe.batch.checkpointing:
        model.enable_input_require_grads()
    config = library.LoraConfig(
        task_type="CAUSAL_LM",
        r=adapter.rank or 16,
        lora_alpha=adapter.alpha or 32.0,
        lora_dropout=adapter.dropout or 0.0,
        target_modules=_targets(model, adapter.modules or ("all-linear",)),
        modules_to_save=_in_full(model, adapter.in_full or ()) or None,
        use_rslora=bool(adapter.rank_stabilised),
        fan_in_fan_out=any(type(one).__name__ == "Conv1D" for one in model.modules()),  # GPT-2 stores [in, out]
        base_model_name_or_path=str(recipe.model.name),
    )
    return library.get_peft_model(model, config, autocast_adapter_dtype=recipe.precision.trained_weights == "float32")


def _targets(model: Any, wanted: Sequence[str]) -> str | list[str]:
    if list(wanted) == ["all-linear"]:
        return "all-linear"
    names = {name.rpartition(".")[2] for name, _ in model.named_modules()}
    missing = [target for target in wanted if target not in names]
    if missing:
        message = f"`adapter.modules` names `{'`, `'.join(missing)}`, and the model has no such modules"
        linear = sorted(
            {name.rpartition(".")[2] for name, one in model.named_modules() if "Linear" in type(one).__name__}
        )
        raise TrainclinicError(message, hint=f"it has {', '.join(linear)}; `all-linear` takes every linear layer")
    return list(wanted)


def _in_full(model: Any, wanted: Sequence[str]) -> list[str]:
    """Modules that are trained in full: by their names in this model, embeddings whatever they are called."""
    modules = {name.rpartition(".")[2]: module for name, module in model.named_modules()}
    first, last = model.get_input_embeddings(), model.get_output_embeddings()
    ends = {"input": first, "output": last}
    found: list[str] = []
    for name in wanted:
        module = modules.get(name, ends.get(_EMBEDDINGS.get(name, "")))
        found += [other for other, one in modules.items() if module is not None and one is module]
    if last is not None and first.weight is last.weight:  # one matrix: the head follows the embedding
        found = [name for name in found if modules[name] is not last]
    return list(dict.fromkeys(found))


def _set_formats(model: Any, recipe: Recipe) -> None:
    """Give trained weights their format, whatever the checkpoint or PEFT gave them."""
    import torch

    dtype = getattr(torch, str(recipe.precision.trained_weights))
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(dtype)


def _refuse_non_finite(model: Any, name: str) -> None:
    import torch

    bad = [key for key, one in model.named_parameters() if one.is_floating_point() and not torch.isfinite(one).all()]
    if bad:
        message = f"{len(bad)} tensors of `{name}` hold NaN or infinity, the first is `{bad[0]}`"
        raise TrainclinicError(message, hint="the weights were destroyed before: start from an intact model")
