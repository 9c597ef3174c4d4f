"""What the libraries that a script uses accept, in the versions that its project uses.

A pinned version is looked up in the bundled table; without a pin the library of this environment is read, without
importing it; without either the version is unknown, and an answer says whether versions differ. The oracle knows
signatures, not meanings: that an argument is accepted does not say that it does anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from trainclinic.knowledge.versions import nearest
from trainclinic.script.oracle.answers import CallShape, Origin, Presence, Removal, Signature, Verdict
from trainclinic.script.oracle.call_sites import call_sites
from trainclinic.script.oracle.extraction import shape_of
from trainclinic.script.oracle.installed import installed as installed_library
from trainclinic.script.oracle.package import Package
from trainclinic.script.oracle.parameters import Parameter, Shape
from trainclinic.script.oracle.renames import REPLACEMENTS, SUCCESSORS
from trainclinic.script.oracle.symbols import SYMBOLS
from trainclinic.script.oracle.table import bundled

_TRAINER = "transformers.Trainer"


@dataclass(frozen=True, slots=True)
class _Release:
    """One version of one library, ready to be asked."""

    version: str
    wanted: str
    source: Origin
    index: int = -1
    package: Package | None = None

    def shape(self, qualname: str) -> Shape | None:
        if self.package is None:
            return bundled().shape(qualname, self.index)
        return _installed_shape(self.package, qualname)


class Oracle:
    """Answers what a project's libraries accept.

    Args:
        versions: Exact versions that the project pins, by library.
        installed: Whether libraries of this environment stand in where there is no pin.
    """

    def __init__(self, versions: Mapping[str, str] | None = None, *, installed: bool = True) -> None:
        self._pins = dict(versions or {})
        self._installed = installed
        self._releases: dict[str, _Release | None] = {}
        self._verdicts: dict[tuple[str, str], Verdict] = {}

    def version(self, library: str) -> str | None:
        """The version that the answers are read from; `None` when the project's version is unknown.

        It differs from the pinned version where the table holds only a neighbour of that.
        """
        release = self._release(library)
        return None if release is None else release.version

    def signature(self, qualname: str) -> Signature | None:
        """What a class, function or method takes.

        Args:
            qualname: Name under which scripts import it: `trl.SFTConfig`, `transformers.Trainer.training_step`.

        Returns:
            Its signature; `None` when the version is unknown or lacks it, or the table does not hold the name.
        """
        release = self._release(_library(qualname))
        shape = None if release is None else release.shape(qualname)
        if release is None or shape is None:
            return None
        inherited = [self.signature(base) for base in shape.continues]
        if None in inherited:
            return None
        bases = [each.parameters for each in inherited if each is not None]
        return Signature(qualname, release.version, _joined(shape, bases), release.source, release.wanted)

    def newest(self, qualname: str) -> Signature | None:
        """What it takes in the newest known versions, whatever the project uses; `None` when those lack it."""
        latest = {library: bundled().known(library)[-1] for library in bundled().versions}
        return Oracle(latest, installed=False).signature(qualname)

    def verdict(self, qualname: str, parameter: str) -> Verdict:
        """Whether a parameter can be passed by keyword.

        Args:
            qualname: As for `signature`.
            parameter: Name of the argument.

        Returns:
            `accepted` or `rejected` when it holds for every version that may be in use, `depends` when they differ,
            `unknown` when the name is in none of them.
        """
        asked = qualname, parameter
        if asked not in self._verdicts:
            found = {self._verdict(shape, parameter) for shape in self._shapes(qualname)}
            self._verdicts[asked] = "depends" if len(found) > 1 else next(iter(found), "unknown")
        return self._verdicts[asked]

    def presence(self, qualname: str) -> Presence:
        """Whether the library exports a class or function in the versions that may be in use."""
        release = self._release(_library(qualname))
        if release is not None:
            known = release.package is not None or qualname in bundled().symbols
            return ("present" if release.shape(qualname) else "absent") if known else "unknown"
        if qualname not in bundled().symbols:
            return "unknown"
        return "present" if len(_timeline(qualname)) == len(bundled().known(_library(qualname))) else "depends"

    def removed(self, qualname: str, parameter: str) -> Removal | None:
        """When a parameter went, among all known versions; `None` when the newest accepts it or none ever did.

        Args:
            qualname: As for `signature`; that it is gone itself is a question for `gone`.
            parameter: Name of the argument.
        """
        timeline, versions = _timeline(qualname), bundled().known(_library(qualname))
        if not timeline or len(versions) - 1 not in timeline:
            return None
        newest = timeline[len(versions) - 1]
        if _own(newest, parameter):
            return None
        removals = [self.removed(base, parameter) for base in newest.continues]
        if any(
            each is None and self.gained(base, parameter) for base, each in zip(newest.continues, removals, strict=True)
        ):
            return None
        having = [index for index, shape in timeline.items() if _own(shape, parameter)]
        if not having:
            return next(filter(None, removals), None)
        last = having[-1]
        return Removal(versions[last], versions[last + 1], self.replacement(qualname, parameter), _library(qualname))

    def replacement(self, qualname: str, parameter: str) -> str:
        """What to write instead of an argument that went or is deprecated; empty when nothing is known."""
        return REPLACEMENTS.get(qualname, {}).get(parameter, "")

    def gained(self, qualname: str, parameter: str) -> str | None:
        """The first known version that has a parameter: the oldest that is known, perhaps; `None` when none has it."""
        timeline = _timeline(qualname)
        for index, shape in timeline.items():
            if _own(shape, parameter):
                return bundled().known(_library(qualname))[index]
        bases = {base for shape in timeline.values() for base in shape.continues}
        return next(filter(None, (self.gained(base, parameter) for base in sorted(bases))), None)

    def gone(self, qualname: str) -> Removal | None:
        """When a class or function went, `None` when the newest version exports it or none ever did."""
        timeline, versions = _timeline(qualname), bundled().known(_library(qualname))
        last = max(timeline, default=len(versions) - 1)
        if last == len(versions) - 1:
            return None
        return Removal(versions[last], versions[last + 1], SUCCESSORS.get(qualname, ""), _library(qualname))

    def calls_override_with(self, method: str) -> CallShape | None:
        """How the project's Trainer calls one of its methods; `None` when the version is unknown or it never does.

        Args:
            method: Name of a method of `transformers.Trainer`.
        """
        release = self._release("transformers")
        if release is None:
            return None
        if release.package is None:
            sites = bundled().sites(method, release.index)
        else:
            sites = call_sites(release.package, _TRAINER, (method,)).get(method, ())
        return CallShape(method, release.version, sites) if sites else None

    def calls_in_every_version(self, method: str) -> tuple[CallShape, ...]:
        """How the Trainer of each known version calls a method, oldest first, versions that never call it left out."""
        shapes = (
            CallShape(method, version, bundled().sites(method, index))
            for index, version in enumerate(bundled().known("transformers"))
        )
        return tuple(shape for shape in shapes if shape.sites)

    def _release(self, library: str) -> _Release | None:
        if library not in self._releases:
            self._releases[library] = self._find(library)
        return self._releases[library]

    def _find(self, library: str) -> _Release | None:
        known, wanted = bundled().known(library), self._pins.get(library)
        if wanted is not None:
            index = nearest(wanted, known) if known else -1
            return _Release(known[index], wanted, "bundled", index) if known else None
        found = installed_library(library) if self._installed else None
        return None if found is None else _Release(found.version, found.version, "installed", package=found.package)

    def _shapes(self, qualname: str) -> Iterator[Shape]:
        """The shapes in all versions that may be in use."""
        release = self._release(_library(qualname))
        if release is None:
            yield from _timeline(qualname).values()
        elif shape := release.shape(qualname):
            yield shape

    def _verdict(self, shape: Shape, parameter: str) -> Verdict:
        if _own(shape, parameter):
            return "accepted"
        found = {self.verdict(base, parameter) for base in shape.continues}
        for verdict in ("accepted", "depends", "unknown"):
            if verdict in found:
                return verdict
        return "rejected"


def _library(qualname: str) -> str:
    return qualname.partition(".")[0]


@cache
def _installed_shape(package: Package, qualname: str) -> Shape | None:
    return shape_of(package, qualname, SYMBOLS)


@cache
def _timeline(qualname: str) -> Mapping[int, Shape]:
    """The shapes of a name in the bundled versions that have it, by index of the version."""
    shapes = ((index, bundled().shape(qualname, index)) for index in range(len(bundled().known(_library(qualname)))))
    return {index: shape for index, shape in shapes if shape is not None}


def _own(shape: Shape, parameter: str) -> bool:
    return any(each.kind == "var_keyword" or each.name == parameter for each in shape.parameters)


def _joined(shape: Shape, bases: list[tuple[Parameter, ...]]) -> tuple[Parameter, ...]:
    """Own and inherited parameters in the order of a dataclass: inherited first, overridden in place."""
    merged = {parameter.name: parameter for base in bases for parameter in base}
    merged.update((parameter.name, parameter) for parameter in shape.parameters)
    return tuple(merged.values())
