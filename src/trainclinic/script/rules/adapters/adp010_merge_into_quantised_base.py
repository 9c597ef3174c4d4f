"""An adapter is merged into a base in 4 or 8 bit, and the result is saved.

## What it sees
`merge_and_unload` of a model that was loaded in 4 or 8 bit, whose result is saved or uploaded.

## Why it matters
The sum of weight and adapter is rounded to the few bits of the base. Most of a small update vanishes in the rounding:
the merged model answers worse than base and adapter together, often like the base. The file stays in few bits, too.

## What it does not mean
Training on a low-bit base is fine. Only the merge needs the base in 16 or 32 bit.

## Example
Bad:

    from peft import PeftModel
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    bits = BitsAndBytesConfig(load_in_4bit=True)
    base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B", quantization_config=bits)
    model = PeftModel.from_pretrained(base, "out/adapter").merge_and_unload()
    model.save_pretrained("out/full")

Good:

    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B", torch_dtype=torch.bfloat16)
    model = PeftModel.from_pretrained(base, "out/adapter").merge_and_unload()
    model.save_pretrained("out/full")

## Check it by hand
Compare the next-token probabilities of base plus adapter and of the merged model on ten prompts.

## References
- https://github.com/huggingface/peft/issues/2321
- https://huggingface.co/docs/peft/developer_guides/model_merging
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.adapters import attached_by, quantised, ways
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import condition_text
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule

SAVING = (".save_pretrained", ".push_to_hub", "*.save_model")
MENDING = Mending("load the base again in 16 bit, and merge the adapter into that")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every merge whose result is saved."""
    for merge, save in _subjects(program):
        held = quantised(merge.receiver)
        if held is None or held.loader.place is None or merge.place is None or save.place is None:
            continue
        says = f"the adapter is merged into a base in {held.bits} bit, and the rounded weights are saved"
        flow = (
            Step(held.loader.place, f"the base is loaded in {held.bits} bit"),
            Step(save.place, "the merged model is saved"),
            Step(merge.place, "the merge rounds to the bits of the base"),
        )
        certainty = Certainty.PROOF if held.is_fixed else Certainty.LIKELY
        if held.when:  # the condition may also decide that nothing is merged
            certainty = Certainty.HINT
        yield Alarm(merge.place, says, certainty, flow, condition_text(held.when), MENDING)


def _subjects(program: Program) -> Iterator[tuple[Call, Call]]:
    """Merges of a model that is loaded here, each with the call that saves its result."""
    for merge in program.calls_of(".merge_and_unload"):
        saves = [one for one in program.calls_of(*SAVING) if merge in ways(one.receiver)]
        if saves and attached_by(merge.receiver) is not None:
            yield merge, saves[0]


def _looked(program: Program) -> bool:
    return any(True for _ in _subjects(program))


RULE = script_rule(
    code="ADP010",
    slug="merge-into-quantised-base",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("`merge_and_unload` whose result is saved, and how the base was loaded",),
    find=find,
    looked=_looked,
    missing="a merge whose result is saved",
)
