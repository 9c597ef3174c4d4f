"""Hold rows out so that nothing of them is trained on.

Rows that share a question or a long answer stay on one side, or the held-out loss would measure memory. It does not
know tokens.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from trainclinic.corpus.sample import Sample

LONG_ANSWER = 12
"""Words from which an answer that occurs twice gives its row away; short ones (`yes`, a label) have to repeat."""
MOST_SHARED = 0.2
"""Share of the rows that one group may hold; answers that bind more are boilerplate and bind nothing."""


def held_out(
    samples: Sequence[tuple[Sample, bool]], *, share: float, seed: int, notes: list[str]
) -> tuple[list[Sample], list[Sample]]:
    """Part rows into those to train on and those to judge by.

    Args:
        samples: Rows, each with whether it comes from a held-out file.
        share: Share of the training rows to hold out, where no file is held out.
        seed: Decides which.
        notes: Gets a sentence on what was done.

    Returns:
        Rows to train on and held-out rows.
    """
    training = [sample for sample, apart in samples if not apart]
    apart = [sample for sample, is_apart in samples if is_apart]
    if apart:
        known = {key for sample in apart for key in _questions(sample)}
        clean = [sample for sample in training if not known.intersection(_questions(sample))]
        if len(clean) < len(training):
            notes.append(f"{len(training) - len(clean)} training rows ask a held-out question and are left out")
        return clean, apart
    wanted = round(share * len(training))
    if share <= 0 or len(training) < 4:
        return training, []
    groups = _groups(training)
    if len(groups) < 2:
        notes.append("nothing is held out: all rows ask the same")
        return training, []
    order = list(range(len(groups)))
    random.Random(seed).shuffle(order)
    chosen: set[int] = set()
    for at in order[:-1]:
        if len(chosen) >= max(1, wanted):
            break
        chosen.update(groups[at])
    notes.append(
        f"{len(chosen)} of {len(training)} rows are held out, with all rows that share their question or answer"
    )
    return (
        [sample for at, sample in enumerate(training) if at not in chosen],
        [sample for at, sample in enumerate(training) if at in chosen],
    )


def _groups(samples: Sequence[Sample]) -> list[list[int]]:
    """Positions of rows that must stay together."""
    owners: defaultdict[str, list[int]] = defaultdict(list)
    for at, sample in enumerate(samples):
        for key in _keys(sample):
            owners[key].append(at)
    parent = list(range(len(samples)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    for key, rows in owners.items():
        if key.startswith("answer ") and len(rows) > MOST_SHARED * len(samples):
            continue
        for at in rows[1:]:
            parent[root(at)] = root(rows[0])
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for at in range(len(samples)):
        groups[root(at)].append(at)
    return list(groups.values())


def _keys(sample: Sample) -> Iterator[str]:
    yield from _questions(sample)
    for answer in sample.answers:
        words = _plain(answer)
        if len(words.split()) >= LONG_ANSWER:
            yield f"answer {words}"


def _questions(sample: Sample) -> Iterator[str]:
    """The prompt of each answer, and a plain text as a whole."""
    if sample.messages:
        yield f"question {_plain(sample.prompt)}"
    elif sample.text:
        yield f"text {_plain(sample.text)}"


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text.casefold()).strip()
