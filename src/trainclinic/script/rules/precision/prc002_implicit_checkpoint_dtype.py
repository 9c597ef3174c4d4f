"""All weights are trained in whatever type the checkpoint was stored in.

## What it sees
`from_pretrained` without `dtype`, a family whose checkpoints are published in half precision, and full training of
it. From transformers 5 on the model then keeps the type of the checkpoint. Where the version is not pinned, this is a
hint.

## Why it matters
The same script trained float32 weights before and trains bfloat16 or float16 ones now. Updates below 1/256 of a
weight are rounded away in bfloat16; in float16 gradients and the epsilon of Adam become zero as well.

## What it does not mean
For inference, and for a base that stays frozen, the stored type is what one wants.

## Example
Bad:

    # file: requirements.txt
    transformers==5.0.0

    # file: train.py
    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    model.train()
    for batch in batches():
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

Good:

    # file: requirements.txt
    transformers==5.0.0

    # file: train.py
    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype=torch.float32)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    model.train()
    for batch in batches():
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

## Check it by hand
Print `{p.dtype for p in model.parameters()}` after loading.

## References
- https://huggingface.co/docs/transformers/main_classes/model
- https://github.com/huggingface/transformers/blob/main/MIGRATION_GUIDE_V5.md
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.knowledge.behaviour import LOADS_CHECKPOINT_DTYPE
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.identities import identity_of
from trainclinic.script.program.objects import LOADERS, loader_name
from trainclinic.script.program.precision import is_type_left_out, module_ways
from trainclinic.script.program.program import Program
from trainclinic.script.program.updates import Training, is_full, trained_models, types_of
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule

_HALF_FAMILIES = frozenset(
    {"tinyllama", "llama-3.1", "llama-3", "llama-2", "mistral-v0.3", "mistral", "mixtral", "mistral-nemo", "zephyr"}
    | {"qwen3", "qwen2.5", "qwen2", "gemma-3", "gemma", "phi-4", "phi-3", "opt", "smollm3", "olmo-2", "yi", "falcon3"}
)
"""Families that are published in bfloat16 or float16."""
MENDING = "say `dtype=torch.float32` where the weights are loaded"


def find(program: Program) -> Iterator[Alarm]:
    """Look at the loading of every model that is trained as a whole."""
    version = program.version_of("transformers")
    keeps = LOADS_CHECKPOINT_DTYPE.holds(version)
    for training in trained_models(program):
        loader = _loader(program, training) if keeps != "no" else None
        if loader is None or loader.place is None or training.by.place is None:
            continue
        certainty = Certainty.LIKELY if keeps == "yes" else Certainty.HINT
        says = "no `dtype` is given, so that transformers 5 keeps the half precision of the checkpoint in training"
        flow = (Step(training.by.place, "all weights are trained"), Step(loader.place, "loaded as they are stored"))
        edit = Edit("set_argument", loader.place, '"float32"', name="dtype")
        edits = (edit,) if keeps == "yes" else ()
        yield Alarm(loader.place, says, certainty, flow, mending=Mending(MENDING, "unsafe", edits))


def _loader(program: Program, training: Training) -> Call | None:
    """The call that loads a model of a half-precision family without a type, when all of it is trained."""
    if not is_full(training) or types_of(program, training):
        return None
    loaders = [way for way in module_ways(training.model) if isinstance(way, Call) and way.method in LOADERS]
    loader = loaders[-1] if loaders else None
    identity = identity_of(loader) if loader is not None else None
    if loader is None or identity is None or identity.family.name not in _HALF_FAMILIES:
        return None
    return loader if is_type_left_out(loader) and loader_name(loader).startswith("transformers.") else None


def _looked(program: Program) -> bool:
    return any(is_full(one) and types_of(program, one) for one in trained_models(program))


RULE = script_rule(
    code="PRC002",
    slug="implicit-checkpoint-dtype",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("`from_pretrained` of a model that is trained as a whole", "the version of transformers"),
    find=find,
    looked=_looked,
    missing="full training of a model whose type is given",
    fix="unsafe",
)
