"""What a folder holds that is to be exported: whole weights or an adapter, its base and its tokenizer.

Everything is found on this machine: the hub is never asked. It reads headers and configurations; weights are loaded
elsewhere.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainclinic.record.errors import TrainclinicError
from trainclinic.training.checkpoints import last_good

ADAPTER_WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_INDICES = tuple(f"{name}.index.json" for name in WEIGHTS)
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "tokenizer_config.json")
_EMBEDDINGS = tuple(f".{name}." for name in ("embed_tokens", "wte", "embed_in", "lm_head", "embed_out"))


@dataclass(frozen=True, slots=True)
class ExportSource:
    """Where the parts of a model lie.

    Attributes:
        weights: Folder or name of the whole weights: the folder itself, or the base of an adapter.
        adapter: Folder of the adapter; `None` for whole weights.
        tokenizer: Folder or name of the tokenizer.
        rows: Rows of the embedding that the adapter was saved with; `None` when it holds none.
        tensors: Names of the tensors of the adapter, without whole embeddings: PEFT saves these under several names.
    """

    weights: str
    adapter: Path | None
    tokenizer: str
    rows: int | None = None
    tensors: frozenset[str] = frozenset()


def find_source(run: Path, base: str = "", *, quantised: bool = False) -> ExportSource:
    """Look what a folder holds.

    Args:
        run: Folder of an adapter or of a model.
        base: Base of the adapter, when its own configuration does not lead to it.
        quantised: Whether quantised weights will do.

    Raises:
        TrainclinicError: If there is no such folder, it holds no weights, some of them are missing, the base of an
            adapter is not found, or it is quantised and must not be.
    """
    if not run.is_dir():
        message = f"`{run}` is no folder, expected one with an adapter or a model"
        raise TrainclinicError(message, hint="give the output folder of a training run, or one of its checkpoints")
    if (run / "adapter_config.json").is_file():
        return _adapter(run, base, quantised=quantised)
    if not (run / "config.json").is_file() or not any((run / name).is_file() for name in WEIGHTS + _INDICES):
        message = (
            f"`{run}` holds no weights, expected `{ADAPTER_WEIGHTS[0]}` or `{WEIGHTS[0]}` with their configuration"
        )
        raise TrainclinicError(message, hint=_where_else(run))
    if base:
        message = f"`{run}` holds whole weights, and `--base` is for adapters"
        raise TrainclinicError(message, hint="leave `--base` out")
    _refuse_missing_shards(run)
    if not quantised:
        _refuse_quantised(_json(run / "config.json"), str(run))
    if not _has_tokenizer(run):
        message = f"`{run}` holds no tokenizer, expected `{_TOKENIZERS[0]}` beside the weights"
        raise TrainclinicError(message, hint="copy the tokenizer that the model was trained with into the folder")
    return ExportSource(str(run), None, str(run))


def _adapter(run: Path, base: str, *, quantised: bool) -> ExportSource:
    config = _json(run / "adapter_config.json")
    task = config.get("task_type")
    if task not in (None, "CAUSAL_LM"):
        message = f"`{run}` is an adapter for `{task}`, expected `CAUSAL_LM`"
        raise TrainclinicError(message, hint="only causal language models can be exported")
    file = next((run / name for name in ADAPTER_WEIGHTS if (run / name).is_file()), None)
    if file is None:
        message = f"`{run}` holds `adapter_config.json` and no weights, expected `{ADAPTER_WEIGHTS[0]}`"
        raise TrainclinicError(message, hint=_where_else(run))
    weights, settings = _base_of(run, base or str(config.get("base_model_name_or_path") or ""), given=bool(base))
    if not quantised:
        _refuse_quantised(settings, weights)
    shapes = _shapes(file)
    embeddings = {name for name in shapes if "lora_" not in name and any(part in name for part in _EMBEDDINGS)}
    rows = [shapes[name][0] for name in embeddings if len(shapes[name]) == 2]
    tokenizer = str(run) if _has_tokenizer(run) else weights
    return ExportSource(weights, run, tokenizer, max(rows, default=None), frozenset(shapes) - embeddings)


def _base_of(run: Path, name: str, *, given: bool) -> tuple[str, dict[str, Any]]:
    """Folder of the base, or its name when the cache of the hub has it; and its configuration."""
    if not name:
        message = f"`{run / 'adapter_config.json'}` names no base"
        raise TrainclinicError(message, hint="name the model that the adapter was trained on with `--base`")
    folders = [Path(name).expanduser(), run / name]
    found = next((folder for folder in folders if (folder / "config.json").is_file()), None)
    if found is not None:
        _refuse_missing_shards(found)
        return str(found), _json(found / "config.json")
    if not Path(name).is_absolute() and not Path(name).exists() and (cached := _cached(name)) is not None:
        return name, cached
    whose = "" if given else f", the base of the adapter in `{run}`,"
    message = f"the model `{name}`{whose} is not on this machine"
    raise TrainclinicError(message, hint="name its folder with `--base`, or download it first (`hf download ...`)")


def _cached(name: str) -> dict[str, Any] | None:
    """The configuration of a model in the local cache of the hub, or `None`."""
    from transformers import AutoConfig

    try:
        found: dict[str, Any] = AutoConfig.from_pretrained(name, local_files_only=True).to_dict()
    except (OSError, ValueError):
        return None
    return found


def _refuse_quantised(config: dict[str, Any], name: str) -> None:
    said = config.get("quantization_config")
    if said:
        method = said.get("quant_method", "quantised") if isinstance(said, dict) else "quantised"
        message = f"the weights of `{name}` are quantised (`{method}`), expected float32, float16 or bfloat16"
        hint = "merging into quantised weights rounds the adapter away: name the same model unquantised with `--base`"
        raise TrainclinicError(message, hint=hint)


def _refuse_missing_shards(folder: Path) -> None:
    for name in _INDICES:
        if not (folder / name).is_file():
            continue
        listed = sorted({str(file) for file in (_json(folder / name).get("weight_map") or {}).values()})
        missing = [file for file in listed if not (folder / file).is_file()]
        if missing:
            shown = ", ".join(f"`{file}`" for file in missing[:3]) + (" and more" if len(missing) > 3 else "")
            message = f"`{folder / name}` lists {len(listed)} files, and {len(missing)} are missing: {shown}"
            raise TrainclinicError(message, hint="copy the whole folder; a download may have been cut off")
        return
    if not any((folder / name).is_file() for name in WEIGHTS):
        message = f"`{folder}` holds `config.json` and no weights, expected `{WEIGHTS[0]}`"
        raise TrainclinicError(message, hint="copy the whole folder; a download may have been cut off")


def _where_else(run: Path) -> str:
    saved = last_good(run)
    if saved is not None:
        return f"the last good checkpoint of this run is `{saved.folder}`"
    below = sorted((path for path in run.glob("checkpoint-*") if path.is_dir()), key=lambda path: path.stat().st_mtime)
    return f"did you mean `{below[-1]}`?" if below else "give the folder that `save_pretrained` wrote"


def _has_tokenizer(folder: Path) -> bool:
    return any((folder / name).is_file() for name in _TOKENIZERS)


def _shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors of an adapter; nothing is unpickled but tensors."""
    if file.suffix == ".bin":
        import torch

        return {name: tuple(tensor.shape) for name, tensor in torch.load(file, weights_only=True).items()}
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt") as opened:
            return {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118 - no dict
    except (SafetensorError, OSError) as error:
        message = f"`{file}` cannot be read: {str(error).splitlines()[0]}"
        raise TrainclinicError(message, hint="the file may be cut off: copy it again") from error


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        message = f"`{file}` cannot be read: {str(error).splitlines()[0]}"
        raise TrainclinicError(message, hint="the file may be cut off: copy it again") from error
    if not isinstance(found, dict):
        message = f"`{file}` holds no object, expected the settings of a model"
        raise TrainclinicError(message)
    return found
