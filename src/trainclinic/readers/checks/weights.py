# ruff: noqa: E501 (expressions are easier to read on one line)
"""Weights in reports: their smallest and largest values, and whether they moved."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from trainclinic.readers.checks.inputs import stored
from trainclinic.readers.checks.line import NUMBER, Claim, Line, number_of, pattern, shortened
from trainclinic.readers.checks.probes import activation

_TENSOR = (
    r"(?:^|[\s:'\"|])([a-z_]\w*(?:\.\w+)+|(?:lm_?)?head|wte|wpe|embed\w*|classifier|score|bias|weights?|lora_\w+|adapter"
    r"|norm|layer_?norm)(?=[\s:'\"|,]|$)"
)
_MIN_MAX = (
    rf"\bmin(?:imum)?\W{{1,3}}({NUMBER}).{{0,12}}?\bmax(?:imum)?\W{{1,3}}({NUMBER})"
    rf"|\bmax(?:imum)?\W{{1,3}}({NUMBER}).{{0,12}}?\bmin(?:imum)?\W{{1,3}}({NUMBER})"
)
_ABS_MAX = rf"\b(?:abs[ _]?max|max[ _]?abs|amax|absmax|largest)\W{{1,4}}({NUMBER})"
_LAST_TWO = rf"\s({NUMBER})\s+({NUMBER})\s*$"
_ROW = r"\b(?:loss|step|epoch|lr|grad_?norm|iter\w*)\b"
_NORM = r"norm"
_FIRST_STATE = r"\b(?:before|init\w*|step 0|at start|fresh)\b"
_SHARE = (
    rf"({NUMBER}) (?:of|/|out of) ({NUMBER})\s*(?:weights?|elements?|params?|parameters?|tensors?|values?)?\s*"
    r"(?:were |was |have |had )?(?:moved|changed|updated|differ)|\b(?:moved|changed|updated)(?: elements?| weights?"
    rf"| params?| tensors?)?\W{{1,4}}({NUMBER}) ?(?:of|/|,? ['\"]?of['\"]?:?|out of) ?({NUMBER})"
)
_PERCENT = (
    rf"(?:share|fraction|percent\w*|ratio)\b.{{0,30}}\b(?:moved|changed|updated)\b[^\d\n]{{0,20}}({NUMBER})\s*(%?)"
    rf"|\b(?:moved|changed|updated) (?:elements?|weights?|params?)\W{{1,4}}({NUMBER})\s*(%)"
)
_MOVED = rf"\b(\w[\w.]*)\s+(?:moved|delta|max[ _]abs[ _](?:delta|diff|change))\W{{1,3}}({NUMBER})(?! ?(?:of|/|%))\b"
_HASHED = r"\b(?:md5|sha-?\d*|hash|checksum|crc\w*)\b.{0,40}?\b([0-9a-f]{6,64})\b"
_HASH_WORD = r"\b(?:md5|sha-?\d*|hash(?:es)?|checksums?|crc\w*)\b"
_BARE_HASH = r"\b((?=[a-z]*\d)[0-9a-f]{16,64})\b"
"""A hash below a line that says what it is."""
_STAGE = r"\b(before|after|start|end|initial|final|first|last|old|new|step \d+|loaded|saved)\b"
_NOT_FINITE = (
    rf"\b(?:non[- ]?finite|nans?|infs?)\b(?: or (?:inf|nan)s?)?[ _](?:elements?|values?|weights?|params?|parameters?|tensors?)"
    rf"\W{{1,4}}({NUMBER})|\b(?:elements?|values?|weights?|params?|parameters?|tensors?)\b.{{0,20}}\b(?:non[- ]?finite|nans?)"
    rf"\W{{1,4}}({NUMBER})|({NUMBER}) (?:of|/) (?:{NUMBER}) (?:elements?|values?|weights?|params?|parameters?|tensors?)\b.{{0,20}}"
    r"\b(?:non[- ]?finite|nans?)\b"
)
_EQUAL = (
    r"\b(?:hash(?:es)?|md5|sha\d*|checksums?|adapter|weights?|lora\w*|state.?dicts?)\b.{0,60}\b(?:identical|unchanged|equal"
    r"|the same|bit-?wise equal)\b(?!\W{0,4}false)"
)
FEW = 0.5


def claims(lines: Sequence[Line]) -> Iterator[Claim]:
    """What the lines say about values of weights and about their movement."""
    yield from _values(lines)
    yield from _movement(lines)
    yield from _hashes(lines)
    for line in lines:
        if (found := pattern(_NOT_FINITE).search(line.text)) and not stored(line.text):
            count = next(number_of(group) for group in found.groups() if group)
            kind = "weights-non-finite" if count else "weights-finite"
            yield Claim(kind, shortened(line.text), line.number, count)


def _values(lines: Sequence[Line]) -> Iterator[Claim]:
    """The largest magnitude of all listed tensors, and norms that stand at exactly 1."""
    largest: tuple[float, Line] | None = None
    ones: list[Line] = []
    norms = 0
    for line in lines:
        span = _span(line.text)
        if span is None:
            continue
        size = max(map(abs, span))
        if largest is None or size > largest[0]:
            largest = size, line
        if pattern(_NORM).search(line.text) and not pattern(_FIRST_STATE).search(line.text):
            norms += 1
            ones += [line] if span == (1.0, 1.0) else []
    if largest is not None:
        yield Claim("weight-values", shortened(largest[1].text), largest[1].number, largest[0])
    if ones and len(ones) == norms:
        yield Claim("weights-unchanged", shortened(ones[0].text), ones[0].number, float(len(ones)))


def _span(text: str) -> tuple[float, float] | None:
    """Smallest and largest value of a tensor as a line shows them; `None` for lines that show no tensor."""
    if pattern(_ROW).search(text) or pattern(_TENSOR).search(text) is None or activation(text) is not None:
        return None
    found = pattern(_MIN_MAX).search(text) or pattern(_LAST_TWO).search(text)
    if found is None:
        one = pattern(_ABS_MAX).search(text)
        return None if one is None else (-abs(number_of(one[1])), abs(number_of(one[1])))
    low, high = sorted(number_of(group) for group in found.groups() if group)
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def _movement(lines: Sequence[Line]) -> Iterator[Claim]:
    """Shares of elements that moved, and tensors of which every line says that they moved by 0."""
    still: dict[str, list[tuple[Line, float]]] = {}
    for line in lines:
        share = _share(line.text)
        if share is not None:
            kind = "weights-unchanged" if share == 0 else "few-weights-changed" if share < FEW else "weights-changed"
            yield Claim(kind, shortened(line.text), line.number, share)
        elif pattern(_STAGE).search(line.text) is None and (found := pattern(_MOVED).search(line.text)):
            still.setdefault(found[1].lower(), []).append((line, abs(number_of(found[2]))))
    for told in still.values():
        if len(told) > 1:
            moved = max(value for _, value in told)
            kind = "weights-changed" if moved else "weights-unchanged"
            yield Claim(kind, shortened(told[-1][0].text), told[-1][0].number, moved)


def _share(text: str) -> float | None:
    if found := pattern(_SHARE).search(text):
        part, whole = (number_of(group) for group in found.groups() if group)
        return part / whole if whole > 0 and part <= whole else None
    if found := pattern(_PERCENT).search(text):
        value = number_of(found[1] or found[3])
        return value / 100.0 if (found[2] or found[4]) else value if value <= 1.0 else None
    return None


def _hashes(lines: Sequence[Line]) -> Iterator[Claim]:
    """Hashes of two stages, on one line or on two: equal ones mean that nothing moved."""
    seen: dict[str, tuple[str, Line]] = {}
    is_listing = False
    for line in lines:
        bare = pattern(_BARE_HASH).search(line.text) if is_listing else None
        is_listing = pattern(_HASH_WORD).search(line.text) is not None or bare is not None
        if pattern(_EQUAL).search(line.text) and "not " not in line.text.lower():
            yield Claim("weights-unchanged", shortened(line.text), line.number)
            continue
        found = pattern(_HASHED).search(line.text) or bare
        if found is None:
            continue
        every = [text for text in pattern(r"\b[0-9a-f]{6,64}\b").findall(line.text) if pattern(r"\d").search(text)]
        stages = pattern(_STAGE).findall(line.text)
        if len(every) == 2 and len(stages) == 2:
            kind = "weights-unchanged" if every[0] == every[1] else "weights-changed"
            yield Claim(kind, shortened(line.text), line.number)
        elif len(stages) == 1:
            name = (
                pattern(r"[\W\d]+|\bsteps?\b")
                .sub(" ", pattern(_STAGE).sub("", line.text.replace(found[1], "")))
                .strip()
            )
            known = seen.setdefault("" if bare is found else name, (found[1], line))
            if known[1] is not line:
                kind = "weights-unchanged" if known[0] == found[1] else "weights-changed"
                yield Claim(kind, shortened(f"{known[1].text.strip()}; {line.text.strip()}"), line.number)
