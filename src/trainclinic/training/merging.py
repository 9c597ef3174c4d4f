"""An adapter in its base: put on, compared, merged in float32, compared again.

Merging into rounded weights would round the adapter, so the base is float32 here whatever it is stored in. It does not
write anything.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainclinic.record.errors import TrainclinicError
from trainclinic.training.export_source import ExportSource
from trainclinic.training.logits import difference, logits_of, probe_prompts, refuse_non_finite

if TYPE_CHECKING:
    from torch import Tensor

MERGE_TOLERANCE = 1e-4
"""Largest change of a logit by merging, as a share of the largest: sums in another order move float32 by about 1e-6."""
UNLIMITED = 1_000_000


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole model and what it is held to.

    Attributes:
        model: In float32, in evaluation mode.
        prompts: Token ids, int64 `[1, tokens]` each.
        reference: Logits as trained, float32 `[1, tokens, vocabulary]` each.
        stored: Number format that the weights were stored in.
        effect: Largest change of a logit by the adapter, as a share of the largest; `None` without adapter.
    """

    model: Any
    prompts: list[Tensor]
    reference: list[Tensor]
    stored: str
    effect: float | None = None


def load_weights(folder: str) -> Any:
    """Weights in float32, on the CPU, in evaluation mode; the hub is not asked.

    Args:
        folder: Folder of a model, or a name that the local cache of the hub has.

    Raises:
        TrainclinicError: If they cannot be loaded.
    """
    import torch
    from transformers import AutoModelForCausalLM

    try:
        model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    except Exception as error:  # safetensors, torch and the model classes each raise their own for a damaged file
        message = f"the model `{folder}` cannot be loaded: {_first_line(error)}"
        raise TrainclinicError(message, hint="a file may be cut off or missing: copy the whole folder") from error
    return model.eval()


def whole_model(source: ExportSource, tokenizer: Any) -> Whole:
    """The whole model in float32, merged when there is an adapter.

    Args:
        source: Where its parts lie.
        tokenizer: Its tokenizer.

    Raises:
        TrainclinicError: If the parts do not fit, weights or logits are not finite, or merging changes the logits.
    """
    stored = _stored_format(source.weights)
    model = load_weights(source.weights)
    rows = int(model.get_input_embeddings().weight.shape[0])
    if source.rows is not None and source.rows != rows:
        model.resize_token_embeddings(source.rows, mean_resizing=False)
        rows = source.rows
    if len(tokenizer) > rows:
        message = f"the tokenizer of `{source.tokenizer}` has {len(tokenizer):,} ids, and the model only {rows:,} rows"
        hint = "take the tokenizer of the base, or an adapter that was saved with its resized embedding"
        raise TrainclinicError(message, hint=hint)
    sizes = (getattr(model.config, name, None) for name in ("max_position_embeddings", "n_positions"))
    positions = next((size for size in sizes if isinstance(size, int) and size > 0), UNLIMITED)
    prompts = probe_prompts(min(len(tokenizer), rows), positions)
    refuse_non_finite(model, source.weights)
    plain = logits_of(model, prompts, source.weights)
    if source.adapter is None:
        return Whole(model, prompts, plain, stored)
    adapted = _with_adapter(model, source)
    refuse_non_finite(adapted, str(source.adapter))
    reference = logits_of(adapted, prompts, str(source.adapter))
    merged = adapted.merge_and_unload()
    refuse_non_finite(merged, "the merged model")
    apart = difference(reference, logits_of(merged, prompts, "the merged model"))
    if apart > MERGE_TOLERANCE:
        message = f"merging changes the logits by {apart:.1e} of the largest, expected at most {MERGE_TOLERANCE:.0e}"
        raise TrainclinicError(message, hint="nothing was written; this kind of adapter may not be exact when merged")
    return Whole(merged, prompts, reference, stored, difference(plain, reference))


def _with_adapter(model: Any, source: ExportSource) -> Any:
    """The base with its adapter, every tensor of which found its place."""
    from peft import PeftModel, get_peft_model_state_dict

    hf: Any = PeftModel
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            adapted = hf.from_pretrained(model, str(source.adapter), torch_device="cpu")
        except Exception as error:  # PEFT raises many kinds for a base of another shape
            raise _misfit(source, _first_line(error)) from error
        placed = set(get_peft_model_state_dict(adapted, save_embedding_layers=False))
    lost = sorted(source.tensors - placed)
    if lost:
        raise _misfit(source, f"{len(lost)} of its tensors have no place there, such as `{lost[0]}`")
    if any("missing adapter keys" in str(one.message) for one in said):
        raise _misfit(source, "some tensors that its configuration asks for are not in its file")
    return adapted.eval()


def _misfit(source: ExportSource, why: str) -> TrainclinicError:
    message = f"the adapter `{source.adapter}` does not fit `{source.weights}`: {why}"
    return TrainclinicError(message, hint="name the model that it was trained on with `--base`")


def _stored_format(folder: str) -> str:
    """What the weights are stored in, by the configuration; float32 when it does not say."""
    from transformers import AutoConfig

    config: Any = AutoConfig.from_pretrained(folder, local_files_only=True)
    said = getattr(config, "dtype", None) or getattr(config, "torch_dtype", None)
    name = str(said).removeprefix("torch.")
    return name if name in {"float32", "float16", "bfloat16"} else "float32"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
