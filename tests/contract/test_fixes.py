"""What every fix keeps: its name, its causes, numbers that exist, patches that apply, code that parses and lints."""

from __future__ import annotations

import ast
import re

import pytest

from trainclinic.causes.catalogue import all_causes
from trainclinic.diagnosis.lint import lint
from trainclinic.fixes.catalogue import all_fixes
from trainclinic.fixes.fix import NUMBERS
from trainclinic.recipe.keys import all_keys
from trainclinic.recipe.model import Recipe
from trainclinic.recipe.patch import apply
from trainclinic.recipe.validate import checked
from trainclinic.script.preferences import Preferences

FIXES = {slug: file.fix for slug, file in all_fixes().items()}
EDITS = {slug: fix.edit for slug, fix in FIXES.items() if fix.edit is not None}
HARMLESS = {"healthy-explanation", "undetermined"}
FAULTS = sorted(slug for slug, file in all_causes().items() if file.cause.family not in HARMLESS)
each = pytest.mark.parametrize("slug", FIXES)


@each
def test_a_fix_has_a_page_and_a_name_that_says_what_to_do(slug):
    fix, file = FIXES[slug], all_fixes()[slug]
    assert file.page.title.endswith("."), "the first line of the docstring is a sentence"
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", fix.slug)
    assert fix.title[0].isupper()
    assert not fix.title.endswith(".")
    assert re.findall(r"^- https://\S+$", file.page.sections["References"], re.M), "a page names its sources"
    for text in (fix.change, fix.check, fix.risk):
        assert text
        assert not text.endswith("."), f"no full stop at the end of: {text}"
    assert 0 < fix.minutes <= 480


@each
def test_a_fix_treats_causes_that_exist_and_says_why(slug):
    fix = FIXES[slug]
    assert fix.treats
    assert {one.cause for one in fix.treats} <= all_causes().keys()
    assert len({one.cause for one in fix.treats}) == len(fix.treats)
    for one in fix.treats:
        assert one.why[0].islower() or one.why[:2].isupper() or one.why[0] == "`"
        assert not one.why.endswith(".")


@each
def test_what_to_expect_names_known_numbers_and_can_do_without_them(slug):
    expects = FIXES[slug].expects
    assert expects
    for one in expects:
        assert one.names <= NUMBERS.keys()
        assert bool(one.names) == bool(one.otherwise), "`otherwise` is for expectations with numbers of the run"
        assert one.told(dict.fromkeys(NUMBERS, "7"))
        assert one.told({})
        assert not one.says.endswith(".")
    assert any(re.search(r"\d|\{", one.says) for one in expects), "at least one expectation has a number"


@each
def test_patches_apply_to_an_unknown_recipe(slug):
    for patch in FIXES[slug].patches:
        key = all_keys()[patch.key]
        numbers = any(one is not None for one in (patch.times, patch.at_least, patch.at_most))
        assert sum((patch.to is not None, bool(patch.adds), numbers)) == 1, f"one way to change `{patch.key}`"
        assert all_keys()[patch.of or patch.key].kind in {"number", "integer"} or not numbers
        after = patch.value_after(Recipe())
        assert after is not None, f"`{patch.key}` has no value after the patch"
        assert checked(key, list(after) if isinstance(after, tuple) else after, "a patch") == after
        assert not patch.why.endswith(".")
        if patch.when is not None:
            name, values = patch.when
            assert all(checked(all_keys()[name], value, "a patch") is not None for value in values)
    changed, _ = apply(Recipe(), [(slug, patch) for patch in FIXES[slug].patches])
    assert (changed == Recipe()) == (not FIXES[slug].patches)


@each
def test_alternatives_are_fixes_with_something_for_and_against_them(slug):
    fix = FIXES[slug]
    for other in fix.alternatives:
        assert other != slug
        assert FIXES[other].pros
        assert FIXES[other].cons
    if fix.kind == "alternative":
        assert fix.pros
        assert fix.cons


@pytest.mark.parametrize("slug", EDITS)
def test_an_edit_is_python_and_leaves_nothing_for_the_linter(slug, tmp_path):
    edit = EDITS[slug]
    assert edit.before != edit.after
    ast.parse(edit.before)
    ast.parse(edit.after)
    script = tmp_path / "after.py"
    script.write_text(edit.after)
    found = [f"{alarm.code}: {alarm.says}" for alarm in lint([script], Preferences()).alarms]
    assert found == []


@pytest.mark.parametrize("cause", FAULTS)
def test_every_fault_has_a_cure(cause):
    cures = [slug for slug, fix in FIXES.items() if any(t.cause == cause and t.benefit >= 0.9 for t in fix.treats)]
    assert cures
