"""Training in bfloat16 is asked for, and the script names a card that has no units for it.

## What it sees
`bf16=True` of a trainer, or autocast to bfloat16, in a file whose text names a T4, P100, V100, or a GeForce of the
series 10 or 20, and that does not ask `is_bf16_supported`. It is a hint: the text may speak of another machine.

## Why it matters
Turing and older cards do bfloat16 in software. Training runs, at a fraction of the speed of float16, or stops with an
error of a kernel that does not know the type.

## What it does not mean
Ampere and newer cards (A100, L4, RTX 30) are right with bfloat16.

## Example
Bad:

    from datasets import load_dataset
    from trl import SFTConfig, SFTTrainer

    # Runs on the free T4 of Colab.
    rows = load_dataset("json", data_files="rows.jsonl", split="train")
    args = SFTConfig("out", bf16=True, max_steps=200)
    SFTTrainer("Qwen/Qwen2.5-0.5B", args=args, train_dataset=rows).train()

Good:

    from datasets import load_dataset
    from trl import SFTConfig, SFTTrainer

    # Runs on the free T4 of Colab.
    rows = load_dataset("json", data_files="rows.jsonl", split="train")
    args = SFTConfig("out", fp16=True, bf16=False, max_steps=200)
    SFTTrainer("Qwen/Qwen2.5-0.5B", args=args, train_dataset=rows).train()

## Check it by hand
`torch.cuda.get_device_capability()` must be (8, 0) or higher.
`torch.cuda.is_bf16_supported(including_emulation=False)` says the same.

## References
- https://github.com/2U1/Qwen-VL-Series-Finetune/issues/184
- https://developer.nvidia.com/cuda-gpus
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.program.mixed_precision import AUTOCAST, autocast_types
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import only
from trainclinic.script.program.trainers import trainers
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule

_OLD = re.compile(r"\b(Tesla )?(T4|P100|V100)\b|\b(GTX|RTX|GeForce)[ -]?(10[5-8]0|20[678]0)( ?Ti| ?Super)?\b", re.I)
_NEW = re.compile(r"\b(A100|A10G?|A6000|H100|H200|B200|L4|L40S?)\b|\b(RTX|GeForce)[ -]?[345]0[5-9]0\b", re.I)
_ASKS = "is_bf16_supported"
MENDING = Mending("train with `fp16=True` there, or ask `torch.cuda.is_bf16_supported(including_emulation=False)`")


def find(program: Program) -> Iterator[Alarm]:
    """Look for the name of an old card in the text of every file that trains in bfloat16."""
    for call in _asks_for_bfloat16(program):
        text = call.file.text if call.file is not None else ""
        named = None if _ASKS in text else _OLD.search(text)
        if named is not None and call.place is not None:
            says = f"bfloat16 is asked for, and the file names `{named[0]}`, which computes it in software"
            yield Alarm(call.place, says, Certainty.HINT, mending=MENDING)


def _asks_for_bfloat16(program: Program) -> Iterator[Call]:
    for trainer in trainers(program):
        if only(trainer.option("bf16")) is True:
            yield trainer.arguments or trainer.call
    for call in program.calls_of(AUTOCAST):
        if [name for name, _, _ in autocast_types(call)] == ["bfloat16"]:
            yield call


def _looked(program: Program) -> bool:
    texts = [call.file.text for call in _asks_for_bfloat16(program) if call.file is not None]
    return any(_ASKS in text or (_NEW.search(text) and not _OLD.search(text)) for text in texts)


RULE = script_rule(
    code="PRC008",
    slug="bf16-on-unsupported-card",
    severity=Severity.WARNING,
    certainty=Certainty.HINT,
    needs=("`bf16=True` or autocast to bfloat16", "the text of the file"),
    find=find,
    looked=_looked,
    missing="the card that the script runs on",
)
