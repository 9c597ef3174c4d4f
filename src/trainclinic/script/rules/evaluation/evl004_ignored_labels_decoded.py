"""Labels that hold -100 are decoded as if they were token ids.

## What it sees
`decode` or `batch_decode` of the labels of an evaluation (what `compute_metrics` is given, or the labels of a batch
whose collator pads with -100) without -100 being replaced before.

## Why it matters
-100 is no token. Fast tokenizers raise `OverflowError: out of range integral type conversion attempted`, at the first
evaluation and thus often hours into a run; slow ones decode it to an unknown or wrong token, and BLEU, ROUGE and exact
match are computed against damaged references.

## What it does not mean
Predicted ids need the same care where generation pads them; this rule looks at labels alone. Labels that are
replaced, filtered or masked on the way are fine.

## Example
Bad:

    import numpy as np
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, DataCollatorForSeq2Seq
    from transformers import Seq2SeqTrainer, Seq2SeqTrainingArguments
    from mydata import rows

    tokenizer = AutoTokenizer.from_pretrained("google-t5/t5-small")
    model = AutoModelForSeq2SeqLM.from_pretrained("google-t5/t5-small")

    def compute_metrics(pair):
        predictions, labels = pair
        predictions = np.where(predictions != -100, predictions, tokenizer.pad_token_id)
        said = tokenizer.batch_decode(predictions, skip_special_tokens=True)
        wanted = tokenizer.batch_decode(labels, skip_special_tokens=True)
        return {"exact": float(np.mean([a == b for a, b in zip(said, wanted)]))}

    arguments = Seq2SeqTrainingArguments("out", eval_strategy="epoch", predict_with_generate=True, learning_rate=1e-4)
    trainer = Seq2SeqTrainer(
        model=model,
        args=arguments,
        data_collator=DataCollatorForSeq2Seq(tokenizer, model=model),
        train_dataset=rows(tokenizer, "train"),
        eval_dataset=rows(tokenizer, "test"),
        compute_metrics=compute_metrics,
    )
    trainer.train()

Good:

    import numpy as np
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, DataCollatorForSeq2Seq
    from transformers import Seq2SeqTrainer, Seq2SeqTrainingArguments
    from mydata import rows

    tokenizer = AutoTokenizer.from_pretrained("google-t5/t5-small")
    model = AutoModelForSeq2SeqLM.from_pretrained("google-t5/t5-small")

    def compute_metrics(pair):
        predictions, labels = pair
        predictions = np.where(predictions != -100, predictions, tokenizer.pad_token_id)
        labels = np.where(labels != -100, labels, tokenizer.pad_token_id)
        said = tokenizer.batch_decode(predictions, skip_special_tokens=True)
        wanted = tokenizer.batch_decode(labels, skip_special_tokens=True)
        return {"exact": float(np.mean([a == b for a, b in zip(said, wanted)]))}

    arguments = Seq2SeqTrainingArguments("out", eval_strategy="epoch", predict_with_generate=True, learning_rate=1e-4)
    trainer = Seq2SeqTrainer(
        model=model,
        args=arguments,
        data_collator=DataCollatorForSeq2Seq(tokenizer, model=model),
        train_dataset=rows(tokenizer, "train"),
        eval_dataset=rows(tokenizer, "test"),
        compute_metrics=compute_metrics,
    )
    trainer.train()

## Check it by hand
In `compute_metrics`, print `labels.min()` right before it is decoded: it must not be negative.

## References
- https://huggingface.co/docs/transformers/main_classes/data_collator
- https://huggingface.co/docs/transformers/tasks/translation
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.metrics import is_labels_of, metric_functions
from trainclinic.script.program.objects import is_tokenizer, same_data
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, constants, contains
from trainclinic.script.program.supervision import LM_COLLATOR, collator_name
from trainclinic.script.program.values import Call, Constant, Element, Item, Value
from trainclinic.script.rule import script_rule

PADDING = {"transformers.DataCollatorForSeq2Seq": "label_pad_token_id", LM_COLLATOR: ""}
"""Collators that put -100 into labels, with the argument that changes that."""
MENDING = Mending("replace -100 first: `labels = np.where(labels != -100, labels, tokenizer.pad_token_id)`")


def find(program: Program) -> Iterator[Alarm]:
    """Look at what every call of `decode` is given."""
    for call, labels, padding, certainty in _decoded(program):
        if call.place is not None and _is_bare(call, labels) and not _is_changed(program, call, labels):
            says = f"`{call.method}` gets labels in which -100 stands where nothing is scored"
            last = Step(call.place, "and they are decoded as they are")
            flow = (Step(padding.place, "labels get -100 here"), last) if padding and padding.place else ()
            yield Alarm(call.place, says, certainty, flow, mending=MENDING)


def _decoded(program: Program) -> Iterator[tuple[Call, Value, Call | None, Certainty]]:
    """Calls that decode something made of labels: the call, the labels, what pads them, and how sure that is."""
    for call in program.calls_ending("decode", "batch_decode"):
        if not is_tokenizer(call.receiver):
            continue
        for trainer in metric_functions(program):
            labels = contains(_given(call), partial(is_labels_of, trainer=trainer), limit=300)
            if labels is not None:
                padding = _padding(trainer.part("data_collator"))
                yield call, labels, padding, Certainty.PROOF if padding is not None else Certainty.LIKELY
        labels = contains(_given(call), _is_padded_column, limit=300)
        if labels is not None:
            yield call, labels, _padding(_collator(labels)), Certainty.PROOF


def _given(call: Call) -> Value | None:
    return argument(call, "sequences", 0) or argument(call, "token_ids", 0)


def _padding(collator: Value | None) -> Call | None:
    """The call of a library's collator that pads labels with -100."""
    if not isinstance(collator, Call) or collator_name(collator) not in PADDING:
        return None
    changed = argument(collator, PADDING[collator_name(collator)])
    return collator if changed is None or constants(changed) == [-100] else None


def _is_padded_column(value: Value) -> bool:
    is_column = isinstance(value, Item) and isinstance(value.index, Constant) and value.index.value == "labels"
    return is_column and _padding(_collator(value)) is not None


def _collator(column: Value) -> Value | None:
    """The collator of the loader whose batch a column belongs to."""
    batch = column.base if isinstance(column, Item) else None
    loader = batch.of if isinstance(batch, Element) else None
    return argument(loader, "collate_fn", 7) if isinstance(loader, Call) and loader.method == "DataLoader" else None


def _is_bare(call: Call, labels: Value) -> bool:
    """Whether labels are handed over whole or row by row, moved or retyped at most."""
    value = _given(call)
    for _ in range(16):
        if value is None or value is labels:
            break
        plain = same_data(value)
        if plain is value and not isinstance(plain, Element):
            return False
        value = plain.of if isinstance(plain, Element) else plain
    return value is labels


def _is_changed(program: Program, call: Call, labels: Value) -> bool:
    """Whether something was stored into the labels, or done to them in place, before they are decoded."""
    stored = any(event.order < call.event.order for event in program.stores_into(labels))
    methods = program.calls_ending("masked_fill_", "clamp_", "putmask", "place", "copyto")
    touched = any(contains(done, lambda one: one is labels, limit=60) for done in methods)
    return stored or touched


def _looked(program: Program) -> bool:
    return any(True for _ in _decoded(program))


RULE = script_rule(
    code="EVL004",
    slug="ignored-labels-decoded",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("`decode` of labels in `compute_metrics` or of a batch",),
    find=find,
    looked=_looked,
    missing="labels of an evaluation that are decoded",
)
