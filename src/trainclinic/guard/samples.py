"""Short answers of the model as it is now, generated greedily: are they empty, repeated, endless?

Random states, training flags, the cache setting and gradients are left as they were found. It does not know which
answer is right.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from trainclinic.signals.generated_text import REPEATED_SHARE, STUTTERED, STUTTERED_SHARE
from trainclinic.signals.text_repetition import find_loop, repeated_grams, stuttered_words

if TYPE_CHECKING:
    from torch import Tensor

Prompt = str | Sequence[int]
_TOKENS_IN_A_LOOP = 4


@dataclass(frozen=True, slots=True)
class Sample:
    """One generated answer.

    Attributes:
        prompt: The prompt; token numbers where no tokenizer was given.
        text: The answer without special tokens; token numbers where no tokenizer was given.
        new_tokens: Tokens generated, the end token included.
        stopped: Whether it ended with an end token.
        remarks: Of `empty`, `repeated` and `endless` (the limit came before an end token).
    """

    prompt: str
    text: str
    new_tokens: int
    stopped: bool
    remarks: tuple[str, ...]


class Samples:
    """Prompts, and how to answer them.

    Args:
        prompts: Texts as the model is to see them (a chat template already applied), or token numbers.
        tokenizer: Needed for texts, and to read answers.
        max_new_tokens: Longest answer.
    """

    def __init__(self, prompts: Sequence[Prompt], tokenizer: Any = None, *, max_new_tokens: int = 64) -> None:
        self.prompts = list(prompts)
        self.tokenizer = tokenizer
        self.max_new_tokens = max_new_tokens

    def draw(self, model: Any) -> list[Sample]:
        """Answer every prompt.

        Args:
            model: A model with `generate`.
        """
        with as_found(model), torch.no_grad():
            return [self._answer(model, prompt) for prompt in self.prompts]

    def _answer(self, model: Any, prompt: Prompt) -> Sample:
        ids = self.tokenizer(prompt, add_special_tokens=False)["input_ids"] if isinstance(prompt, str) else list(prompt)
        device = next(model.parameters()).device
        given = torch.tensor([ids], device=device)
        ends = _ends(model, self.tokenizer)
        pad = min(ends) if ends else 0
        out: Tensor = model.generate(
            input_ids=given, attention_mask=torch.ones_like(given), max_new_tokens=self.max_new_tokens,
            do_sample=False, num_beams=1, use_cache=True, pad_token_id=pad, eos_token_id=sorted(ends) or None,
            temperature=None, top_p=None, top_k=None,
        )  # fmt: skip
        new = out[0, len(ids) :].tolist()
        stopped = bool(new) and new[-1] in ends
        text = self._text([token for token in new if token not in ends])
        shown = prompt if isinstance(prompt, str) else self._text(ids)
        remarks = remarks_on(text, new[:-1] if stopped else new, stopped=stopped)
        return Sample(shown, text, len(new), stopped, remarks)

    def _text(self, ids: Sequence[int]) -> str:
        if self.tokenizer is None:
            return " ".join(map(str, ids))
        return str(self.tokenizer.decode(ids, skip_special_tokens=True))


def remarks_on(text: str, tokens: Sequence[int], *, stopped: bool) -> tuple[str, ...]:
    """What is wrong with an answer at first sight.

    Args:
        text: The answer.
        tokens: Its tokens without the end token.
        stopped: Whether it ended by itself.
    """
    remarks = []
    if not text.strip() or not tokens:
        remarks.append("empty")
    twice, words = stuttered_words(text)
    stutters = twice >= STUTTERED and twice >= STUTTERED_SHARE * words
    tail = list(tokens[-_TOKENS_IN_A_LOOP:])
    one_token = len(tail) == _TOKENS_IN_A_LOOP and len(set(tail)) == 1
    if text.strip() and (
        one_token or stutters or find_loop(text) is not None or repeated_grams(text)[0] >= REPEATED_SHARE
    ):
        remarks.append("repeated")
    if not stopped:
        remarks.append("endless")
    return tuple(remarks)


@contextmanager
def as_found(model: Any) -> Iterator[None]:
    """Evaluate a model inside, and leave random states and flags as they were.

    Args:
        model: The model.
    """
    modes = [(module, module.training) for module in model.modules()]
    configuration = getattr(model, "config", None)
    cache = getattr(configuration, "use_cache", None)
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 the state that others use
    torch_state = torch.random.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else None
    try:
        model.eval()
        yield
    finally:
        for module, training in modes:
            module.training = training
        if configuration is not None and cache is not None:
            configuration.use_cache = cache
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        torch.random.set_rng_state(torch_state)
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)


def _ends(model: Any, tokenizer: Any) -> set[int]:
    """End tokens by the model's generation settings and by the tokenizer."""
    found: set[int] = set()
    for owner in (getattr(model, "generation_config", None), getattr(model, "config", None), tokenizer):
        ends = getattr(owner, "eos_token_id", None)
        found |= {int(end) for end in (ends if isinstance(ends, (list, tuple)) else [ends]) if end is not None}
    return found
