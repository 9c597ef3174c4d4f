"""A method that overrides one of the Trainer cannot take what the Trainer passes to it.

## What it sees
A class that derives from a trainer of transformers or trl and overrides `training_step`, `compute_loss`, `log`,
`_get_train_sampler`, `save_model` or another method with fewer or other parameters than the Trainer of the pinned,
installed or newest release passes.

## Why it matters
The Trainer calls its own methods with arguments that were added over time: `num_items_in_batch` in 4.46, `start_time`
of `log` in 4.47, the data set for `_get_train_sampler` in 4.52. An override that cannot take one raises a `TypeError`:
at the first step, or hours later at the first log or checkpoint.

## What it does not mean
The body of the override may be right. With an older transformers, pinned in the project, the same class works.

## Example
Bad:

    # file: train.py
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import collate, rows

    class WatchedTrainer(Trainer):
        def training_step(self, model, inputs):
            self.seen = inputs["input_ids"].numel()
            return super().training_step(model, inputs)

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype="float32")
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7)
    trainer = WatchedTrainer(model=model, args=args, train_dataset=rows("train"), data_collator=collate)
    trainer.train()

Good:

    # file: train.py
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import collate, rows

    class WatchedTrainer(Trainer):
        def training_step(self, model, inputs, num_items_in_batch=None):
            self.seen = inputs["input_ids"].numel()
            return super().training_step(model, inputs, num_items_in_batch)

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype="float32")
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7)
    trainer = WatchedTrainer(model=model, args=args, train_dataset=rows("train"), data_collator=collate)
    trainer.train()

## Check it by hand
`python -c "import inspect, transformers; print(inspect.signature(transformers.Trainer.training_step))"`, and the same
for each overridden method: the override must take at least those parameters.

## References
- https://github.com/huggingface/transformers/issues/36331
- https://huggingface.co/docs/transformers/main_classes/trainer
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.oracle.answers import CallShape
from trainclinic.script.oracle.parameters import OPAQUE, Parameter, Site
from trainclinic.script.program.libraries import is_of_its_time, oracle
from trainclinic.script.program.overrides import Override, overrides
from trainclinic.script.program.program import Program
from trainclinic.script.rule import script_rule

ALWAYS_CALLED = frozenset({"training_step", "compute_loss", "log", "_get_train_sampler", "get_train_dataloader"})
"""Methods that every training calls in each of the ways that the table knows."""


def find(program: Program) -> Iterator[Alarm]:
    """Hold every override against the calls of the Trainer."""
    for one in overrides(program):
        shape = _shape(program, one)
        site = shape.refused_by(one.parameters) if shape is not None else None
        if shape is None or site is None or one.head is None or one.has_own_caller:
            continue
        missing = _missing(program, one, site)
        says = f"`{one.name}` {_cannot(one, site, missing)} the Trainer passes {_when(program, one, shape)}"
        yield Alarm(one.head, says, _certainty(program, one, shape), mending=_mending(one, shape, missing))


def _shape(program: Program, one: Override) -> CallShape | None:
    """How the Trainer that is used calls a method: that of the known version, else of the newest."""
    known = oracle(program).calls_override_with(one.name)
    if known is not None or oracle(program).version("transformers") is not None:
        return known
    every = oracle(program).calls_in_every_version(one.name)
    return every[-1] if every else None


def _missing(program: Program, one: Override, site: Site) -> list[str]:
    """Names of what a call passes and the override has no place for."""
    known = oracle(program).signature(f"transformers.Trainer.{one.name}") or oracle(program).newest(
        f"transformers.Trainer.{one.name}"
    )
    names = [parameter.name for parameter in known.parameters] if known is not None else []
    taken = [parameter.name for parameter in one.parameters if parameter.kind == "positional"]
    return [*names[len(taken) : site.positional], *(name for name in site.keywords if name not in taken)]


def _cannot(one: Override, site: Site, missing: list[str]) -> str:
    if missing:
        return "does not take " + " and ".join(f"`{name}`" for name in missing) + ", which"
    handed = {*site.keywords, *(parameter.name for parameter in one.parameters[: site.positional])}
    required = [p.name for p in one.parameters if p.default is None and not p.kind.startswith("var_")]
    asked = [name for name in required if name not in handed]
    return f"asks for `{asked[0]}` beside what" if asked else "cannot take what"


def _when(program: Program, one: Override, shape: CallShape) -> str:
    """The version that passes it, or since when versions do."""
    if oracle(program).version("transformers") is not None:
        return f"in transformers {shape.version}"
    first = shape.version
    for earlier in reversed(oracle(program).calls_in_every_version(one.name)):
        if earlier.refused_by(one.parameters) is None:
            return f"since transformers {first}"
        first = earlier.version
    return "in every known release"


def _certainty(program: Program, one: Override, shape: CallShape) -> Certainty:
    if is_of_its_time(program, "transformers"):
        return Certainty.HINT
    everywhere = all(CallShape(one.name, "", (site,)).refused_by(one.parameters) for site in shape.sites)
    if one.name not in ALWAYS_CALLED and not everywhere:
        return Certainty.HINT  # some calls are reached under rare settings alone
    known = oracle(program).version("transformers") is not None
    return Certainty.PROOF if known and one.name in ALWAYS_CALLED else Certainty.LIKELY


def _mending(one: Override, shape: CallShape, missing: list[str]) -> Mending | None:
    """Take what is passed, where that is all that is wrong."""
    if not missing or one.function.place is None:
        return None
    more = tuple(Parameter(name, "positional", OPAQUE) for name in missing)
    if any(parameter.kind == "keyword" for parameter in one.parameters) or shape.refused_by((*one.parameters, *more)):
        return None
    edits = tuple(Edit("add_parameter", one.function.place, f"{name}=None") for name in missing)
    return Mending(f"take {' and '.join(f'`{name}=None`' for name in missing)}", "safe", edits)


def _looked(program: Program) -> bool:
    return any(_shape(program, one) is not None and not one.has_own_caller for one in overrides(program))


RULE = script_rule(
    code="API001",
    slug="outdated-trainer-override",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("a class that overrides methods of a trainer", "the version of transformers"),
    find=find,
    looked=_looked,
    missing="a class that overrides a method which the Trainer calls",
    fix="safe",
)
