"""Settings one after the other to facts, and what only several of them together say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from trainclinic.readers.settings.aliases import SECTIONS
from trainclinic.readers.settings.meanings import BY_FACT, BY_SETTING, mixed_precision, weights_dtype
from trainclinic.readers.settings.names import SettingFacts, canonical_setting, normal_name
from trainclinic.readers.settings.value_words import Said, dtype_name
from trainclinic.record.facts import Fact, coerce_fact_value
from trainclinic.record.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trainclinic.readers.file import LogFile
    from trainclinic.record.facts import How, Value

MAX_TEXT = 2_000
_LAUNCH_WORDS = {
    "tp": "tensor_parallel_processes",
    "pp": "pipeline_parallel_processes",
    "cp": "sequence_parallel_processes",
    "sp": "sequence_parallel",
}
"""Short names that mean this in launch scripts only."""
_LIBRARY_WORDS = """transformers torch pytorch peft trl accelerate datasets tokenizers deepspeed bitsandbytes axolotl
    llamafactory unsloth unsloth_zoo flash_attn xformers numpy python cuda safetensors liger_kernel vllm torchao triton
    lightning pytorch_lightning ms_swift sentence_transformers torchtune mlx mlx_lm llm_foundry composer
    huggingface_hub"""
LIBRARIES = frozenset(_LIBRARY_WORDS.split())
"""Libraries whose versions matter, with `_` for `-`."""
_SECRET = re.compile(
    r"(^|[_.])(password|passwd|secret|\w*api_?key|(hub|hf|auth|access|api|bearer)_token)$|(^|\.)token$"
)
_FRAMEWORKS = {
    "axolotl": "base_model sequence_len datasets adapter sample_packing pad_to_sequence_len val_set_size",
    "LLaMA-Factory": "finetuning_type cutoff_len stage dataset_dir template lora_target quantization_bit",
    "nanoGPT": "block_size max_iters n_embd n_layer grad_clip decay_lr eval_iters warmup_iters init_from",
    "mlx-lm": "iters lora_parameters mask_prompt steps_per_report steps_per_eval adapter_path lora_parameters.rank",
    "transformers": "per_device_train_batch_size num_train_epochs lr_scheduler_type logging_steps save_strategy",
}
_CERTAIN_KEYS = {"nanoGPT": 3}
"""How many of a tool's keys identify it; two by default, three where scripts of all kinds copy the names."""


class Interpreter:
    """Collects the facts of one configuration.

    Args:
        how: What kind of place the settings stand in.
        file: Name of the file, for sources.
    """

    def __init__(self, how: How, file: str) -> None:
        self._how = how
        self._file = file
        self._facts: list[Fact] = []
        self._other: list[Fact] = []
        self._versions: list[Fact] = []
        self._names: dict[str, tuple[Any, int | None]] = {}

    def take(self, name: str, value: Any, line: int | None) -> None:
        """Read one setting."""
        key = normal_name(name)
        if value is None or not key:
            return
        self._names.setdefault(key, (value, line))
        if self._is_version(key, value, line):
            return
        said = self._meaning(key, value)
        facts = [fact for fact_name, raw in said if (fact := self._fact(fact_name, raw, line, name.strip()))]
        self._facts += facts
        if not facts or key in {"deepspeed", "init_from"}:  # the text itself says more than the fact
            self._keep_other(name.strip(), value, line)

    def finish(self) -> SettingFacts:
        """Add what only several settings together say, and return everything."""
        self._settle_batch_sizes()
        self._settle_dtype()
        self._settle_model_name()
        self._settle_total()
        self._settle_processes()
        self._infer_objective()
        self._infer_method()
        self._infer_framework()
        return SettingFacts(self._facts, self._other, self._versions)

    def _meaning(self, key: str, value: Any) -> Said:
        rest = key
        while True:
            if rest in BY_SETTING:
                return BY_SETTING[rest](value)
            section, dot, tail = rest.partition(".")
            if not dot or section not in SECTIONS:
                break
            rest = tail
        if rest in {"dtype", "total"}:
            return []
        launched = self._how in {"environment", "command line"}
        fact = canonical_setting(key) or (_LAUNCH_WORDS.get(key) if launched else None)
        if fact is None:
            return []
        if fact == "sequence_parallel":
            return BY_SETTING[fact](value)
        return BY_FACT[fact](value) if fact in BY_FACT else [(fact, value)]

    def _fact(self, name: str, raw: Any, line: int | None, key: str) -> Fact | None:
        value = coerce_fact_value(name, raw)
        if value is None or (isinstance(value, str) and not value):
            return None
        return Fact(name, _clean(value), Source(self._file, line, key), self._how)

    def _keep_other(self, name: str, value: Any, line: int | None) -> None:
        if isinstance(value, bool):
            kept: Value = value
        elif isinstance(value, (int, float)) and abs(value) < 1e300:
            kept = float(value)
        elif isinstance(value, (list, tuple)):
            kept = ",".join(str(item) for item in value if not isinstance(item, int) or abs(item) < 1e300)
        else:
            kept = "" if isinstance(value, int) else str(value)
        if _SECRET.search(normal_name(name)):
            kept = "[redacted]"
        self._other.append(Fact(name, _clean(kept), Source(self._file, line, name), self._how))

    def _is_version(self, key: str, value: Any, line: int | None) -> bool:
        library = key.removesuffix("_version").rpartition(".")[2]
        if library not in LIBRARIES or not re.fullmatch(r"[v=]*\d+(\.\w+)+([+.\w-]*)?", str(value)):
            return False
        name = {"pytorch": "torch"}.get(library, library.replace("_", "-"))
        version = str(value).lstrip("v=")
        self._versions.append(Fact(name, version, Source(self._file, line, key), self._how))
        return True

    def _drop(self, name: str, setting: str) -> list[Fact]:
        """Take back the facts called `name` that came from `setting`."""
        taken = [f for f in self._facts if f.name == name and normal_name(f.source.key).rpartition(".")[2] == setting]
        self._facts = [f for f in self._facts if f not in taken]
        return taken

    def _settle_batch_sizes(self) -> None:
        """`batch_size` beside `micro_batch_size` is the global one (alpaca-lora, Megatron)."""
        if {"micro_batch_size", "per_device_train_batch_size", "device_batch_size"} & self._names.keys():
            for fact in self._drop("micro_batch_size", "batch_size"):
                self._facts.append(Fact("global_batch_size", fact.value, fact.source, fact.how))

    def _settle_dtype(self) -> None:
        """A bare `dtype` is autocast in nanoGPT-like scripts and the dtype of the weights elsewhere."""
        for key in ("dtype", "model.dtype", "training.dtype", "train.dtype"):
            value, line = self._names.get(key, (None, None))
            if dtype_name(value) is not None:
                autocast = key == "dtype" and (self._count("nanoGPT") >= 2 or "block_size" in self._names)
                said = mixed_precision(value) if autocast else weights_dtype(value)
                facts = [self._fact(name, raw, line, key) for name, raw in said]
                self._facts += [fact for fact in facts if fact is not None]
                self._other = [fact for fact in self._other if fact.name != key]

    def _settle_model_name(self) -> None:
        """A section `model` may carry the name of a wrapper class beside the model's own."""
        named = [fact for fact in self._facts if fact.name == "model_name"]
        if len(named) > 1 and any(not fact.source.key.endswith("name") or "_" in fact.source.key for fact in named):
            self._drop("model_name", "name")

    def _settle_total(self) -> None:
        """A bare `total` counts steps where a schedule stands beside it."""
        value, line = self._names.get("total", (None, None))
        if value is not None and self._has("schedule") and not self._has("planned_steps"):
            fact = self._fact("planned_steps", value, line, "total")
            self._facts += [fact] if fact is not None and float(fact.value) > 0 else []

    def _settle_processes(self) -> None:
        """Processes per node times nodes."""
        nodes = coerce_fact_value("world_size", self._names.get("nnodes", (None, None))[0])
        if not isinstance(nodes, float) or nodes <= 1:
            return
        for setting in ("nproc_per_node", "num_gpus"):
            for fact in self._drop("world_size", setting):
                self._facts.append(Fact("world_size", float(fact.value) * nodes, fact.source, "inferred"))

    def _infer_objective(self) -> None:
        """What the file name or settings that only one objective has tell, when nothing says it outright."""
        if self._has("objective"):
            return
        for key, word in (("num_generations", "grpo"), ("dpo_beta", "dpo"), ("pref_beta", "dpo"), ("kto_beta", "kto")):
            if key in self._names:
                self._infer("objective", word, key)
                return
        stem = self._file.rpartition("/")[2].lower()
        found = re.search(r"(?<![a-z])(dpo|grpo|ppo|kto|orpo)(?![a-z])", stem)
        loss_type = str(self._names.get("loss_type", ("", None))[0]).lower()
        if "beta" in self._names and (found or loss_type in {"sigmoid", "ipo", "hinge", "robust", "apo_zero"}):
            self._infer("objective", found[1] if found else "dpo", "beta")

    def _infer_method(self) -> None:
        methods = [fact for fact in self._facts if fact.name == "method"]
        bits = self._has("quantization_bits")
        if not methods and self._has("lora_rank"):
            rank = next(fact for fact in self._facts if fact.name == "lora_rank")
            if float(rank.value) > 0:
                self._infer("method", "qlora" if bits else "lora", rank.source.key)
        elif methods and bits and methods[0].value == "lora":
            place = self._facts.index(methods[0])
            self._facts[place] = Fact("method", "qlora", methods[0].source, "inferred")

    def _infer_framework(self) -> None:
        if self._has("framework"):
            return
        if any("torchtune." in str(value) for value, _ in self._names.values()):
            self._infer("framework", "torchtune", "_component_")
            return
        best = max(_FRAMEWORKS, key=lambda tool: (self._count(tool), tool != "transformers"))
        if self._count(best) >= _CERTAIN_KEYS.get(best, 2):
            self._infer("framework", best, next(k for k in self._names if k in _FRAMEWORKS[best].split()))

    def _count(self, tool: str) -> int:
        return len(self._names.keys() & set(_FRAMEWORKS[tool].split()))

    def _has(self, name: str) -> bool:
        return any(fact.name == name for fact in self._facts)

    def _infer(self, name: str, value: Value, key: str) -> None:
        line = next((line for known, (_, line) in self._names.items() if known == normal_name(key)), None)
        self._facts.append(Fact(name, value, Source(self._file, line, key), "inferred"))


def _clean(value: Value) -> Value:
    from trainclinic.readers.redact import redact

    return redact(value[:MAX_TEXT]) if isinstance(value, str) else value


def facts_from_settings(pairs: Iterable[tuple[str, Any, int | None]], how: How, file: LogFile | str) -> SettingFacts:
    """Turn settings of any tool into facts.

    Args:
        pairs: (name, value, line) as the file spells them; see `Setting`.
        how: What kind of place they stand in.
        file: The file, for sources.

    Returns:
        Facts of the vocabulary, settings under their own names, and library versions. Facts that follow from the
        value of a setting (`load_in_4bit`, `stage: dpo`) keep its line; those that follow from several are `inferred`.
    """
    interpreter = Interpreter(how, file if isinstance(file, str) else file.name)
    for name, value, line in pairs:
        interpreter.take(name, value, line)
    return interpreter.finish()
