"""The script uses an argument, class or function that the library no longer has.

## What it sees
Keyword arguments of training arguments, trainers, configurations and `Accelerator` that the pinned or installed release
rejects although an earlier one took them; the same as options in launch scripts; imports of names that went. Without
a known version the newest release counts.

## Why it matters
The script stops with a `TypeError` or `ImportError`, usually before training. Old tutorials are full of such names:
`evaluation_strategy`, `tokenizer=` of the Trainer, `max_seq_length` of `SFTTrainer`.

## What it does not mean
With the release it was written for the script works. Pin that release, or write the new name. Code that asks for the
version before it chooses a name gets no alarm.

## Example
Bad:

    # file: requirements.txt
    transformers==4.57.6

    # file: train.py
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import collate, rows

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype="float32")
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7, evaluation_strategy="epoch")
    trainer = Trainer(
        model=model, args=args, data_collator=collate, train_dataset=rows("train"), eval_dataset=rows("held_out")
    )
    trainer.train()

Good:

    # file: requirements.txt
    transformers==4.57.6

    # file: train.py
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import collate, rows

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype="float32")
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7, eval_strategy="epoch")
    trainer = Trainer(
        model=model, args=args, data_collator=collate, train_dataset=rows("train"), eval_dataset=rows("held_out")
    )
    trainer.train()

## Check it by hand
`python -c "import inspect, transformers; print(inspect.signature(transformers.TrainingArguments))"` in the environment
of the run: an argument that is not listed there is rejected.

## References
- https://huggingface.co/docs/transformers/main_classes/trainer
- https://huggingface.co/docs/trl/sft_trainer
- https://github.com/huggingface/transformers/blob/main/MIGRATION_GUIDE_V5.md
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.knowledge.versions import key
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.oracle.answers import Removal
from trainclinic.script.places import Place
from trainclinic.script.program.libraries import (
    asks_for_version,
    declares_option,
    imported_names,
    is_of_its_time,
    is_patched,
    keywords_of,
    library_calls,
    named_in_code,
    oracle,
    parsed_classes,
)
from trainclinic.script.program.processes import launches_of, root_file
from trainclinic.script.program.program import Program
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule


def find(program: Program) -> Iterator[Alarm]:
    """Look at keyword arguments, at options of launch scripts, and at imports."""
    for call, owner in library_calls(program):
        for name, place in keywords_of(call):
            found = _removal(program, owner, name)
            if found is not None:
                mending = _mending(call, name, found[0])
                yield Alarm(place, _says(program, owner, name, found[0]), found[1], mending=mending)
        gone = named_in_code(call)
        if gone and call.place is not None:
            yield from _gone(program, gone, call.place)
    yield from _launched(program)
    for file in program.project.files if not is_patched(program) else ():
        for name, node in imported_names(file):
            alarms = list(_gone(program, name, file.place(node)))
            yield from alarms if alarms and not asks_for_version(program, file, node) else ()


def _removal(program: Program, owner: str, name: str) -> tuple[Removal, Certainty] | None:
    verdict = oracle(program).verdict(owner, name)
    removal = oracle(program).removed(owner, name) if verdict in {"rejected", "depends"} else None
    if removal is None:
        return None
    if verdict == "depends":
        return removal, Certainty.HINT if is_of_its_time(program, removal.library) else Certainty.LIKELY
    used = oracle(program).version(removal.library)
    return (removal, Certainty.PROOF) if used is not None and key(used) >= key(removal.first_without) else None


def _says(program: Program, owner: str, name: str, removal: Removal) -> str:
    used = oracle(program).version(removal.library)
    known = f", and {used} is used" if used is not None else ""
    short = owner.partition(".")[2]
    return f"`{short}` no longer takes `{name}` since {removal.library} {removal.first_without}{known}"


def _mending(call: Call, name: str, removal: Removal) -> Mending:
    """Rename where the new name means the same, else say what stands in its place."""
    new, place = removal.replacement, call.place
    is_written = place is not None and any(n == name and p != place for n, p in keywords_of(call))
    if new.isidentifier():
        is_free = is_written and not any(n == new for n, _ in call.keywords)
        edits = (Edit("rename_argument", place, name=name, new_name=new),) if is_free and place is not None else ()
        return Mending(f"write `{new}`", "safe", edits)
    if not new:
        edits = (Edit("remove_argument", place, name=name),) if is_written and place is not None else ()
        return Mending(f"leave `{name}` out: nothing takes its place", "unsafe", edits)
    return Mending(f"use {new}" if " " in new else f"use `{new}`")


def _gone(program: Program, name: str, place: Place) -> Iterator[Alarm]:
    """A class or function that the library no longer exports."""
    removal = oracle(program).gone(name)
    presence = oracle(program).presence(name) if removal is not None else "unknown"
    if removal is None or presence not in {"absent", "depends"}:
        return
    used = oracle(program).version(removal.library)
    if presence == "absent" and used is not None:
        if key(used) < key(removal.first_without):
            return
        certainty, known = Certainty.PROOF, f", and {used} is used"
    else:
        certainty = Certainty.HINT if is_of_its_time(program, removal.library) else Certainty.LIKELY
        known = ""
    says = f"`{name}` is gone since {removal.library} {removal.first_without}{known}"
    instead = f"use {removal.replacement}" if removal.replacement else f"pin {removal.library} to {removal.last}"
    yield Alarm(place, says, certainty, mending=Mending(instead))


def _launched(program: Program) -> Iterator[Alarm]:
    """Options that launch scripts give to a program which takes all fields of a configuration."""
    for parser, owner in parsed_classes(program):
        for launch in launches_of(program, root_file(parser.event)):
            for name, (_, place) in launch.options.items():
                found = None if declares_option(program, name) else _removal(program, owner, name)
                if found is not None:
                    yield Alarm(place, _says(program, owner, name, found[0]), found[1])


def _looked(program: Program) -> bool:
    return any(True for _ in library_calls(program)) or any(True for _ in parsed_classes(program))


RULE = script_rule(
    code="API002",
    slug="removed-argument",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("calls and imports of transformers, trl, peft and accelerate", "their versions"),
    find=find,
    looked=_looked,
    missing="a call of a trainer, its arguments or another class whose signature is known",
    fix="safe",
)
