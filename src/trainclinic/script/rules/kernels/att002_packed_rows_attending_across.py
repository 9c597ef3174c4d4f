"""Several examples are packed into one row, and the attention reads across them.

## What it sees
A trainer of trl with `packing=True` whose model is loaded with `attn_implementation="sdpa"` or `"eager"`; or with a
packing that cuts one stream of all examples into blocks: `packing_strategy="wrapped"`, or a pinned version of trl
that knows no other way.

## Why it matters
Best-fit packing tells examples apart by their position ids, which kernels of variable length respect and a plain
causal mask does not. Tokens then attend to the examples in front of them: loss and gradients depend on the neighbours
in the row, and a model that was tuned on short answers learns to expect a text before its prompt.

## What it does not mean
With flash attention packing is exact. In pretraining on long texts reading across borders is usual and does little
harm.

## Example
Bad:

    from datasets import load_dataset
    from trl import SFTConfig, SFTTrainer

    rows = load_dataset("json", data_files="rows.jsonl", split="train")
    init = {"attn_implementation": "sdpa"}
    args = SFTConfig("out", packing=True, max_length=1024, max_steps=200, model_init_kwargs=init)
    SFTTrainer("EleutherAI/pythia-410m", args=args, train_dataset=rows).train()

Good:

    from datasets import load_dataset
    from trl import SFTConfig, SFTTrainer

    rows = load_dataset("json", data_files="rows.jsonl", split="train")
    init = {"attn_implementation": "flash_attention_2"}
    args = SFTConfig("out", packing=True, max_length=1024, max_steps=200, model_init_kwargs=init)
    SFTTrainer("EleutherAI/pythia-410m", args=args, train_dataset=rows).train()

## Check it by hand
Change the first example of a packed row and compare the logits of the second one: they must not move.

## References
- https://github.com/huggingface/trl/issues/1230
- https://github.com/huggingface/trl/pull/3526
- https://github.com/huggingface/trl/issues/3910
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.knowledge.behaviour import PACKS_ACROSS_EXAMPLES
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.objects import LOADERS, loading_call
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, constants, flag, only
from trainclinic.script.program.trainers import Trainer, trainers
from trainclinic.script.program.values import Call, Value
from trainclinic.script.rule import script_rule

_PLAIN = frozenset({"sdpa", "eager"})
MENDING = Mending('load the model with `attn_implementation="flash_attention_2"`, or switch packing off')


def find(program: Program) -> Iterator[Alarm]:
    """Look at the attention and the strategy of every trainer that packs."""
    for trainer, packing in _packing(program):
        made = trainer.arguments or trainer.call
        found = _attention(program, trainer) or _strategy(program, trainer)
        if found is None or made.place is None:
            continue
        source, why = found
        when = "" if flag(packing) else f"`{packing.code}` holds"
        place = source.place or made.place
        flow = (Step(made.place, "examples are packed into one row"), Step(place, why))
        yield Alarm(place, f"packed examples attend to each other: {why}", Certainty.LIKELY, flow, when, MENDING)


def _packing(program: Program) -> Iterator[tuple[Trainer, Value]]:
    """Trainers that pack, or may do so by a test in the code."""
    for trainer in trainers(program):
        given = trainer.option("packing") if trainer.is_trl else None
        if given is not None and flag(given) is not False:
            yield trainer, given


def _attention(program: Program, trainer: Trainer) -> tuple[Value, str] | None:
    """The argument that asks for an attention without borders, and what it says."""
    given: Value | None = None
    loader = loading_call(trainer.model)
    if isinstance(loader, Call) and loader.method in LOADERS:
        given = argument(loader, "attn_implementation")
    elif trainer.option("model_init_kwargs") is not None:
        init = trainer.option("model_init_kwargs")
        given = program.value_of(init, "attn_implementation") if init is not None else None
    names = constants(given)
    if given is None or not names or any(name not in _PLAIN for name in names):
        return None
    return given, f"`{names[0]}` attention knows no borders in a row"


def _strategy(program: Program, trainer: Trainer) -> tuple[Value, str] | None:
    given = trainer.option("packing_strategy")
    if given is not None:
        is_wrapped = only(given) == "wrapped"
        return (given, "the strategy `wrapped` cuts one stream of all examples") if is_wrapped else None
    packing, version = trainer.option("packing"), program.version_of("trl")
    if packing is None or version is None or PACKS_ACROSS_EXAMPLES.holds(version) != "yes":
        return None
    return packing, f"trl {version} cuts one stream of all examples"


def _looked(program: Program) -> bool:
    return any(True for _ in _packing(program))


RULE = script_rule(
    code="ATT002",
    slug="packed-rows-attending-across",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("`packing` of a trainer of trl, the attention of its model, the version of trl",),
    find=find,
    looked=_looked,
    missing="a trainer of trl that packs",
)
