"""An earlier report on a model, read back from its JSON to be compared with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainclinic.record.errors import TrainclinicError
from trainclinic.report.validation.as_json import SCHEMA

if TYPE_CHECKING:
    from trainclinic.report.validation.model import ValidationReport

_SETTINGS = {"held-out rows": "on other rows", "depth": "with another depth", "ran on": "on another device or format"}


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier report says.

    Attributes:
        name: Its file.
        values: Measured values by name.
        present: Codes of the symptoms that were there.
        settings: How it was tested, by label.
    """

    name: str
    values: Mapping[str, float]
    present: frozenset[str]
    settings: Mapping[str, object]

    def differs(self, report: ValidationReport) -> Iterator[str]:
        """How it was tested otherwise, as phrases.

        Args:
            report: The report of today.
        """
        today = {item.label: item.value for item in report.settings}
        for label, says in _SETTINGS.items():
            if label in self.settings and self.settings[label] != today.get(label):
                yield says


def read_earlier(path: Path) -> Earlier:
    """Read a report.

    Args:
        path: What `trainclinic validate -o FILE.json` wrote.

    Raises:
        TrainclinicError: If it is no such report.
    """
    try:
        whole: Any = json.loads(path.read_text(encoding="utf-8"))
        found = _earlier(path.name, whole) if whole["schema"] == SCHEMA else None
    except (OSError, ValueError, KeyError, TypeError):
        found = None
    if found is None:
        message = f"`{path}` is no earlier report, expected the JSON of `trainclinic validate` (`{SCHEMA}`)"
        raise TrainclinicError(message, hint="write one with `trainclinic validate MODEL -o before.json`")
    return found


def _earlier(name: str, whole: Any) -> Earlier:
    return Earlier(
        name,
        {str(one["name"]): float(one["value"]) for one in whole["measures"]},
        frozenset(str(one["code"]) for one in whole["findings"]),
        {str(one["label"]): one["value"] for one in whole["settings"]},
    )
