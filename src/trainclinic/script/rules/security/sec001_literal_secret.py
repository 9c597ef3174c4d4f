"""An access key stands in the code as a literal.

## What it sees
Keys of Hugging Face, OpenAI, Anthropic, Weights & Biases, GitHub, AWS and others, recognised by their shape and by how
random they are, anywhere in Python files and notebooks, comments included, and in the options and variables of launch
scripts. The key itself is never shown.

## Why it matters
Scripts are shared, committed and copied into images and notebooks, and stay in the history when the line is deleted. A
key for a model hub lets whoever finds it read private models and data, and overwrite published ones.

## What it does not mean
Placeholders and words are left out, but a key that was revoked looks like one that works.

## Example
Bad:

    # file: train.py
    import wandb
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import collate, rows

    wandb.login(key="4b1d7e0f9a3c58e2d6b07f41c93ae5820d1f6b7c")
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype="float32")
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7, report_to="wandb")
    trainer = Trainer(model=model, args=args, train_dataset=rows("train"), data_collator=collate)
    trainer.train()

Good:

    # file: train.py
    import os
    import wandb
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import collate, rows

    wandb.login(key=os.environ["WANDB_API_KEY"])
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype="float32")
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7, report_to="wandb")
    trainer = Trainer(model=model, args=args, train_dataset=rows("train"), data_collator=collate)
    trainer.train()

## Check it by hand
Look the key up where it was made: the page shows when it was last used. Search the history of the repository for it,
and replace it if it was ever committed.

## References
- https://huggingface.co/docs/hub/security-tokens
- https://docs.github.com/en/code-security/secret-scanning
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.knowledge.secrets import find_secret
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Place
from trainclinic.script.program.program import Program
from trainclinic.script.rule import script_rule
from trainclinic.script.sources.source import SourceFile

SHOWN = 4
"""Characters of a key that an alarm shows: enough to find it, too few to use it."""
_ASSIGNED = re.compile(r"\s*(?:export\s+)?([\w.\[\]\"']{1,80})\s*[=:]")
MENDING = Mending("revoke the key, and read a new one from an environment variable or a file outside the repository")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every line of code, and at what launch scripts set."""
    for file in program.project.files:
        yield from _in_code(file)
        for text, line in file.shell_lines:
            yield from _alarms("", text, file.lines_to_place(line, 1, line, 1))
    for launch in program.project.launches:
        for held in (launch.options, launch.launcher_options, launch.environment):
            for name, (value, place) in held.items():
                yield from _alarms(name, value, place)


def _in_code(file: SourceFile) -> Iterator[Alarm]:
    if find_secret(file.text) is None and "wandb" not in file.text.lower():
        return
    for number, line in enumerate(file.ast_lines, start=1):
        named = _ASSIGNED.match(line)
        found = find_secret(line, name=named[1] if named else "")
        if found is not None:
            place = file.lines_to_place(number, found[1] + 1, number, found[2] + 1)
            yield from _alarms(named[1] if named else "", line, place)


def _alarms(name: str, text: str, place: Place) -> Iterator[Alarm]:
    found = find_secret(text, name=name)
    if found is not None:
        kind, begin, _ = found
        says = f"a literal {kind} stands here, `{text[begin : begin + SHOWN]}...`: whoever reads the code can use it"
        yield Alarm(place, says, Certainty.LIKELY, mending=MENDING)


def _looked(program: Program) -> bool:
    return any(file.text.strip() for file in program.project.files)


RULE = script_rule(
    code="SEC001",
    slug="literal-secret",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("the text of the files", "options and variables of launch scripts"),
    find=find,
    looked=_looked,
    missing="a file with code",
)
