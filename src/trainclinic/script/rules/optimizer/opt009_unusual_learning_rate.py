"""The learning rate is far outside of what works for this kind of fine-tuning.

## What it sees
The learning rate of Adam or AdamW, given or as the default of an option, for LoRA below 1e-5 or above 2e-3, and for
full fine-tuning above 2e-4 for a model whose name says one billion parameters or more, above 2e-3 for any pretrained
language model; and plain SGD below 1e-4.

## Why it matters
An adapter starts at zero and needs a rate about ten times that of full fine-tuning: at 5e-6 it hardly moves in a
thousand steps. Far above the range the loss jumps to that of guessing words, 7 to 11, and does not come back.

## What it does not mean
The best rate depends on the batch, the length of the run and the data; inside of the range this rule has no opinion.
Preference training (DPO, GRPO) uses smaller rates and is only judged at the upper end.

## Example
Bad:

    from datasets import load_dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    rows = load_dataset("json", data_files="rows.jsonl", split="train")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig("out", learning_rate=2e-6, max_steps=500)
    SFTTrainer("Qwen/Qwen2.5-0.5B", args=args, train_dataset=rows, peft_config=lora).train()

Good:

    from datasets import load_dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    rows = load_dataset("json", data_files="rows.jsonl", split="train")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig("out", learning_rate=2e-4, max_steps=500)
    SFTTrainer("Qwen/Qwen2.5-0.5B", args=args, train_dataset=rows, peft_config=lora).train()

## Check it by hand
Train 50 steps at a third and at three times the rate. If the higher one learns faster and stays calm, the rate was
too low.

## References
- https://huggingface.co/docs/peft/developer_guides/lora
- https://huggingface.co/docs/trl/sft_trainer
- https://thinkingmachines.ai/blog/lora/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.program.adapters import READY, attached_by, config_of, is_given
from trainclinic.script.program.identities import loaded_names
from trainclinic.script.program.learning_rates import Rate, rates_of
from trainclinic.script.program.names import names_of_call
from trainclinic.script.program.objects import is_causal_lm, loading_call
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import constants
from trainclinic.script.program.updates import Training, is_adam, trained_models
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule

LORA_LOW = Threshold("learning rate of LoRA", 1e-5, "1", "a tenth of the lowest rate that guides of LoRA recommend")
LORA_HIGH = Threshold("learning rate of LoRA", 5e-3, "1", "published examples with small adapters go up to here")
LARGE_HIGH = Threshold("learning rate of a full fine-tune", 2e-4, "1", "ten times the usual rate above 1e9 parameters")
FULL_HIGH = Threshold("learning rate of a full fine-tune", 2e-3, "1", "pretrained weights are lost at such a rate")
SGD_LOW = Threshold("learning rate of SGD", 1e-4, "1", "without division by the gradient's size such steps are tiny")
BILLIONS = Threshold("parameters", 1.0, "1e9", "from this size on recipes of full fine-tuning stay below 5e-5")
_SIZE = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)b(?![a-z0-9])", re.I)
_PREFERENCES = frozenset({"Trainer", "Seq2SeqTrainer", "SFTTrainer"})
_LORA = frozenset({"peft.LoraConfig", "peft.AdaLoraConfig"})


def find(program: Program) -> Iterator[Alarm]:
    """Compare the learning rate of every training with the range of its kind."""
    for training in trained_models(program):
        rates = rates_of(training)
        place = next((rate.place for rate in rates if rate.place is not None), None) or training.by.place
        found = [_judged(training, rate) for rate in rates]
        if place is None or not found or any(one is None for one in found):
            continue
        kind, limit, advice = found[0] or ("", "", "")
        says = f"{kind} trains at a learning rate of {rates[0].value:g}, {limit}"
        yield Alarm(place, says, Certainty.LIKELY, mending=Mending(advice))


def _judged(training: Training, rate: Rate) -> tuple[str, str, str] | None:
    """What is trained, which limit the rate passes, and what to try; `None` for a usual rate."""
    if rate.value <= 0 or (rate.place is None and training.trainer is not None):
        return None
    if training.trainer is None and training.by.method == "SGD":
        low = is_causal_lm(training.model) and rate.value < SGD_LOW.value
        return ("SGD", f"below {SGD_LOW.value:g}", "use AdamW, or a rate near 1e-2") if low else None
    if not _is_adam(training):
        return None
    if _is_lora(training):
        return _judged_lora(training, rate.value)
    return _judged_full(training, rate.value) if not _has_adapter(training) else None


def _is_adam(training: Training) -> bool:
    if training.trainer is None:
        return is_adam(training.by)
    if training.trainer.part("optimizers") is not None:
        return False
    given = training.trainer.option("optim")
    return given is None or all("adam" in str(name) for name in constants(given))


def _has_adapter(training: Training) -> bool:
    given = training.trainer is not None and is_given(training.trainer.part("peft_config"))
    return given or attached_by(training.model) is not None


def _is_lora(training: Training) -> bool:
    attached = attached_by(training.model)
    if attached is not None and set(READY) & set(names_of_call(attached)):
        return True
    config = config_of(attached) if attached is not None else None
    if config is None and training.trainer is not None:
        config = training.trainer.part("peft_config")
    return isinstance(config, Call) and bool(_LORA & set(names_of_call(config)))


def _judged_lora(training: Training, rate: float) -> tuple[str, str, str] | None:
    prefers = training.trainer is not None and training.trainer.kind not in _PREFERENCES
    if rate < LORA_LOW.value and not prefers:
        return "an adapter", f"below {LORA_LOW.value:g}", "try 1e-4 to 2e-4"
    return ("an adapter", f"above {LORA_HIGH.value:g}", "try 1e-4 to 2e-4") if rate > LORA_HIGH.value else None


def _judged_full(training: Training, rate: float) -> tuple[str, str, str] | None:
    loader = loading_call(training.model)
    names = loaded_names(training.model) if loader is not None else constants(training.model)
    if not names or (loader is not None and (loader.method != "from_pretrained" or not is_causal_lm(training.model))):
        return None
    sizes = [float(size) for name in names for size in _SIZE.findall(str(name))]
    if sizes and min(sizes) >= BILLIONS.value and rate > LARGE_HIGH.value:
        return f"a full fine-tune of `{names[0]}`", f"above {LARGE_HIGH.value:g}", "try 1e-5 to 2e-5"
    return ("a full fine-tune", f"above {FULL_HIGH.value:g}", "try 1e-5 to 5e-5") if rate > FULL_HIGH.value else None


def _looked(program: Program) -> bool:
    return any(rate.place is not None for one in trained_models(program) for rate in rates_of(one) if _is_adam(one))


RULE = script_rule(
    code="OPT009",
    slug="unusual-learning-rate",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("the learning rate of a trainer or optimizer", "whether an adapter is trained"),
    find=find,
    looked=_looked,
    missing="a learning rate that the code gives to Adam",
    thresholds=(LORA_LOW, LORA_HIGH, LARGE_HIGH, FULL_HIGH, SGD_LOW, BILLIONS),
)
