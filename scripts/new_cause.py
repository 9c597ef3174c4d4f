"""Start a cause: `python scripts/new_cause.py spilled-coffee --family throughput --title "Coffee in the keyboard"`.

Writes the cause file; the result passes every test until you change what it expects.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from trainclinic.catalogue.families import FAMILIES

ROOT = Path(__file__).resolve().parents[1]
CAUSES = Path("src/trainclinic/causes")
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

CAUSE = '''"""{title}: say in one sentence how it works, what does what to what.

## Mechanism
Say what happens in the training, in the order in which it happens.

## What it looks like
Say what a log, a configuration and generated text show then, with numbers.

## What else looks like it
- Another cause: say in what the two differ.

## How to decide
Say what to run and what each answer means.

## Typical false diagnosis
Say what people blame instead, and why.

## References
- https://example.org/a-public-report
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Expect

CAUSE = Cause(
    slug="{slug}",
    title="{title}",
    family="{family}",
    incidents=1,
    decided_by=("log", "probe"),
    decisive_test="Say what settles it, as one instruction",
    false_diagnosis="what people usually say instead",
    expects=(
        Expect("loss-plateau", USUALLY, "say how the mechanism leads to it, as a clause after because"),
        Expect("noisy-loss", OFTEN, "say how the mechanism leads to it, as a clause after because"),
        Expect("loss-spike", SOMETIMES, "say how the mechanism leads to it, as a clause after because"),
        Expect("nan-loss", RARELY, "say how the mechanism leads to it, as a clause after because"),
    ),
)
'''


def write_cause(root: Path, slug: str, family: str, title: str) -> list[Path]:
    """Write the file of a new cause below `root` and return it.

    Raises:
        ValueError: If the slug is malformed or taken, or there is no such family.
    """
    package = root / CAUSES / family.replace("-", "_")
    if family not in FAMILIES or not package.is_dir():
        message = f"no family `{family}`: choose one of {', '.join(FAMILIES)}"
        raise ValueError(message)
    name = slug.replace("-", "_")
    if not SLUG.fullmatch(slug) or len(title) < 2 or '"' in title:
        message = f"expected a slug such as `spilled-coffee` and a title without quotes, got `{slug}` and `{title}`"
        raise ValueError(message)
    taken = [path.parent.name for path in (root / CAUSES).glob(f"*/{name}.py")]
    if taken:
        message = f"`{slug}` is taken: it stands in `{taken[0]}`"
        raise ValueError(message)
    file = package / f"{name}.py"
    file.write_text(CAUSE.format(slug=slug, family=family, title=title), encoding="utf-8")
    return [file]


def main() -> None:
    """Parse the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("slug", help='noun phrase after "because of ..."')
    parser.add_argument("--family", required=True, help="folder below src/trainclinic/causes, with hyphens")
    parser.add_argument("--title", required=True, help="what it is, in a few words")
    options = parser.parse_args()
    try:
        written = write_cause(ROOT, options.slug, options.family, options.title)
    except ValueError as error:
        raise SystemExit(f"error: {error}") from error
    for path in written:
        print(f"wrote {path.relative_to(ROOT)}")
    print("next: pytest tests/contract/test_causes.py, then python scripts/generate_docs.py")


if __name__ == "__main__":
    main()
