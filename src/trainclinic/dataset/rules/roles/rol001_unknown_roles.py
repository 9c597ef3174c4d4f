"""Turns carry roles that chat templates do not know.

## What it sees

Turns whose role is none of system, user, assistant and tool, after the usual other names (`human`, `gpt`, `bot`,
`developer`, `function` ...) were understood.

## Why it matters

A chat template either raises on such a turn, or writes nothing for it, or writes the unknown name as a header that the
model has never seen. Where the loss is on the assistant's turns, answers under another name are never learned.

## What it does not mean

Names of speakers in a group chat or a role play can be meant as roles, for a template that writes any name. That is
the user's own template then, and this warning may be disregarded.

## Example

`{"from": "hummany", "value": "Hi"}` in 200 rows: the name was mistyped, and the loader stops.

## Check it by hand

    grep -oE '"(role|from)": *"[^"]*"' data.jsonl | sort | uniq -c

## References

- https://github.com/hiyouga/LlamaFactory/issues/2529 (`Invalid role tag`)
- https://github.com/hiyouga/LlamaFactory/issues/3535 (a public set with several names for the assistant)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.corpus.sample import ROLES
from trainclinic.dataset.kinds import CONVERSATIONS, rule_among
from trainclinic.dataset.rule import Shares, quoted

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample

ANY = Threshold("share of rows", 0.0, "1", "each one is a turn that a template refuses or leaves out")
MANY = Threshold("share of rows", 0.10, "1", "expert choice, to be calibrated")
_KNOWN = frozenset(ROLES)


def find(sample: Sample) -> str | None:
    """The first role that is none."""
    for side in (sample.messages, sample.rejected):
        for turn, message in enumerate(side, start=1):
            if message.role not in _KNOWN:
                return (
                    f"turn {turn} has the role {quoted(message.role)}" if message.role else f"turn {turn} has no role"
                )
    return None


RULE = rule_among(
    CONVERSATIONS,
    code="ROL001",
    slug="unknown-roles",
    severity=Severity.HARMFUL,
    needs=("roles of turns",),
    find=find,
    what="have a turn of an unknown role",
    shares=Shares(ANY, MANY),
)
