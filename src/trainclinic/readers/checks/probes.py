# ruff: noqa: E501 (expressions are easier to read on one line)
"""What small experiments on a model printed: activations, rows of tokens, differences of logits.

It knows what was measured. Which size is too large is left to the rules.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from trainclinic.readers.checks.line import NUMBER, Claim, Line, number_of, pattern, shortened

_ACTIVATION = (
    r"\b(?:activations?|hidden(?:[ _]states?)?|hook\w*|forward|outputs?|logits?|amax|mlp|attn|wo|block|layers?)\b"
)
_WEIGHT = r"\.(?:weight|bias)\b|\bweights?\b|\blora_|\bgrad\w*"
_LARGEST = (
    rf"\b(?:abs[ _]?max|max[ _]?abs|amax|absmax|max(?:imum)?(?:[ _](?:value|activation|output))?)\W{{1,4}}({NUMBER})"
)
_DIFFERENCE = rf"\b(?:max(?:imum)?|mean|largest|abs)?[ _]?(?:abs[ _])?(?:diff(?:erence)?|delta|change|distance)\b[^\d\n]{{0,50}}({NUMBER})"
_LOGITS = r"\b(?:logits?|outputs?|head)\b"
_MERGED = r"\b(?:merg\w+|export\w*|reload\w*|gguf|converted|saved|live)\b"
_LATER = r"\b(?:future|later|next tokens?|t ?\+ ?1|following tokens?)\b"
_CHANGED = r"\b(?:perturb\w*|chang\w+|leak\w*|replac\w+|random\w*)\b"
_ROW = rf"(?:<\S+?>|\brow \d+|\btoken \S+|\bid \d+)[^\d\n]{{0,20}}?\bnorm\W{{1,4}}({NUMBER})|\bnorm of (?:row \d+|token \S+|<\S+?>)\W{{1,4}}({NUMBER})"
_MEAN = rf"\b(?:mean|median|average|typical|others?|rest)\b(?:[ _]\w+){{0,2}}?\W{{1,4}}({NUMBER})"
_STOP = rf"\b(?:p|prob(?:ability)?)\W{{0,3}}(?:of )?(?:the )?(?:\(?\s*)?(?:stop|eos|eot|end(?: of (?:turn|text))?|<\S+?>)(?: token)?\)?\W{{1,4}}({NUMBER})"
_STOP_FIRST = rf"(?:<\|?(?:eot_id|im_end|end|eom_id|endoftext|end_of_text|eos|end_of_turn|/s)\|?>)['\"`]?\W{{1,6}}(?:p|prob(?:ability)?)\W{{1,4}}({NUMBER})"


_HEADER = r"^\W{0,3}(?:module|layer|block|name)\b.{0,40}?\b(?:abs[ _]?max|max[ _]?abs|amax|absmax|max(?:imum)?)\b[^\d\n]{0,60}$"
_CELLS = rf"^\W{{0,3}}[a-z][\w.]*\.\w+[|:,\s]{{1,60}}({NUMBER})\W{{0,3}}$"


def claims(lines: Sequence[Line]) -> Iterator[Claim]:
    """What the lines say about a model that was tried."""
    largest: tuple[float, Line] | None = None
    is_table = False
    for line in lines:
        is_table = is_table or pattern(_HEADER).search(line.text) is not None
        size = _cell(line.text) if is_table else activation(line.text)
        if size is not None and (largest is None or size > largest[0]):
            largest = size, line
        yield from _logits(line)
        yield from _tokens(line)
    if largest is not None:
        yield Claim("activation-values", shortened(largest[1].text), largest[1].number, largest[0])


def activation(text: str) -> float | None:
    """The largest magnitude of an activation that a line shows; `None` for lines that show none."""
    if pattern(_ACTIVATION).search(text.replace(".", " ").replace("_", " ")) is None or pattern(_WEIGHT).search(text):
        return None
    found = pattern(_LARGEST).search(text)
    if found is None or pattern(_DIFFERENCE).search(text):
        return None
    value = abs(number_of(found[1]))
    return math.inf if math.isnan(value) else value


def _cell(text: str) -> float | None:
    """The magnitude in a row of a table of modules."""
    found = pattern(_CELLS).search(text)
    if found is None or pattern(_WEIGHT).search(text):
        return activation(text)
    value = abs(number_of(found[1]))
    return math.inf if math.isnan(value) else value


def _logits(line: Line) -> Iterator[Claim]:
    """Differences of logits: between two forms of a model, or after tokens behind them were changed."""
    found = pattern(_DIFFERENCE).search(line.text)
    if found is None or pattern(_LOGITS).search(line.text) is None:
        return
    value = number_of(found[1])
    if pattern(_LATER).search(line.text) and pattern(_CHANGED).search(line.text):
        yield Claim("logits-and-later-tokens", shortened(line.text), line.number, value)
    elif pattern(_MERGED).search(line.text):
        yield Claim("logits-and-merge", shortened(line.text), line.number, value)


def _tokens(line: Line) -> Iterator[Claim]:
    """Norms of single rows beside the usual one, and the probability of a stop token."""
    row, mean = pattern(_ROW).search(line.text), pattern(_MEAN).search(line.text)
    if row is not None and mean is not None and number_of(mean[1]) > 0:
        yield Claim(
            "token-row-norm", shortened(line.text), line.number, number_of(row[1] or row[2]) / number_of(mean[1])
        )
    stop = pattern(_STOP).search(line.text) or pattern(_STOP_FIRST).search(line.text)
    if stop and number_of(stop[1]) <= 1.0:
        yield Claim("stop-probability", shortened(line.text), line.number, number_of(stop[1]))
