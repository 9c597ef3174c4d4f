"""Code of a repository on the hub is run, in whatever state it is on the day of the run.

## What it sees
`trust_remote_code=True` in a call that loads a model, tokenizer, configuration or data set by its name on the hub,
without `revision` or `code_revision`.

## Why it matters
The owner of the repository, or whoever took the account over, can change the code at any time; it then runs with the
rights of the training. Harmless changes are felt too: a modelling file that is updated between two runs makes the same
script train another model.

## What it does not mean
The code in the repository can be good. A pinned revision runs exactly what was looked at. For families that
transformers itself holds, like Llama, the flag is needless, and the alarm a hint.

## Example
Bad:

    # file: train.py
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import collate, rows

    model = AutoModelForCausalLM.from_pretrained(
        "THUDM/chatglm3-6b",
        dtype="float32",
        trust_remote_code=True,
    )
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7)
    trainer = Trainer(model=model, args=args, train_dataset=rows("train"), data_collator=collate)
    trainer.train()

Good:

    # file: train.py
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import collate, rows

    model = AutoModelForCausalLM.from_pretrained(
        "THUDM/chatglm3-6b",
        dtype="float32",
        trust_remote_code=True,
        revision="103caa40027ebfd8450289ca2f278eac4ff26405",
    )
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7)
    trainer = Trainer(model=model, args=args, train_dataset=rows("train"), data_collator=collate)
    trainer.train()

## Check it by hand
Open the list of files of the repository on the hub: the history of its `.py` files shows when code was last changed.

## References
- https://huggingface.co/docs/transformers/main_classes/model
- https://huggingface.co/docs/transformers/custom_models
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.knowledge.models import family_of
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.program.objects import LOADERS
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, constants, flag, is_open, possible
from trainclinic.script.program.values import Call, Value
from trainclinic.script.rule import script_rule

_HUB = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_FOLDER = re.compile(r"(models?|checkpoints?|data|datasets?|out(puts?)?|runs?|saves?|weights|ckpts?|local)/", re.I)
_WITH_CODE = re.compile(r"chatglm|glm-4|/qwen-|baichuan|internlm|minicpm|deepseek-(v|vl|moe)|phi-3|mpt-|xverse", re.I)
"""Families whose models were published with code of their own."""
PINS = ("revision", "code_revision")
MENDING = Mending("give the commit that was looked at as `revision`")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every call that trusts code from the hub."""
    for call in _loading(program):
        names = [one for one in possible(_source(call))[0] if isinstance(one.value, str) and _is_on_hub(one.value)]
        trusts = flag(argument(call, "trust_remote_code")) is True
        if not names or not trusts or any(argument(call, pin) is not None for pin in PINS) or call.place is None:
            continue
        says = f"`trust_remote_code=True` runs whatever code `{names[0].value}` holds that day: no `revision` is given"
        is_meant = names[0].setting is None and _needs_code(call, names[0].value)
        yield Alarm(call.place, says, Certainty.LIKELY if is_meant else Certainty.HINT, mending=MENDING)


def _needs_code(call: Call, name: str) -> bool:
    """Whether a model may bring its own code: families that transformers holds do without."""
    return call.method in LOADERS and (family_of(name) is None or _WITH_CODE.search(name) is not None)


def _loading(program: Program) -> list[Call]:
    """Calls that load something by a name, with all arguments in sight."""
    return [call for call in program.calls_ending(*LOADERS, "load_dataset", "pipeline", "LLM") if not is_open(call)]


def _source(call: Call) -> Value | None:
    """The name of what a call loads."""
    if call.method in {"pipeline", "LLM"}:
        return argument(call, "model", 1 if call.method == "pipeline" else 0)
    return argument(call, "path" if call.method == "load_dataset" else "pretrained_model_name_or_path", 0)


def _is_on_hub(name: str) -> bool:
    return _HUB.fullmatch(name) is not None and _FOLDER.match(name) is None


def _looked(program: Program) -> bool:
    return any(constants(_source(call)) for call in _loading(program))


RULE = script_rule(
    code="SEC003",
    slug="remote-code-without-revision",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("calls that load by a name on the hub",),
    find=find,
    looked=_looked,
    missing="a model, tokenizer or data set that is loaded by its name",
)
