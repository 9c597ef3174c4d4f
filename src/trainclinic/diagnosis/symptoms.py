"""Every symptom of every room that emits verdicts, by code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainclinic.catalogue.load import Entry


def all_symptoms() -> dict[str, Entry[Any]]:
    """Rules on records, scripts, data, live models and finished models; the rooms are imported when this is asked."""
    from trainclinic.findings.examine import all_rules
    from trainclinic.probes.examine import all_probes

    return {**all_rules(), **rules_beside(), **all_probes()}


def rules_beside() -> dict[str, Entry[Any]]:
    """Rules on what lies beside the log of a run: its scripts, its data, its finished model."""
    from trainclinic.dataset.examine import all_rules as rules_of_data
    from trainclinic.script.examine import all_rules as rules_of_scripts
    from trainclinic.validation.examine import rules_of_models

    return {**rules_of_scripts(), **rules_of_data(), **rules_of_models()}
