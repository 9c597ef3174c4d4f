"""A checkpoint is loaded with `strict=False`, and nobody looks at what was missing.

## What it sees
`load_state_dict(..., strict=False)` whose result is dropped, on a model that is trained afterwards, where the script
resumes: it also loads the state of an optimizer, or says "resume".

## Why it matters
Keys that do not match are left out without a word: a prefix (`module.`, `_orig_mod.`, `base_model.`) is enough for all
of them. Training then goes on from the weights that the model had before, with the optimizer of another.

## What it does not mean
A state dictionary of an adapter, or of a part of the model, has to be loaded this way; models with an adapter are left
out. A partial start from other weights is only hinted at.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM
    from mydata import batches

    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    checkpoint = torch.load("out/last.pt", weights_only=True)
    model.load_state_dict(checkpoint["model"], strict=False)
    optimizer.load_state_dict(checkpoint["optimizer"])
    model.train()
    for batch in batches():
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

Good:

    import torch
    from transformers import AutoModelForCausalLM
    from mydata import batches

    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    checkpoint = torch.load("out/last.pt", weights_only=True)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    model.train()
    for batch in batches():
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

## Check it by hand
Print the result of `load_state_dict`: both lists must be empty, up to buffers that you know.

## References
- https://pytorch.org/docs/stable/generated/torch.nn.Module.html
- https://pytorch.org/tutorials/beginner/saving_loading_models.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.adapters import attached_by, is_adapted_in_place, is_dropped, trained, ways
from trainclinic.script.program.open_values import Setting
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, contains, literal_texts, only
from trainclinic.script.program.training_loops import kind_of_stepper
from trainclinic.script.program.values import Attribute, Call, Choice, Item, Value
from trainclinic.script.rule import script_rule

PARTIAL = re.compile(r"lora|adapter|peft|head|encoder|vision|projector|trainable|ema", re.I)
READING = frozenset({"load", "load_file", "torch_load", "load_checkpoint", "safe_load_file", "get"})
RESUMING = re.compile(r"resum", re.I)


def find(program: Program) -> Iterator[Alarm]:
    """Look at every `load_state_dict` of a trained model."""
    if is_adapted_in_place(program):
        return
    for call, maker in _subjects(program):
        strict = argument(call, "strict", 1)
        if only(strict) is not False or not is_dropped(call) or call.place is None:
            continue
        if maker.place is None or _is_partial(call) or not _is_read(call):
            continue
        resumes = _is_resuming(program, call)
        says = "keys that do not match are left out without a word, and the model is trained"
        flow = (Step(maker.place, "training"), Step(call.place, "what is missing is not looked at"))
        mending = Mending(
            "drop `strict=False`, or check the missing and unexpected keys that it gives back",
            edits=(Edit("remove_argument", call.place, name="strict"),) if _by_keyword(call) else (),
        )
        yield Alarm(call.place, says, Certainty.LIKELY if resumes else Certainty.HINT, flow, mending=mending)


def _by_keyword(call: Call) -> bool:
    return any(name == "strict" for name, _ in call.keywords)


def _subjects(program: Program) -> Iterator[tuple[Call, Call]]:
    """Loadings of a state dictionary into a trained model without an adapter, each with what trains it."""
    models = [(set(ways(model)), maker) for model, maker in trained(program) if attached_by(model) is None]
    for call in program.calls_of(".load_state_dict"):
        held = set(ways(call.receiver))
        maker = next((maker for known, maker in models if known & held), None)
        if maker is not None and attached_by(call.receiver) is None:
            yield call, maker


def _is_read(call: Call) -> bool:
    """Whether the state dictionary comes as it is from a file."""
    given = argument(call, "state_dict", 0)
    while isinstance(given, (Item, Attribute)):
        given = given.base
    found = given.options[0].value if isinstance(given, Choice) else given
    return isinstance(found, Call) and found.method in READING


def _is_partial(call: Call) -> bool:
    """Whether a state dictionary is that of a part, by how the code calls it."""
    given = argument(call, "state_dict", 0)
    names = [given.code if given is not None else "", *(one.value for one in literal_texts(given))]
    return any(PARTIAL.search(name) for name in (*names, *_setting_names(given)))


def _setting_names(value: Value | None) -> list[str]:
    setting = contains(value, lambda one: isinstance(one, Setting))
    return [setting.name] if isinstance(setting, Setting) else []


def _is_resuming(program: Program, call: Call) -> bool:
    given = argument(call, "state_dict", 0)
    said = [str(one) for one in call.event.conditions]
    said += [*_setting_names(given), *(one.value for one in literal_texts(given)), call.event.activation.name]
    loads = program.calls_of(".load_state_dict")
    with_optimizer = any(
        one.receiver is not None and kind_of_stepper(one.receiver) == "optimizer" and one.file is call.file
        for one in loads
    )
    return with_optimizer or any(RESUMING.search(text) for text in said)


def _looked(program: Program) -> bool:
    return any(True for _ in _subjects(program))


RULE = script_rule(
    code="ADP014",
    slug="half-loaded-state-dict",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("`load_state_dict` of a model that is trained",),
    find=find,
    looked=_looked,
    missing="a state dictionary that is loaded into a trained model",
    fix="unsafe",
)
