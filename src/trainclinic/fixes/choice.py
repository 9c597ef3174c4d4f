"""Which fixes a run needs, in which order: probability of what they treat × benefit / cost.

Cures are taken first, the most worthwhile one before the others; a further fix only for what is still untreated, so
that a plan holds no two cures of one fault. A way round a problem is taken only where nothing repairs it. What is
uncertain stays a condition.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from trainclinic.fixes.case import Suspect
from trainclinic.fixes.catalogue import all_fixes
from trainclinic.fixes.fix import Fix

LIKELY = 0.5
"""A cause more probable than everything else together is treated; a less probable one has to be tested first."""
POSSIBLE = 0.1
"""Below this probability a cause gets no fix of its own."""
PRECAUTION = 0.02
"""What costs nothing is worth while against causes of this probability."""
SMALLEST_GAIN = 0.15
"""Share of the runs with a cause that a further fix has to bring to work: after a cure nothing reaches it."""
OVERHEAD_MINUTES = 10.0
"""Every change has to be read, made and checked, however small it is."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A fix with what speaks for it in one run.

    Attributes:
        fix: The fix.
        treats: The causes of this run that it acts on, the most probable first.
        worth: Probability of what it treats × benefit, summed: how much more probably the next run works.
        priority: 1 for the first thing to do.
    """

    fix: Fix
    treats: tuple[Suspect, ...]
    worth: float
    priority: int = 0

    @property
    def for_its_cost(self) -> float:
        """Worth per minute of work."""
        return self.worth / (self.fix.minutes + OVERHEAD_MINUTES)


@dataclass(frozen=True, slots=True)
class Choice:
    """The fixes of one run, each group by priority.

    Attributes:
        immediate: For causes that are likely: to be done before the next run.
        longer: For the same causes, afterwards.
        precautions: What costs nothing and guards against causes that are less likely.
        conditional: For causes that are possible only: to be done if a test points there.
    """

    immediate: tuple[Chosen, ...] = ()
    longer: tuple[Chosen, ...] = ()
    precautions: tuple[Chosen, ...] = ()
    conditional: tuple[Chosen, ...] = ()


def choose(suspects: Sequence[Suspect]) -> Choice:
    """The fixes that a run needs.

    Args:
        suspects: Its possible causes.
    """
    faults = [suspect for suspect in suspects if suspect.is_fault]
    likely = [suspect for suspect in faults if suspect.probability >= LIKELY]
    possible = [suspect for suspect in faults if POSSIBLE <= suspect.probability < LIKELY]
    immediate = _cover(likely, (fix for fix in _all() if fix.horizon == "immediate"))
    taken = {chosen.fix.slug for chosen in immediate}
    longer = [one for fix in _all() if fix.horizon == "longer term" and (one := _chosen(fix, likely)).treats]
    precautions = [
        one
        for fix in _all()
        if fix.is_precaution and fix.slug not in taken
        if (one := _chosen(fix, [s for s in faults if s.probability >= PRECAUTION])).treats
    ]
    taken |= {chosen.fix.slug for chosen in (*longer, *precautions)}
    conditional = _cover(possible, (fix for fix in _all() if fix.slug not in taken))
    return Choice(
        immediate=_numbered(immediate),
        longer=_numbered(sorted(longer, key=_order), after=len(immediate)),
        precautions=_numbered(sorted(precautions, key=_order)),
        conditional=_numbered(conditional),
    )


def _all() -> list[Fix]:
    return [file.fix for file in all_fixes().values()]


def _chosen(fix: Fix, suspects: Iterable[Suspect]) -> Chosen:
    benefit = {treats.cause: float(treats.benefit) for treats in fix.treats}
    treated = tuple(suspect for suspect in suspects if suspect.slug in benefit)
    return Chosen(fix, treated, sum(suspect.probability * benefit[suspect.slug] for suspect in treated))


def _cover(suspects: Sequence[Suspect], fixes: Iterable[Fix]) -> list[Chosen]:
    """Fixes that together treat the causes: the best for its cost first, further ones for what is left."""
    left = {suspect.slug: suspect.probability for suspect in suspects}
    candidates = [one for fix in fixes if (one := _chosen(fix, suspects)).treats]
    chosen: list[Chosen] = []
    for ways_round in (False, True):
        for one in sorted(candidates, key=_cures_first):
            if (one.fix.kind == "alternative") is not ways_round:
                continue
            benefit = {treats.cause: float(treats.benefit) for treats in one.fix.treats}
            gain = sum(left[suspect.slug] * benefit[suspect.slug] for suspect in one.treats)
            if gain < SMALLEST_GAIN * sum(suspect.probability for suspect in one.treats):
                continue
            chosen.append(one)
            for suspect in one.treats:
                left[suspect.slug] *= 1.0 - benefit[suspect.slug]
    return sorted(chosen, key=_order)


def _cures_first(one: Chosen) -> tuple[float, float, str]:
    """The best benefit for a cause of the run decides, then worth for its cost."""
    treated = {suspect.slug for suspect in one.treats}
    best = max(float(treats.benefit) for treats in one.fix.treats if treats.cause in treated)
    return (-best, *_order(one))


def _order(one: Chosen) -> tuple[float, str]:
    return (-one.for_its_cost, one.fix.slug)


def _numbered(chosen: Iterable[Chosen], after: int = 0) -> tuple[Chosen, ...]:
    from dataclasses import replace

    return tuple(replace(one, priority=at) for at, one in enumerate(chosen, start=after + 1))
