"""Do two models compute the same? Their logits on a few prompts of token ids, and weights that are no numbers.

The prompts are fixed ids spread over the vocabulary: they need no tokenizer and no text, and touch many rows of the
embedding. It does not know where a model comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trainclinic.record.errors import TrainclinicError

if TYPE_CHECKING:
    from torch import Tensor

PROMPT_LENGTHS = (1, 5, 12, 24)
_STRIDE = 0.6180339887
"""Multiples of the golden ratio, modulo 1, fill an interval evenly however many there are (Weyl 1916)."""
_NAMES_SHOWN = 5


def probe_prompts(vocabulary: int, positions: int) -> list[Tensor]:
    """Prompts of ids spread over a vocabulary, int64 `[1, tokens]` each.

    Args:
        vocabulary: Ids that may be used, from 0.
        positions: Tokens that the model has positions for.
    """
    import torch

    out, at = [], 0
    for length in PROMPT_LENGTHS:
        ids = [int(vocabulary * (_STRIDE * (at + place + 1) % 1.0)) for place in range(min(length, positions))]
        at += length
        out.append(torch.tensor([ids], dtype=torch.int64))
    return out


def logits_of(model: Any, prompts: Sequence[Tensor], name: str) -> list[Tensor]:
    """Logits on each prompt, float32 `[1, tokens, vocabulary]`.

    Args:
        model: In evaluation mode.
        prompts: int64 `[1, tokens]` each.
        name: What to call the model in a message.

    Raises:
        TrainclinicError: If any logit is not finite.
    """
    import torch

    out = []
    with torch.no_grad():
        for ids in prompts:
            found = model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False).logits.float()
            if not bool(torch.isfinite(found).all()):
                message = f"`{name}` gives logits that are not finite on a prompt of {ids.shape[1]} tokens"
                raise TrainclinicError(message, hint="its training went wrong: `trainclinic diagnose` says where")
            out.append(found)
    return out


def difference(one: Sequence[Tensor], other: Sequence[Tensor]) -> float:
    """Largest difference of a logit, as a share of the largest logit of `one`.

    Args:
        one: Logits, `[1, tokens, vocabulary]` for each prompt.
        other: Likewise; a vocabulary of another size counts as infinitely different.
    """
    if any(left.shape != right.shape for left, right in zip(one, other, strict=True)):
        return float("inf")
    largest = max(float(logits.abs().max()) for logits in one)
    apart = max(float((left - right).abs().max()) for left, right in zip(one, other, strict=True))
    return apart / largest if largest > 0 else apart


def refuse_non_finite(model: Any, name: str) -> None:
    """Stop at weights that are NaN or infinite.

    Args:
        model: Any module.
        name: What to call it in a message.

    Raises:
        TrainclinicError: If there is such a tensor; the first names are listed.
    """
    import torch

    bad = [key for key, tensor in model.state_dict().items()
           if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all())]  # fmt: skip
    if bad:
        shown = ", ".join(f"`{key}`" for key in bad[:_NAMES_SHOWN])
        more = f" and {len(bad) - _NAMES_SHOWN} more" if len(bad) > _NAMES_SHOWN else ""
        message = f"{len(bad)} tensors of `{name}` hold NaN or infinity: {shown}{more}"
        raise TrainclinicError(message, hint="take an earlier checkpoint: `trainclinic diagnose` says which is good")
