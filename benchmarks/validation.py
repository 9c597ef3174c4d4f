"""How often `trainclinic validate` is right: `python benchmarks/validation.py`.

Small models that work and models that were broken on purpose (`tests/validation/zoo.py`) are made and tested. Printed
are the verdict and the harmful symptoms of each; a sound model has to pass, and a broken one has to fail by a symptom
of its break. Exit code 1 when one does not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.validation.zoo import Specimen

ROOT = Path(__file__).resolve().parents[1]


def specimens(where: Path) -> Iterator[Specimen]:
    """Make all models.

    Args:
        where: An empty folder.
    """
    from tests.validation.zoo import base_of, broken, sound

    base = base_of(where / "base")
    yield from sound(where, base)
    yield from broken(where, base, where / "full", where / "adapter")


def told(one: Specimen, held_out: Path, depth: str) -> tuple[str, bool]:
    """A row of the table, and whether the verdict is right.

    Args:
        one: The model.
        held_out: Rows that it was not trained on.
        depth: `quick`, `usual` or `full`.
    """
    from trainclinic.catalogue.verdict import Severity
    from trainclinic.diagnosis.validating import validate

    found = validate(one.folder, base=one.base, data=[held_out], depth=depth)
    harmful = [f.entry.rule for f in found.findings if f.is_present and f.severity is Severity.HARMFUL]
    is_right = bool(one.codes & {rule.code for rule in harmful}) if one.codes else found.word == "pass"
    symptoms = ", ".join(f"{rule.slug.replace('-', ' ')} ({rule.code})" for rule in harmful) or "none"
    kind = "broken" if one.codes else "sound"
    return f"| {kind} | {one.name} | {found.word} | {symptoms} |", is_right


def main() -> int:
    """Make and test all models."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depth", choices=["quick", "usual", "full"], default="usual")
    depth = parser.parse_args().depth
    sys.path.insert(0, str(ROOT))
    warnings.simplefilter("ignore")
    from tests.validation.zoo import parted, write_pairs
    from transformers.utils import logging

    hf: Any = logging  # its functions carry no types
    hf.set_verbosity_error()
    hf.disable_progress_bar()
    print("| kind | model | verdict | harmful symptoms |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        held_out = write_pairs(Path(folder) / "held-out.jsonl", parted()[1])
        rows = [(one, *told(one, held_out, depth)) for one in specimens(Path(folder))]
    for _, row, _ in rows:
        print(row)
    wrong = [one.name for one, _, is_right in rows if not is_right]
    sound = sum(not one.codes for one, *_ in rows)
    print(f"\n{sound} sound models and {len(rows) - sound} broken ones; wrong: {', '.join(wrong) or 'none'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
