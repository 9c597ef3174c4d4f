"""A token id lies at or above the number of rows of the embedding.

## What it sees
The id of an end, padding or begin token, the largest id among the added tokens of the tokenizer, or a printed id that
is not below the model's vocabulary size; or a library that says so itself (an index out of bounds, a vocabulary size
mismatch). An assertion on the device alone has a finding of its own.

## Why it matters
There is no row for such an id. On a GPU the look-up ends in a device-side assertion at a random later operation, on the
CPU in an index error; in other runtimes it reads whatever lies behind the table.

## What it does not mean
The GPU, the driver and the memory are sound. A tokenizer with fewer tokens than the model has rows is ordinary: tables
are padded to round numbers.

## Example
`vocab_size 64000`, `eos_token_id 64001`

## Check it by hand
Compare `len(tokenizer)` and `max(input_ids)` with `model.get_input_embeddings().num_embeddings`.

## References
- https://github.com/01-ai/Yi/issues/448
- https://github.com/meta-llama/llama-cookbook/issues/189
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.signals.measured import Measured

if TYPE_CHECKING:
    from trainclinic.record.facts import Fact

_SIZES = re.compile(r"(?:^|[._])(?:len_tokenizer|tokenizer_(?:vocab_size|size|length|len)|tokenizer\.vocab_size)$")
_IDS = re.compile(r"(?:^|[._])(?:(?:eos|pad|bos|unk|mask|sep|cls|decoder_start)_token_id|largest_added_token_id)$")


def check(run: Measured) -> Verdict:
    """Compare every known id with the vocabulary size."""
    refusals = [e for e in run.record.events_of("token-outside-vocabulary") if e.value is None or e.value > 0]
    if refusals:
        shown = tuple(Evidence(f"the log says: {e.says}", e.source, e.step) for e in refusals[:2])
        return Present(shown, settle="`len(tokenizer)` beside the rows of the embedding")
    rows = _rows(run)
    if rows is None:
        return NotEvaluated(missing="the vocabulary size of the model (`vocab_size` of its config.json)")
    if run.record.events_of("embedding-resized"):
        return NotEvaluated(missing="the rows of the embedding after it was resized")
    size = float(rows.value)
    known = sorted(_ids(run), key=lambda pair: -pair[0])
    if not known:
        return NotEvaluated(missing="ids of special or added tokens (tokenizer_config.json, `eos_token_id`)")
    told = Evidence(f"the model has {number(size)} rows", rows.source)
    beyond = tuple(evidence for value, evidence in known if value >= size)
    if beyond:
        return Present((*beyond[:3], told), settle="`len(tokenizer)` beside the rows of the embedding")
    return Absent((known[0][1], told))


def _rows(run: Measured) -> Fact | None:
    """The vocabulary size, best from the model's own configuration: other places may mean the tokenizer's."""
    named = run.record.facts.rivals("vocabulary_size")
    own = (fact for fact in named if fact.source.path.endswith("config.json") and "tokenizer" not in fact.source.path)
    return next(own, named[0] if named else None)


def _ids(run: Measured) -> Iterator[tuple[float, Evidence]]:
    """Every id that the files name."""
    for fact in run.record.other_facts:
        if _IDS.search(fact.name.lower()):
            for text in re.findall(r"\d+", str(fact.value).removesuffix(".0")):
                yield float(text), Evidence(f"`{fact.name}` is {number(float(text))}", fact.source)
        elif _SIZES.search(fact.name.lower()) and isinstance(fact.value, float):
            yield fact.value - 1, Evidence(f"`{fact.name}` is {number(fact.value)}", fact.source)
    for event in run.record.events_of("token-id-named"):
        if event.value is not None:
            yield event.value, Evidence(f"the log says: {event.says}", event.source, event.step)
    for event in run.record.events_of("tokenizer-size"):
        if event.value is not None:
            yield event.value - 1, Evidence(f"the log says: {event.says}", event.source, event.step)


RULE = Rule(
    code="SET721",
    slug="token-id-beyond-vocabulary",
    severity=Severity.WARNING,
    needs=(
        "vocabulary_size",
        "settings: token ids",
        "events: token-id-named, tokenizer-size, token-outside-vocabulary",
    ),
    check=check,
    since="0.2",
)
