"""A command whose help lists its options in sections, for commands with more of them than one list can hold.

It knows titles and names of options. It does not know what they mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click


class SectionedCommand(click.Command):
    """A command with its options in sections.

    Args:
        sections: Titles with the names of the parameters below them, in the order to show them; what stands in none
            comes last.
        args: What `click.Command` takes.
        kwargs: What `click.Command` takes.
    """

    def __init__(self, *args: Any, sections: Mapping[str, Sequence[str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sections = sections

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, section by section."""
        found = (
            (param.name or "", param.get_help_record(ctx))
            for param in self.get_params(ctx)
            if isinstance(param, click.Option)
        )
        records = {name: record for name, record in found if record}
        for title, names in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([records.pop(name) for name in names])
        if records:
            with formatter.section("Other options"):
                formatter.write_dl(list(records.values()))
