from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from trainclinic.dataset.duplicates.near import near_duplicates_available

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.skipif(near_duplicates_available() is not None, reason="needs the extra `data`")
def test_the_benchmark_finds_what_it_planted():
    pytest.importorskip("polars")
    command = [sys.executable, str(ROOT / "benchmarks/data.py"), "--size", "1", "--only", "exact,lines,near"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    score = next(line for line in done.stdout.splitlines() if line.startswith("  trainclinic: recall"))
    assert "exact 1.000, space and case 1.000" in score
    assert "precision 1.0000 (0 wrong pairs)" in score
    assert "| near-duplicates | trainclinic |" in done.stdout


def test_an_unknown_part_is_refused():
    command = [sys.executable, str(ROOT / "benchmarks/data.py"), "--only", "everything"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no part is called everything" in done.stderr
