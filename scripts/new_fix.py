"""Start a fix: `python scripts/new_fix.py dry-the-keyboard --group throughput --treats machine-sleep`.

Writes the fix file; the result passes every test until you change what it says.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from trainclinic.causes.catalogue import all_causes

ROOT = Path(__file__).resolve().parents[1]
FIXES = Path("src/trainclinic/fixes")
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")

FIX = '''"""{sentence}: say in one sentence what is done, and to what.

## Why it works
Say how the change removes the mechanism of the cause, with numbers.

## What it does not do
Say what stays wrong afterwards, and for which runs it is of no use.

## References
- https://example.org/where-it-is-documented
"""

from __future__ import annotations

from trainclinic.fixes.fix import HELPS, Edit, Expectation, Fix, Treats

FIX = Fix(
    slug="{slug}",
    title="{title}",
    kind="script",
    change="Say what to do, concretely",
    treats=(Treats("{cause}", HELPS, "say how, as a clause after because"),),
    expects=(
        Expectation(
            "say what is seen, e.g. a first loss in {{expected_first_loss}} within the first 10 steps",
            "say the same for runs of which that number is not known",
        ),
    ),
    check="Say how to check that it worked, as one instruction",
    risk="Say what can go wrong with it",
    minutes=5,
    restart="nothing",
    edit=Edit(
        before="""\\
value = "as people with the fault write it"
""",
        after="""\\
value = "the same lines after the change"
""",
    ),
)
'''


def write_files(slug: str, group: str, cause: str, root: Path = ROOT) -> list[Path]:
    """Write the skeleton of a fix.

    Args:
        slug: Imperative, e.g. `append-end-token`.
        group: Name of its package.
        cause: Slug of the cause that it treats first.
        root: The repository.

    Returns:
        The files that were written.

    Raises:
        ValueError: If a name is not usable, or the file exists.
    """
    if not SLUG.fullmatch(slug):
        message = f"`{slug}` is no slug: expected small letters and hyphens, a verb first, e.g. `append-end-token`"
        raise ValueError(message)
    if cause not in all_causes():
        message = f"no cause is called `{cause}`: `trainclinic explain --list` shows them all"
        raise ValueError(message)
    folder = root / FIXES / group
    path = folder / f"{slug.replace('-', '_')}.py"
    if path.exists():
        message = f"`{path}` exists"
        raise ValueError(message)
    folder.mkdir(parents=True, exist_ok=True)
    written = [path]
    package = folder / "__init__.py"
    if not package.exists():
        package.write_text(f'"""Fixes of {group}."""\n', encoding="utf-8")
        written.append(package)
    words = slug.replace("-", " ").capitalize()
    path.write_text(FIX.format(slug=slug, title=words, sentence=words, cause=cause), encoding="utf-8")
    return written


def main() -> None:
    """Write the files and name them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("slug")
    parser.add_argument("--group", required=True, help="package below src/trainclinic/fixes, new or old")
    parser.add_argument("--treats", required=True, help="slug of the cause that it treats first")
    options = parser.parse_args()
    for path in write_files(options.slug, options.group, options.treats):
        print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
