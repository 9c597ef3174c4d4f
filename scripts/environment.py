"""Make the project's own virtual environment, with pip and nothing else, and install the package into it."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".venv"
OLDEST = (3, 10)


def python_with(extra: str = "") -> Path:
    """The interpreter of `.venv`, with the package installed in it.

    Installs only when `pyproject.toml` or `constraints.txt` is newer than the last installation.

    Args:
        extra: Name of an extra, e.g. `dev`; empty for the core alone.
    """
    if sys.version_info < OLDEST:
        sys.exit(f"error: Python {sys.version.split()[0]} is too old\n\nhint: trainclinic needs Python 3.10 or newer")
    python = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print(f"creating {FOLDER.relative_to(ROOT)}", flush=True)
        venv.create(FOLDER, with_pip=True)
    stamp = FOLDER / f"installed-{extra or 'core'}"
    inputs = [ROOT / "pyproject.toml", ROOT / "constraints.txt"]
    if not stamp.exists() or stamp.stat().st_mtime < max(path.stat().st_mtime for path in inputs):
        print(f"installing trainclinic{f' with its {extra} tools' if extra else ''}", flush=True)
        target = f"{ROOT}[{extra}]" if extra else str(ROOT)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--constraint", str(ROOT / "constraints.txt"), "--editable", target], check=True)
        stamp.touch()
    return python
