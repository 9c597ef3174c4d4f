"""Find every rule file below a package; there is no list to edit."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any, Generic

from trainclinic.catalogue.page import Page, parse_page
from trainclinic.catalogue.rule import Rule, Subject


@dataclass(frozen=True)
class Entry(Generic[Subject]):
    """A rule with the file it lives in.

    Attributes:
        rule: The rule.
        group: Name of the sub-package, e.g. `numerics`.
        module: The module, whose docstring is the page.
    """

    rule: Rule[Subject]
    group: str
    module: ModuleType

    @cached_property
    def page(self) -> Page:
        """The rule's documentation, parsed when first asked for."""
        return parse_page(self.module.__doc__ or "")


def load_entries(package: ModuleType) -> dict[str, Entry[Any]]:
    """Import each module below `package` that defines `RULE`.

    Args:
        package: A package with one sub-package per group, whose rule files are named `<code>_<slug>.py`.

    Returns:
        Entries by code, in order of code.

    Raises:
        ValueError: If a file name disagrees with its rule, or a code or slug is used twice.
    """
    found: dict[str, Entry[Any]] = {}
    for info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if info.ispkg or "_" not in info.name.rpartition(".")[2]:
            continue
        module = importlib.import_module(info.name)
        rule = getattr(module, "RULE", None)
        if not isinstance(rule, Rule):
            continue
        *_, group, stem = info.name.split(".")
        _check_name(stem, rule, found)
        found[rule.code] = Entry(rule=rule, group=group, module=module)
    return dict(sorted(found.items()))


def _check_name(stem: str, rule: Rule[Any], found: dict[str, Entry[Any]]) -> None:
    wanted = f"{rule.code}_{rule.slug}".lower().replace("-", "_")
    if stem != wanted:
        message = f"rule file `{stem}.py` should be called `{wanted}.py`"
        raise ValueError(message)
    for other in found.values():
        if rule.code == other.rule.code or rule.slug == other.rule.slug:
            message = f"`{stem}` repeats the code or slug of `{other.module.__name__}`"
            raise ValueError(message)
