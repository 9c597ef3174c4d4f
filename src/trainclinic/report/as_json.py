"""The report for programs: `trainclinic.diagnosis.v1`, as its published schema says.

JSON has no NaN: numbers that are not finite become the strings `NaN`, `Infinity` and `-Infinity`.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainclinic.report.model import Checkpoints, Document

SCHEMA = "trainclinic.diagnosis.v1"
SCHEMA_FILE = Path(__file__).parent / "schema" / "diagnosis.v1.json"
_RENAMED = {"evidence_for": "for", "evidence_against": "against"}
_NOT_DATA = frozenset({"chart"})
"""Curves are pictures of the user's own log; a program reads the log itself."""


def to_json(documents: Sequence[Document]) -> str:
    """One run as an object, several as `runs`; ends with a line end."""
    runs = [run_object(document) for document in documents]
    whole = {"schema": SCHEMA, **runs[0]} if len(runs) == 1 else {"schema": SCHEMA, "runs": runs}
    return json.dumps(whole, allow_nan=False, ensure_ascii=False, indent=2) + "\n"


def run_object(document: Document) -> dict[str, Any]:
    """One run as plain JSON values, without the `schema` key."""
    if document.checkpoints is None:
        document = dataclasses.replace(document, checkpoints=Checkpoints())
    found: dict[str, Any] = plain(document)
    return found


def plain(value: Any) -> Any:
    """A value of the document as JSON has it; numbers that are not finite become strings."""
    if isinstance(value, float):
        return value if math.isfinite(value) else {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value) if field.name not in _NOT_DATA]
        return {_RENAMED.get(name, name): plain(getattr(value, name)) for name in names}
    return value
