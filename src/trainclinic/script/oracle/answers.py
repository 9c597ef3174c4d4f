"""What the oracle answers with: signatures, removals, and the calls that an override must take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from trainclinic.script.oracle.parameters import Parameter, Site

Origin = Literal["installed", "bundled"]
Verdict = Literal["accepted", "rejected", "depends", "unknown"]
"""Whether a parameter can be passed; `depends` when that differs between the versions that may be in use."""
Presence = Literal["present", "absent", "depends", "unknown"]
"""Whether a library exports a name; `depends` as above."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What a class or function takes in one version.

    Attributes:
        qualname: Name that was asked for.
        version: Version whose sources were read; see `exact`.
        parameters: In order, without `self` and `cls`.
        source: Where the sources were: this environment, or the table that was made from the released versions.
        wanted: Version that the project uses.
    """

    qualname: str
    version: str
    parameters: tuple[Parameter, ...]
    source: Origin
    wanted: str

    @property
    def exact(self) -> bool:
        """Whether the version that was read is the one that the project uses, not its nearest neighbour."""
        return self.version == self.wanted

    @property
    def has_var_keyword(self) -> bool:
        """Whether it takes any keyword argument, as far as its signature says."""
        return any(parameter.kind == "var_keyword" for parameter in self.parameters)

    def accepts(self, name: str) -> bool:
        """Whether an argument of this name can be passed by keyword."""
        return self.has_var_keyword or self.parameter(name) is not None

    def parameter(self, name: str) -> Parameter | None:
        """The parameter of that name, unless it is `*args` or `**kwargs`."""
        return next((each for each in self.parameters if each.name == name and not each.kind.startswith("var_")), None)


@dataclass(frozen=True, slots=True)
class Removal:
    """A parameter, class or function that newer versions lack.

    Attributes:
        last: Last known version that has it.
        first_without: First known version after it.
        replacement: What to write instead, as code or a few words; empty when nothing takes its place.
        library: Library whose versions these are.
    """

    last: str
    first_without: str
    replacement: str
    library: str


@dataclass(frozen=True, slots=True)
class CallShape:
    """How the Trainer of one version calls one of its methods.

    Attributes:
        method: The method.
        version: Version whose sources were read.
        sites: The distinct ways in which it is called; some are reached only under some settings.
    """

    method: str
    version: str
    sites: tuple[Site, ...]

    @property
    def positional(self) -> int:
        """The largest number of positional arguments, without `self`."""
        return max(site.positional for site in self.sites)

    @property
    def keywords(self) -> frozenset[str]:
        """Every keyword that some call passes."""
        return frozenset(keyword for site in self.sites for keyword in site.keywords)

    def refused_by(self, parameters: Sequence[Parameter]) -> Site | None:
        """The first call that an override with these parameters cannot take, `None` when it takes all.

        Args:
            parameters: Of the override, without `self`.
        """
        return next((site for site in self.sites if not _takes(parameters, site)), None)


def _takes(parameters: Sequence[Parameter], site: Site) -> bool:
    kinds = {parameter.kind for parameter in parameters}
    positional = [parameter for parameter in parameters if parameter.kind == "positional"]
    if site.positional > len(positional) and "var_positional" not in kinds:
        return False
    open_names = {
        each.name for each in (*positional[site.positional :], *parameters) if each.kind in ("positional", "keyword")
    }
    filled = {parameter.name for parameter in positional[: site.positional]}
    if any(name in filled for name in site.keywords):
        return False
    if "var_keyword" not in kinds and any(name not in open_names for name in site.keywords):
        return False
    given = filled | set(site.keywords)
    required = {each.name for each in parameters if each.kind in ("positional", "keyword") and each.default is None}
    return site.unpacks or required <= given
