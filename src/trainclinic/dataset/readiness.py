"""What must be given or stated before rules on templates, tokens and labels may speak.

It knows which rows need which setting: a template matters to conversations, an appended end token to the other rows.
It does not judge.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trainclinic.dataset.once import asked_once
from trainclinic.dataset.rule import Ready, needs_settings
from trainclinic.dataset.tally import Tally

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data
    from trainclinic.record.source import Source

TEMPLATE = "the chat template that training uses (`--template`)"


@asked_once
def framed_rows(data: Data) -> tuple[Sample, ...]:
    """The kept rows that a chat template writes."""
    return tuple(sample for sample in data.survey.samples if data.rows.is_framed(sample))


@asked_once
def bare_rows(data: Data) -> tuple[Sample, ...]:
    """The kept rows that no template writes and nobody tokenised before."""
    return tuple(row for row in data.survey.samples if not row.ids and not data.rows.is_framed(row))


def needs_template(data: Data) -> str | None:
    """What is missing to write the conversations among the rows as training does; nothing where there are none."""
    return TEMPLATE if framed_rows(data) and not data.rows.has_real_template else None


def needs_conversations(data: Data) -> str | None:
    """What is missing where a rule looks at conversations under their template."""
    return needs_template(data) if framed_rows(data) else "conversations, which a chat template writes"


def needs_mask(data: Data) -> str | None:
    """What is missing to know the targets of rows with answers."""
    if not data.preparation.response_marker.is_assumed or not any(row.messages for row in data.survey.samples):
        return None
    return needs_settings("scored")(data)


def needs_for_bare_rows(*names: str) -> Ready:
    """A `ready` that asks for settings only where a row is written without a template.

    Args:
        names: Fields of `Preparation`.
    """

    def ready(data: Data) -> str | None:
        return needs_settings(*names)(data) if bare_rows(data) else None

    return ready


def tally_of(found: Iterable[tuple[Source, str | None]]) -> Tally:
    """The count of rows of one kind.

    Args:
        found: Each row that was looked at, with what it shows, or `None`.
    """
    tally = Tally()
    for source, says in found:
        tally.add(source, says)
    return tally


def holds(text: str, part: str) -> bool:
    """Whether a part stands in a written row, differences in white space aside.

    Args:
        text: The row as its template writes it.
        part: What should be in it.
    """
    return part.strip() in text or " ".join(part.split()) in " ".join(text.split())
