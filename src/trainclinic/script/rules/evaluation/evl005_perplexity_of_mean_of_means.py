"""A perplexity is computed from the mean of batch losses that stand for different numbers of tokens.

## What it sees
`exp` of the plain mean of the losses of several batches (`total / len(loader)`, `mean(losses)`), where the losses are
those of a causal language model.

## Why it matters
The loss of a batch is a mean over its tokens. A batch with 50 scored tokens then counts as much as one with 2,000, and
the perplexity changes with the batch size. Differences of a few percent between two models may be nothing else.

## What it does not mean
Where all blocks have one length and no label is ignored, all batches but the last count the same tokens, and the
number is right to the third digit.

## Example
Bad:

    import math
    import torch
    from transformers import AutoModelForCausalLM
    from mydata import loader

    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2").eval()
    total = 0.0
    with torch.no_grad():
        for batch in loader:
            total += model(input_ids=batch["input_ids"], labels=batch["labels"]).loss.item()
    print("perplexity", math.exp(total / len(loader)))

Good:

    import math
    import torch
    from transformers import AutoModelForCausalLM
    from mydata import loader

    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2").eval()
    total, tokens = 0.0, 0
    with torch.no_grad():
        for batch in loader:
            scored = (batch["labels"][:, 1:] != -100).sum().item()
            total += model(input_ids=batch["input_ids"], labels=batch["labels"]).loss.item() * scored
            tokens += scored
    print("perplexity", math.exp(total / tokens))

## Check it by hand
Evaluate with batch sizes 1 and 8: the perplexity must be the same in three digits.

## References
- https://huggingface.co/docs/transformers/perplexity
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.program.model_calls import is_shifting_result
from trainclinic.script.program.program import Program
from trainclinic.script.program.values import Call, Choice, Items, Operation, Value
from trainclinic.script.rule import script_rule

EXPONENTIALS = ("math.exp", "torch.exp", "numpy.exp", ".exp")
MEANS = frozenset({"mean", "nanmean", "fmean", "average"})
MENDING = Mending("add up the loss of all tokens and their number, and divide once: `exp(total / tokens)`")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every exponential of losses."""
    for call, losses in _perplexities(program):
        if call.place is not None and not _is_weighted(losses) and _is_mean(losses):
            says = (
                "the perplexity is that of a mean over batches, each of which counts alike however many tokens it has"
            )
            yield Alarm(call.place, says, Certainty.HINT, mending=MENDING)


def _perplexities(program: Program) -> Iterator[tuple[Call, list[Value]]]:
    """Exponentials of something made of losses of causal models: the call, and all that its argument is made of."""
    for call in program.calls_of(*EXPONENTIALS):
        given = call.args[0] if call.args else call.receiver
        made_of = [*_made_of(program, given)] if given is not None else []
        if any(is_shifting_result(value) for value in made_of):
            yield call, made_of


def _made_of(program: Program, value: Value) -> Iterator[Value]:
    """A number and what it was computed of, down to the losses; what is appended to lists included."""
    queue, seen = [value], set[Value]()
    while queue and len(seen) < 200:
        one = queue.pop(0)
        if one in seen:
            continue
        seen.add(one)
        yield one
        if not is_shifting_result(one):
            queue += program.elements_of(one) if isinstance(one, Items) else [*one.parts()]


def _is_weighted(made_of: list[Value]) -> bool:
    """Whether losses are multiplied, by numbers of tokens as it may be, or summed over tokens."""
    products = any(isinstance(one, Operation) and one.symbol == "*" for one in made_of)
    repeated = any(isinstance(one, Call) and one.method in {"mul", "repeat", "dot"} for one in made_of)
    return products or repeated


def _is_mean(made_of: list[Value]) -> bool:
    """Whether losses of several batches are averaged: a mean, or a sum divided by a number of batches."""
    for one in made_of:
        if isinstance(one, Call) and one.method in MEANS:
            return True
        if isinstance(one, Operation) and one.symbol == "/" and _counts_batches(one.operands[1]):
            return True
    return False


def _counts_batches(value: Value) -> bool:
    value = value.options[0].value if isinstance(value, Choice) and value.options else value
    return isinstance(value, Call) and value.method == "len"


def _looked(program: Program) -> bool:
    return any(True for _ in _perplexities(program))


RULE = script_rule(
    code="EVL005",
    slug="perplexity-of-mean-of-means",
    severity=Severity.NOTE,
    certainty=Certainty.HINT,
    needs=("a perplexity that the script computes from losses of a model",),
    find=find,
    looked=_looked,
    missing="a perplexity that is computed from losses in sight",
)
