"""What an object is: the call that made it, what wrapped it since, and whether it is a model or a tokenizer."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainclinic.script.program.definitions import Class, Instance
from trainclinic.script.program.names import name_of, names_of_call
from trainclinic.script.program.open_values import Parameter, Setting
from trainclinic.script.program.reading import argument
from trainclinic.script.program.values import Attribute, Call, Choice, Constant, External, Item, Value

SAME_OBJECT = frozenset(
    {
        "to",
        "cuda",
        "cpu",
        "half",
        "float",
        "bfloat16",
        "double",
        "train",
        "eval",
        "requires_grad_",
        "type",
        "mps",
        "npu",
    }
)
"""Methods that give back the module they are called on."""
SAME_DATA = SAME_OBJECT | {
    "clone",
    "copy",
    "contiguous",
    "detach",
    "long",
    "int",
    "view",
    "reshape",
    "flatten",
    "squeeze",
    "unsqueeze",
    "pin_memory",
    "numpy",
    "tolist",
    "astype",
    "to_dense",
    "deepcopy",
}
"""Methods that keep the content of a tensor or list, up to type, device and shape."""
_STACKED = ("stack", "array", "asarray", "concatenate", "vstack")
SAME_DATA_FUNCTIONS = frozenset(
    {f"torch.{name}" for name in ("tensor", "as_tensor", "from_numpy", "LongTensor", "stack", "clone", "flatten")}
    | {f"torch.{name}" for name in ("squeeze", "unsqueeze", "reshape", "vstack")}
    | {f"{package}.{name}" for package in ("numpy", "jax.numpy") for name in _STACKED}
    | {"copy.copy", "copy.deepcopy", "builtins.list", "builtins.tuple"}
)
WRAPPERS = {
    "peft.get_peft_model": ("model", 0),
    "peft.prepare_model_for_kbit_training": ("model", 0),
    "peft.prepare_model_for_int8_training": ("model", 0),
    "peft.PeftModel.from_pretrained": ("model", 0),
    "peft.PeftModelForCausalLM.from_pretrained": ("model", 0),
    "peft.PeftModel": ("model", 0),
    "unsloth.FastLanguageModel.get_peft_model": ("model", 0),
    "unsloth.FastVisionModel.get_peft_model": ("model", 0),
    "unsloth.FastModel.get_peft_model": ("model", 0),
    "torch.compile": ("model", 0),
    "torch.nn.DataParallel": ("module", 0),
    "torch.nn.parallel.DistributedDataParallel": ("module", 0),
    "torch.distributed.fsdp.FullyShardedDataParallel": ("module", 0),
    "copy.deepcopy": ("x", 0),
    "copy.copy": ("x", 0),
    "deepspeed.initialize": ("model", 1),
    "trl.AutoModelForCausalLMWithValueHead.from_pretrained": ("pretrained_model", 0),
}
"""Functions that give back a model around the one they are given: keyword and position of that."""
CAUSAL = re.compile(
    r"(AutoModelForCausalLM|AutoPeftModelForCausalLM|AutoLigerKernelForCausalLM|\w*LMHeadModel|\w*ForCausalLM|"
    r"AutoModelWithLMHead|GPTQModel|FastLanguageModel|FastModel|FastVisionModel|ORTModelForCausalLM)"
)
HF_MODEL = re.compile(
    r"(Auto(Peft)?Model\w*|\w+For[A-Z]\w+|\w+LMHeadModel|PreTrainedModel|FastLanguageModel|FastVisionModel)"
)
TOKENIZER = re.compile(r"(\w*Tokenizer(Fast)?|AutoProcessor|\w+Processor)")
LOADERS = frozenset({"from_pretrained", "from_config", "_from_config"})


def lineage(value: Value | None) -> Iterator[Value]:
    """An object, then what it was before each wrapper, down to what made it.

    Args:
        value: A model, or anything around one.
    """
    seen: set[Value] = set()
    while value is not None and value not in seen:
        seen.add(value)
        yield value
        value = inner(value)


def inner(value: Value) -> Value | None:
    """What an object was before its outermost wrapper; `None` for what made it.

    Args:
        value: The object.
    """
    if isinstance(value, Choice):
        return value.options[0].value if value.options else None
    if isinstance(value, Attribute) and value.name in {"module", "_orig_mod", "base_model", "model"}:
        return value.base
    if isinstance(value, Item) and isinstance(value.base, Call) and isinstance(value.index, Constant):
        return value.base if value.index.value == 0 else None
    if not isinstance(value, Call):
        return None
    if value.method in SAME_OBJECT and isinstance(value.function, Attribute):
        return value.function.base
    for name in names_of_call(value):
        if name in WRAPPERS:
            return argument(value, *WRAPPERS[name])
    return _inside_unknown(value)


def _inside_unknown(value: Call) -> Value | None:
    """A function that is not among the files and gets a model as its first argument usually gives it back changed."""
    first = value.args[0] if value.args else None
    if isinstance(value.function, External) and value.function.name.count(".") <= 1 and first is not None:
        known = name_of(value.function).partition(".")[0] not in {"torch", "transformers", "peft", "trl", "builtins"}
        return first if known and is_model(first) else None
    return None


def root(value: Value | None) -> Value | None:
    """What made an object, wrappers taken off.

    Args:
        value: The object.
    """
    return next(reversed([*lineage(value)]), None)


def loader_name(value: Value | None) -> str:
    """Name of the class that loaded or built an object: `transformers.AutoModelForCausalLM`; empty when it is unknown.

    Args:
        value: The object, wrappers around it allowed.
    """
    made = root(value)
    if isinstance(made, Instance):
        return next((name_of(one) for one in made.cls.lineage() if isinstance(one, External)), "")
    if not isinstance(made, Call):
        return ""
    if isinstance(made.function, Attribute) and isinstance(made.function.base, Class):
        return next((name_of(one) for one in made.function.base.lineage() if isinstance(one, External)), "")
    name = name_of(made.function)
    return name.rpartition(".")[0] if made.method in LOADERS else name


def is_causal_lm(value: Value | None) -> bool:
    """Whether an object is a causal language model of a library, which shifts `labels` itself.

    Args:
        value: The object, wrappers around it allowed.
    """
    return CAUSAL.fullmatch(loader_name(value).rpartition(".")[2]) is not None


def is_model(value: Value | None) -> bool:
    """Whether an object is a model of transformers, peft, unsloth or diffusers, or of a class of the files.

    Args:
        value: The object, wrappers around it allowed.
    """
    made = root(value)
    if isinstance(made, Instance):
        return any(
            isinstance(one, External) and one.name.endswith(("Module", "PreTrainedModel")) for one in made.cls.lineage()
        )
    return HF_MODEL.fullmatch(loader_name(value).rpartition(".")[2]) is not None


def is_tokenizer(value: Value | None) -> bool:
    """Whether an object is a tokenizer or processor: by what made it, else by the name that code gives to it.

    Args:
        value: The object.
    """
    if isinstance(value, (Parameter, Setting)):
        return value.name.lower() in {"tokenizer", "tok", "processor", "processing_class"}
    if isinstance(value, Item) and isinstance(value.base, Call) and isinstance(value.index, Constant):
        return (
            value.index.value == 1 and value.base.method == "from_pretrained" and "unsloth" in loader_name(value.base)
        )
    if isinstance(value, Attribute):
        return value.name in {"tokenizer", "tok", "processing_class"}
    made = root(value)
    if isinstance(made, Call) and made.method == "get_chat_template":
        return True
    return TOKENIZER.fullmatch(loader_name(value).rpartition(".")[2]) is not None


def loading_call(value: Value | None) -> Call | None:
    """The call of `from_pretrained` (or of a constructor) that an object comes from.

    Args:
        value: The object, wrappers around it allowed.
    """
    made = root(value)
    if isinstance(made, Instance):
        return made.call
    return made if isinstance(made, Call) else None


def model_id(value: Value | None) -> Value | None:
    """What a model or tokenizer was loaded from: hub id or folder.

    Args:
        value: The object, or the call that loads it.
    """
    made = value if isinstance(value, Call) and value.method in LOADERS else loading_call(value)
    if made is None or made.method not in LOADERS:
        return None
    return argument(made, "pretrained_model_name_or_path", 0) or argument(made, "model_name", 0)


def same_data(value: Value) -> Value:
    """A tensor or list without what only changes its type, device or shape.

    Args:
        value: The tensor.
    """
    for _ in range(64):
        if not isinstance(value, Call):
            return value
        if isinstance(value.function, Attribute) and value.method in SAME_DATA:
            value = value.function.base
        elif name_of(value.function) in SAME_DATA_FUNCTIONS and value.args:
            value = value.args[0]
        else:
            return value
    return value
