"""The preflight: every probe on a live model before hours are spent, in seconds.

It knows the order and when to leave out what is costly. It does not look at data sets, and it does not stop anything:
it says whether the run should.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainclinic.catalogue.finding import Finding
from trainclinic.catalogue.load import Entry
from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import NotEvaluated, Severity, Verdict
from trainclinic.probes.examine import cost_of, in_asking_order
from trainclinic.probes.rule import Cost, reason
from trainclinic.record.errors import TrainclinicError

if TYPE_CHECKING:
    from trainclinic.probes.live import Live

OnCheck = Callable[[str, int, int], None]
"""Called before each check with its slug, how many are done, and how many there are."""


@dataclass(frozen=True)
class Check:
    """One probe and its answer.

    Attributes:
        entry: The probe with its page.
        verdict: Its answer.
        seconds: How long it took; what several probes share is in the first of them.
    """

    entry: Entry[Any]
    verdict: Verdict
    seconds: float

    @property
    def finding(self) -> Finding:
        """The same as a finding, which has a severity."""
        return Finding(self.entry, self.verdict)


@dataclass(frozen=True)
class Preflight:
    """What all probes answered.

    Attributes:
        checks: In the order they were asked.
    """

    checks: tuple[Check, ...]

    @property
    def verdicts(self) -> list[tuple[Rule[Any], Verdict]]:
        """Each probe with its answer, in the order they were asked."""
        return [(check.entry.rule, check.verdict) for check in self.checks]

    @property
    def stops(self) -> tuple[Finding, ...]:
        """What a run must not start with: harmful symptoms that are present."""
        found = (check.finding for check in self.checks)
        return tuple(one for one in found if one.is_present and one.severity is Severity.HARMFUL)

    @property
    def failed(self) -> bool:
        """Whether there is one of them."""
        return bool(self.stops)

    @property
    def seconds(self) -> float:
        """How long all checks took."""
        return sum(check.seconds for check in self.checks)


def examine(live: Live, *, only: Collection[str] | None = None, on_check: OnCheck | None = None) -> Preflight:
    """Ask every probe about a live model: cheap ones first, and none that is costly once something harmful is known.

    The model, its gradients, modes, buffers and all random states are as before afterwards.

    Args:
        live: The run as it stands.
        only: Codes or slugs of the probes to ask; all by default.
        on_check: Told before each check.

    Raises:
        TrainclinicError: If `only` names a probe that does not exist.
    """
    from trainclinic.probes.snapshot import kept

    entries = _chosen(only)
    checks: list[Check] = []
    harmful = ""
    with kept(live.model):
        for done, entry in enumerate(entries):
            if on_check is not None:
                on_check(entry.rule.slug, done, len(entries))
            started = time.perf_counter()
            is_left_out = bool(harmful) and cost_of(entry) is Cost.STEPS
            verdict = NotEvaluated(f"a model without `{harmful}`") if is_left_out else _verdict(entry, live)
            check = Check(entry, verdict, time.perf_counter() - started)
            checks.append(check)
            if check.finding.is_present and check.finding.severity is Severity.HARMFUL:
                harmful = harmful or entry.rule.slug
    return Preflight(tuple(checks))


def _chosen(only: Collection[str] | None) -> tuple[Entry[Live], ...]:
    entries = in_asking_order()
    if only is None:
        return entries
    names = {name for entry in entries for name in (entry.rule.code, entry.rule.slug)}
    if unknown := sorted(set(only) - names):
        message = f"no probe is called `{unknown[0]}`"
        raise TrainclinicError(message, hint="`trainclinic explain --list` shows them all, as `PRB...`")
    return tuple(entry for entry in entries if {entry.rule.code, entry.rule.slug} & set(only))


def _verdict(entry: Entry[Live], live: Live) -> Verdict:
    try:
        return entry.rule.check(live)
    except Exception as error:
        return NotEvaluated(f"a check that can finish; it broke off with {reason(error)}")
