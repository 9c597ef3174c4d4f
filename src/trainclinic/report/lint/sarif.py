"""Alarms as SARIF 2.1.0, the format that code hosts and editors take from any analysis.

A notebook has no lines that such a tool could jump to: its results name the file, the cell and the line in the message.
"""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from trainclinic.report.lint import wording
from trainclinic.report.lint.compose import below
from trainclinic.report.wording import version

if TYPE_CHECKING:
    from trainclinic.report.lint.model import AlarmEntry, Excerpt, Fix, LintReport, RuleEntry, Trouble
    from trainclinic.script.places import Place

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "SRCROOT"
FINGERPRINT = "trainclinicAlarm/v1"
LEVELS = {"harmful": "error", "warning": "warning", "note": "note"}
PRECISIONS = {"proof": "very-high", "likely": "high", "hint": "low"}
PROBLEMS = {"harmful": "error", "warning": "warning", "note": "recommendation"}


def to_sarif(report: LintReport) -> str:
    """One run of the tool; ends with a line end."""
    index = {rule.code: at for at, rule in enumerate(report.rules)}
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "trainclinic",
                "semanticVersion": version(),
                "rules": [_rule(rule) for rule in report.rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The folder that names of files count from"}}},
        "invocations": [
            {
                "executionSuccessful": not report.is_blind,
                "toolExecutionNotifications": [_notification(trouble, report.root) for trouble in report.troubles],
            }
        ],
        "results": [_result(alarm, index, report.root) for alarm in report.alarms],
    }
    whole = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(whole, allow_nan=False, ensure_ascii=False, indent=2) + "\n"


def _rule(rule: RuleEntry) -> dict[str, Any]:
    markdown = "\n\n".join(f"## {heading}\n\n{body}" for heading, body in rule.sections)
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.slug.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": dict(rule.sections).get("Why it matters") or rule.title},
        "help": {
            "text": "\n\n".join(f"{heading}\n{body}" for heading, body in rule.sections) or rule.title,
            "markdown": markdown or rule.title,
        },
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {
            "precision": PRECISIONS[rule.certainty],
            "problem.severity": PROBLEMS[rule.severity],
            "tags": ["fine-tuning", rule.group],
        },
    }


def _result(alarm: AlarmEntry, index: dict[str, int], root: str) -> dict[str, Any]:
    result: dict[str, Any] = {"ruleId": alarm.code}
    if alarm.code in index:
        result["ruleIndex"] = index[alarm.code]
    result |= {
        "level": LEVELS[wording.level(alarm)],
        "message": {"text": wording.in_cell(alarm.place, alarm.sentence)},
        "locations": [_location(alarm.excerpt, root)],
        "partialFingerprints": {FINGERPRINT: alarm.fingerprint},
        "properties": {"certainty": alarm.certainty, "precision": PRECISIONS[alarm.certainty]},
    }
    if alarm.causes:
        result["properties"]["causes"] = list(alarm.causes)
    if alarm.flow:
        stations = [
            {**_location(step.excerpt, root), "message": {"text": wording.in_cell(step.excerpt.place, step.says)}}
            for step in alarm.flow
        ]
        result["relatedLocations"] = [{"id": number, **one} for number, one in enumerate(stations, start=1)]
        result["codeFlows"] = [{"threadFlows": [{"locations": [{"location": one} for one in stations]}]}]
    if alarm.fix and alarm.fix.changes:
        result["fixes"] = [_fix(alarm.fix, root)]
    return result


def _location(excerpt: Excerpt, root: str) -> dict[str, Any]:
    place = excerpt.place
    physical: dict[str, Any] = {"artifactLocation": _artifact(place.path, root)}
    if place.cell:
        return {
            "physicalLocation": physical,
            "logicalLocations": [{"name": f"cell {place.cell}", "kind": "module"}],
        }
    physical["region"] = _region(place)
    if excerpt.lines and not excerpt.left_out:
        physical["contextRegion"] = {
            "startLine": excerpt.lines[0].number,
            "endLine": excerpt.lines[-1].number,
            "snippet": {"text": "\n".join(line.text for line in excerpt.lines)},
        }
    return {"physicalLocation": physical}


def _region(place: Place) -> dict[str, int]:
    return {
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    }


def _artifact(path: str, root: str) -> dict[str, str]:
    """A file below the root by its way from there, any other by its absolute place."""
    found = below(path, root)
    if posixpath.isabs(found):
        return {"uri": f"file://{quote(found)}"}
    return {"uri": quote(posixpath.normpath(found)), "uriBaseId": ROOT}


def _fix(fix: Fix, root: str) -> dict[str, Any]:
    by_file: dict[str, list[dict[str, Any]]] = {}
    for change in fix.changes:
        replacement = {"deletedRegion": _region(change.place), "insertedContent": {"text": change.text}}
        by_file.setdefault(change.place.path, []).append(replacement)
    return {
        "description": {"text": fix.says},
        "artifactChanges": [
            {"artifactLocation": _artifact(path, root), "replacements": replacements}
            for path, replacements in by_file.items()
        ],
    }


def _notification(trouble: Trouble, root: str) -> dict[str, Any]:
    told: dict[str, Any] = {"level": "warning", "message": {"text": trouble.says}}
    if trouble.path:
        physical: dict[str, Any] = {"artifactLocation": _artifact(trouble.path, root)}
        if trouble.line:
            physical["region"] = {"startLine": trouble.line}
        told["locations"] = [{"physicalLocation": physical}]
    return told
