"""The document on a finished model for programs: `trainclinic.validation.v1`; its JSON Schema is in `report/schema`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from trainclinic.report.as_json import plain

if TYPE_CHECKING:
    from trainclinic.report.validation.model import ValidationReport

SCHEMA = "trainclinic.validation.v1"
SCHEMA_FILE = Path(__file__).parents[1] / "schema" / "validation.v1.json"


def to_json(report: ValidationReport) -> str:
    """The whole document; ends with a line end.

    Args:
        report: The document, cleaned.
    """
    return json.dumps({"schema": SCHEMA, **plain(report)}, allow_nan=False, ensure_ascii=False, indent=2) + "\n"
