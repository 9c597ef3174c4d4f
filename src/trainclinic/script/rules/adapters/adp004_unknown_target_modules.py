"""An adapter names modules that the model does not have.

## What it sees
`target_modules` of a LoRA configuration, written out, and the name of the published model that it goes to, whose layers
are called otherwise: `q_proj` on GPT-2, `c_attn` on Llama.

## Why it matters
If no name fits, peft stops with "Target modules ... not found in the base model". If some fit, the others are silently
left out, and the adapter is smaller than meant.

## What it does not mean
A list for several families (`q_proj` and `query_key_value`) is a habit and does no harm as long as one fits: that is
only hinted at. Models without a well-known name are not judged.

## Example
Bad:

    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import rows

    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    config = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    args = TrainingArguments("out", learning_rate=2e-4, seed=7)
    Trainer(model=model, args=args, train_dataset=rows()).train()

Good:

    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import rows

    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    config = LoraConfig(r=8, lora_alpha=16, target_modules=["c_attn"], task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    args = TrainingArguments("out", learning_rate=2e-4, seed=7)
    Trainer(model=model, args=args, train_dataset=rows()).train()

## Check it by hand
`print({name.rpartition(".")[2] for name, m in model.named_modules() if isinstance(m, torch.nn.Linear)})` on the base.

## References
- https://github.com/huggingface/peft/issues/294
- https://huggingface.co/docs/peft/package_reference/lora
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from trainclinic.catalogue.verdict import Severity
from trainclinic.knowledge.models import ModelFamily, family_of
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.adapters import config_of
from trainclinic.script.program.identities import identity_of
from trainclinic.script.program.objects import root
from trainclinic.script.program.open_values import Setting
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, constants, possible
from trainclinic.script.program.trainers import trainers
from trainclinic.script.program.values import Call, Choice, Constant, Items, Value
from trainclinic.script.rule import script_rule

NOT_LISTED = re.compile(r"embed|head|norm|score|classif|conv|wte|wpe|shared|pooler|ln_|\d")
"""Names that any model may have besides its linear layers."""


@dataclass(frozen=True, slots=True)
class Pair:
    """An adapter and the published model that it goes to."""

    config: Call
    model: Value
    name: str
    family: ModelFamily
    is_fixed: bool


def find(program: Program) -> Iterator[Alarm]:
    """Compare each list of target modules with the layers of the model."""
    for pair in _pairs(program):
        targets = _targets(pair.config)
        missing = [name for name in targets if not _has(pair.family, name)]
        if not missing or pair.config.place is None:
            continue
        quoted = ", ".join(f"`{name}`" for name in missing[:3])
        if len(missing) == len(targets):
            says = f"`{pair.name}` has no module called {quoted}"
            certainty = Certainty.PROOF if pair.is_fixed else Certainty.LIKELY
        else:
            says, certainty = f"`{pair.name}` has some of these modules, but no {quoted}", Certainty.HINT
        made = root(pair.model)
        loaded = (Step(made.place, f"the model is `{pair.name}`"),) if made is not None and made.place else ()
        flow = (*loaded, Step(pair.config.place, "the adapter names its modules"))
        names = ", ".join(f"`{name}`" for name in sorted(pair.family.modules)[:4])
        mending = Mending(f'name modules that it has, such as {names}, or write `target_modules="all-linear"`')
        yield Alarm(pair.config.place, says, certainty, flow, mending=mending)


def _has(family: ModelFamily, name: str) -> bool:
    last = name.rpartition(".")[2]
    return last in family.modules or NOT_LISTED.search(name) is not None


def _targets(config: Call) -> list[str]:
    """Names that an adapter targets; none when they are not all written out."""
    given = argument(config, "target_modules")
    if isinstance(given, Setting):
        given = given.default if not given.given else None
    if not isinstance(given, Items):
        return []
    names = [one.value for one in given.elements if isinstance(one, Constant) and isinstance(one.value, str)]
    return names if len(names) == len(given.elements) else []


def _pairs(program: Program) -> Iterator[Pair]:
    for config, model in _attachments(program):
        if not isinstance(config, Call) or not _targets(config):
            continue
        known = identity_of(model)
        if known is not None:
            yield Pair(config, model, known.name, known.family, known.is_fixed)
            continue
        names = [name for name in constants(model) if isinstance(name, str)]
        family = family_of(names[0]) if len(names) == 1 else None
        if family is not None:
            fixed = all(one.setting is None for one in possible(model)[0])
            yield Pair(config, model, names[0], family, fixed)


def _attachments(program: Program) -> Iterator[tuple[Value, Value]]:
    """Each configuration with the model that it goes to."""
    calls = program.calls_of("peft.get_peft_model")
    met = [(config_of(call), argument(call, "model", 0)) for call in calls]
    met += [(one.part("peft_config"), one.model) for one in trainers(program)]
    for config, model in met:
        if config is not None and model is not None:
            for one in [option.value for option in config.options] if isinstance(config, Choice) else [config]:
                yield one, model


def _looked(program: Program) -> bool:
    return any(True for _ in _pairs(program))


RULE = script_rule(
    code="ADP004",
    slug="unknown-target-modules",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("`target_modules` that are written out, and the name of the model",),
    find=find,
    looked=_looked,
    missing="an adapter with named modules on a model of a known family",
)
