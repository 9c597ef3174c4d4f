"""Answers of a validation are sampled, and nothing fixes the random numbers.

## What it sees
`generate` with `do_sample=True` inside a function or file whose name speaks of validation, evaluation or testing, in
a program that sets no seed.

## Why it matters
Two validations of one checkpoint give two scores. On a few hundred questions the difference is some points, as large
as what training changes, so that checkpoints cannot be compared.

## What it does not mean
Sampling is right for measures that are defined with it (pass@k, diversity), with several samples and a fixed seed.

## Example
Bad:

    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B")
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")

    def evaluate(questions):
        for question in questions:
            inputs = tokenizer(question, return_tensors="pt")
            output = model.generate(**inputs, max_new_tokens=64, do_sample=True, temperature=0.7)
            print(tokenizer.decode(output[0, inputs.input_ids.shape[1] :], skip_special_tokens=True))

    evaluate(["Where does the Rhine begin?"])

Good:

    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B")
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")

    def evaluate(questions):
        for question in questions:
            inputs = tokenizer(question, return_tensors="pt")
            output = model.generate(**inputs, max_new_tokens=64, do_sample=False)
            print(tokenizer.decode(output[0, inputs.input_ids.shape[1] :], skip_special_tokens=True))

    evaluate(["Where does the Rhine begin?"])

## Check it by hand
Run the validation twice on one checkpoint: the scores must be equal.

## References
- https://huggingface.co/docs/transformers/generation_strategies
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.program.events import Activation
from trainclinic.script.program.generation import Generation, generations
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import flag
from trainclinic.script.rule import script_rule

VALIDATION = re.compile(r"(^|_|/)(eval\w*|valid\w*|test\w*|benchmark\w*|score\w*|metrics?)(_|\.|$)", re.I)
SEEDS = ("set_seed", "manual_seed", "manual_seed_all", "seed_everything", "enable_full_determinism")
MENDING = Mending("use `do_sample=False`, or set a seed before each validation")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every generation of a validation."""
    if program.calls_ending(*SEEDS):
        return
    for one in generations(program):
        if _is_validation(one) and flag(one.option("do_sample")) and one.call.place is not None:
            says = "answers of a validation are sampled, and no seed is set"
            yield Alarm(one.call.place, says, Certainty.HINT, mending=MENDING)


def _is_validation(one: Generation) -> bool:
    event = one.call.event
    held: Activation | None = event.activation
    while held is not None:
        if VALIDATION.search(held.name):
            return True
        held = held.caller
    return VALIDATION.search(event.place.path) is not None


def _looked(program: Program) -> bool:
    found = [one for one in generations(program) if _is_validation(one)]
    return bool(found) and all(flag(one.option("do_sample")) is False for one in found)


RULE = script_rule(
    code="INF001",
    slug="sampling-at-validation",
    severity=Severity.NOTE,
    certainty=Certainty.HINT,
    needs=("`generate` inside a validation", "seeds"),
    find=find,
    looked=_looked,
    missing="`generate` inside a validation, with or without sampling",
)
