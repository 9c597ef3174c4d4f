"""A model is evaluated on the rows it is trained on.

## What it sees
A trainer whose `train_dataset` and `eval_dataset` hold the same rows: one object, the same split of the same files, or
a part that is selected from the training rows. In loops of the files, an evaluation that goes through the loader or
data set of the training loop while no evaluation goes through another.

## Why it matters
The evaluation loss follows the training loss down, also while the model learns rows by heart. Overfitting cannot be
seen, early stopping never stops, and the best checkpoint is always the last one.

## What it does not mean
Training rows among several evaluation sets are fine: they show the gap. A `Trainer` that never evaluates is left alone.

## Example
Bad:

    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling
    from transformers import Trainer, TrainingArguments

    tokenizer = AutoTokenizer.from_pretrained("openai-community/gpt2")
    tokenizer.add_special_tokens({"pad_token": "<|pad|>"})
    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    model.resize_token_embeddings(len(tokenizer))

    def encode(row):
        return tokenizer(row["text"] + tokenizer.eos_token, truncation=True, max_length=512)

    rows = load_dataset("json", data_files="notes.jsonl", split="train").map(encode)
    arguments = TrainingArguments("out", learning_rate=2e-5, eval_strategy="epoch", seed=7)
    collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
    trainer = Trainer(model=model, args=arguments, data_collator=collator, train_dataset=rows, eval_dataset=rows)
    trainer.train()

Good:

    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling
    from transformers import Trainer, TrainingArguments

    tokenizer = AutoTokenizer.from_pretrained("openai-community/gpt2")
    tokenizer.add_special_tokens({"pad_token": "<|pad|>"})
    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    model.resize_token_embeddings(len(tokenizer))

    def encode(row):
        return tokenizer(row["text"] + tokenizer.eos_token, truncation=True, max_length=512)

    rows = load_dataset("json", data_files="notes.jsonl", split="train").map(encode)
    rows = rows.train_test_split(test_size=0.05, seed=7)
    arguments = TrainingArguments("out", learning_rate=2e-5, eval_strategy="epoch", seed=7)
    collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
    trainer = Trainer(
        model=model, args=arguments, data_collator=collator, train_dataset=rows["train"], eval_dataset=rows["test"]
    )
    trainer.train()

## Check it by hand
Compare the first rows of both data sets by their text. Evaluate once on texts that were written after the training
set was collected: the loss must not be much higher than the one of the run.

## References
- https://huggingface.co/docs/datasets/process
- https://huggingface.co/docs/transformers/main_classes/trainer
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Place, Step
from trainclinic.script.program.adapters import is_given
from trainclinic.script.program.evaluation_loops import evaluation_loops
from trainclinic.script.program.events import Loop
from trainclinic.script.program.processes import loader_of
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, condition_text, constants, may_be_true
from trainclinic.script.program.rows import TrainingData, alternatives, same_rows, source_of, training_data
from trainclinic.script.program.trainers import Trainer, trainers
from trainclinic.script.program.values import Attribute, Call, Item, Mapping, Span, Value
from trainclinic.script.rule import script_rule

PARTS = frozenset({"select", "take", "shard", "filter", "head"})
"""Methods of data sets that give some of the rows."""
EVALUATES = re.compile(r"(^|_)(eval\w*|valid\w*|val|dev|test)(_|$)", re.I)
MENDING = Mending("hold rows out: `rows.train_test_split(test_size=0.05, seed=0)`")


def find(program: Program) -> Iterator[Alarm]:
    """Compare the two data sets of every trainer, then the loaders of training and evaluation loops."""
    for trainer in trainers(program):
        certainty = _evaluation(program, trainer)
        if certainty is not None:
            yield from _trainer_alarm(trainer, certainty)
    yield from _loop_alarms(program)


def _evaluation(program: Program, trainer: Trainer) -> Certainty | None:
    """How sure it is that a trainer evaluates; `None` when it does not."""
    asked = [trainer.option(name) for name in ("eval_strategy", "evaluation_strategy")]
    if any(one not in {"no", None} for value in asked for one in constants(value)):
        return Certainty.PROOF
    if may_be_true(trainer.option("do_eval")) or program.calls_ending("evaluate"):
        return Certainty.LIKELY
    return None if trainer.is_known else Certainty.LIKELY


def _trainer_alarm(trainer: Trainer, certainty: Certainty) -> Iterator[Alarm]:
    data, given = trainer.part("train_dataset"), trainer.part("eval_dataset")
    place = trainer.call.place
    ways = [way for held in _sets(given) for way in alternatives(held)]
    if data is None or not is_given(data) or not ways or place is None:
        return
    how = [_relation(data, held) for held, _ in ways]
    if all(how):
        part = all(one == "part" for one in how)
        says = f"`eval_dataset` holds {'a part of the rows of' if part else 'the same rows as'} `train_dataset`"
        certain = Certainty.LIKELY if part or ways[0][1] else certainty
        flow = _flow(data, place, "trained and evaluated on")
        yield Alarm(place, says, certain, flow, condition_text(ways[0][1]), MENDING)


def _flow(data: Value, place: Place, says: str) -> tuple[Step, ...]:
    origin = source_of(data).place
    return (Step(origin, "the rows"), Step(place, says)) if origin is not None and origin != place else ()


def _sets(given: Value | None) -> list[Value]:
    """The data sets behind `eval_dataset`, which may be a dictionary of several."""
    if isinstance(given, Mapping):
        return [value for _, value in given.entries]
    return [given] if given is not None else []


def _relation(data: Value, held: Value) -> str:
    """`same` or `part`, when evaluation rows are rows of the training data; empty when that is not known."""
    if same_rows(data, held):
        return "same"
    whole = source_of(held)
    while (base := _taken_from(whole)) is not None:
        whole = source_of(base)
        if same_rows(data, whole):
            return "part"
    return ""


def _taken_from(data: Value) -> Value | None:
    """What some of the rows were taken from: `rows[:100]`, `rows.select(...)`; `None` for all else."""
    if isinstance(data, Item) and isinstance(data.index, Span):
        return data.base
    is_part = isinstance(data, Call) and isinstance(data.function, Attribute) and data.method in PARTS
    return data.receiver if isinstance(data, Call) and is_part else None


def _loop_alarms(program: Program) -> Iterator[Alarm]:
    """Evaluation loops over the training rows, where all evaluations are in sight and none goes through others."""
    loops, loaders = evaluation_loops(program), [loader_of(loop) for loop in evaluation_loops(program)]
    for one in training_data(program):
        if one.loop is None or not all(_reads(loader, one) for loader in loaders):
            continue
        for loop in loops:
            if _is_named_evaluation(program, loop):
                says = "evaluation goes through the rows of the training loop, and no evaluation through others"
                flow = (Step(one.loop.place, "trained on"), Step(loop.place, "and evaluated on"))
                yield Alarm(loop.place, says, Certainty.LIKELY, flow, mending=MENDING)


def _reads(loader: Call | None, one: TrainingData) -> bool:
    data = argument(loader, "dataset", 0) if loader is not None else None
    return data is not None and same_rows(data, one.data)


def _is_named_evaluation(program: Program, loop: Loop) -> bool:
    """Whether the code calls it an evaluation; other passes without gradients may well need the training rows."""
    names = [store.key for store in program.inside(loop, program.stores) if isinstance(store.key, str)]
    return any(EVALUATES.search(name) for name in (loop.activation.name, *names))


def _looked(program: Program) -> bool:
    known = any(is_given(one.part("train_dataset")) and is_given(one.part("eval_dataset")) for one in trainers(program))
    return known or (any(one.loop for one in training_data(program)) and bool(evaluation_loops(program)))


RULE = script_rule(
    code="SMP006",
    slug="evaluation-on-training-rows",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("the two data sets of a trainer, or a training loop and an evaluation loop",),
    find=find,
    looked=_looked,
    missing="a trainer with an evaluation set, or training and evaluation loops over loaders",
)
