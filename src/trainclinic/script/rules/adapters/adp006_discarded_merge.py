"""The adapter is merged, and what is saved is not the merged model.

## What it sees
`merge_and_unload` whose result nobody keeps, or keeps and never saves, while the model with the adapter is saved; and a
model with an adapter that is saved to a folder called "merged" without any merge.

## Why it matters
`save_pretrained` of a `PeftModel` writes adapter files only, after a merge even empty ones. The folder that should hold
the whole model has no weights of it, or loads as the base model.

## What it does not mean
Saving the adapter before the merge, or beside the merged model, is a good habit.

## Example
Bad:

    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base = AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.1", torch_dtype="bfloat16")
    model = PeftModel.from_pretrained(base, "out/adapter")
    model.merge_and_unload()
    model.save_pretrained("out/full")
    AutoTokenizer.from_pretrained("mistralai/Mistral-7B-v0.1").save_pretrained("out/full")

Good:

    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base = AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.1", torch_dtype="bfloat16")
    model = PeftModel.from_pretrained(base, "out/adapter")
    model = model.merge_and_unload()
    model.save_pretrained("out/full")
    AutoTokenizer.from_pretrained("mistralai/Mistral-7B-v0.1").save_pretrained("out/full")

## Check it by hand
The folder must hold `model*.safetensors` of the size of the base model, and no `adapter_config.json`.

## References
- https://github.com/huggingface/peft/issues/868
- https://github.com/huggingface/peft/issues/1381
- https://github.com/huggingface/peft/issues/2764
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.adapters import attached_by, is_dropped, loads_adapter, ways
from trainclinic.script.program.once import asked_once
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, literal_texts
from trainclinic.script.program.values import Attribute, Call, Value
from trainclinic.script.rule import script_rule

SAVING = (".save_pretrained", ".push_to_hub")
WRITING = re.compile(r"save|push|state_dict|export")
MENDING = Mending("write `model = model.merge_and_unload()`, and save that")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every merge, then at folders that are called merged."""
    merges = program.calls_of(".merge_and_unload")
    saves = [one for one in program.calls_of(*SAVING) if one.place is not None]
    for merge in merges:
        if is_dropped(merge) or not _is_used(program, merge):
            yield from _not_saved(merge, saves)
    if not program.calls_ending("merge_and_unload", "merge_adapter", "merge_lora", "unload"):
        yield from _never_merged(saves)


def _not_saved(merge: Call, saves: list[Call]) -> Iterator[Alarm]:
    """The model with the adapter is saved after its merge, and the result of the merge is not."""
    adapter = attached_by(merge.receiver)
    if adapter is None or merge.place is None:
        return
    for save in saves:
        if save.event.order > merge.event.order and _is_wrapper(save.receiver, adapter) and save.place is not None:
            what = "is dropped" if is_dropped(merge) else "is never saved"
            says = f"the result of `merge_and_unload` {what}, and `{save.method}` writes the emptied adapter"
            flow = (Step(merge.place, f"the merged model {what}"), Step(save.place, "the adapter's own model is saved"))
            yield Alarm(save.place, says, Certainty.PROOF, flow, mending=MENDING)
            return


def _is_used(program: Program, merge: Call) -> bool:
    """Whether a merged model is handed on, returned or written."""
    return merge in _used(program)


@asked_once
def _used(program: Program) -> set[Value]:
    """Everything that is handed on, returned or written."""
    calls = [event.call for event in program.calls if event.call.method != "print"]
    given = [value for call in calls for value in (*call.args, *(held for _, held in call.keywords))]
    given += [call.receiver for call in calls if call.receiver is not None and WRITING.search(call.method)]
    given += [event.value for event in program.returns]
    return {one for value in given for one in ways(value)}


def _is_wrapper(model: Value | None, adapter: Call) -> bool:
    """Whether a model is the one with the adapter, and not what it wraps."""
    for one in ways(model):
        if one is adapter:
            return True
        if isinstance(one, Attribute):
            return False
    return False


def _never_merged(saves: list[Call]) -> Iterator[Alarm]:
    for save in saves:
        adapter = attached_by(save.receiver)
        folder = argument(save, "save_directory", 0) or argument(save, "repo_id", 0)
        named = next((one.value.strip("/") for one in literal_texts(folder) if "merged" in one.value.lower()), None)
        if named is None or adapter is None or adapter.place is None or save.place is None:
            continue
        says = f"a model with an adapter is saved as `{named}`, and nothing merges it"
        origin = "the adapter is loaded" if loads_adapter(adapter) else "the adapter is attached"
        flow = (Step(adapter.place, origin), Step(save.place, "only the adapter is written"))
        yield Alarm(save.place, says, Certainty.LIKELY, flow, mending=MENDING)


def _looked(program: Program) -> bool:
    return any(attached_by(one.receiver) for one in program.calls_of(".merge_and_unload"))


RULE = script_rule(
    code="ADP006",
    slug="discarded-merge",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("`merge_and_unload` or a folder called merged, and what is saved",),
    find=find,
    looked=_looked,
    missing="a merge of an adapter that the script attaches or loads",
)
