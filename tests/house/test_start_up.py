"""Start-up is part of the product: what is imported when."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEARNING_STACK = {
    "torch",
    "transformers",
    "peft",
    "trl",
    "datasets",
    "accelerate",
    "ray",
    "pandas",
    "matplotlib",
    "scipy",
}


def modules_after(code: str) -> set[str]:
    probe = f"import sys\n{code}\nprint('\\n'.join(m.partition('.')[0] for m in sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stderr.split())


def test_importing_the_package_pulls_in_nothing_heavy() -> None:
    assert (
        modules_after("import trainclinic") & (LEARNING_STACK | {"numpy", "rich", "jinja2", "yaml", "click"}) == set()
    )


def test_help_pulls_in_neither_arrays_nor_renderers() -> None:
    code = "from trainclinic.cli.app import app\napp(['--help'], standalone_mode=False)"
    assert modules_after(code) & (LEARNING_STACK | {"numpy", "rich", "jinja2", "yaml"}) == set()


@pytest.mark.parametrize("run", ["report-a", "report-b"])
def test_diagnosis_of_a_text_log_needs_no_learning_stack(run: str) -> None:
    code = f"import trainclinic\nassert trainclinic.diagnose('examples/{run}').runs"
    assert modules_after(code) & (LEARNING_STACK | {"rich", "jinja2"}) == set()
