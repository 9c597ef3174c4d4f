"""Every fix of this room, found by walking it: one file per fix, one package per part of a fine-tune."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache, cached_property
from types import ModuleType

from trainclinic import fixes
from trainclinic.catalogue.page import Page, parse_page
from trainclinic.fixes.fix import Fix

HEADINGS = ("Why it works", "What it does not do", "References")
"""The headings of a fix's page."""


@dataclass(frozen=True)
class FixFile:
    """A fix with the file it lives in.

    Attributes:
        fix: The fix.
        group: Name of its package, e.g. `precision`.
        module: The module, whose docstring is the page.
    """

    fix: Fix
    group: str
    module: ModuleType

    @cached_property
    def page(self) -> Page:
        """The fix's documentation, parsed when first asked for."""
        return parse_page(self.module.__doc__ or "", HEADINGS)


@cache
def all_fixes() -> dict[str, FixFile]:
    """Every fix by slug, group by group.

    Raises:
        ValueError: If a file is not called what its fix is called.
    """
    found: dict[str, FixFile] = {}
    for info in pkgutil.walk_packages(fixes.__path__, fixes.__name__ + "."):
        if info.ispkg or info.name.count(".") != fixes.__name__.count(".") + 2:
            continue
        module = importlib.import_module(info.name)
        fix = getattr(module, "FIX", None)
        if not isinstance(fix, Fix):
            continue
        *_, group, stem = info.name.split(".")
        wanted = fix.slug.replace("-", "_")
        if stem != wanted:
            message = f"fix file `{info.name}` should be called `{wanted}.py`"
            raise ValueError(message)
        found[fix.slug] = FixFile(fix, group, module)
    return found
