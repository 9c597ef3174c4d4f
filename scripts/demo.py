"""Diagnose two failed fine-tunes and look at some data: `python3 scripts/demo.py`. Needs Python 3.10 and pip.

Creates `.venv`, installs the package, prints the diagnosis of both bundled runs and writes each as an HTML report, then
looks at a small file of training data.
"""

from __future__ import annotations

import subprocess
import sys

from environment import ROOT, python_with

HARMFUL = 1


def main() -> int:
    """Print both diagnoses, write both reports, and say where they lie."""
    command = [str(python_with()), "-m", "trainclinic", "diagnose"]
    reports = []
    for name in ("report-a", "report-b"):
        run, page = ROOT / "examples" / name, ROOT / f"trainclinic-{name}.html"
        print(f"\n$ trainclinic diagnose examples/{name}\n", flush=True)
        printed = subprocess.run([*command, str(run)], check=False)
        written = subprocess.run([*command, str(run), "-o", str(page)], check=False, stderr=subprocess.DEVNULL)
        if {printed.returncode, written.returncode} != {HARMFUL}:
            print(f"error: expected harmful findings in examples/{name}", file=sys.stderr)
            return 2
        reports.append(page)
    print("\n$ trainclinic data examples/letters --show 1\n", flush=True)
    looked = [str(python_with()), "-m", "trainclinic", "data", str(ROOT / "examples" / "letters"), "--show", "1"]
    if subprocess.run(looked, check=False).returncode != HARMFUL:
        print("error: expected harmful findings in examples/letters", file=sys.stderr)
        return 2
    print("\nThe same as pages to open in a browser:")
    for page in reports:
        print(f"  {page.as_uri()}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
