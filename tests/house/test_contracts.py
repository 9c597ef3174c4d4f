"""Import contracts, generated pages, the lock of codes, and the promises of the documentation."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from trainclinic.dataset.examine import all_rules as rules_of_data
from trainclinic.diagnosis.symptoms import all_symptoms
from trainclinic.findings.examine import all_rules

ROOT = Path(__file__).parents[2]
TAXONOMY = ROOT.parent / "shared" / "taxonomy.yaml"


def load_script(name: str) -> object:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_data_flows_one_way() -> None:
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_generated_pages_are_fresh() -> None:
    script = ROOT / "scripts" / "generate_docs.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_code_is_locked_and_none_is_reused() -> None:
    locked = (ROOT / "codes.lock").read_text(encoding="utf-8").splitlines()
    assert locked == sorted(set(locked))
    assert len({line.split()[0] for line in locked}) == len(locked)
    rules = all_symptoms()
    assert {f"{code} {entry.rule.slug}" for code, entry in rules.items()} <= set(locked)


def test_every_symptom_of_these_groups_has_its_rule() -> None:
    if not TAXONOMY.exists():
        pytest.skip("the shared taxonomy is not beside this checkout")
    text = TAXONOMY.read_text(encoding="utf-8").partition("\nfindings:\n")[2]
    found = re.findall(r"- slug: (\S+)\n  group: (.+)\n", text)
    wanted = {slug for slug, group in found if group != "script"}
    rules = (*all_rules().values(), *rules_of_data().values())
    assert wanted <= {entry.rule.slug for entry in rules}  # further symptoms of ours are welcome


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=lambda p: p.name
)
def test_links_in_the_documentation_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to `{target}`"
