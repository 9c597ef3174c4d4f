"""Settings in JSON: `training_args.json`, W&B's `config.json` and other files with the keys of a training."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from trainclinic.readers.grammars.commands import settings_of_command
from trainclinic.readers.reader import Reader
from trainclinic.readers.settings.json_tree import MAX_JSON_BYTES, json_object, json_settings
from trainclinic.readers.settings.settings_fragment import settings_fragment, settings_score

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile
    from trainclinic.readers.fragment import Fragment

_KEY = re.compile(r'"([^"\n]{1,80})"\s*:\s*(?!\{)')
_METADATA = "wandb-metadata.json"
_LISTS = re.compile(r'"\s*:\s*\[\s*-?\d+\.\d')


def sniff(file: LogFile) -> float:
    """By keys that only trainings have, or by the file's name and some of them."""
    if file.path.suffix.lower() != ".json" or file.is_binary or file.size > MAX_JSON_BYTES:
        return 0.0
    text = file.head_text.lstrip("\ufeff \r\n\t")
    if not text.startswith("{") or '"log_history"' in text or _LISTS.search(text):
        return 0.0
    if file.path.name == _METADATA:
        return 0.9
    score = settings_score(_KEY.findall(text))
    return score if score else 0.3 if "training_args" in file.path.name else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read all settings.

    Raises:
        ReadError: If the file holds no JSON object.
    """
    if file.path.name == _METADATA:
        return [_metadata(file)]
    return [settings_fragment(file, "json_config", json_settings(file))]


def _metadata(file: LogFile) -> Fragment:
    """The machine and the command line that W&B notes; users, hosts and job numbers stay where they are."""
    tree = json_object(file)
    machine = [setting for setting in json_settings(file, tree) if setting.name in {"gpu", "python", "cudaVersion"}]
    fragment = settings_fragment(file, "json_config", machine)
    arguments = tree.get("args")
    if isinstance(arguments, list):
        command = shlex.join(["python", str(tree.get("codePath") or "train.py"), *map(str, arguments)])
        options = ((name, value, None) for name, value, _ in settings_of_command(command))
        fragment.facts += settings_fragment(file, "json_config", options, "command line").facts
    return fragment


READER = Reader(
    name="json_config",
    title="training_args.json and other settings in JSON",
    recognised_by="keys that only trainings have",
    delivers="every setting with its line: known ones as facts, others under their own names",
    limits="lists of objects give their `path` or `name` only",
    sniff=sniff,
    read=read,
)
