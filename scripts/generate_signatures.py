"""Write the table of signatures that the script linter knows: `python scripts/generate_signatures.py`.

Downloads the released wheels of each library one after the other, reads their sources without importing them, and
writes `src/trainclinic/script/oracle/signatures.json`. `--wheels DIR` keeps the wheels and uses those that are there.
To add a release, add its number to `VERSIONS`: the newest patch of each minor version stands for all of them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainclinic.script.oracle.call_sites import call_sites
from trainclinic.script.oracle.extraction import shape_of
from trainclinic.script.oracle.package import Package
from trainclinic.script.oracle.parameters import Shape, Site
from trainclinic.script.oracle.symbols import LIBRARIES, SYMBOLS, TRAINER_METHODS
from trainclinic.script.oracle.timeline import encode, spans

TARGET = Path(__file__).resolve().parents[1] / "src/trainclinic/script/oracle/signatures.json"
ABOUT = "Written by scripts/generate_signatures.py from the released sources; do not edit"
# fmt: off
VERSIONS = {
    "transformers": (
        "4.36.2", "4.37.2", "4.38.2", "4.39.3", "4.40.2", "4.41.2", "4.42.4", "4.43.4", "4.44.2", "4.45.2", "4.46.3",
        "4.47.1", "4.48.3", "4.49.0", "4.50.3", "4.51.3", "4.52.4", "4.53.3", "4.54.1", "4.55.4", "4.56.2", "4.57.6",
        "5.0.0", "5.1.0", "5.2.0", "5.3.0", "5.4.0", "5.5.4", "5.6.2", "5.7.0", "5.8.1", "5.9.0", "5.10.4", "5.11.0",
        "5.12.1", "5.13.1", "5.14.1", "5.15.1", "5.16.1", "5.17.0", "5.18.0", "5.19.0", "5.20.2", "5.21.1", "5.22.2",
        "5.23.0", "5.24.0",
    ),
    "trl": (
        "0.7.11", "0.8.6", "0.9.6", "0.10.1", "0.11.4", "0.12.2", "0.13.0", "0.14.0", "0.15.2", "0.16.1", "0.17.0",
        "0.18.2", "0.19.1", "0.20.0", "0.21.0", "0.22.2", "0.23.1", "0.24.0", "0.25.1", "0.26.2", "0.27.2", "0.28.0",
        "0.29.1", "1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.1", "1.6.0", "1.7.1", "1.8.0", "1.9.2", "1.10.0",
        "1.11.0", "1.12.0", "1.13.0", "1.14.2", "1.15.0", "1.16.0",
    ),
    "peft": (
        "0.6.2", "0.7.1", "0.8.2", "0.9.0", "0.10.0", "0.11.1", "0.12.0", "0.13.2", "0.14.0", "0.15.2", "0.16.0",
        "0.17.1", "0.18.1", "0.19.1", "0.20.0", "0.21.2",
    ),
    "accelerate": (
        "0.25.0", "0.28.0", "0.30.1", "0.34.2", "1.0.1", "1.2.1", "1.4.0", "1.6.0", "1.8.1", "1.10.1", "1.11.0",
        "1.12.0", "1.13.0", "1.14.0", "1.15.0",
    ),
}
# fmt: on


def main(arguments: Sequence[str] | None = None) -> int:
    """Read every version and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheels", type=Path, help="folder of wheels to keep and to use")
    options = parser.parse_args(arguments)
    shapes: dict[str, dict[int, Shape]] = {}
    sites: dict[tuple[str, Site], list[int]] = {}
    for library in LIBRARIES:
        for index, version in enumerate(VERSIONS[library]):
            print(f"{library} {version}", file=sys.stderr, flush=True)
            package = _package(library, version, options.wheels)
            for symbol in SYMBOLS:
                shape = shape_of(package, symbol, SYMBOLS) if symbol.startswith(f"{library}.") else None
                if shape is not None:
                    shapes.setdefault(symbol, {})[index] = shape
            if library == "transformers":
                for method, each in call_sites(package, "transformers.Trainer", TRAINER_METHODS).items():
                    for site in each:
                        sites.setdefault((method, site), []).append(index)
    TARGET.write_text(_text(shapes, sites), encoding="utf-8")
    print(f"{TARGET.name}: {len(shapes)} symbols, {TARGET.stat().st_size / 1000:.0f} kB", file=sys.stderr)
    return 0


def _package(library: str, version: str, folder: Path | None) -> Package:
    if folder is not None:
        return _sources(_wheel(library, version, folder))
    with tempfile.TemporaryDirectory() as fresh:
        return _sources(_wheel(library, version, Path(fresh)))


def _wheel(library: str, version: str, folder: Path) -> Path:
    pattern = f"{library}-{version}-py*.whl"
    if not any(folder.glob(pattern)):
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        subprocess.run([*pip, "--dest", str(folder), f"{library}=={version}"], check=True)
    return next(folder.glob(pattern))


def _sources(wheel: Path) -> Package:
    """The sources of a wheel, held in memory except for the implementations of models."""
    with zipfile.ZipFile(wheel) as archive:
        names = [
            name for name in archive.namelist() if name.endswith(".py") and not name.startswith("transformers/models/")
        ]
        texts = {name: archive.read(name).decode("utf-8") for name in names}
    return Package(texts.get)


def _text(shapes: dict[str, dict[int, Shape]], sites: dict[tuple[str, Site], list[int]]) -> str:
    """The table as JSON with one symbol a line, so that a new version shows as a readable difference."""
    newest = {library: len(VERSIONS[library]) - 1 for library in LIBRARIES}
    symbols = {name: encode(shapes[name], newest[name.partition(".")[0]]) for name in SYMBOLS if name in shapes}
    calls: dict[str, list[list[Any]]] = {}
    for (method, site), indices in sites.items():
        for span in spans(indices, newest["transformers"]):
            calls.setdefault(method, []).append([site.positional, list(site.keywords), site.unpacks, *span])
    parts: dict[str, dict[str, Any]] = {"versions": VERSIONS, "symbols": symbols, "calls": calls}
    body = ",\n".join(f'"{name}": {{\n{_lines(part)}\n}}' for name, part in parts.items())
    return f'{{"about": {json.dumps(ABOUT)},\n{body}}}\n'


def _lines(part: dict[str, Any]) -> str:
    return ",\n".join(f"{json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}" for name, value in part.items())


if __name__ == "__main__":
    raise SystemExit(main())
