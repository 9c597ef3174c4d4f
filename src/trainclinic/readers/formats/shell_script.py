"""Shell scripts: command lines such as `torchrun train.py --learning_rate 2e-4`, and `BATCH_SIZE=8 python train.py`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainclinic.readers.grammars.commands import begins_command, settings_of_command
from trainclinic.readers.reader import Reader
from trainclinic.readers.settings.meanings import BY_SETTING
from trainclinic.readers.settings.names import canonical_setting, normal_name
from trainclinic.readers.settings.settings_fragment import settings_fragment
from trainclinic.record.facts import Fact

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile
    from trainclinic.readers.fragment import Fragment

_SUFFIXES = {".sh", ".bash", ".zsh", ".slurm", ".sbatch", ".pbs", ".bat", ".cmd", ".ps1"}
_NAMES = {"command.txt", "cmd.txt", "command", "run.txt", "launch.txt", "makefile", "justfile"}
_MAX_CHARACTERS = 1_000_000
# Programs that evaluate, convert or serve a model: their settings are none of the training.
_NO_TRAINING = re.compile(r"^\s*(?:\S*/)?(lm[_-]eval\S*|vllm|ollama|llama-\w+|main|text-generation\S*|opencompass)\s")
_TOOLS = {
    "llamafactory-cli train": "LLaMA-Factory",
    "axolotl": "axolotl",
    "swift": "ms-swift",
    "tune run": "torchtune",
    "mlx_lm": "mlx-lm",
    "litgpt": "litgpt",
    "xtuner": "XTuner",
    "autotrain": "AutoTrain",
}


def sniff(file: LogFile) -> float:
    """By the file's name, when a line launches a program or sets something that trainings have."""
    name = file.path.name.lower()
    shell = file.path.suffix.lower() in _SUFFIXES or name in _NAMES
    if (
        not (shell or (not file.path.suffix and file.head.startswith(b"#!") and b"sh" in file.head[:40]))
        or file.is_binary
    ):
        return 0.0
    text = _training_part(file.head_text)
    if any(_is_known(name) for name, _, _ in settings_of_command(text)):
        return 0.9
    return 0.5 if any(map(begins_command, text.splitlines())) else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read the options of all launched programs, and the variables that the script assigns.

    Raises:
        ReadError: If the file cannot be read.
    """
    text = _training_part(file.text()[:_MAX_CHARACTERS])
    settings = settings_of_command(text)
    fragment = settings_fragment(file, "shell_script", (s for s in settings if not s[0].isupper()), "command line")
    assigned = settings_fragment(file, "shell_script", (s for s in settings if s[0].isupper()), "environment")
    fragment.facts += assigned.facts
    fragment.other_facts += assigned.other_facts
    fragment.versions += assigned.versions
    for number, line in enumerate(text.splitlines(), start=1):
        tool = next((tool for words, tool in _TOOLS.items() if re.match(rf"\s*(?:\S+\s+)?{words}\b", line)), None)
        if tool is not None:
            fragment.facts.insert(0, Fact("framework", tool, file.source(number), "command line"))
            break
    return [fragment]


def _training_part(text: str) -> str:
    """The script without the lines of programs that do not train; line numbers stay."""
    return "\n".join("" if _NO_TRAINING.match(line) else line for line in text.split("\n"))


def _is_known(name: str) -> bool:
    return canonical_setting(name) is not None or normal_name(name) in BY_SETTING


READER = Reader(
    name="shell_script",
    title="Shell scripts and command lines",
    recognised_by="the file's name, and a line that launches a program with settings of a training",
    delivers="options of launchers and scripts, assigned variables filled in, number of processes, the tool",
    limits="nothing is executed: loops, conditions and computed values are left as written",
    sniff=sniff,
    read=read,
)
