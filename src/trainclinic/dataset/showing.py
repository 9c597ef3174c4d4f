"""Rows as a person wants to see them: token by token, with role, label, end and cut.

It knows which rows tell most and what each token is. It does not know how that is printed.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.encoding.encoded import IGNORED, PARTS

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data
    from trainclinic.encoding.encoded import Encoded
    from trainclinic.record.source import Source

LONGEST = 1_200
"""Tokens of a row that are shown; of a longer one the beginning, the places where something changes, and the end."""
AROUND = 40
"""Tokens kept on either side of such a place."""


@dataclass(frozen=True, slots=True)
class ShownToken:
    """One token, or several that only together make a character.

    Attributes:
        text: Its text in the row; of a token that stands for no text, its name.
        ids: Token ids.
        labels: Their labels, `IGNORED` where the position has no loss whatever is cut off.
        part: What it belongs to, a name of `PARTS`.
        is_scored: Whether it carries a loss: it has a label, is left, and is not the first token.
        is_kept: Whether truncation leaves it.
        is_end: Whether it ends an answer.
        is_special: Whether it is a special token.
        skipped: Tokens left out before it, to keep a long row short.
    """

    text: str
    ids: tuple[int, ...]
    labels: tuple[int, ...]
    part: str
    is_scored: bool
    is_kept: bool
    is_end: bool
    is_special: bool
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One row.

    Attributes:
        place: File and line.
        why: Why this row is shown.
        tokens: Its tokens.
        count: Tokens before truncation.
        kept: Tokens that are left.
        targets: Tokens with a loss.
        answers: Tokens of answers, before truncation.
        says: What is worth noting about it, sentences without full stop.
    """

    place: str
    why: str
    tokens: tuple[ShownToken, ...]
    count: int
    kept: int
    targets: int
    answers: int
    says: tuple[str, ...]


def shown_rows(
    data: Data, wanted: int, lines: Collection[int] = (), *, seed: int = 0, telling: Sequence[tuple[Source, str]] = ()
) -> tuple[ShownRow, ...]:
    """Rows to look at: those of the given lines, else the first, one that shows a finding, the longest, some by chance.

    Args:
        data: The data.
        wanted: How many, when no line is given.
        lines: Lines (or numbers of rows, from 1) in the training files.
        seed: Decides the rows by chance.
        telling: Rows that show a finding, with its name, the most harmful finding first.
    """
    rows = data.encoded
    if lines:
        return tuple(_shown(data, row, "asked for") for row in rows if line_of(row) in lines)
    if not rows or wanted < 1:
        return ()
    reasons = {0: "the first row"}
    at_source = {row.sample.source: at for at, row in enumerate(rows)}
    told = [(at_source[source], name) for source, name in telling if at_source.get(source, 0) > 0]
    reasons |= {at: f"shows {name}" for at, name in told[:1]}
    reasons.setdefault(max(range(len(rows)), key=lambda at: len(rows[at])), "the longest row")
    others = [at for at in range(len(rows)) if at not in reasons]
    chosen = random.Random(seed).sample(others, min(len(others), max(0, wanted - len(reasons))))
    reasons |= dict.fromkeys(chosen, "a row by chance")
    return tuple(_shown(data, rows[at], why) for at, why in list(reasons.items())[:wanted])


def line_of(row: Encoded) -> int:
    """The line of a row in its file; in files without lines its number, from 1."""
    return row.sample.source.line or row.sample.number + 1


def _shown(data: Data, row: Encoded, why: str) -> ShownRow:
    return ShownRow(
        place=str(row.sample.source),
        why=why,
        tokens=_shortened(_tokens(data, row)),
        count=len(row),
        kept=row.kept[1] - row.kept[0],
        targets=row.target_count,
        answers=row.answer_count,
        says=_notes(data, row),
    )


def _tokens(data: Data, row: Encoded) -> list[ShownToken]:
    special = frozenset(data.tokenizer.specials.ids.values())
    is_target, is_kept, is_end = row.is_target, row.is_kept, row.is_end
    found: list[ShownToken] = []
    reach = 0
    for at, token in enumerate(row.ids.tolist()):
        start, end = int(row.starts[at]), int(row.ends[at])
        if found and end > start and start < reach and found[-1].text:
            # a byte of a character that an earlier token began: only together they are text
            last = found[-1]
            found[-1] = replace(
                last,
                ids=(*last.ids, token),
                labels=(*last.labels, int(row.labels[at])),
                text=row.text[reach - len(last.text) : end],
            )
        else:
            text = row.text[start:end] if end > start else data.tokenizer.piece(token)
            flags = (bool(is_target[at]), bool(is_kept[at]), bool(is_end[at]), token in special)
            found.append(ShownToken(text, (token,), (int(row.labels[at]),), PARTS[row.parts[at]], *flags))
        reach = max(reach, end)
    return found


def _shortened(tokens: list[ShownToken]) -> tuple[ShownToken, ...]:
    """Long rows without their middles, where nothing changes."""
    if len(tokens) <= LONGEST:
        return tuple(tokens)
    kinds = np.array([hash((one.part, one.is_scored, one.is_kept, one.is_end)) for one in tokens])
    places = [0, len(tokens) - 1, *(np.flatnonzero(kinds[1:] != kinds[:-1]) + 1).tolist()]
    wanted = np.zeros(len(tokens), np.bool_)
    for place in places[: LONGEST // (2 * AROUND)]:
        wanted[max(0, place - AROUND) : place + AROUND] = True
    out: list[ShownToken] = []
    last = -1
    for at in np.flatnonzero(wanted).tolist():
        out.append(replace(tokens[at], skipped=at - last - 1) if at - last > 1 else tokens[at])
        last = at
    return tuple(out)


def _notes(data: Data, row: Encoded) -> tuple[str, ...]:
    says = []
    if row.answer_lost:
        says.append(f"truncation cuts off {row.answer_lost:,} of {row.answer_count:,} answer tokens")
    if not row.target_count:
        says.append("no token carries a loss")
    elif not all(row.ends_scored) and not data.tokenizer.is_stand_in:
        written = bool((row.is_end & (row.is_answer | (row.labels != IGNORED))).any()) or bool(row.is_end[-2:].any())
        says.append("an answer ends without " + ("a loss on its end token" if written else "an end token"))
    return tuple(says)
