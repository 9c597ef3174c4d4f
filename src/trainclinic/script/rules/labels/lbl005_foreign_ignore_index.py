"""Labels are masked with a value that the loss does not ignore.

## What it sees
Positions of labels are set to 0, -1, another number or the padding id, and the labels go to a causal language model
of transformers, which ignores -100 alone, or to a cross-entropy with another `ignore_index`.

## Why it matters
With 0 or the padding id the masked part is trained: the model learns to answer prompts with one token, and the loss
looks too good because most positions are easy. With -1 the loss stops with an index error, on a GPU as a device-side
assertion.

## What it does not mean
Any number is right as long as the mask and `ignore_index` agree, as -1 does in nanoGPT's own model.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    for prompt, answer in torch.load("pairs.pt", weights_only=True):
        start = tokenizer(prompt)["input_ids"]
        end = tokenizer(answer + tokenizer.eos_token)["input_ids"]
        ids = torch.tensor([start + end])
        labels = torch.tensor([[0] * len(start) + end])
        loss = model(ids, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

Good:

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    for prompt, answer in torch.load("pairs.pt", weights_only=True):
        start = tokenizer(prompt)["input_ids"]
        end = tokenizer(answer + tokenizer.eos_token)["input_ids"]
        ids = torch.tensor([start + end])
        labels = torch.tensor([[-100] * len(start) + end])
        loss = model(ids, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

## Check it by hand
Print the set of label values of one batch that stand where the prompt is: it must hold nothing but the `ignore_index`
of the loss.

## References
- https://github.com/huggingface/transformers/issues/2759
- https://pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Place, Step
from trainclinic.script.program.masking import IGNORED, Masking, layers, maskings
from trainclinic.script.program.model_calls import handed
from trainclinic.script.program.objects import is_causal_lm
from trainclinic.script.program.offsets import fingerprint
from trainclinic.script.program.own_losses import cross_entropies, forward_of
from trainclinic.script.program.padding import is_pad_id_of
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import only
from trainclinic.script.program.supervision import scored
from trainclinic.script.program.values import Attribute, Constant, Value
from trainclinic.script.rule import script_rule


@dataclass(frozen=True, slots=True)
class _Sink:
    """A loss: where it is, the labels it gets, what the model read, what it ignores, and its name."""

    place: Place
    labels: Value
    inputs: Value | None
    ignored: Value | None
    name: str


def find(program: Program) -> Iterator[Alarm]:
    """Look at every mask in the labels of every loss."""
    masks = maskings(program)
    for sink in _sinks(program):
        below = set(layers(program, sink.labels)) - set(layers(program, sink.inputs))
        for mask in masks:
            if mask.masked in below and _is_foreign(mask.fill, sink.ignored):
                yield _alarm(mask, sink)


def _sinks(program: Program) -> Iterator[_Sink]:
    for one in scored(program):
        if is_causal_lm(one.model) and one.call.place is not None:
            yield _Sink(one.call.place, one.labels, one.inputs, None, "the model")
    for loss in cross_entropies(program):
        if loss.call.place is not None:
            forward = forward_of(loss.logits)
            inputs = handed(program, forward, "input_ids", 0) if forward is not None else None
            yield _Sink(loss.call.place, loss.labels, inputs, loss.ignored, f"`{loss.made.method}`")


def _is_foreign(fill: Value, ignored: Value | None) -> bool:
    """Whether masked positions stay in the loss; an index that is not in sight is taken to fit."""
    wanted = IGNORED if ignored is None else only(ignored)
    value = only(fill)
    if isinstance(wanted, int) and isinstance(value, int):
        return value != wanted and value <= 0
    if isinstance(wanted, int):
        return wanted == IGNORED and is_pad_id_of(fill)
    known = ignored is not None and is_pad_id_of(ignored)
    return known and isinstance(value, int) and fingerprint(ignored) != fingerprint(fill) and value < 0


def _alarm(mask: Masking, sink: _Sink) -> Alarm:
    ignored = "-100" if sink.ignored is None else sink.ignored.code
    says = f"labels are masked with `{mask.fill.code}`, and {sink.name} ignores `{ignored}`"
    edits: tuple[Edit, ...] = ()
    literal = isinstance(mask.fill, (Constant, Attribute)) and mask.fill.place is not None
    if literal and mask.fill.place is not None:
        edits = (Edit("replace", mask.fill.place, ignored),)
    flow = () if mask.place == sink.place else (Step(sink.place, "is scored here"), Step(mask.place, "is masked here"))
    mending = Mending(f"mask with `{ignored}`", "unsafe", edits)
    return Alarm(mask.place, says, Certainty.LIKELY, flow, mending=mending)


def _looked(program: Program) -> bool:
    masks = {mask.masked for mask in maskings(program)}
    return any(_is_known(sink) and masks & set(layers(program, sink.labels)) for sink in _sinks(program))


def _is_known(sink: _Sink) -> bool:
    return sink.ignored is None or only(sink.ignored) is not None or is_pad_id_of(sink.ignored)


RULE = script_rule(
    code="LBL005",
    slug="foreign-ignore-index",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("masks in labels", "the loss that gets them"),
    find=find,
    looked=_looked,
    missing="a mask in labels whose loss is in sight",
    fix="unsafe",
)
