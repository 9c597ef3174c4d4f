"""Rows, prompts and answers that stand in the data more than once, counted once per data set.

Digests of all rows are compared: case and white space do not count. It does not know which repetition is meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trainclinic.dataset.duplicates.exact import Groups, groups_of
from trainclinic.dataset.once import asked_once

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

SHORT_TEXT = 40
"""Characters below which a plain text is a line rather than a document: brackets, headings and separators recur."""
LABEL_KINDS = 50
"""Different answers of a classification, at most; beyond that they may be one in `LABEL_ROWS` of the rows."""
LABEL_ROWS = 20
SHORT_PROMPT = 20
"""Characters of a prompt that says too little to have one answer."""
LABEL_LENGTH = 60
"""Characters of a label, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Prompts and answers of the training rows that have a prompt.

    Attributes:
        rows: Positions of those rows in the data, `[n]`.
        by_prompt: The same prompt, `[n]`.
        by_answer: The same answer, `[n]`.
        by_both: The same prompt with the same answer, `[n]`.
        lengths: Characters of the answers of each row, `[n]`.
        prompt_lengths: Characters of the prompts, `[n]`.
    """

    rows: NDArray[np.int64]
    by_prompt: Groups
    by_answer: Groups
    by_both: Groups
    lengths: NDArray[np.int32]
    prompt_lengths: NDArray[np.int32]

    @property
    def are_labels(self) -> bool:
        """Whether the answers are classes: few different ones, all of them short."""
        kinds = len(self.rows) - self.by_answer.extra
        few = 1 < kinds <= max(LABEL_KINDS, len(self.rows) // LABEL_ROWS) and kinds < len(self.rows)
        return few and bool(np.quantile(self.lengths, 0.95) <= LABEL_LENGTH)


@asked_once
def same_rows(data: Data) -> Groups:
    """Training rows that say the same but for case and white space; short plain texts are never the same.

    Args:
        data: The data.
    """
    prints = data.survey.prints
    is_line = (prints.prompt == 0) & (prints.answer == 0) & (prints.answer_length < SHORT_TEXT)
    is_line &= np.array(["tokens" not in data.survey.schemas] * len(prints), np.bool_)
    first = groups_of(prints.normal).first.copy()
    first[is_line] = np.flatnonzero(is_line)
    return Groups(first)


@asked_once
def answers_of(data: Data) -> Answers:
    """Prompts and answers, grouped.

    Args:
        data: The data.
    """
    prints = data.survey.prints
    rows = np.flatnonzero((prints.prompt != 0) & (prints.prompt_length > 0))
    prompt, answer = prints.prompt[rows], prints.answer[rows]
    both = prompt * np.uint64(0x9E3779B97F4A7C15) + answer
    return Answers(
        rows,
        groups_of(prompt),
        groups_of(answer),
        groups_of(both),
        prints.answer_length[rows],
        prints.prompt_length[rows],
    )


def conflicts(found: Answers) -> NDArray[np.bool_]:
    """Which rows have a prompt that another row answers in another way, `[n]`.

    Short prompts with long answers are left out: greetings have no one answer.

    Args:
        found: Prompts and answers.
    """
    kinds = np.bincount(found.by_prompt.first[~found.by_both.is_extra], minlength=len(found.rows))
    several = kinds[found.by_prompt.first] > 1
    longest = np.zeros(len(found.rows), np.int64)
    np.maximum.at(longest, found.by_prompt.first, found.lengths)
    is_open = (found.prompt_lengths < SHORT_PROMPT) & (longest[found.by_prompt.first] > LABEL_LENGTH)
    return several & ~is_open


def extras(groups: Groups, most: int) -> Iterator[tuple[int, int]]:
    """Rows that repeat an earlier one, with that row.

    Args:
        groups: Which rows are the same.
        most: How many at most.
    """
    for row in np.flatnonzero(groups.is_extra)[:most].tolist():
        yield row, int(groups.first[row])
