"""The bundled table of signatures: read once, when first asked for.

Written by `scripts/generate_signatures.py` from the released sources of each library. It knows the versions that it
lists and nothing between them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from trainclinic.script.oracle.parameters import Shape, Site
from trainclinic.script.oracle.timeline import decode, within

FILE = Path(__file__).parent / "signatures.json"


@dataclass(frozen=True, slots=True)
class Table:
    """Signatures of several libraries over many versions.

    Attributes:
        versions: Known versions by library, ascending.
        symbols: History by qualified name, as `timeline.encode` gives it.
        calls: How the Trainer of transformers calls its methods: by method, rows of positional count, keywords, whether
            it unpacks, and the first and last version.
    """

    versions: Mapping[str, tuple[str, ...]]
    symbols: Mapping[str, Mapping[str, Any]]
    calls: Mapping[str, list[list[Any]]]

    def shape(self, qualname: str, index: int) -> Shape | None:
        """What a callable takes in one version; `None` when the version lacks it or the table does not know it."""
        history = self.symbols.get(qualname)
        return None if history is None else decode(history, index)

    def sites(self, method: str, index: int) -> tuple[Site, ...]:
        """How the Trainer of one version of transformers calls one of its methods."""
        rows = self.calls.get(method, ())
        return tuple(Site(row[0], tuple(row[1]), row[2]) for row in rows if within(index, row[3], row[4]))

    def known(self, library: str) -> tuple[str, ...]:
        """Versions of a library, ascending; empty for a library that the table does not hold."""
        return self.versions.get(library, ())


@cache
def bundled() -> Table:
    """The table that is part of this package."""
    data = json.loads(FILE.read_text(encoding="utf-8"))
    versions = {library: tuple(known) for library, known in data["versions"].items()}
    return Table(versions, data["symbols"], data["calls"])
