"""How often is the first cause the true one? `python benchmarks/accuracy.py FOLDER [--public-logs FOLDER]`.

Every labelled run is judged by tables that were fitted without any run of its incident's repository. The expert
frequencies were written by people who had read these cases: that is not undone by folds, and the page says so.

`--write` renews docs/reference/accuracy.md and its diagram. `--answers DIR` keeps each held-out answer as JSON under a
fingerprint of its folder, and `--answer-for FOLDER --answers DIR` prints it, so that another scorer can be run on them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

import accuracy_page
from accuracy_page import Score
from scoring import Scored, two_lines

from trainclinic.causes.conclusion import conclude
from trainclinic.causes.fitting import make_folds
from trainclinic.causes.infer import infer
from trainclinic.causes.knowledge import Knowledge
from trainclinic.diagnosis.labelled import ANSWER_FILE, LabelledRun, read_labelled, read_public_logs


def main() -> int:
    """Score and print; exit 0 whatever the score."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", help="one folder per labelled run")
    parser.add_argument("--more", type=Path, nargs="*", default=[], help="further folders: scored, teaching nothing")
    parser.add_argument("--public-logs", type=Path, help="a collection of real logs with an `index.jsonl`")
    parser.add_argument("--write", action="store_true", help="renew docs/reference/accuracy.md")
    parser.add_argument("--misses", action="store_true", help="print every miss")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--answers", type=Path, help="keep or find held-out answers here")
    parser.add_argument("--answer-for", type=Path, help="print the held-out answer for this folder")
    args = parser.parse_args()
    if args.answer_for:
        print((args.answers / f"{fingerprint(args.answer_for)}.json").read_text(encoding="utf-8"))
        return 0
    runs = read_labelled(args.folder, args.jobs)
    more = [run for folder in args.more for run in read_labelled(folder, args.jobs)]
    public = read_public_logs(args.public_logs, args.jobs) if args.public_logs else []
    everything = held_out([*runs, *public], more)
    score = Score(
        rows=[row for row in everything if row.run in runs],
        more=[row for row in everything if row.run in more],
        public=[row for row in everything if row.run in public],
        baseline=[Scored(run, ((slug, 1.0),), word) for run in runs for slug, word in [two_lines(run)]],
    )
    if args.answers:
        keep(score.rows, args.folder, args.answers)
    print(accuracy_page.as_text(score, misses=args.misses))
    if args.write:
        accuracy_page.write(score)
    return 0


def held_out(teaching: list[LabelledRun], others: list[LabelledRun]) -> list[Scored]:
    """Judge every run by tables that have not seen its incident's repository.

    Args:
        teaching: Runs that the tables are fitted to, a fold at a time left out.
        others: Runs that are judged only.
    """
    folds = make_folds([run.labelled for run in teaching if run.word != "error"])
    rows = []
    for repository in dict.fromkeys(run.repository for run in (*teaching, *others)):
        known = folds.knowledge(without=repository)
        rows += [judged(run, known) for run in (*teaching, *others) if run.repository == repository]
    return sorted(rows, key=lambda row: row.run.name)


def judged(run: LabelledRun, known: Knowledge) -> Scored:
    """What is said about a run by these tables."""
    if run.word == "error":
        return Scored(run, (), "error")
    inference = infer(run.answers, known)
    ranked = tuple((s.cause.slug, s.probability) for s in inference.suspects)
    tests = tuple(test.slug for test in inference.next_tests)
    return Scored(run, ranked, conclude(run.word, inference).word, tests)


def keep(rows: list[Scored], folder: Path, answers: Path) -> None:
    """Write each held-out answer under the fingerprint of its folder."""
    answers.mkdir(parents=True, exist_ok=True)
    for row in rows:
        causes = [{"slug": slug, "probability": p} for slug, p in row.ranked]
        answer = json.dumps({"verdict": row.verdict, "causes": causes})
        (answers / f"{fingerprint(folder / row.run.name)}.json").write_text(answer, encoding="utf-8")


def fingerprint(folder: Path) -> str:
    """Name of a folder's contents, whatever the folder is called."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != ANSWER_FILE):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:24]


if __name__ == "__main__":
    sys.exit(main())
