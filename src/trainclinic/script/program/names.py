"""Names of library functions and classes as the field says them, whatever path they were imported by."""

from __future__ import annotations

import sys
from functools import lru_cache

from trainclinic.script.program.definitions import Class, Function
from trainclinic.script.program.values import Call, External, Value

SHORTENED = frozenset(
    {"transformers", "trl", "peft", "accelerate", "datasets", "unsloth", "diffusers", "bitsandbytes", "tokenizers"}
)
"""Packages whose public names are flat: the path inside says nothing."""
ALIASES = {
    "torch.cuda.amp.GradScaler": "torch.amp.GradScaler",
    "torch.cuda.amp.autocast": "torch.autocast",
    "torch.amp.autocast": "torch.autocast",
    "torch.amp.autocast_mode.autocast": "torch.autocast",
    "torch.utils.data.dataloader.DataLoader": "torch.utils.data.DataLoader",
    "torch.nn.parallel.distributed.DistributedDataParallel": "torch.nn.parallel.DistributedDataParallel",
    "torch.nn.modules.loss.CrossEntropyLoss": "torch.nn.CrossEntropyLoss",
}


LIBRARIES = (
    frozenset(sys.stdlib_module_names)
    | SHORTENED
    | frozenset(
        [
            "torch",
            "numpy",
            "torchvision",
            "torchaudio",
            "deepspeed",
            "scipy",
            "sklearn",
            "pandas",
            "jax",
            "jaxlib",
            "flax",
            "optax",
            "mlx",
            "tensorflow",
            "keras",
            "lightning",
            "pytorch_lightning",
            "evaluate",
            "wandb",
            "mlflow",
            "tqdm",
            "einops",
            "flash_attn",
            "xformers",
            "triton",
            "apex",
            "safetensors",
            "huggingface_hub",
            "trackio",
            "sentence_transformers",
            "liger_kernel",
            "composer",
            "llmfoundry",
            "vllm",
            "ray",
            "hydra",
            "omegaconf",
            "yaml",
            "fire",
            "typer",
            "click",
            "rich",
            "pydantic",
            "absl",
            "sacrebleu",
            "rouge_score",
            "nltk",
            "sentencepiece",
            "tiktoken",
            "PIL",
            "cv2",
            "matplotlib",
            "optimum",
            "torchao",
            "timm",
            "open_clip",
            "ml_dtypes",
        ]
    )
)
"""Packages whose dotted names are modules, functions and classes; those of other packages may be objects."""


def is_library(name: str) -> bool:
    """Whether a full dotted name belongs to a package of Python or of the field.

    Args:
        name: The name.
    """
    return name.partition(".")[0] in LIBRARIES or name.startswith("builtins.")


@lru_cache(maxsize=20_000)
def canonical(name: str) -> str:
    """The shortest public name: `transformers.models.gpt2.modeling_gpt2.GPT2Model` is `transformers.GPT2Model`.

    Args:
        name: Full dotted name as imported.
    """
    package, *rest = name.split(".")
    if package in SHORTENED and len(rest) > 1:
        at = next((n for n, part in enumerate(rest) if part[:1].isupper()), len(rest) - 1)
        return ".".join([package, *rest[at:]])
    if (
        package == "torch"
        and len(rest) > 2
        and rest[0] == "optim"
        and rest[-1][:1].isupper()
        and rest[1] != "lr_scheduler"
    ):
        return f"torch.optim.{rest[-1]}"
    return ALIASES.get(name, name)


def name_of(value: Value | None) -> str:
    """The canonical name of a library's function, class or constant; empty for everything else."""
    return canonical(value.name) if isinstance(value, External) else ""


def names_of_call(call: Call) -> tuple[str, ...]:
    """Every name under which a call can be asked for.

    The canonical name, `.method` for a method of some object, `*.method` always; for a class of the files also the
    names of the library classes that it derives from.
    """
    function = call.function
    method = call.method
    if isinstance(function, External):
        return (canonical(function.name), f"*.{method}")
    if isinstance(function, Class):
        bases = [one for one in function.lineage() if isinstance(one, External)]
        return (
            function.name,
            *(canonical(base.name) for base in bases),
            *(f"*.{b.name.rpartition('.')[2]}" for b in bases),
        )
    if isinstance(function, Function):
        return (function.name, f"*.{method}", *((f".{method}",) if function.receiver is not None else ()))
    return (f".{method}", f"*.{method}") if method else ()
