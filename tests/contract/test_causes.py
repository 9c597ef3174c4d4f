"""One suite that every cause, background table and deciding test must pass."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from trainclinic.catalogue.page import CAUSE_HEADINGS
from trainclinic.causes.catalogue import all_causes
from trainclinic.causes.knowledge import HEALTHY_FAMILY, TABLES, UNKNOWN, background, knowledge
from trainclinic.causes.next_tests import all_tests
from trainclinic.dataset.examine import all_rules as rules_of_data
from trainclinic.findings.circumstances import all_circumstances
from trainclinic.findings.examine import all_rules
from trainclinic.script.alarm import Certainty
from trainclinic.script.examine import all_rules as rules_of_scripts

CAUSES = {slug: file.cause for slug, file in all_causes().items()}
TAXONOMY = Path(__file__).parents[3] / "shared/taxonomy.yaml"
OF_DATA = set(json.loads((TABLES / "background" / "data.json").read_text(encoding="utf-8")))
"""Symptoms of data that speak for a cause; the others cost quality or time, or are for a person to judge."""
OF_SCRIPTS = json.loads((TABLES / "background" / "script.json").read_text(encoding="utf-8"))
"""Mistakes in scripts that speak for a cause; the others stop a run at once, or cost time, money or safety."""

FOR_READERS = {
    "no-evaluation": "half of all logs have none, whatever is wrong; what needs an evaluation asks for one",
    "values-differing-between-sources": "it says that one of two logs is wrong, not that anything is wrong in the run",
    "version-with-known-defect": "it shows every defect in one place; causes ask for their own topic, a circumstance",
}
"""Verdicts that no cause needs, each with its reason."""


@pytest.mark.parametrize("slug", CAUSES)
def test_the_page_has_every_heading_with_text_and_references(slug: str) -> None:
    page = all_causes()[slug].page
    assert tuple(page.sections) == CAUSE_HEADINGS
    assert all(page.sections.values())
    assert page.title.endswith(".")
    assert slug == UNKNOWN or "https://" in page.sections["References"]


@pytest.mark.parametrize("slug", CAUSES)
def test_what_a_cause_expects_is_in_a_background_table_and_named_once(slug: str) -> None:
    named = [expect.finding for expect in CAUSES[slug].expects]
    assert not set(named) - set(background())
    assert len(named) == len(set(named))
    assert not {rule.finding for rule in CAUSES[slug].excluded_by} - set(background())
    assert not {rule.finding for rule in CAUSES[slug].excluded_by if rule.when == "present"} & set(named)


@pytest.mark.parametrize("slug", CAUSES)
def test_reasons_complete_because_and_sentences_end_nowhere(slug: str) -> None:
    cause = CAUSES[slug]
    for text in [*(e.why for e in cause.expects), *(x.because for x in cause.excluded_by), cause.decisive_test]:
        assert text
        assert not text.endswith(".")
        assert "\n" not in text
    assert cause.title
    assert cause.false_diagnosis
    assert set(cause.confused_with) <= set(CAUSES)


@pytest.mark.parametrize("slug", CAUSES)
def test_a_cause_that_can_be_found_says_by_what(slug: str) -> None:
    cause = CAUSES[slug]
    if slug == UNKNOWN:
        assert not cause.expects
    elif cause.family != HEALTHY_FAMILY:
        assert len(cause.expects) >= 4


@pytest.mark.parametrize("slug", sorted(background()))
def test_a_background_rate_has_a_reason_and_leaves_room_for_causes(slug: str) -> None:
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in (TABLES / "background").glob("*.json")]
    (row,) = [table[slug] for table in rows if slug in table]
    assert 0 < row["rate"] < 1
    assert row["why"]
    assert row["group"]


def test_every_rule_and_circumstance_has_a_background_rate_and_no_row_is_left_over() -> None:
    answered = {entry.rule.slug for entry in all_rules().values()} | {c.slug for c in all_circumstances().values()}
    assert answered <= set(background())
    assert set(background()) == answered | OF_DATA | set(OF_SCRIPTS)


def test_what_data_are_evidence_for_is_found_by_a_rule_and_expected_by_a_cause() -> None:
    found = {entry.rule.slug for entry in rules_of_data().values()}
    expected = {e.finding for cause in CAUSES.values() for e in cause.expects}
    assert sorted(OF_DATA - found) == []
    assert sorted(OF_DATA - expected) == []


def test_what_scripts_are_evidence_for_is_found_by_the_linter_and_expected_by_a_cause() -> None:
    found = {entry.rule.slug: entry.rule for entry in rules_of_scripts().values()}
    expected = {e.finding for cause in CAUSES.values() for e in cause.expects}
    assert sorted(set(OF_SCRIPTS) - set(found)) == []
    assert sorted(set(OF_SCRIPTS) - expected) == []
    assert all(found[slug].certainty > Certainty.HINT for slug in OF_SCRIPTS)


def test_every_verdict_is_of_use_to_some_cause() -> None:
    expected = {e.finding for cause in CAUSES.values() for e in cause.expects}
    expected |= {x.finding for cause in CAUSES.values() for x in cause.excluded_by}
    answered = {entry.rule.slug for entry in all_rules().values()} | {c.slug for c in all_circumstances().values()}
    assert sorted(answered - expected) == sorted(FOR_READERS)


@pytest.mark.parametrize("slug", sorted(all_tests()))
def test_a_deciding_test_speaks_about_known_causes_and_can_tell_them_apart(slug: str) -> None:
    test = all_tests()[slug]
    assert set(test.yes) <= set(CAUSES)
    assert {*test.requires, *test.answered_by} <= set(background())
    assert test.question.endswith("?")
    assert max(abs(p - test.otherwise) for p in test.yes.values()) >= 0.5
    assert re.search(r"\S", test.how)


@pytest.mark.parametrize("slug", sorted(set(CAUSES) - {UNKNOWN}))
def test_every_fault_has_a_test_that_would_settle_it(slug: str) -> None:
    if CAUSES[slug].family != HEALTHY_FAMILY:
        assert CAUSES[slug].decisive_test


def test_knowledge_is_a_set_of_probabilities() -> None:
    known = knowledge()
    assert known.prior.sum() == pytest.approx(0.94)
    assert np.all((known.shows >= 0) & (known.shows < 1))
    assert np.all((known.anyway > 0) & (known.anyway < 1))
    assert np.all((known.unlisted >= 0) & (known.unlisted < 1))


@pytest.mark.skipif(not TAXONOMY.exists(), reason="the shared taxonomy is not beside this checkout")
def test_every_cause_of_the_taxonomy_has_its_file_under_its_name() -> None:
    import yaml

    wanted = yaml.safe_load(TAXONOMY.read_text(encoding="utf-8"))["causes"]
    assert {c["slug"]: c["family"] for c in wanted} == {slug: cause.family for slug, cause in CAUSES.items()}
    assert {c["slug"]: c["title"] for c in wanted} == {slug: cause.title for slug, cause in CAUSES.items()}
    assert {c["slug"]: set(c["often_confused_with"]) for c in wanted} == {
        slug: set(cause.confused_with) for slug, cause in CAUSES.items()
    }
