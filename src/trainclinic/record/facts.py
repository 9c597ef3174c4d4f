"""What the files say about a run's configuration: typed values, each with its source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from trainclinic.record.source import Source
from trainclinic.record.vocabulary import FACTS

Value = float | str | bool
How = Literal["config", "printed", "command line", "environment", "script", "model card", "log", "inferred", "given"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One value of the configuration.

    Attributes:
        name: A name of `vocabulary.FACTS`, or the setting's own name in `RunRecord.other_facts`.
        value: Number (as float), text or flag, as the vocabulary says.
        source: Where it was read.
        how: What kind of place that is; `inferred` for values computed from other values.
    """

    name: str
    value: Value
    source: Source
    how: How = "config"


class Facts:
    """The facts of one run, by canonical name. The first fact given for a name wins; the others are kept as rivals.

    Args:
        facts: In order of trust, best first. Names must be in the vocabulary and values of the kind it says.

    Raises:
        KeyError: If a name is not in `vocabulary.FACTS`.
        TypeError: If a value is not of the kind that the vocabulary says.
    """

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        self._all: dict[str, list[Fact]] = {}
        for fact in facts:
            _check_kind(fact)
            self._all.setdefault(fact.name, []).append(fact)

    def __iter__(self) -> Iterator[Fact]:
        """The winning fact of each name, in order of first mention."""
        return (rivals[0] for rivals in self._all.values())

    def __len__(self) -> int:
        """Number of names with a value."""
        return len(self._all)

    def __contains__(self, name: str) -> bool:
        """Whether a value for `name` was found."""
        return name in self._all

    def get(self, name: str) -> Fact | None:
        """The winning fact, or `None`; unknown names raise `KeyError`, so that a typing error cannot pass."""
        if name not in FACTS:
            raise KeyError(name)
        rivals = self._all.get(name)
        return rivals[0] if rivals else None

    def rivals(self, name: str) -> tuple[Fact, ...]:
        """All facts found for `name`, the winner first: two different values are a contradiction of the files."""
        return tuple(self._all.get(name, ()))

    def with_less_trusted(self, facts: Iterable[Fact]) -> Facts:
        """These facts, and others that win only where nothing is known yet.

        Args:
            facts: In order of trust, best first.
        """
        return Facts([*(fact for rivals in self._all.values() for fact in rivals), *facts])

    def number(self, name: str) -> float | None:
        """The value as a float, or `None`."""
        fact = self.get(name)
        return None if fact is None else float(fact.value)

    def text(self, name: str) -> str | None:
        """The value as text, or `None`."""
        fact = self.get(name)
        return None if fact is None else str(fact.value)

    def flag(self, name: str) -> bool | None:
        """The value as a flag, or `None` when nothing says."""
        fact = self.get(name)
        return None if fact is None else bool(fact.value)


def coerce_fact_value(name: str, raw: object) -> Value | None:
    """Turn a raw setting into the kind that the vocabulary wants, or `None` when that is not possible.

    Args:
        name: A name of `vocabulary.FACTS`.
        raw: What a file holds: number, text such as `"2e-4"` or `"True"`, boolean, list (joined with commas), `None`.
    """
    kind = FACTS[name][0]
    if raw is None or isinstance(raw, Mapping):
        return None
    if isinstance(raw, (list, tuple, set)):
        raw = ",".join(str(item) for item in raw)
    if kind == "text":
        text = str(raw).strip()
        return text if text and text.lower() not in {"none", "null"} else None
    if kind == "flag":
        return _as_flag(raw)
    return _as_number(raw)


def _as_flag(raw: object) -> bool | None:
    if isinstance(raw, bool):
        return raw
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    return words.get(str(raw).strip().strip("'\"").lower())


def _as_number(raw: object) -> float | None:
    if isinstance(raw, bool):
        return None
    if isinstance(raw, (int, float)):
        return float(raw) if abs(raw) < 1e300 else None
    try:
        return float(str(raw).strip().strip("'\"").replace(",", "").replace("_", ""))
    except ValueError:
        return None


def _check_kind(fact: Fact) -> None:
    kinds: dict[str, type | tuple[type, ...]] = {"number": (int, float), "text": str, "flag": bool}
    kind = FACTS[fact.name][0]
    wrong_flag = kind == "number" and isinstance(fact.value, bool)
    if wrong_flag or not isinstance(fact.value, kinds[kind]):
        message = f"fact `{fact.name}` is a {kind}, got {fact.value!r}"
        raise TypeError(message)
