"""A model under test, loaded: on which device, in which number format, within the memory that there is.

Weights are read from safetensors; pickled ones only where the user insists, and then as tensors alone. The hub is never
asked. It judges nothing.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainclinic.record.errors import TrainclinicError
from trainclinic.training.export_source import ADAPTER_WEIGHTS, WEIGHTS, ExportSource, find_source

MEMORY_SHARE = 0.8
"""Share of the free memory that weights may take; the rest is for activations and the cache of generation."""
_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model runs.

    Attributes:
        device: `cpu`, `mps` or `cuda`.
        dtype: Number format of the weights.
        note: What should be known about it; mostly empty.
    """

    device: str
    dtype: str
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A model in evaluation mode.

    Attributes:
        model: The model.
        at_random: Names of tensors that the files do not hold.
        unused: Names of tensors in the files that the model has no place for.
    """

    model: Any
    at_random: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


def source_of(folder: Path, base: str, *, pickles: bool) -> ExportSource:
    """What a folder holds, refused where its weights are pickled.

    Args:
        folder: Folder of a model or of an adapter.
        base: Base of an adapter, where its configuration does not lead to it.
        pickles: Whether pickled weights are read all the same, as tensors alone.

    Raises:
        TrainclinicError: If it is no model, parts are missing, or its weights are pickled.
    """
    is_adapter = (folder / "adapter_config.json").is_file()
    source = find_source(folder, base if is_adapter else "", quantised=True)
    where = [(folder, ADAPTER_WEIGHTS)] if source.adapter is not None else []
    for place, names in [*where, (Path(source.weights), WEIGHTS)]:
        pickled = sorted(path.name for path in place.glob("*.bin") if path.name.startswith(names[1].split(".")[0]))
        if pickled and not any(place.glob("*.safetensors")) and not pickles:
            message = f"the weights of `{place}` are pickled (`{pickled[0]}`), and a pickle can run code"
            raise TrainclinicError(message, hint="--allow-pickle reads them as tensors alone, without running anything")
    return source


def place_for(folder: str, device: str, dtype: str | None) -> Place:
    """Where and how a model runs on this machine.

    Args:
        folder: Folder of its weights.
        device: `auto`, `cpu`, `mps` or `cuda`.
        dtype: Number format that the user wants; `None` for what suits.

    Raises:
        TrainclinicError: If the device is not there, or the weights do not fit.
    """
    import torch

    there = {"cpu": True, "mps": torch.backends.mps.is_available(), "cuda": torch.cuda.is_available()}
    chosen = next(name for name in ("cuda", "mps", "cpu") if there[name]) if device == "auto" else device
    if not there.get(chosen):
        message = f"this machine has no `{chosen}` device"
        raise TrainclinicError(message, hint="--device auto takes what is there")
    size = sum(path.stat().st_size for path in Path(folder).glob("*.safetensors")) if Path(folder).is_dir() else 0
    stored = stored_format(folder)
    wanted = dtype or ("float32" if chosen == "cpu" else stored)
    free, fits = free_memory(chosen), []
    for name in dict.fromkeys((wanted, *(() if dtype else (stored, "bfloat16")))):
        needed = size / _BYTES[stored] * _BYTES[name]
        if needed <= MEMORY_SHARE * free:
            fits.append(name)
    if not fits:
        needed = size / _BYTES[stored] * _BYTES[dtype or "bfloat16"]
        message = (
            f"the weights of `{folder}` need {needed / 1e9:.1f} GB on `{chosen}`, and {free / 1e9:.1f} GB are free"
        )
        raise TrainclinicError(message, hint="close other programs, or test it as served: `--endpoint URL`")
    note = "" if fits[0] == wanted else f"{wanted} would not fit into memory: the weights run in {fits[0]}"
    return Place(chosen, fits[0], note)


def free_memory(device: str) -> float:
    """Bytes that are free on a device.

    Args:
        device: `cpu`, `mps` or `cuda`.
    """
    if device == "cuda":
        import torch

        return float(torch.cuda.mem_get_info()[0])
    import psutil

    return float(psutil.virtual_memory().available)


def stored_format(folder: str) -> str:
    """The number format of the weights, by the configuration; float32 when it does not say.

    Args:
        folder: Folder of a model, or a name that the local cache of the hub has.
    """
    path = Path(folder) / "config.json"
    said = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    name = str(said.get("dtype") or said.get("torch_dtype") or "float32").removeprefix("torch.")
    return name if name in _BYTES else "float32"


def load_whole(folder: str, place: Place) -> Loaded:
    """Whole weights.

    Args:
        folder: Folder of a model, or a name that the local cache of the hub has.
        place: Where and how it runs.

    Raises:
        TrainclinicError: If they cannot be loaded.
    """
    import torch
    import transformers

    hf: Any = transformers
    try:
        model, told = hf.AutoModelForCausalLM.from_pretrained(
            folder, dtype=getattr(torch, place.dtype), local_files_only=True, output_loading_info=True,
        )  # fmt: skip
    except Exception as error:  # safetensors, torch and the model classes each raise their own for a damaged file
        message = f"the model `{folder}` cannot be loaded: {first_line(error)}"
        raise TrainclinicError(message, hint="a file may be cut off or missing: copy the whole folder") from error
    _generate_plainly(model)
    is_placed = getattr(model, "hf_device_map", None) is not None
    placed = model if is_placed else model.to(place.device)
    lost = [str(one[0]) if isinstance(one, tuple) else str(one) for one in told["mismatched_keys"]]
    return Loaded(placed.eval(), tuple(sorted([*told["missing_keys"], *lost])), tuple(sorted(told["unexpected_keys"])))


def put_on(loaded: Loaded, source: ExportSource) -> Loaded:
    """The base with its adapter, in place.

    Args:
        loaded: The base.
        source: Where the adapter lies.

    Raises:
        TrainclinicError: If the adapter is for a base of another shape.
    """
    from peft import PeftModel, get_peft_model_state_dict

    hf: Any = PeftModel
    model = loaded.model
    rows = int(model.get_input_embeddings().weight.shape[0])
    if source.rows is not None and source.rows != rows:
        model.resize_token_embeddings(source.rows, mean_resizing=False)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            adapted = hf.from_pretrained(model, str(source.adapter), torch_device=str(model.device))
        except Exception as error:  # PEFT raises many kinds for a base of another shape
            message = f"the adapter `{source.adapter}` does not fit `{source.weights}`: {first_line(error)}"
            raise TrainclinicError(message, hint="name the model that it was trained on with `--base`") from error
        placed = set(get_peft_model_state_dict(adapted, save_embedding_layers=False))
    random = [one for one in said if "missing adapter keys" in str(one.message)]
    at_random = (str(random[0].message).partition(": ")[2][:200],) if random else ()
    unused = tuple(sorted(source.tensors - placed))
    return Loaded(adapted.eval(), (*loaded.at_random, *at_random), (*loaded.unused, *unused))


def first_line(error: Exception) -> str:
    """What an exception says, in one line.

    Args:
        error: The exception.
    """
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _generate_plainly(model: Any) -> None:
    """Forget stored settings of generation that would change what is measured, but for the end tokens."""
    from transformers import GenerationConfig

    plain: Any = GenerationConfig
    stated = model.generation_config
    model.generation_config = plain(
        eos_token_id=stated.eos_token_id, pad_token_id=stated.pad_token_id, bos_token_id=stated.bos_token_id
    )
    model.config.use_cache = True
