"""Evidence as lines for people: verdicts that rest on one observation are told once, with the reasons of all of them.

The JSON report keeps every verdict apart.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from trainclinic.catalogue.wording import words
from trainclinic.report.cause_entries import StrengthWord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trainclinic.report.cause_entries import CauseEvidence

LONG = 100
"""Characters from which a sentence is long."""
ALIKE = 0.5
"""Share of common words from which one reason says nothing that the other does not."""
_ASIDE = re.compile(r"\s*\([^()]*\)")
_EXPECTED = "it would be expected, because "


class EvidenceLine(NamedTuple):
    """What one observation says for or against a cause.

    Attributes:
        strength: Weight of the heaviest verdict behind it.
        says: What was read, or what was looked for and not found.
        why: What makes it count, the heaviest reason first; empty when nothing more is known of it.
        path: File it was read from.
        line: Line in that file.
        key: Key or column inside the file.
    """

    strength: StrengthWord
    says: str
    why: str
    path: str | None
    line: int | None
    key: str


def evidence_lines(evidence: Iterable[CauseEvidence]) -> list[EvidenceLine]:
    """One line per observation, in the order given.

    Args:
        evidence: Verdicts on one side of one cause, the heaviest first.
    """
    groups: list[list[CauseEvidence]] = []
    for one in evidence:
        group = next((known for known in groups if _is_same(known[0], one)), None)
        if group is None:
            groups.append([one])
        else:
            group.append(one)
    return [_line(group) for group in groups]


def seen(evidence: CauseEvidence, *, brief: bool = False) -> str:
    """What was read; for an absence, what was not there and the number behind that.

    Args:
        evidence: The verdict.
        brief: Whether a long sentence loses its remarks in brackets, such as the source of a figure: they stand with
            the finding itself.
    """
    says = _ASIDE.sub("", evidence.says) if brief and len(evidence.says) > LONG else evidence.says
    if evidence.state == "present":
        return says
    nothing = f"no {words(evidence.slug)}"
    return nothing if says in {"", nothing} else f"{nothing} ({says})"


def _is_same(first: CauseEvidence, other: CauseEvidence) -> bool:
    """Whether two verdicts rest on one observation: one place and one sentence, or sentences with one beginning."""
    if (first.state, first.path, first.line, first.key) != (other.state, other.path, other.line, other.key):
        return False
    one, two = _ASIDE.sub("", first.says), _ASIDE.sub("", other.says)
    if not one or not two:
        return False
    if first.state == "absent" or first.path is None:
        return one == two and not one.startswith("no ")
    return _head(one) == _head(two) or one.startswith(two) or two.startswith(one)


def _head(says: str) -> str:
    """The observation itself; what follows its first comma is what a verdict adds to it."""
    return says.partition(", ")[0]


def _line(group: Sequence[CauseEvidence]) -> EvidenceLine:
    first = group[0]
    if first.state == "absent" and len(group) > 1:
        names = ", ".join(f"no {words(one.slug)}" for one in group)
        says = f"{names} ({first.says})"
    else:
        fullest = max(group, key=lambda one: len(one.says)) if _nested(group) else first
        says = seen(fullest, brief=True)
        for other in group if fullest is first else ():
            added = seen(other, brief=True).partition(", ")[2]
            says += f"; {added}" if added and added not in says else ""
    return EvidenceLine(first.strength, says, _reasons(group), first.path, first.line, first.key)


def _nested(group: Sequence[CauseEvidence]) -> bool:
    """Whether the longest sentence says what all others say."""
    longest = max((_ASIDE.sub("", one.says) for one in group), key=len)
    return all(longest.startswith(_ASIDE.sub("", one.says)) for one in group)


def _reasons(group: Sequence[CauseEvidence]) -> str:
    reasons: list[str] = []
    for one in group:
        why = one.why.removeprefix(_EXPECTED) if reasons else one.why
        if why and not any(_alike(why, told) for told in reasons):
            reasons.append(why)
    return "; ".join(reasons)


def _alike(why: str, told: str) -> bool:
    """Whether two reasons are one in other words."""
    one, two = set(why.lower().split()), set(told.lower().split())
    return len(one & two) > ALIKE * len(one | two)
