"""A model is saved whose tokenizer was changed, and the tokenizer is not.

## What it sees
Tokens that are added to a tokenizer, or a chat template that is set on it, in a script that saves a model or adapter
with `save_pretrained`, `save_model` or `push_to_hub` and never saves a tokenizer, by itself or through a trainer.

## Why it matters
Whoever loads the folder takes the tokenizer of the base model: the added tokens are split into pieces that the training
never saw, the ids of new embedding rows never occur, and the template is another one. The model seems to have learned
nothing.

## What it does not mean
An unchanged tokenizer can be loaded from the base model. A trainer that gets the tokenizer as `processing_class` saves
it with every checkpoint.

## Example
Bad:

    # file: train.py
    from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments
    from mydata import collate, rows

    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B")
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype="float32")
    tokenizer.add_tokens(["<sql>"])
    model.resize_token_embeddings(len(tokenizer))
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7)
    trainer = Trainer(model=model, args=args, train_dataset=rows(tokenizer), data_collator=collate)
    trainer.train()
    trainer.save_model("final")

Good:

    # file: train.py
    from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments
    from mydata import collate, rows

    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B")
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype="float32")
    tokenizer.add_tokens(["<sql>"])
    model.resize_token_embeddings(len(tokenizer))
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7)
    trainer = Trainer(model=model, args=args, train_dataset=rows(tokenizer), data_collator=collate)
    trainer.train()
    trainer.save_model("final")
    tokenizer.save_pretrained("final")

## Check it by hand
List the saved folder: it must hold `tokenizer_config.json`. Load the tokenizer from there and encode an added token: it
must be one id.

## References
- https://huggingface.co/docs/transformers/main_classes/tokenizer
- https://huggingface.co/docs/transformers/main_classes/trainer
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.added_tokens import added_tokens
from trainclinic.script.program.definitions import Instance
from trainclinic.script.program.events import Event
from trainclinic.script.program.objects import is_model, is_tokenizer
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import is_open
from trainclinic.script.program.runs import entry_of, run_together, trainings
from trainclinic.script.program.trainers import Trainer, trainers
from trainclinic.script.program.values import Call, Constant
from trainclinic.script.rule import script_rule

SAVING = frozenset({"save_pretrained", "push_to_hub"})
MENDING = Mending("save the tokenizer beside the model: `tokenizer.save_pretrained(...)`")


def find(program: Program) -> Iterator[Alarm]:
    """Look at the changes of tokenizers in scripts that save a model."""
    for change, what, save in _changes(program):
        if save.place is None or _saves_tokenizer(program, save):
            continue
        says = f"the model is saved, and the tokenizer, which {what}, is not"
        flow = (Step(change.place, f"the tokenizer {what}"), Step(save.place, "the model is saved alone"))
        yield Alarm(save.place, says, Certainty.LIKELY, flow, mending=MENDING)


def _changes(program: Program) -> Iterator[tuple[Event, str, Call]]:
    """What changes a tokenizer, in words as well, and the last call of the same script that saves a model."""
    changed: list[tuple[Event, str]] = [(o.call.event, "got new tokens") for o in added_tokens(program) if o.is_sure]
    changed += [
        (one, "got a chat template") for one in program.attributes_set("chat_template") if is_tokenizer(one.base)
    ]
    for event, what in changed:
        files = {entry_of(event), *program.reached_from(entry_of(event))}
        saves = [call for call in _saves(program) if entry_of(call.event) in files]
        if saves and any(run_together(program, saves[-1], training) for training in trainings(program)):
            yield event, what, saves[-1]


def _saves(program: Program) -> list[Call]:
    """Calls that save the folder of a model, by itself or through a trainer."""
    built = {trainer.call for trainer in trainers(program)}
    found = [event.call for event in program.calls if event.call.method in SAVING and is_model(event.call.receiver)]
    found += [call for call in program.calls_of(".save_model") if call.receiver in built]
    return sorted(found, key=lambda call: call.event.order)


def _saves_tokenizer(program: Program, save: Call) -> bool:
    """Whether any tokenizer is saved, a trainer is given one, or something unknown is saved that may be one."""
    for event in program.calls:
        if (
            event.call.method in SAVING
            and run_together(program, save, event.call)
            and not is_model(event.call.receiver)
        ):
            return True
    return any(_keeps_tokenizer(trainer) for trainer in trainers(program))


def _keeps_tokenizer(trainer: Trainer) -> bool:
    """Whether a trainer has a tokenizer, itself or in its collator, which it saves with every checkpoint."""
    given = trainer.part("tokenizer")
    is_given = given is not None and not (isinstance(given, Constant) and given.value is None)
    if is_given or trainer.is_trl or is_open(trainer.call):
        return True
    collator = trainer.part("data_collator")
    made = collator.call if isinstance(collator, Instance) else collator
    return isinstance(made, Call) and any(is_tokenizer(one) for one in (*made.args, *dict(made.keywords).values()))


def _looked(program: Program) -> bool:
    return any(True for _ in _changes(program))


RULE = script_rule(
    code="RUN010",
    slug="tokenizer-not-saved",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("tokens that are added to a tokenizer, and what the script saves",),
    find=find,
    looked=_looked,
    missing="a training that adds tokens and saves a model",
)
