"""The decoded output begins with the prompt and is taken for the answer.

## What it sees
The whole output of `generate` of a decoder-only model is decoded and then compared, scored or stored as an answer; or
it is decoded with `skip_special_tokens=True` and then searched for a special token, which decoding has removed.

## Why it matters
Scores are those of question and answer together: exact match is 0, overlap measures are too high or too low, and an
answer that only repeats the question looks rich. A split at a removed marker gives the whole text, or fails.

## What it does not mean
Printing prompt and answer together is fine. Models with an encoder put out the answer alone.

## Example
Bad:

    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct")
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct")

    correct = 0
    for question, answer in [("What is 2 + 2? Answer: ", "4")]:
        inputs = tokenizer(question, return_tensors="pt")
        output = model.generate(**inputs, max_new_tokens=8)
        text = tokenizer.decode(output[0], skip_special_tokens=True)
        correct += text == answer
    print(correct)

Good:

    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct")
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct")

    correct = 0
    for question, answer in [("What is 2 + 2? Answer: ", "4")]:
        inputs = tokenizer(question, return_tensors="pt")
        output = model.generate(**inputs, max_new_tokens=8)
        text = tokenizer.decode(output[0, inputs.input_ids.shape[1] :], skip_special_tokens=True)
        correct += text == answer
    print(correct)

## Check it by hand
Print one stored answer: it must not begin with the question.

## References
- https://huggingface.co/docs/transformers/llm_tutorial
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.knowledge.models import special_tokens_in
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.events import StoreEvent
from trainclinic.script.program.generation import decodings, whole_output
from trainclinic.script.program.identities import identity_of
from trainclinic.script.program.objects import is_causal_lm
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, flag
from trainclinic.script.program.values import Call, Constant, Element, Item, Operation, Value
from trainclinic.script.rule import script_rule

SPLITS = frozenset({"split", "rsplit", "partition", "rpartition", "index", "find"})
KEEP = frozenset({"strip", "lower", "rstrip", "lstrip"})
SCORES = frozenset({"predictions", "prediction", "preds", "hypotheses", "hypothesis", "candidates"})
MENDING = Mending("decode `output[:, inputs.input_ids.shape[1]:]` instead of the whole output")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every decoded output and at what becomes of it."""
    decoded = dict(decodings(program))
    yield from _searches(program, decoded)
    answers = {call: made for call, ids in decoded.items() if (made := _with_prompt(ids)) is not None}
    for call, use in _scored(program, answers):
        if call.place is not None and use.place is not None:
            says = "the decoded text is compared as the answer, and begins with the prompt"
            flow = (Step(call.place, "prompt and answer are decoded"), Step(use.place, "compared as the answer"))
            yield Alarm(use.place, says, Certainty.LIKELY, flow, mending=MENDING)


def _with_prompt(ids: Value) -> Call | None:
    made = whole_output(ids)
    return made if made is not None and made.receiver is not None and is_causal_lm(made.receiver) else None


def _searches(program: Program, decoded: dict[Call, Value]) -> Iterator[Alarm]:
    """Searches for a special token in text from which decoding removed all of them."""
    for call in program.calls_of(*(f".{name}" for name in SPLITS)):
        text = _unwrapped(call.receiver)
        if not isinstance(text, Call) or text not in decoded or not flag(argument(text, "skip_special_tokens", 1)):
            continue
        known, marker = identity_of(text.receiver), call.args[0] if call.args else None
        if known is None or call.place is None or text.place is None or not isinstance(marker, Constant):
            continue
        token = next((t for t, _ in special_tokens_in(str(marker.value)) if known.family.has(t) is True), None)
        if token is not None:
            says = f"`{token}` is searched in text from which `skip_special_tokens=True` removed it"
            flow = (Step(text.place, "special tokens are removed"), Step(call.place, "and searched for"))
            certainty = Certainty.PROOF if known.is_fixed else Certainty.LIKELY
            yield Alarm(call.place, says, certainty, flow, mending=Mending("cut the prompt off by its length"))


def _scored(program: Program, answers: dict[Call, Call]) -> Iterator[tuple[Call, Value]]:
    """Decoded texts that are compared with something, or handed to a score, and the comparison."""
    for event in program.events:
        if isinstance(event, StoreEvent):
            for compared in _comparisons(event.value):
                for side in compared.operands:
                    text = _unwrapped(side)
                    if isinstance(text, Call) and text in answers:
                        yield text, compared
    for event in program.calls:
        for name, value in event.call.keywords:
            text = _unwrapped(value)
            if name in SCORES and isinstance(text, Call) and text in answers:
                yield text, event.call


def _comparisons(value: Value) -> Iterator[Operation]:
    if isinstance(value, Operation):
        if value.symbol == "==":
            yield value
        for operand in value.operands:
            yield from _comparisons(operand)


def _unwrapped(value: Value | None) -> Value | None:
    """A text without what only changes its margins or case; an element of a decoded list is the list."""
    for _ in range(8):
        if isinstance(value, Call) and value.method in KEEP:
            value = value.receiver
        elif isinstance(value, Item) and isinstance(value.index, Constant) and isinstance(value.index.value, int):
            value = value.base
        elif isinstance(value, Element):
            value = value.of
        else:
            break
    return value


def _looked(program: Program) -> bool:
    return any(whole_output(ids) is not None or _is_cut(ids) for _, ids in decodings(program))


def _is_cut(ids: Value) -> bool:
    """Whether the output of a generation is cut before it is decoded."""
    return isinstance(ids, Item) and whole_output(ids.base) is not None


RULE = script_rule(
    code="INF003",
    slug="prompt-in-decoded-output",
    severity=Severity.WARNING,
    certainty=Certainty.PROOF,
    needs=("decoded outputs of `generate`, and what becomes of them",),
    find=find,
    looked=_looked,
    missing="a decoded output of `generate`",
)
