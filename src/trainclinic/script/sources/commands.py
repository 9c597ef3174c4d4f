"""Which program a command starts: the words of its launcher, the program, and the program's own words.

It knows launchers and what may stand before them. It does not know what any option means.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from trainclinic.readers.grammars.commands import Word

_PYTHON = re.compile(r"(?:python|pypy|ipython)(?:\d+(?:\.\d+)?)?(?:\.exe)?|\$\{?PYTHON\w*\}?|\{sys\.executable\}")
_LAUNCHERS = frozenset({"torchrun", "accelerate", "deepspeed"})
_WRAPPERS = frozenset(
    {"nohup", "srun", "mpirun", "mpiexec", "sudo", "time", "env", "exec", "eval", "uv", "poetry", "pipenv", "pdm",
     "rye", "hatch", "pixi", "conda", "mamba", "micromamba", "stdbuf", "numactl", "nice", "timeout", "singularity",
     "apptainer", "docker", "podman", "nsys", "ncu", "strace", "caffeinate", "ssh", "screen", "tmux"}
)  # fmt: skip
"""Words that may stand before a launcher, with options of their own."""
_RUNNERS = {
    "torch.distributed.run": "torchrun",
    "torch.distributed.launch": "torchrun",
    "accelerate.commands.launch": "accelerate",
    "deepspeed.launcher.runner": "deepspeed",
}
_NO_PROGRAMS = frozenset({"pip", "venv", "virtualenv", "pytest", "unittest", "ensurepip", "build", "ipykernel", "json"})
"""Modules behind `python -m` that are tools of Python itself."""
_TOOLS = {
    "llamafactory-cli": {"train"},
    "axolotl": {"train"},
    "swift": {"sft", "pt", "rlhf"},
    "tune": {"run"},
    "xtuner": {"train"},
    "litgpt": {"finetune", "finetune_lora", "finetune_full", "finetune_adapter", "pretrain"},
    "autotrain": {"llm"},
    "trl": {"sft", "dpo", "grpo", "kto", "reward", "rloo"},
}
"""Command-line tools that train by themselves, and the sub-commands that do."""
_WITH_VALUE = frozenset({"-W", "-X"})
"""Options of Python that take the next word."""


class Started(NamedTuple):
    """A command, taken apart.

    Attributes:
        launcher: Its word: `python`, `torchrun`, `accelerate`, `deepspeed`, or that of a tool.
        script: The started file as written; empty when there is none.
        module: The started module; empty when there is none.
        around: Words before the launcher (`srun -n 4`).
        launcher_words: Words between launcher and program.
        program_words: Words after the program.
    """

    launcher: str
    script: str = ""
    module: str = ""
    around: tuple[Word, ...] = ()
    launcher_words: tuple[Word, ...] = ()
    program_words: tuple[Word, ...] = ()


def started(words: list[Word]) -> Started | None:
    """What a command starts; `None` when it starts no Python program.

    Args:
        words: Words of the command, filled in.
    """
    for at, word in enumerate(words):
        name = word.text.rpartition("/")[2]
        found = _started_at(words, at, name)
        if found is not None:
            return found._replace(around=tuple(words[:at]))
        if at == 0 and name not in _WRAPPERS:
            return None
    return None


def _started_at(words: list[Word], at: int, name: str) -> Started | None:
    following = words[at + 1].text if at + 1 < len(words) else ""
    if name.endswith(".py"):
        return Started("python", words[at].text, program_words=tuple(words[at + 1 :]))
    if _PYTHON.fullmatch(name):
        return _python(words, at + 1)
    if name == "accelerate":
        return _launched(name, words, at + 2) if following == "launch" else None
    if name in _LAUNCHERS:
        return _launched(name, words, at + 1)
    if following in _TOOLS.get(name, ()):
        return Started(name, program_words=tuple(words[at + 2 :]))
    return None


def _python(words: list[Word], start: int) -> Started | None:
    """`python -u train.py ...` and `python -m package.train ...`."""
    at = start
    while at < len(words):
        text = words[at].text
        if text == "-m" and at + 1 < len(words):
            module = words[at + 1].text
            if module in _RUNNERS:
                return _launched(_RUNNERS[module], words, at + 2)
            if module.partition(".")[0] in _NO_PROGRAMS:
                return None
            rest = tuple(words[at + 2 :])
            return Started("python", module=module, launcher_words=tuple(words[start:at]), program_words=rest)
        if text == "-c":
            return None
        if not text.startswith("-"):
            rest = tuple(words[at + 1 :])
            return Started("python", text, launcher_words=tuple(words[start:at]), program_words=rest)
        at += 2 if text in _WITH_VALUE else 1
    return None


def _launched(launcher: str, words: list[Word], start: int) -> Started | None:
    """A program behind a launcher with options of its own: the first file of Python, or the module behind `-m`."""
    for at in range(start, len(words)):
        text = words[at].text
        own = tuple(words[start:at])
        if text in {"-m", "--module"} and at + 1 < len(words):
            module = words[at + 1].text
            rest = tuple(words[at + 2 :])
            if module.endswith(".py"):
                return Started(launcher, module, launcher_words=own, program_words=rest)
            return Started(launcher, module=module, launcher_words=own, program_words=rest)
        takes_it = at > start and words[at - 1].text.startswith("-") and "=" not in words[at - 1].text
        if text.endswith(".py") or (text.startswith("$") and not takes_it):
            return Started(launcher, text, launcher_words=own, program_words=tuple(words[at + 1 :]))
    return None
