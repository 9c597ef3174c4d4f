"""The document on training data for programs: `trainclinic.data.v1`, whose JSON Schema stands in `report/schema`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainclinic.report.as_json import plain

if TYPE_CHECKING:
    from trainclinic.dataset.placement import Placement
    from trainclinic.report.data.model import DataReport

SCHEMA = "trainclinic.data.v1"
SCHEMA_FILE = Path(__file__).parents[1] / "schema" / "data.v1.json"


def to_json(report: DataReport) -> str:
    """The whole document; ends with a line end.

    Args:
        report: The document, cleaned.
    """
    whole = {
        "schema": SCHEMA,
        **plain(dataclasses.replace(report, steps=())),
        "steps": [_step(step, placement) for step, placement in report.steps],
    }
    return json.dumps(whole, allow_nan=False, ensure_ascii=False, indent=2) + "\n"


def _step(step: int, placement: Placement) -> dict[str, Any]:
    return {
        "step": step,
        "certainty": placement.certainty,
        "why": placement.why,
        "passes": placement.passes,
        "coverage": placement.coverage,
        "rows": [{"path": one.path, "line": one.line, "key": one.key} for one in placement.rows],
    }
