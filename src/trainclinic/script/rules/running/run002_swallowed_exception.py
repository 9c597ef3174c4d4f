"""An exception of the training is caught, reported at most, and the script goes on as if it had trained.

## What it sees
`except Exception`, `except BaseException` or a bare `except` around `trainer.train()` or around the backward pass of an
own loop, whose body neither raises, nor leaves the program, nor gives anything back to a caller.

## Why it matters
A run that ran out of memory at step 40 saves its model, prints "done" and exits with 0. The traceback is lost, the job
counts as finished, and the model is evaluated as if it were trained.

## What it does not mean
Catching one kind of error to act on it is right: a batch that does not fit is skipped, a checkpoint is written and the
error raised again.

## Example
Bad:

    # file: train.py
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import collate, rows

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype="float32")
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7)
    trainer = Trainer(model=model, args=args, train_dataset=rows("train"), data_collator=collate)
    try:
        trainer.train()
    except Exception as error:
        print(f"training failed: {error}")
    trainer.save_model("model")

Good:

    # file: train.py
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import collate, rows

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype="float32")
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7)
    trainer = Trainer(model=model, args=args, train_dataset=rows("train"), data_collator=collate)
    try:
        trainer.train()
    except Exception as error:
        print(f"training failed: {error}")
        raise
    trainer.save_model("model")

## Check it by hand
Put `raise RuntimeError("a test")` before the training: the script must end with a traceback and an exit status that is
not 0.

## References
- https://docs.python.org/3/tutorial/errors.html
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Place, Step
from trainclinic.script.program.events import CallEvent, HandlerEvent
from trainclinic.script.program.program import Program
from trainclinic.script.program.trainings import stands_in, training_events
from trainclinic.script.rule import script_rule

BROAD = frozenset({"Exception", "BaseException"})
_ENDS = re.compile(r"(^|[._])(exit|_exit|abort|quit|kill|fail\w*|die|raise\w*|terminate|set_exception)$", re.I)
_REPORTS = re.compile(
    r"(^|[._])(print\w*|log\w*|debug|info|warn\w*|error|exception|critical|format_exc|write|str|repr)$"
)


def find(program: Program) -> Iterator[Alarm]:
    """Look at every broad handler with a training inside."""
    for handler, training in _guarded(program):
        node, place = handler.node, _head(handler)
        if not isinstance(node, ast.ExceptHandler) or not _is_broad(node) or _acts(node):
            continue
        if handler.loops and training.call.method == "train":
            continue  # one of several trainings: the next one is tried
        caught = f"except {ast.unparse(node.type)}" if node.type is not None else "except"
        says = f"`{caught}` swallows every error of the training, and the script goes on"
        first = Step(training.place, "what fails here")
        last = node.body[-1]
        leaves = isinstance(last, (ast.Continue, ast.Break))
        edits = () if leaves else (Edit("insert_after", handler.file.place(last), "raise"),)
        certainty = Certainty.PROOF if _only_reports(node) else Certainty.LIKELY
        mending = Mending("raise it again at the end of the handler", "unsafe", edits)
        yield Alarm(place, says, certainty, (first, Step(place, "is caught here")), mending=mending)


def _guarded(program: Program) -> Iterator[tuple[HandlerEvent, CallEvent]]:
    """Handlers around a training, each with the training, once per place."""
    events = list(training_events(program))
    seen: set[ast.AST] = set()
    for handler in program.handlers:
        training = next((one for one in events if stands_in(one, handler.body, handler.file)), None)
        if training is not None and handler.node not in seen:
            seen.add(handler.node)
            yield handler, training


def _head(handler: HandlerEvent) -> Place:
    """The line of the `except`."""
    whole = handler.place
    end = len(handler.file.line_text(whole.line, whole.cell)) + 1
    return Place(whole.path, whole.line, whole.column, whole.line, end, whole.cell)


def _is_broad(node: ast.ExceptHandler) -> bool:
    if node.type is None:
        return True
    caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(ast.unparse(one).rpartition(".")[2] in BROAD for one in caught)


def _acts(node: ast.ExceptHandler) -> bool:
    """Whether a handler raises, leaves the program, or tells somebody that it failed."""
    inside = [one for statement in node.body for one in ast.walk(statement)]
    if any(isinstance(one, (ast.Raise, ast.Return, ast.Assign, ast.AugAssign, ast.Yield)) for one in inside):
        return True
    return any(_ENDS.search(ast.unparse(one.func)) for one in inside if isinstance(one, ast.Call))


def _only_reports(node: ast.ExceptHandler) -> bool:
    calls = [one for statement in node.body for one in ast.walk(statement) if isinstance(one, ast.Call)]
    return all(_REPORTS.search(ast.unparse(one.func)) for one in calls)


def _looked(program: Program) -> bool:
    return any(True for _ in training_events(program))


RULE = script_rule(
    code="RUN002",
    slug="swallowed-exception",
    severity=Severity.WARNING,
    certainty=Certainty.PROOF,
    needs=("a training of a trainer or a loop, and the handlers around it",),
    find=find,
    looked=_looked,
    missing="a training of a trainer or of an own loop",
    fix="unsafe",
)
