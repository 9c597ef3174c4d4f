"""What the files state about a run, as verdicts: flags, sizes, words of the log.

Circumstances answer from here, so that all of them show a setting in the same words. Silence is never an answer: what
nobody states stays `None`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import Absent, Evidence, Present, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.readers.settings.names import canonical_setting
from trainclinic.record.vocabulary import FACTS

if TYPE_CHECKING:
    from trainclinic.record.facts import Fact
    from trainclinic.signals.measured import Measured

_LONGEST = 80


def shown(fact: Fact, because: str = "") -> Evidence:
    """A fact as evidence, under its file's own name for it, unless that name means something wider (`precision`).

    Args:
        fact: The fact.
        because: What follows from it, as a clause; empty when it speaks for itself.
    """
    value = str(fact.value).lower() if isinstance(fact.value, bool) else str(fact.value)
    if isinstance(fact.value, (int, float)) and not isinstance(fact.value, bool):
        value = number(float(fact.value))
    text = " ".join(value.split())[:_LONGEST].rstrip(". ")
    spelled = fact.source.key.rpartition(".")[2] or fact.name
    known = fact.name not in FACTS or canonical_setting(spelled) == fact.name
    says = f"`{spelled if known else fact.name}` is `{text}`"
    return Evidence(f"{says}: {because}" if because else says, fact.source)


def present(fact: Fact, because: str = "") -> Present:
    """The circumstance is there, by one fact."""
    return Present((shown(fact, because),))


def absent(fact: Fact, because: str = "") -> Absent:
    """The circumstance is not there, by one fact."""
    return Absent((shown(fact, because),))


def by_flag(run: Measured, name: str) -> Verdict | None:
    """Present or absent by a flag of the vocabulary; `None` when nothing states it."""
    fact = run.record.facts.get(name)
    if fact is None:
        return None
    return present(fact) if fact.value else absent(fact)


def more_than_one(run: Measured, name: str) -> Verdict | None:
    """Present when a count of the vocabulary is above 1, absent at 1 or 0; `None` when nothing states it."""
    fact = run.record.facts.get(name)
    if fact is None:
        return None
    return present(fact) if float(fact.value) > 1 else absent(fact)


def other_settings(run: Measured, *names: str) -> Iterator[Fact]:
    """Settings under their own names, for which the vocabulary has no word; sections are ignored.

    Args:
        run: The run.
        names: Last parts of their names in lower case, with `_`.
    """
    for fact in run.record.other_facts:
        if fact.name.lower().replace("-", "_").rpartition(".")[2] in names:
            yield fact


def mentioned(run: Measured, pattern: str, what: str) -> Present | None:
    """Present when a telling line of the log matches.

    Args:
        run: The run.
        pattern: Regular expression, case ignored.
        what: What such a line shows, as a sentence without full stop.
    """
    for event in run.record.events:
        if re.search(pattern, event.says, re.I):
            return Present((Evidence(what, event.source, event.step),))
    return None


def framework(run: Measured) -> str:
    """The tool that the run was made with, in lower case; empty when nothing tells."""
    return (run.record.facts.text("framework") or "").lower()


def is_adapter_method(run: Measured) -> bool | None:
    """Whether only an adapter is trained, by method and rank; `None` when nothing states either."""
    method = (run.record.facts.text("method") or "").lower()
    if any(word in method for word in ADAPTERS):
        return True
    if method in WHOLE:
        return False
    return True if (run.record.facts.number("lora_rank") or 0) > 0 else None


ADAPTERS = ("lora", "dora", "ia3", "prefix", "prompt", "p_tuning", "adapter", "oft", "boft", "vera", "reft")
"""Words in the names of methods that train something small beside frozen weights."""
WHOLE = ("full", "freeze", "frozen", "badam", "galore")
"""Methods that train weights of the model itself."""
