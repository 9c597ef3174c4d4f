"""Refit the tables of causes: `python scripts/fit_causes.py LABELLED_FOLDER [--public-logs FOLDER]`.

Writes src/trainclinic/causes/tables/counts.json and prints which frequencies moved most; then has
benchmarks/accuracy.py measure how good such tables are on runs that they have not seen, and write the page about it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np

from trainclinic.causes.fitting import fit, to_json
from trainclinic.causes.knowledge import TABLES, Counts, build_knowledge
from trainclinic.diagnosis.labelled import read_labelled, read_public_logs

ACCURACY = Path(__file__).parents[1] / "benchmarks/accuracy.py"
MOST_SHOWN = 20


def main() -> int:
    """Count, write, and show what moved."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="one folder per labelled run")
    parser.add_argument("--more", type=Path, nargs="*", default=[], help="further folders that are scored, not learned")
    parser.add_argument("--public-logs", type=Path, help="a collection of real logs with an `index.jsonl`")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    runs = read_labelled(args.folder, args.jobs)
    if args.public_logs:
        runs += read_public_logs(args.public_logs, args.jobs)
    read = [run for run in runs if run.answers]
    counts = fit([run.labelled for run in read])
    (TABLES / "counts.json").write_text(to_json(counts), encoding="utf-8")
    print(
        f"{len(read)} of {len(runs)} labelled runs counted into {TABLES / 'counts.json'}, sharpness {counts.sharpness}"
    )
    for line in moved(counts):
        print(line)
    public = ["--public-logs", str(args.public_logs)] if args.public_logs else []
    more = ["--more", *map(str, args.more)] if args.more else []
    return subprocess.call([sys.executable, str(ACCURACY), str(args.folder), *more, *public, "--write"])


def moved(counts: Counts) -> list[str]:
    """The frequencies that the labelled runs moved most away from the expert's word."""
    before, after = build_knowledge(Counts()), build_knowledge(counts)
    shift = after.shows - before.shows
    rows, columns = np.unravel_index(np.argsort(-np.abs(shift), axis=None)[:MOST_SHOWN], shift.shape)
    return [
        f"  {before.causes[r].slug} shows {before.findings[c]}: {before.shows[r, c]:.2f} -> {after.shows[r, c]:.2f}"
        for r, c in zip(rows, columns, strict=True)
        if shift[r, c]
    ]


if __name__ == "__main__":
    sys.exit(main())
