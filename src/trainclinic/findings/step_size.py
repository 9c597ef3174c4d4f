"""How large the updates of a run are meant to be, beside what is usual for its kind of training.

A learning rate is judged against every range that the run may belong to: it is above (or below) the usual only when it
is so for all of them, and within only when it is so for all of them. The ranges hold for Adam and its relatives; other
optimizers measure their steps differently, and nothing is said about them. It does not know whether a rate did harm.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Evidence
from trainclinic.catalogue.wording import number

if TYPE_CHECKING:
    from trainclinic.signals.measured import Measured

Method = Literal["adapter", "full", "other", "unknown"]


@dataclass(frozen=True, slots=True)
class UsualRange:
    """Learning rates that published recipes of one kind of training use.

    Attributes:
        name: The kind of training, as words after "the usual range of".
        low: Lowest peak rate that is common.
        high: Highest.
        why: Recipes that it was taken from.
    """

    name: str
    low: float
    high: float
    why: str

    @property
    def ends(self) -> tuple[Evidence, Evidence]:
        """Where the range begins and ends, as sentences."""
        begin, end = (
            f"the usual range of {self.name} {w} at {v:.2g}" for w, v in (("begins", self.low), ("ends", self.high))
        )
        return Evidence(begin), Evidence(end)

    def limits(self) -> tuple[Threshold, Threshold]:
        """Both ends, for the reference."""
        ends = (("lowest", self.low), ("highest", self.high))
        return tuple(Threshold(f"{which} rate of {self.name}", v, "1", self.why) for which, v in ends)  # type: ignore[return-value]


FULL = UsualRange(
    "full fine-tuning",
    5e-7,
    5e-5,
    "TRL's default is 2e-5, Llama and Tulu recipes use 2e-6 to 2e-5; public failures had a LoRA rate of 2e-4",
)
FULL_SMALL = UsualRange(
    "full fine-tuning of a model below 1 B",
    1e-6,
    5e-4,
    "GPT-2 is fine-tuned at 3e-5 to 5e-4 (nanoGPT, Radford et al. 2018); small models bear larger steps",
)
ADAPTER = UsualRange(
    "LoRA",
    1e-5,
    5e-4,
    "LoRA and QLoRA papers and the defaults of tools: 1e-4 to 3e-4; ten times the rate of full fine-tuning works best",
)
ADAPTER_SMALL = UsualRange(
    "LoRA on a model below 1 B", 1e-5, 2e-3, "LoRA paper: 2e-4 to 5e-4 for GPT-2 and RoBERTa; peft examples: 1e-3"
)
ADAPTER_MLX = UsualRange(
    "MLX adapters",
    1e-6,
    1e-4,
    "mlx-lm's default is 1e-5, because its `scale` of 10 to 20 multiplies every update and is not divided by the rank",
)
PREFERENCE = UsualRange(
    "preference training", 5e-8, 1e-5, "TRL's default is 1e-6, Zephyr used 5e-7, SimPO 3e-7 to 1e-6, ORPO 8e-6"
)
PREFERENCE_ADAPTER = UsualRange(
    "preference training with adapters", 5e-7, 5e-5, "recipes with LoRA use 5e-6 to 2e-5, ten times the full rate"
)
POLICY = UsualRange("training on sampled answers", 1e-7, 2e-5, "TRL's defaults: GRPO 1e-6, PPO 3e-6, earlier 1.41e-5")
POLICY_ADAPTER = UsualRange(
    "training on sampled answers with adapters", 5e-7, 1e-4, "recipes with LoRA use 5e-6 to 5e-5"
)
REWARD = UsualRange("reward models", 5e-7, 5e-4, "TRL's default is 1e-4; full models are trained at 1e-6 to 1e-5")
ENCODER = UsualRange("fine-tuning an encoder", 1e-6, 2e-4, "BERT paper: 2e-5 to 5e-5; small encoders up to 1e-4")
ENCODER_ADAPTER = UsualRange("adapters on an encoder", 1e-5, 5e-3, "LoRA paper: 4e-4 to 5e-4; peft examples: 1e-3")
SEQ2SEQ = UsualRange(
    "fine-tuning an encoder-decoder", 1e-6, 1e-3, "BART and Marian 2e-5 to 5e-5, T5 1e-4 to 3e-4, with Adafactor 1e-3"
)
CONTINUED = UsualRange("continued pretraining", 1e-6, 6e-4, "1e-5 up to the peak rate of the pretraining itself, 3e-4")
RANGES = (
    FULL,
    FULL_SMALL,
    ADAPTER,
    ADAPTER_SMALL,
    ADAPTER_MLX,
    PREFERENCE,
    PREFERENCE_ADAPTER,
    POLICY,
    POLICY_ADAPTER,
    REWARD,
    ENCODER,
    ENCODER_ADAPTER,
    SEQ2SEQ,
    CONTINUED,
)
SCRATCH_ABOVE = Threshold(
    "peak rate over that of Kaplan et al. for the size",
    10.0,
    "1",
    "their rule, 0.003239 - 0.0001395 ln N, is that of GPT-3; recent recipes go 3 to 5 times higher",
)
SCRATCH_BELOW = Threshold(
    "peak rate below that of Kaplan et al. for the size, as a factor",
    30.0,
    "1",
    "the largest models and long schedules use a tenth of it",
)
SMALL = Threshold("parameters", 1e9, "1", "recipes for models below about a billion parameters use larger rates")
_OTHER_METHODS = re.compile(r"prompt|prefix|p-?tuning|ia3|vera|bitfit|galore|badam|lisa|oft|boft|freeze")
_OTHER_OPTIMIZERS = re.compile(r"galore|apollo|prodigy|muon|schedule.?free|adafactor|loraplus|lora\+|adamini|nadam")
_OTHER_SETTINGS = re.compile(r"loraplus_lr_ratio|lora_?plus|(?:^|[._])use_?mup|(?:^|[._])mup(?:$|[._])")
_NAMED_SIZE = re.compile(r"(?<![\w.])(?:(\d+)x)?(\d+(?:\.\d+)?)\s?([bm])(?![a-z])", re.I)
_SMALL_NAMES = re.compile(r"(?:^|[/_-])(?:gpt2|distilgpt2|gpt2-medium|distil\w+|pythia-\d+m)(?:$|[/_-])", re.I)


def method_of(run: Measured) -> Method:
    """Whether adapters or all parameters are trained."""
    facts = run.record.facts
    method = (facts.text("method") or "").lower()
    if _OTHER_METHODS.search(method):
        return "other"
    if "lora" in method or "dora" in method or facts.number("lora_rank") is not None:
        return "adapter"
    if facts.number("quantization_bits") is not None:
        return "adapter"
    if (facts.text("framework") or "").lower() in ("axolotl", "nanogpt"):
        return "full"  # axolotl trains all parameters unless an adapter is named
    every, trained = facts.number("parameter_count"), facts.number("trainable_parameter_count")
    if every and trained:
        return "full" if trained > 0.99 * every else "adapter" if trained < 0.2 * every else "other"
    return "full" if "full" in method or run.objective.started_from == "scratch" else "unknown"


def parameters_of(run: Measured) -> float | None:
    """Number of parameters, as counted or as the model's name says."""
    counted = run.record.facts.number("parameter_count")
    if counted:
        return counted
    name = run.record.facts.text("model_name") or ""
    found = _NAMED_SIZE.search(name)
    if found is None:
        return 3e8 if _SMALL_NAMES.search(name) else None
    return float(found[1] or 1) * float(found[2]) * (1e9 if found[3].lower() == "b" else 1e6)


def usual_ranges(run: Measured) -> tuple[UsualRange, ...] | str:
    """Every range that the run may belong to, or what is missing to say so, as a noun phrase."""
    facts, method, kind = run.record.facts, method_of(run), run.objective.kind
    optimizer = (facts.text("optimizer") or "").lower()
    if optimizer and ("adam" not in optimizer or _OTHER_OPTIMIZERS.search(optimizer)):
        return f"usual learning rates of `{optimizer}`"
    odd = next((fact.name for fact in run.record.other_facts if _OTHER_SETTINGS.search(fact.name.lower())), None)
    if method == "other" or odd:
        return f"usual learning rates for `{odd or facts.text('method') or 'a part of the parameters'}`"
    if kind in ("speech", "vision", "diffusion", "regression"):
        return f"usual learning rates for {kind} models"
    start = run.objective.started_from
    if kind == "classification" and start != "pretrained":
        return "whether the classifier starts from pretrained weights"
    ranges: list[UsualRange] = []
    if method in ("adapter", "unknown") and start != "scratch":
        ranges += _with_adapters(run)
    if method in ("full", "unknown") and start != "scratch":
        ranges += _in_full(run)
    if method in ("full", "unknown") and start != "pretrained" and kind in ("causal-lm", "masked-lm", "unknown"):
        ranges += _from_scratch(run)
    return tuple(dict.fromkeys(ranges)) or "the method (full, LoRA) and the start (pretrained, from scratch)"


def _with_adapters(run: Measured) -> list[UsualRange]:
    kind, size = run.objective.kind, parameters_of(run)
    if "mlx" in (run.record.facts.text("framework") or "").lower():
        return [ADAPTER_MLX]
    tuned = [ADAPTER] * (size is None or size >= SMALL.value) + [ADAPTER_SMALL] * (size is None or size < SMALL.value)
    encoders = [ENCODER_ADAPTER]
    by_kind = {
        "preference": [PREFERENCE_ADAPTER],
        "rl": [POLICY_ADAPTER],
        "reward": [REWARD],
        "classification": encoders,
        "masked-lm": encoders,
        "seq2seq": encoders,
        "unknown": [*tuned, PREFERENCE_ADAPTER, POLICY_ADAPTER],
    }
    return by_kind.get(kind, tuned)


def _in_full(run: Measured) -> list[UsualRange]:
    kind, size = run.objective.kind, parameters_of(run)
    tuned = [FULL] * (size is None or size >= SMALL.value) + [FULL_SMALL] * (size is None or size < SMALL.value)
    if "pretrain" in (run.record.facts.text("objective") or "").lower():
        tuned = [CONTINUED]
    by_kind = {
        "preference": [PREFERENCE],
        "rl": [POLICY],
        "reward": [REWARD],
        "classification": [ENCODER],
        "masked-lm": [ENCODER, CONTINUED],
        "seq2seq": [SEQ2SEQ],
        "unknown": [*tuned, PREFERENCE, POLICY, ENCODER, SEQ2SEQ],
    }
    return by_kind.get(kind, tuned)


def _from_scratch(run: Measured) -> list[UsualRange]:
    """Around the rule of Kaplan et al. (2020, appendix D.6); over all usual sizes when the size is unknown."""
    size = parameters_of(run)
    sizes = (1e6, 1e10) if size is None else (size, size)
    high, low = (0.003239 - 0.0001395 * math.log(min(max(n, 1e6), 1e10)) for n in sizes)
    name = "pretraining from scratch" if size is None else f"pretraining {number(size / 1e6, 3)} M parameters"
    return [UsualRange(name, low / SCRATCH_BELOW.value, high * SCRATCH_ABOVE.value, SCRATCH_ABOVE.why)]


def is_named(run: Measured) -> bool:
    """Whether anything says what is trained, or how: a rate of 0.1 is usual for SGD in vision."""
    known = run.objective.kind != "unknown" or run.objective.started_from != "unknown"
    return known or method_of(run) != "unknown"


def peak_rate(run: Measured) -> tuple[float, Evidence] | None:
    """The highest learning rate of the run: as configured, or as logged where that is higher or all there is."""
    fact, logged = run.record.facts.get("learning_rate"), run.record.get("train/learning_rate")
    top = None if logged is None or not np.isfinite(logged.value).any() else int(np.nanargmax(logged.value))
    if logged is not None and top is not None:
        value = float(logged.value[top])
        if value > 0 and (fact is None or value > 1.05 * float(fact.value)):
            step = int(logged.step[top])
            says = f"the learning rate is {value:g} at {run.record.axis} {step}"
            return value, Evidence(says, logged.source(top), step, "train/learning_rate")
    if fact is None or float(fact.value) <= 0:
        return None
    return float(fact.value), Evidence(f"`learning_rate` is {float(fact.value):g}", fact.source)


def shows_peak(run: Measured) -> bool:
    """Whether the highest rate is known: it is configured, or the log begins early and passes its top."""
    if run.record.facts.get("learning_rate") is not None:
        return True
    logged = run.record.get("train/learning_rate")
    if logged is None or len(logged) < 3 or (run.resume is not None and run.initial_loss is None):
        return False
    top, early = int(np.nanargmax(logged.value)), logged.step[0] <= 0.1 * logged.step[-1]
    level = np.nanmax(logged.value)
    return bool(early and (top < len(logged) - 1 or np.nanmin(logged.value) == level))


def sign_of_harm(run: Measured) -> Evidence | None:
    """What too large updates would cause: a non-finite value, a spike, or an end above the beginning."""
    if run.onset is not None:
        return Evidence(f"a non-finite value appears at step {run.onset.step}", run.onset.source, run.onset.step)
    spikes = run.spikes.found if run.spikes is not None else ()
    if spikes:
        return Evidence(f"the loss spikes at step {spikes[0].at.step}", None, spikes[0].at.step, spikes[0].series)
    trend = run.trend
    if trend is not None and trend.last > max(trend.first, trend.start) + 3 * trend.noise:
        return Evidence(f"the loss ends at {number(trend.last)}, above its start of {number(trend.first)}")
    return None
