"""How causes read: whether there is an answer at all, what its heading may claim, and how evidence becomes a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from trainclinic.catalogue.families import FAMILIES
from trainclinic.catalogue.wording import inside, words
from trainclinic.report.cause_entries import HEALTHY, LIKELY, UNDETERMINED, UNLISTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainclinic.report.cause_entries import CauseEntry, NextTestEntry
    from trainclinic.report.model import Document

SHOWN = 0.02
"""Causes below this probability are in the JSON report alone."""
TOLD = 0.1
"""Causes from this probability on are told with their evidence."""
MOST_TOLD = 3
SETTING = "CIR"
"""How codes of circumstances begin."""
RULED_OUT = 8
"""Refuted explanations that are printed; the JSON report has all."""
ROUNDED = 1.05
"""Sum of probabilities from which it is no rounding that they exceed 1."""
_EIGHTHS = " ▏▎▍▌▋▊▉"
Reading = Literal["quiet", "answer", "undecided"]


def reading(document: Document) -> Reading | None:
    """What the causes amount to: nothing wrong, an answer, or no decision; `None` when no causes were inferred."""
    if not document.causes:
        return None
    if _is_unseen(document):
        return "quiet"
    likely_fault = any(cause.is_likely_fault for cause in document.causes)
    if (
        document.verdict != "sick"
        and not likely_fault
        and (_healthy(document) >= LIKELY or document.verdict == "healthy")
    ):
        return "quiet"
    first = document.causes[0]
    return "answer" if first.probability >= LIKELY and first.family != UNDETERMINED else "undecided"


def heading(document: Document) -> str:
    """The heading of the section: it claims an answer only when there is one."""
    if reading(document) == "undecided":
        return "Possible causes: the evidence does not decide"
    return "Most probable causes" if len(shown(document)) > 1 else "Most probable cause"


def lead(document: Document) -> str:
    """The sentence below the heading; empty where the bars say it all."""
    kind = reading(document)
    if kind == "quiet":
        return _quiet(document)
    first = document.causes[0]
    if kind != "undecided":
        held = f"Held at {share(first.probability)}: this kind of evidence cannot carry more." if first.held else ""
        return f"{held} {_together(document)}".strip()
    listed = next((cause for cause in document.causes if cause.family != UNDETERMINED), None)
    if first.family == UNDETERMINED and listed is not None:
        best = f"the best of them, `{listed.slug}`, stands at {share(listed.probability)}"
        return f"What was read fits none of the listed causes well: {best}. {_family(document)}".strip()
    return f"No cause reaches 50 %: the first one stands at {share(first.probability)}. {_family(document)}".strip()


def shown(document: Document) -> list[CauseEntry]:
    """The causes that get a bar; an unlisted one is always among them when it is at all probable."""
    return [cause for cause in document.causes if cause.probability >= SHOWN]


def told(document: Document) -> list[CauseEntry]:
    """The causes whose evidence is shown, the most probable first."""
    listed = [cause for cause in document.causes if cause.family != UNDETERMINED]
    with_evidence = [cause for cause in listed if cause.evidence_for or cause.evidence_against]
    return [cause for cause in with_evidence if cause.probability >= TOLD][:MOST_TOLD] or listed[:1]


def title(cause: CauseEntry) -> str:
    """What a cause is called beside its bar."""
    return UNLISTED if cause.family == UNDETERMINED else cause.title


def share(probability: float) -> str:
    """`80 %`; never 0 or 100: nothing here is certain."""
    whole = round(100 * probability)
    return "<1 %" if whole < 1 else ">99 %" if whole > 99 else f"{whole} %"


def bar(probability: float, width: int) -> str:
    """A bar of block characters, to an eighth of one."""
    eighths = round(probability * width * 8)
    full, rest = divmod(eighths, 8)
    drawn = "█" * full + (_EIGHTHS[rest] if rest else "")
    return drawn.ljust(width, "░")[:width]


def cell(document: Document) -> str:
    """The most probable cause in a table of runs."""
    kind = reading(document)
    if kind is None:
        return ""
    if kind == "quiet":
        return f"nothing wrong {share(_healthy(document))}" if _healthy(document) >= LIKELY else "no fault stands out"
    first = document.causes[0]
    if kind == "undecided":
        return "not decided"
    return f"{words(first.slug)} {share(first.probability)}"


def points(test: NextTestEntry) -> list[str]:
    """What each answer of a test points to, a line each; nothing where both point to the same."""
    if test.yes == test.no:
        return []
    answers = (("yes", test.yes), ("no", test.no))
    lines = [f"{word} points to {', or '.join(map(_pointed, titles))}" for word, titles in answers if titles]
    against = "that" if len(test.yes or test.no) == 1 else "both"
    return lines + [f"{word} speaks against {against}" for word, titles in answers if not titles]


def _together(document: Document) -> str:
    """Why the bars are longer than one together, when they are."""
    several = sum(cause.probability for cause in document.causes) > ROUNDED
    return "Several can be at work at once, so the shares add up to more than 100 %." if several else ""


def _healthy(document: Document) -> float:
    return min(1.0, sum(cause.probability for cause in document.causes if cause.family == HEALTHY))


def _pointed(title: str) -> str:
    """What an answer points to, inside a sentence."""
    return "an unlisted cause" if title == UNLISTED else inside(title)


def _is_unseen(document: Document) -> bool:
    """Whether settings alone speak for every fault: they say what could break, not that something did."""
    faults = [cause for cause in document.causes if cause.is_fault and cause.probability >= SHOWN]
    speaking = [evidence for cause in faults for evidence in cause.evidence_for]
    settings = all(evidence.code.startswith(SETTING) for evidence in speaking)
    return document.verdict != "sick" and bool(speaking) and settings and _healthy(document) < LIKELY


def _quiet(document: Document) -> str:
    if _is_unseen(document):
        return "No cause can be told: no symptom was read that tells causes apart, and settings alone decide nothing."
    healthy = [cause for cause in document.causes if cause.family == HEALTHY]
    if not healthy:
        return "No fault stands out."
    name = inside(healthy[0].title)
    if _healthy(document) < LIKELY:
        return f"No fault stands out; first comes {name}, {share(healthy[0].probability)}."
    nothing = "Nothing wrong" if document.verdict == "healthy" else "Probably nothing wrong"
    return f"{nothing}: {name}, {share(_healthy(document))}."


def _family(document: Document) -> str:
    """What the first causes share, when it is more than any of them alone."""
    first = [cause for cause in document.causes if cause.is_fault and cause.probability >= TOLD][:MOST_TOLD]
    together = min(1.0, sum(cause.probability for cause in first))
    if len(first) < 2 or len({cause.family for cause in first}) > 1 or together < LIKELY:
        return ""
    return f"The first {len(first)} are of one family, {family(first)}: together {share(together)}."


def family(causes: Sequence[CauseEntry]) -> str:
    """The family of the first of these, in words that can stand inside a sentence."""
    return inside(FAMILIES.get(causes[0].family, words(causes[0].family)))
