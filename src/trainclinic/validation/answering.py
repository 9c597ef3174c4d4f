"""Answers of a model to questions: greedy, drawn by chance, and alone beside in a batch.

Batches are filled up on the left, as generation needs it. Seeds are set before every draw. It judges nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

TEMPERATURE, TOP_P = 0.7, 0.95
"""How answers are drawn by chance."""
AT_ONCE = 8
"""Questions in a batch."""
Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Written:
    """A generated text.

    Attributes:
        text: The text without special tokens.
        shown: The text with special tokens, the end token left out.
        new_tokens: Tokens, the end token included.
        stopped: Whether an end token ended it.
    """

    text: str
    shown: str
    new_tokens: int
    stopped: bool


class Writer:
    """Lets a model write.

    Args:
        model: In evaluation mode.
        tokenizer: That of transformers.
        ends: Ids that end an answer.
        new_tokens: Longest answer.
        seed: Set before every draw.
    """

    def __init__(self, model: Any, tokenizer: Any, ends: frozenset[int], *, new_tokens: int, seed: int) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.ends = ends
        self.new_tokens = new_tokens
        self.seed = seed
        pad = tokenizer.pad_token_id
        self.pad = int(pad) if pad is not None else min(ends, default=0)

    def write(
        self, prompts: Sequence[Sequence[int]], *, at_once: int = AT_ONCE, drawn: bool = False, told: Told | None = None
    ) -> list[Written]:
        """Continue every prompt.

        Args:
            prompts: Token ids of each.
            at_once: Prompts in a batch.
            drawn: Whether to draw by chance instead of taking the most probable token.
            told: Told how many are done, and how many there are.
        """
        found: list[Written] = []
        for first in range(0, len(prompts), at_once):
            found += self._batch(prompts[first : first + at_once], drawn=drawn)
            if told is not None:
                told(min(at_once, len(prompts) - first), len(prompts))
        return found

    def _batch(self, prompts: Sequence[Sequence[int]], *, drawn: bool) -> list[Written]:
        import torch

        longest = max(map(len, prompts))
        ids = torch.full((len(prompts), longest), self.pad)
        mask = torch.zeros_like(ids)
        for at, prompt in enumerate(prompts):
            ids[at, longest - len(prompt) :] = torch.tensor(list(prompt))
            mask[at, longest - len(prompt) :] = 1
        chance: dict[str, Any] = {"temperature": TEMPERATURE, "top_p": TOP_P, "top_k": 0} if drawn else {
            "temperature": None, "top_p": None, "top_k": None}  # fmt: skip
        torch.manual_seed(self.seed)
        with torch.no_grad():
            out = self.model.generate(
                input_ids=ids.to(self.model.device), attention_mask=mask.to(self.model.device),
                max_new_tokens=self.new_tokens, do_sample=drawn, num_beams=1, use_cache=True,
                pad_token_id=self.pad, eos_token_id=sorted(self.ends) or None, repetition_penalty=1.0, **chance,
            )  # fmt: skip
        return [self._read(row) for row in out[:, longest:].tolist()]

    def _read(self, ids: Sequence[int]) -> Written:
        end = next((at for at, token in enumerate(ids) if token in self.ends), None)
        body = list(ids if end is None else ids[:end])
        text = str(self.tokenizer.decode(body, skip_special_tokens=True))
        shown = str(self.tokenizer.decode(body, skip_special_tokens=False))
        return Written(text, shown, len(body) + (end is not None), end is not None)
