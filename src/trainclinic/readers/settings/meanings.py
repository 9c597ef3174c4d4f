"""What the value of a setting says: `load_in_4bit: true`, `stage: dpo`, `precision: bf16-mixed`, `betas: [0.9, 0.95]`.

Knows the words of many tools, one small function per kind of setting. It does not know where settings come from.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from trainclinic.readers.settings.launch_meanings import (
    added_tokens,
    deepspeed,
    eight_bit_optimizer,
    fully_sharded,
    padding,
    plugins,
    recomputation,
    resumption,
    sampling,
    sequence_parallel,
    strategy,
)
from trainclinic.readers.settings.value_words import Said, dtype_name, is_true
from trainclinic.record.facts import coerce_fact_value


def mixed_precision(raw: Any) -> Said:
    """Autocast by name: `fp16`, `bf16-mixed`, `amp_bf16`, `16-mixed`, `no`; `bf16-true` is the weights' dtype."""
    word = str(raw).strip().strip("'\"").lower()
    if word.endswith("-true") or word.startswith("pure_"):
        return weights_dtype(word.removesuffix("-true").removeprefix("pure_"))
    dtype = dtype_name(word.removesuffix("-mixed").removeprefix("amp_").removeprefix("mixed_"))
    if word in {"no", "none", "off", "false"} or dtype == "float32":
        return [("fp16", False), ("bf16", False)]
    return [("fp16", dtype == "float16"), ("bf16", dtype == "bfloat16")] if dtype else []


def weights_dtype(raw: Any) -> Said:
    """The dtype that the weights are loaded in."""
    dtype = dtype_name(raw)
    return [("weights_dtype", dtype)] if dtype else []


def precision_flag(name: str) -> Callable[[Any], Said]:
    """`fp16: true`, `bf16: full`, `fp16: {"enabled": true}` once flattened; `auto` says nothing."""

    def says(raw: Any) -> Said:
        flag = True if str(raw).strip().lower() in {"full", "true_fp16"} else is_true(raw)
        return [] if flag is None else [(name, flag)]

    return says


def quantised_to(bits: int) -> Callable[[Any], Said]:
    """`load_in_4bit: true` names the bits; false says only that this is not how the base is loaded."""

    def says(raw: Any) -> Said:
        flag = is_true(raw)
        return [] if flag is None else [("quantization_bits", bits) if flag else (f"load_in_{bits}bit", False)]

    return says


def quantization(raw: Any) -> Said:
    """Bits out of `4`, `int8`, `bnb.nf4`, `nf4`, `gptq-4bit`."""
    found = re.search(r"(?<!\d)(2|3|4|8)(?!\d)", str(raw))
    return [("quantization_bits", int(found[1]))] if found else []


def method(raw: Any) -> Said:
    """`lora`, `qlora`, `full`, `freeze`, and PEFT's other types by their own names in lower case."""
    word = str(raw).strip().lower().removeprefix("pefttype.").removeprefix("custom_").removeprefix("hqq_")
    if not re.fullmatch(r"[a-z][a-z0-9_+-]{1,24}", word) or word in {"none", "null", "true", "false", "auto"}:
        return []
    return [("method", {"dora": "lora", "full_finetune": "full", "bnb_dora": "qlora"}.get(word, word))]


def switches_method(name: str, otherwise: str = "") -> Callable[[Any], Said]:
    """`use_lora: true` is a method; false is the other one, where there is only one other."""

    def says(raw: Any) -> Said:
        flag = is_true(raw)
        chosen = name if flag else otherwise
        return [("method", chosen)] if flag is not None and chosen else []

    return says


_OBJECTIVES = {
    "pt": "pretraining",
    "pretrain": "pretraining",
    "pretraining": "pretraining",
    "rm": "reward",
    "reward_modeling": "reward",
    "simpo": "orpo",
    "ipo": "dpo",
    "cpo": "orpo",
    "gdpo": "grpo",
    "rlhf": "ppo",
}
_KNOWN_OBJECTIVES = {"sft", "pretraining", "dpo", "grpo", "ppo", "kto", "orpo", "reward", "rloo"}


def objective(raw: Any) -> Said:
    """`stage: sft`, `rl: ipo`, `trainer: DPOTrainer`: the family of the objective (IPO is judged like DPO)."""
    word = str(raw).strip().strip("'\"").lower().removesuffix("trainer").removesuffix("config").strip("_- ")
    word = _OBJECTIVES.get(word, word)
    if "seq2seq" in word:
        word = "seq2seq"
    return [("objective", word)] if word in _KNOWN_OBJECTIVES | {"seq2seq"} else []


_TASKS = {"seq_cls": "classification", "token_cls": "classification", "seq_2_seq_lm": "seq2seq"}


def task_type(raw: Any) -> Said:
    """PEFT's task type where it decides the objective; `CAUSAL_LM` does not."""
    word = _TASKS.get(str(raw).strip().lower().removeprefix("tasktype."))
    return [("objective", word)] if word else []


def architectures(raw: Any) -> Said:
    """The head of a transformers class: `LlamaForSequenceClassification`; a causal head says nothing."""
    text = str(raw)
    heads = {
        "ForSequenceClassification": "classification",
        "ForTokenClassification": "classification",
        "ForImageClassification": "classification",
        "ForMaskedLM": "masked-lm",
        "ForConditionalGeneration": "seq2seq",
    }
    multimodal = re.search(r"VL|Vision|Llava|Gemma3|Mllama|Multimodal|Audio|Omni", text)
    return [("objective", word) for head, word in heads.items() if head in text and not multimodal][:1]


def schedule(raw: Any) -> Said:
    """The schedule's plain name: `SchedulerType.COSINE`, `get_cosine_schedule_with_warmup`, `WarmupDecayLR`."""
    word = str(raw).strip().strip("'\"").lower().rpartition(".")[2].removeprefix("get_")
    word = re.sub(r"_schedule|_decay$|lr$|annealing", "", word)
    known = {"warmupdecay": "linear", "warmup": "constant_with_warmup", "cosine_with_warmup": "cosine"}
    known |= {"linear_with_warmup": "linear", "warmupcosine": "cosine", "none": "", "null": "", "true": "", "false": ""}
    word = known.get(word, word)
    return [("schedule", word)] if re.fullmatch(r"[a-z][\w -]{1,40}", word) else []


def decays(raw: Any) -> Said:
    """The `decay_lr` of nanoGPT: its only schedule is a cosine."""
    flag = is_true(raw)
    return [] if flag is None else [("schedule", "cosine" if flag else "constant")]


def warmup(raw: Any) -> Said:
    """Warm-up steps; a value between 0 and 1 is a share of the run (transformers 5 and many scripts)."""
    value = coerce_fact_value("warmup_steps", raw)
    if not isinstance(value, float) or value < 0:
        return []
    return [("warmup_ratio" if 0 < value < 1 else "warmup_steps", value)]


def duration(raw: Any) -> Said:
    """Composer's `max_duration`: `100ba` are batches, `3ep` epochs; tokens say nothing about steps."""
    found = re.fullmatch(r"([\d_]+)(ba|ep)", str(raw).strip())
    return [("planned_steps" if found[2] == "ba" else "planned_epochs", found[1])] if found else []


def betas(raw: Any) -> Said:
    """Adam's two decays, as a list or as `(0.9,0.999)`."""
    numbers = re.findall(r"\d*\.\d+", str(raw))
    return [("adam_beta1", numbers[0]), ("adam_beta2", numbers[1])] if len(numbers) == 2 else []


def optimizer(raw: Any) -> Said:
    """The optimizer's name out of a name, a class path, an enum or a model card's sentence, whose numbers also count.

    `Adam with betas=(0.9,0.999) and epsilon=1e-08`, `OptimizerNames.ADAMW_TORCH`, `torch.optim.AdamW`.
    """
    text = str(raw).strip().strip("'\"")
    name = re.sub(r"^(use )?(optimizernames\.)?", "", text, flags=re.I)
    name = re.split(r" with |\s*\(", name)[0].rpartition(".")[2].strip().lower()
    said: Said = [("optimizer", name)] if re.fullmatch(r"[a-z][\w-]{1,40}", name) and name != "none" else []
    pair = re.search(r"betas=\(([^)]*)\)", text)
    epsilon = re.search(r"epsilon=([\d.eE+-]+)", text)
    said += betas(pair[1]) if pair else []
    return said + ([("adam_epsilon", epsilon[1])] if epsilon else [])


def attention(name: str) -> Callable[[Any], Said]:
    """`flash_attention: true`; LLaMA-Factory's `flash_attn: fa2 | sdpa | disabled`."""
    words = {"fa2": "flash_attention_2", "sdpa": "sdpa", "disabled": "eager", "fa3": "flash_attention_3"}

    def says(raw: Any) -> Said:
        word = words.get(str(raw).strip().lower())
        if word is None and is_true(raw):
            word = name
        return [("attention_implementation", word)] if word else []

    return says


def inverted(name: str) -> Callable[[Any], Said]:
    """A flag that says the opposite of the fact: `mask_prompt: true` is no training on inputs."""

    def says(raw: Any) -> Said:
        flag = is_true(raw)
        return [] if flag is None else [(name, not flag)]

    return says


def device(raw: Any) -> Said:
    """`cuda:0` is `cuda`; `auto` and device maps say nothing."""
    word = str(raw).strip().strip("'\"").lower().partition(":")[0]
    known = {"gpu": "cuda"}
    word = known.get(word, word)
    return [("device", word)] if word in {"cpu", "cuda", "mps", "xpu", "tpu", "npu", "hpu"} else []


def is_device(name: str) -> Callable[[Any], Said]:
    """`use_cpu: true`; false says nothing."""
    return lambda raw: [("device", name)] if is_true(raw) else []


def gpu_name(raw: Any) -> Said:
    """A name of an accelerator: a bare number is an index or a count, a maker's name alone was cut off."""
    text = re.split(r"\.\s", str(raw).strip())[0]
    named = re.search(r"[A-Za-z]{2}|[A-Z]\d", text) and is_true(text) is None
    return [("gpu_name", text)] if named and text.lower() not in {"auto", "tesla", "nvidia", "amd", "apple"} else []


def planned(name: str) -> Callable[[Any], Said]:
    """A plan of steps or epochs; `-1` and 0 mean that the other one decides."""

    def says(raw: Any) -> Said:
        value = coerce_fact_value(name, raw)
        return [(name, value)] if isinstance(value, float) and value > 0 else []

    return says


def global_batch(raw: Any) -> Said:
    """Sequences per optimizer step; a value of tens of thousands counts tokens (as in many GPT-2 reproductions)."""
    value = coerce_fact_value("global_batch_size", raw)
    return [("global_batch_size", value)] if isinstance(value, float) and 0 < value < 30_000 else []


def sequence_length(raw: Any) -> Said:
    """Tokens; the huge number that tokenizers without a limit carry is no length."""
    value = coerce_fact_value("sequence_length", raw)
    return [("sequence_length", value)] if isinstance(value, float) and 0 < value < 1e8 else []


def initialisation(raw: Any) -> Said:
    """The `init_from` of nanoGPT: a pretrained model's name, or `scratch` and `resume`, which name none."""
    text = str(raw).strip()
    return [("model_name", text)] if text.lower().startswith(("gpt2", "hf:")) or "/" in text else []


def names(fact: str) -> Callable[[Any], Said]:
    """A list of names, also as the text `[q_proj, v_proj]`."""

    def says(raw: Any) -> Said:
        items = raw if isinstance(raw, (list, tuple)) else re.split(r"[\s,]+", str(raw).strip("[](){} "))
        text = ",".join(str(item).strip("'\" ") for item in items if re.search(r"\w", str(item)))
        return [(fact, text)] if text else []

    return says


BY_FACT: dict[str, Callable[[Any], Said]] = {
    "schedule": schedule,
    "warmup_steps": warmup,
    "optimizer": optimizer,
    "gpu_name": gpu_name,
    "planned_steps": planned("planned_steps"),
    "planned_epochs": planned("planned_epochs"),
    "global_batch_size": global_batch,
    "sequence_length": sequence_length,
    "lora_target_modules": names("lora_target_modules"),
    "lora_modules_to_save": names("lora_modules_to_save"),
    "gradient_checkpointing": recomputation,
    "resume_from": resumption,
    "eight_bit_optimizer": eight_bit_optimizer,
}
"""Facts whose values need to be read, whatever the setting is called."""

BY_SETTING: dict[str, Callable[[Any], Said]] = {
    **dict.fromkeys(("fp16", "use_fp16", "float16", "fp16.enabled", "half"), precision_flag("fp16")),
    **dict.fromkeys(("bf16", "use_bf16", "bfloat16", "bf16.enabled"), precision_flag("bf16")),
    **dict.fromkeys(("mixed_precision", "precision", "mixed_precision_training", "amp_dtype"), mixed_precision),
    **dict.fromkeys(("torch_dtype", "weights_dtype", "model_dtype", "model_init_kwargs.dtype"), weights_dtype),
    **dict.fromkeys(("model_init_kwargs.torch_dtype", "load_dtype"), weights_dtype),
    "pure_bf16": lambda raw: weights_dtype("bf16") if is_true(raw) else [],
    **dict.fromkeys(("load_in_8bit", "use_8bit", "load_in_8_bit"), quantised_to(8)),
    **dict.fromkeys(("load_in_4bit", "use_4bit", "load_in_4_bit"), quantised_to(4)),
    **dict.fromkeys(
        ("quantization", "quantization_bit", "quant_bits", "quantization_bits", "quant_method", "quantize", "bits"),
        quantization,
    ),
    **dict.fromkeys(("adapter", "finetuning_type", "train_type", "fine_tune_type", "peft_type", "method"), method),
    **dict.fromkeys(("tuner_type", "peft_method", "finetune_type", "training_type"), method),
    **dict.fromkeys(("use_lora", "lora_enable", "enable_lora", "lora"), switches_method("lora", "full")),
    "use_peft": switches_method("lora"),
    **dict.fromkeys(("use_qlora", "qlora"), switches_method("qlora")),
    **dict.fromkeys(("full_finetune", "full_finetuning", "full_ft"), switches_method("full")),
    **dict.fromkeys(("stage", "rl", "rlhf_type", "objective", "trainer", "trainer_class", "trainer_type"), objective),
    **dict.fromkeys(("pref_loss", "training_stage", "train_method", "train_mode"), objective),
    "task_type": task_type,
    "architectures": architectures,
    "decay_lr": decays,
    "init_from": initialisation,
    "max_duration": duration,
    **dict.fromkeys(("betas", "optimizer.betas", "optim.betas", "adam_betas", "optimizer.params.betas"), betas),
    "deepspeed": deepspeed,
    **dict.fromkeys(("flash_attention", "flash_attn", "use_flash_attn"), attention("flash_attention_2")),
    **dict.fromkeys(("use_flash_attention", "use_flash_attention_2"), attention("flash_attention_2")),
    "sdp_attention": attention("sdpa"),
    "eager_attention": attention("eager"),
    "xformers_attention": attention("xformers"),
    **dict.fromkeys(("mask_prompt", "completion_only_loss", "train_on_responses_only"), inverted("train_on_inputs")),
    **dict.fromkeys(("mask_prompts", "train_on_completions_only", "mask_inputs"), inverted("train_on_inputs")),
    "assistant_only_loss": lambda raw: [("train_on_inputs", False)] if is_true(raw) else [],
    "response_template": lambda raw: [("train_on_inputs", False)] if str(raw).strip() else [],
    "disable_gradient_checkpointing": inverted("gradient_checkpointing"),
    "dynamic_padding": inverted("pads_to_maximum"),
    "padding": padding,
    **dict.fromkeys(("fsdp", "use_fsdp", "enable_fsdp", "training.fsdp"), fully_sharded),
    **dict.fromkeys(("strategy", "distributed_type"), strategy),
    **dict.fromkeys(("sequence_parallel", "use_sequence_parallel"), sequence_parallel),
    **dict.fromkeys(("new_special_tokens", "add_tokens", "added_tokens", "extra_tokens"), added_tokens),
    **dict.fromkeys(("tokens", "additional_tokens", "new_tokens"), added_tokens),
    **dict.fromkeys(("train_sampling_strategy", "sampling_strategy"), sampling),
    "plugins": plugins,
    "device": device,
    **dict.fromkeys(("use_cpu", "no_cuda"), is_device("cpu")),
    "use_mps_device": is_device("mps"),
}
"""Settings whose value decides which facts they state."""
