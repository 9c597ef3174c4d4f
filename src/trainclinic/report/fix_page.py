"""The page of a fix as Markdown: for `trainclinic explain` and for the generated reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.fixes.fix import START_AGAIN
from trainclinic.recipe.keys import all_keys
from trainclinic.recipe.write import written
from trainclinic.report.cause_page import Name, code, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainclinic.fixes.catalogue import FixFile
    from trainclinic.fixes.fix import Benefit, Expectation
    from trainclinic.recipe.patch import Patch


def fix_page(file: FixFile, name: Name = code) -> str:
    """Everything that is known of a fix: what to change, why, what to expect, how to check, what it costs.

    Args:
        file: The fix.
        name: How other slugs are written.
    """
    fix, page = file.fix, file.page
    facts = [
        ("what", fix.title),
        ("changes", fix.kind),
        ("work", f"{fix.minutes:g} min, {fix.horizon}"),
        ("afterwards", START_AGAIN[fix.restart]),
        ("risk", fix.risk),
    ]
    parts = [f"# {fix.slug}", page.title, table(("", ""), facts), f"## Do\n\n{fix.change}."]
    if fix.edit is not None:
        note = f"\n\n{fix.edit.note}" if fix.edit.note else ""
        parts.append(f"Before:\n\n{_fenced(fix.edit.before)}\n\nAfter:\n\n{_fenced(fix.edit.after)}{note}")
    if fix.commands:
        parts.append("```bash\n" + "\n".join(fix.commands) + "\n```")
    if fix.patches:
        rows = [(f"`{patch.key}`", _operation(patch), patch.why) for patch in fix.patches]
        parts.append("In a recipe:\n\n" + table(("setting", "becomes", "because"), rows).rstrip())
    treated = [(name(one.cause), word(one.benefit), one.why) for one in fix.treats]
    parts.append("## What it treats\n\n" + table(("cause", "benefit", "because"), treated).rstrip())
    expected = "\n".join(f"- {told(one)}" for one in fix.expects)
    parts.append(f"## What to expect\n\n{expected}\n\nCheck it: {fix.check}.")
    parts += [f"## {heading}\n\n{body}" for heading, body in page.sections.items() if heading != "References"]
    choice = [f"- for it: {text}" for text in fix.pros] + [f"- against it: {text}" for text in fix.cons]
    if choice:
        parts.append("## As a choice\n\n" + "\n".join(choice))
    if fix.alternatives:
        parts.append("## Other ways\n\n" + ", ".join(name(slug) for slug in fix.alternatives))
    parts.append(f"## References\n\n{page.sections['References']}")
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def fixes_of(cause: str, files: Mapping[str, FixFile], name: Name = code) -> str:
    """Which fixes treat a cause, cures first; empty when none does.

    Args:
        cause: Slug of the cause.
        files: Every fix.
        name: How slugs of fixes are written.
    """
    found = [
        (one.benefit, file.fix, one.why) for file in files.values() for one in file.fix.treats if one.cause == cause
    ]
    if not found:
        return ""
    found.sort(key=lambda row: (-float(row[0]), row[1].slug))
    rows = [(name(fix.slug), word(benefit), why) for benefit, fix, why in found]
    return "## What treats it\n\n" + table(("fix", "benefit", "because"), rows)


def word(benefit: Benefit) -> str:
    """`cures`, `helps` or `eases`."""
    return benefit.name.lower()


def told(expectation: Expectation) -> str:
    """An expectation as it stands on a page, with the names of the numbers of a run."""
    return expectation.says.format_map({one: f"*{one.replace('_', ' ')}*" for one in expectation.names})


def _operation(patch: Patch) -> str:
    if patch.to is not None:
        done = f"`{written(all_keys()[patch.key], patch.to)}`"
    elif patch.adds:
        done = "with " + ", ".join(f"`{one}`" for one in patch.adds)
    else:
        done = _number(patch)
    if patch.when is not None:
        name, values = patch.when
        done += f", where `{name}` is {' or '.join(f'`{value}`' for value in values)}"
    return done


def _number(patch: Patch) -> str:
    what = f"`{patch.of}`" if patch.of else "what it was"
    parts = [
        f"{patch.times:g} times {what}" if patch.times is not None else "",
        f"at least {patch.at_least:g}" if patch.at_least is not None else "",
        f"at most {patch.at_most:g}" if patch.at_most is not None else "",
    ]
    return ", ".join(part for part in parts if part)


def _fenced(text: str) -> str:
    return f"```python\n{text.rstrip()}\n```"
