"""Run every check of the project: `python3 scripts/check.py`. Needs Python 3.10 or newer and pip.

Creates `.venv`, installs the package with its development tools, then formats, lints, types, import contracts,
generated files and tests. `--slow` adds the statistical tests and the tests of the built wheel, as CI does.
On Python 3.10 types are not checked: the last numpy for it describes its arrays otherwise.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

from environment import ROOT, python_with

TYPED_FROM = (3, 11)


def main() -> int:
    """Run the checks in order; stop at the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slow", action="store_true", help="also run the tests marked slow")
    options = parser.parse_args()
    python = str(python_with("dev"))
    tests = ["pytest", "-n", "2", *(["-m", ""] if options.slow else [])]
    steps = [
        ["ruff", "format", "--check", "."],
        ["ruff", "check", "."],
        *([["mypy"]] if sys.version_info >= TYPED_FROM else []),
        ["importlinter.cli", "lint-imports"],
        ["generate_docs", "--check"],
        tests,
    ]
    for name, *arguments in steps:
        started = time.monotonic()
        print(f"\n== {name} {' '.join(arguments)}", flush=True)
        done = subprocess.run(command_of(python, name, arguments), cwd=ROOT, check=False)
        print(f"== {name}: exit {done.returncode} after {time.monotonic() - started:.0f} s", flush=True)
        if done.returncode:
            return done.returncode
    return 0


def command_of(python: str, name: str, arguments: list[str]) -> list[str]:
    """The command line of one check: a module of the environment, or one of our own scripts."""
    if name == "generate_docs":
        return [python, str(ROOT / "scripts" / "generate_docs.py"), *arguments]
    if name == "importlinter.cli":
        return [python, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    return [python, "-m", name, *arguments]


if __name__ == "__main__":
    raise SystemExit(main())
