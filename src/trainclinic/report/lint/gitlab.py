"""Alarms as a GitLab code quality report.

A notebook has no lines that GitLab could jump to: its alarms stand at the beginning of the file.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from trainclinic.report.lint import wording
from trainclinic.report.lint.compose import below

if TYPE_CHECKING:
    from trainclinic.report.lint.model import AlarmEntry, LintReport

SEVERITIES = {"harmful": "critical", "warning": "major", "note": "info"}


def to_gitlab(report: LintReport) -> str:
    """A list with one object per alarm; ends with a line end."""
    alarms = [_alarm(alarm, report.root) for alarm in report.alarms]
    return json.dumps(alarms, allow_nan=False, ensure_ascii=False, indent=2) + "\n"


def _alarm(alarm: AlarmEntry, root: str) -> dict[str, Any]:
    place = alarm.place
    lines = {"begin": 1} if place.cell else {"begin": place.line, "end": place.end_line}
    return {
        "description": wording.in_cell(place, alarm.sentence),
        "check_name": f"{alarm.code} {alarm.slug}",
        "fingerprint": alarm.fingerprint,
        "severity": SEVERITIES[wording.level(alarm)],
        "location": {"path": below(place.path, root), "lines": lines},
    }
