# ruff: noqa: E501 (expressions are easier to read on one line)
"""One loss for each of several cases, a line a case or all on one line: `cpu loss 3.83`, `shift 1: 3.61`.

It knows lists of cases. What the cases are is left to whoever reads the results.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from trainclinic.readers.checks.line import NUMBER, Line, number_of, pattern

_METRIC = r"(?:(?:first|initial|eval|train|mean|final|model|batch|step[ -]?[01])[ _.])*(loss|nll|ppl|perplexity|ce|cross[- ]?entropy)"
_LABEL = r"[a-z][\w .+/@-]{0,40}?"
_LINE = rf"^\W{{0,4}}({_LABEL})\W{{0,3}}[:=|,\s]\s*{_METRIC}\W{{1,4}}({NUMBER})\W*$"
_METRIC_FIRST = rf"^\W{{0,4}}{_METRIC}\s*(?:on|at|with|for|of|\()\s*({_LABEL})\)?\W{{1,4}}({NUMBER})\W*$"
_OWN = rf"\bmodel(?:\([^)\n]{{0,60}}\)|'s)?(?: own)?[. _]loss\b\W{{1,4}}({NUMBER})\W*$|\b(?:out|outputs?)\.loss\W{{1,4}}({NUMBER})\W*$"
_SUM = rf"^\W{{0,4}}(?:sums?|mean|total) (?:of )?(?:the )?loss(?:es)?\W{{1,3}}([a-z][\w .+/@-]{{0,60}}?)\s*[:=]\s*({NUMBER})\W*$"
_NAMED = rf"^\W{{0,4}}({_LABEL})\s*[:=]\s*(?:tensor\(\s*)?({NUMBER})\W*$"
_KERNELS = r"(?:^|[ _.-])(?:liger|fused|unfused|torch|eager|compiled?|flash(?:_?att\w*)?|fa2|sdpa|triton|cpu|mps|cuda)(?=$|[ _.-])"
_COMPUTED = r"(?:^|[ _.-])(?:out(?:put)?s?|loss(?:es)?|ce|nll|results?)(?=$|[ _.-])"
_SPLIT = rf"^\W{{0,4}}(?:initial |first )?(train\w*|val\w*|eval\w*)[ _-]loss\s*[:=]\s*(?:tensor\(\s*)?({NUMBER})\W*$"
_SHIFT = rf"\bshift\W{{0,3}}([0-3])\b\W{{0,6}}(?:{_METRIC})?\W{{0,4}}({NUMBER})(?![\w.]\w)"
_CASE = rf"([a-z][\w.+/@-]{{0,30}}(?: [a-z][\w.+/@-]{{0,30}})?)[ :=]{{1,3}}({NUMBER})(?=[,;/ ]|$)"
_NO_CASE = frozenset(
    ("step", "epoch", "iter", "iteration", "train", "eval", "val", "test", "before", "after", "row", "rank")
)


MOST_CASES = 8


class Outcome(NamedTuple):
    """The loss of one case.

    Attributes:
        case: What distinguishes it, as the line names it.
        metric: What was measured.
        value: The number.
        line: Where it stands.
    """

    case: str
    metric: str
    value: float
    line: int


def outcomes(lines: Sequence[Line]) -> list[Outcome]:
    """The losses of all cases; nothing when there is only one case, or one name stands for several."""
    found = [outcome for line in lines for outcome in _of_line(line)]
    found = [one for one in found if one.case.split(" ")[0].lower() not in _NO_CASE]
    cases = [one.case.lower() for one in found]
    return found if len(set(cases)) > 1 and len(set(cases)) == len(cases) else []


def lone_losses(lines: Sequence[Line]) -> dict[str, Outcome]:
    """The only loss of each split, by canonical name: what a script prints that computes them once."""
    found: dict[str, list[Outcome]] = {}
    for line in lines:
        if told := pattern(_SPLIT).search(line.text):
            name = "train/loss" if told[1].lower().startswith("train") else "eval/loss"
            found.setdefault(name, []).append(Outcome(told[1], "loss", number_of(told[2]), line.number))
    is_one = "train/loss" in found and all(len(outcomes) == 1 for outcomes in found.values())
    return {name: outcomes[0] for name, outcomes in found.items()} if is_one else {}


def _of_line(line: Line) -> Iterator[Outcome]:
    text = line.text
    if shifts := list(pattern(_SHIFT).finditer(text)):
        for one in shifts:
            yield Outcome(f"shift {one[1]}", "loss", number_of(one[3]), line.number)
    elif own := _own(line):
        yield own
    elif found := pattern(_LINE).search(text):
        yield Outcome(found[1].strip(" :=|,-"), found[2].lower(), number_of(found[3]), line.number)
    elif found := pattern(_METRIC_FIRST).search(text):
        yield Outcome(found[2].strip(" :=|,-"), found[1].lower(), number_of(found[3]), line.number)
    elif (found := pattern(_NAMED).search(text)) and _names_a_kernel(found[1]):
        yield Outcome(found[1].strip(), "loss", number_of(found[2]), line.number)
    elif found := pattern(_METRIC).search(text):
        rest = text[found.end() :].lstrip(" :=")
        listed = list(pattern(_CASE).finditer(rest))
        if 2 <= len(listed) <= MOST_CASES and not pattern(_CASE).sub("", rest).strip(" ,;/"):
            for one in listed:
                yield Outcome(one[1].strip(), found[1].lower(), number_of(one[2]), line.number)


def _own(line: Line) -> Outcome | None:
    """The loss that the model itself returned, or the summed losses of a case."""
    if found := pattern(_OWN).search(line.text):
        return Outcome("model", "loss", number_of(found[1] or found[2]), line.number)
    if found := pattern(_SUM).search(line.text):
        return Outcome(found[1].strip(" :=|,-"), "loss", number_of(found[2]), line.number)
    return None


def _names_a_kernel(label: str) -> bool:
    """Whether a name says what was computed, and by which kernel or device: `output_liger`, `loss_mps`."""
    return pattern(_KERNELS).search(label) is not None and pattern(_COMPUTED).search(label) is not None
