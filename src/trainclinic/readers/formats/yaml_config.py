"""Settings in YAML: axolotl, LLaMA-Factory, torchtune, accelerate, Lightning `hparams.yaml`, W&B `config.yaml`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainclinic.readers.reader import Reader
from trainclinic.readers.settings.settings_fragment import settings_fragment, settings_score
from trainclinic.readers.settings.yaml_tree import yaml_settings

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile
    from trainclinic.readers.fragment import Fragment

_KEY = re.compile(r"^([ \t]*)(?:- )?([A-Za-z_][\w.-]{0,60})\s*:(?=\s|$)", re.M)


def sniff(file: LogFile) -> float:
    """By keys that only trainings have, in a file named `.yaml` or `.yml`."""
    if file.path.suffix.lower() not in {".yaml", ".yml"} or file.is_binary:
        return 0.0
    score = settings_score(key for key in _dotted(file.head_text))
    named = re.search(r"train|lora|finetune|sft|dpo|hparams|axolotl|accelerate", file.path.stem, re.I)
    return score if score else 0.4 if named and _KEY.search(file.head_text) else 0.0


def _dotted(text: str) -> list[str]:
    """Keys with their parents' names, by indentation; good enough to recognise a file."""
    parents: list[tuple[int, str]] = []
    out = []
    for found in _KEY.finditer(text):
        indent = len(found[1])
        parents = [parent for parent in parents if parent[0] < indent]
        out.append(".".join([*(name for _, name in parents), found[2]]).removesuffix(".value"))
        parents.append((indent, found[2]))
    return out


def read(file: LogFile) -> list[Fragment]:
    """Read all settings of all documents.

    Raises:
        ReadError: If the file is too large or not YAML.
    """
    return [settings_fragment(file, "yaml_config", yaml_settings(file.text(), file.name))]


READER = Reader(
    name="yaml_config",
    title="axolotl, LLaMA-Factory and other YAML configurations",
    recognised_by="keys that only trainings have",
    delivers="every setting with its line: known ones as facts, others under their own names",
    limits="tags are ignored, nothing is executed; files above 5 MB are refused",
    sniff=sniff,
    read=read,
)
