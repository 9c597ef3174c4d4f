"""The page of a rule: its module docstring, split at its fixed headings."""

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


@dataclass(frozen=True, slots=True)
class Page:
    """The documentation of one catalogue entry.

    Attributes:
        title: The first line of the docstring, a full sentence.
        sections: Text by heading, in the fixed order.
    """

    title: str
    sections: dict[str, str]


def parse_page(docstring: str) -> Page:
    """Split a rule's docstring into title and sections.

    Args:
        docstring: First line, blank line, then `## Heading` sections.

    Raises:
        ValueError: If the headings are not exactly `HEADINGS` in their order.
    """
    head, *rest = docstring.strip().split("\n## ")
    sections: dict[str, str] = {}
    for part in rest:
        heading, _, body = part.partition("\n")
        sections[heading.strip()] = body.strip()
    if tuple(sections) != HEADINGS:
        message = f"a page needs the headings {', '.join(HEADINGS)}; found {', '.join(sections) or 'none'}"
        raise ValueError(message)
    return Page(title=head.strip().splitlines()[0], sections=sections)
