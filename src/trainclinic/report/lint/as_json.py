"""Alarms for programs: `trainclinic.lint.v1`, whose JSON Schema stands in `report/schema`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainclinic.report.lint import wording

if TYPE_CHECKING:
    from trainclinic.report.lint.model import AlarmEntry, Excerpt, Fix, LintReport

SCHEMA = "trainclinic.lint.v1"
SCHEMA_FILE = Path(__file__).parents[1] / "schema" / "lint.v1.json"


def to_json(report: LintReport) -> str:
    """The whole document; ends with a line end."""
    whole = {
        "schema": SCHEMA,
        "summary": {
            **wording.numbers(report),
            "suppressed": report.suppressed,
            "hidden": report.hidden,
        },
        "alarms": [_alarm(alarm) for alarm in report.alarms],
        "troubles": [
            {"says": trouble.says, "path": trouble.path or None, "line": trouble.line} for trouble in report.troubles
        ],
        "files": list(report.files),
        "rules": [rule.code for rule in report.rules],
    }
    return json.dumps(whole, allow_nan=False, ensure_ascii=False, indent=2) + "\n"


def _alarm(alarm: AlarmEntry) -> dict[str, Any]:
    return {
        "code": alarm.code,
        "slug": alarm.slug,
        "severity": alarm.severity,
        "certainty": alarm.certainty,
        "says": alarm.says,
        "when": alarm.when or None,
        "means": alarm.means,
        **_located(alarm.excerpt),
        "flow": [{"says": step.says, **_located(step.excerpt)} for step in alarm.flow],
        "fix": _fix(alarm.fix) if alarm.fix else None,
        "causes": list(alarm.causes),
        "page": alarm.page,
        "fingerprint": alarm.fingerprint,
    }


def _located(excerpt: Excerpt) -> dict[str, Any]:
    place = excerpt.place
    return {
        "path": place.path,
        "cell": place.cell or None,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "lines": [{"number": line.number, "text": line.text} for line in excerpt.lines],
    }


def _fix(fix: Fix) -> dict[str, Any]:
    return {"says": fix.says, "safety": fix.safety, "automatic": fix.is_automatic}
