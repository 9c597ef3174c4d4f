"""The page of a rule or a cause: its module docstring, split at its fixed headings."""

from __future__ import annotations

from dataclasses import dataclass

HEADINGS = (
    "What it sees",
    "Why it matters",
    "What it does not mean",
    "Example",
    "Check it by hand",
    "References",
)
"""The headings of a symptom's page."""
CAUSE_HEADINGS = (
    "Mechanism",
    "What it looks like",
    "What else looks like it",
    "How to decide",
    "Typical false diagnosis",
    "References",
)
"""The headings of a cause's page."""


@dataclass(frozen=True, slots=True)
class Page:
    """The documentation of one catalogue entry.

    Attributes:
        title: The first line of the docstring, a full sentence.
        sections: Text by heading, in the fixed order.
    """

    title: str
    sections: dict[str, str]


def parse_page(docstring: str, headings: tuple[str, ...] = HEADINGS) -> Page:
    """Split a docstring into title and sections.

    Args:
        docstring: First line, blank line, then `## Heading` sections.
        headings: The headings that it must have.

    Raises:
        ValueError: If the headings are not exactly `headings` in their order.
    """
    head, *rest = docstring.strip().split("\n## ")
    sections: dict[str, str] = {}
    for part in rest:
        heading, _, body = part.partition("\n")
        sections[heading.strip()] = body.strip()
    if tuple(sections) != headings:
        message = f"a page needs the headings {', '.join(headings)}; found {', '.join(sections) or 'none'}"
        raise ValueError(message)
    return Page(title=head.strip().splitlines()[0], sections=sections)
