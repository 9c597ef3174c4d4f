"""Every cause of this room, found by walking it: one file per cause, one package per family."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache, cached_property
from types import ModuleType

from trainclinic import causes
from trainclinic.catalogue.cause import Cause
from trainclinic.catalogue.page import CAUSE_HEADINGS, Page, parse_page


@dataclass(frozen=True)
class CauseFile:
    """A cause with the file it lives in.

    Attributes:
        cause: The cause.
        module: The module, whose docstring is the page.
    """

    cause: Cause
    module: ModuleType

    @cached_property
    def page(self) -> Page:
        """The cause's documentation, parsed when first asked for."""
        return parse_page(self.module.__doc__ or "", CAUSE_HEADINGS)


@cache
def all_causes() -> dict[str, CauseFile]:
    """Every cause by slug, family by family.

    Raises:
        ValueError: If a file stands in another place than its cause's family and slug say.
    """
    found: dict[str, CauseFile] = {}
    for info in pkgutil.walk_packages(causes.__path__, causes.__name__ + "."):
        if info.ispkg or info.name.count(".") != causes.__name__.count(".") + 2:
            continue
        module = importlib.import_module(info.name)
        cause = getattr(module, "CAUSE", None)
        if not isinstance(cause, Cause):
            continue
        wanted = f"{causes.__name__}.{cause.family}.{cause.slug}".replace("-", "_")
        if info.name != wanted:
            message = f"cause file `{info.name}` should be `{wanted}`"
            raise ValueError(message)
        found[cause.slug] = CauseFile(cause, module)
    return found
