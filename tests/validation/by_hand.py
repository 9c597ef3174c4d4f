"""What was measured, made up: a sound model by default, with single values exchanged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from trainclinic.validation.tested import DEPTHS, Answer, Losses, Scored, Tested, TokensSeen, WeightsSeen

ROWS, TOKENS = 8, 10


def losses(
    per_token: float | Sequence[float], *, end: float | Sequence[float] = 0.9, finite: bool = True, tokens: int = TOKENS
) -> Losses:
    """Losses of rows of equal length.

    Args:
        per_token: Nats per token, one number for eight rows or one for each row.
        end: Probability of an end token, likewise.
        finite: Whether every logit was finite.
        tokens: Tokens of a row.
    """
    each = np.broadcast_to(np.asarray(per_token, float), (ROWS,) if isinstance(per_token, float) else len(per_token))
    return Losses(
        each * tokens, np.full(len(each), tokens), np.broadcast_to(np.asarray(end, float), each.shape), finite
    )


def answer(text: str, question: str = "What colour is the door?", reference: str = "", **other: Any) -> Answer:
    """A question with an answer that ended by itself."""
    return Answer(f"<|user|>\n{question}", question, text, len(text.split()) + 1, stopped=True,
                  reference=reference, **other)  # fmt: skip


SOUND_ANSWERS = tuple(
    answer(f"It is {colour}, and so is the {thing}.", f"What colour is the {thing}?", f"It is {colour}.")
    for thing, colour in (("door", "red"), ("jar", "blue"), ("hat", "green"), ("egg", "white"), ("pen", "black"))
)


def sound(kind: str = "model", **other: Any) -> Tested:
    """A model that works, everything about it measured.

    Args:
        kind: `model`, `adapter` or `endpoint`.
        other: Values to put in the place of those of a sound model.
    """
    own = losses(0.5)
    scored = Scored("chrF", (0.9, 0.8, 0.9, 0.9, 0.8), (0.3, 0.2, 0.3, 0.4, 0.2))
    tested = Tested(
        "models/tuned", kind, DEPTHS["usual"], "cpu", "float32", "models/base", "held-out.jsonl",  # type: ignore[arg-type]
        weights=WeightsSeen(21, 131_008, compared=21, changed=20, change=0.4), tokens=TokensSeen(381, 384, True, ("</s>",), 381),
        own=own, of_base=losses(2.0), other_templates={"own": own, "chatml": losses(2.0), "alpaca": losses(1.5)},
        unigram=3.0, training=losses(0.3), general=losses(3.1), general_base=losses(3.0), padding=1e-7,
        answers=SOUND_ANSWERS, scores=(scored,),
    )  # fmt: skip
    return replace(tested, **other)


def adapter(**other: Any) -> Tested:
    """An adapter that works.

    Args:
        other: Values of its weights to exchange.
    """
    seen: dict[str, Any] = {"effect": 0.3, "merging": 1e-6}
    return sound("adapter", weights=WeightsSeen(30, 83_584, **{**seen, **other}))


def weights(**other: Any) -> Tested:
    """A sound model with something about its weights exchanged."""
    return sound(weights=replace(sound().weights or WeightsSeen(0, 0), **other))


def tokens(**other: Any) -> Tested:
    """A sound model with something about its tokenizer exchanged."""
    return sound(tokens=replace(sound().tokens or TokensSeen(0, 0, False, ()), **other))
