"""Some data files could not be read, or not to their end.

## What it sees

Files that no reader could open, and files whose rows stop early: a damaged `.gz` or `.zst` archive, a truncated
Parquet file, binary content under the name of a text file, a missing permission.

## Why it matters

A loader that skips such a file trains on less than the user believes; one that stops raises an error before the first
step, or, where the files are streamed, in the middle of an epoch.

## What it does not mean

It says nothing about the rows that could be read. A file whose optional library is not installed here may be sound:
the message then names the library.

## Example

Of `train-00.jsonl.gz` to `train-07.jsonl.gz`, the last was cut off while it was copied; 7 shards are complete.

## Check it by hand

    for f in *.gz; do gzip -t "$f" || echo "damaged: $f"; done

## References

- https://www.rfc-editor.org/rfc/rfc1952 (gzip: length and checksum stand at the end of the file)
- https://parquet.apache.org/docs/file-format/ (the index of a Parquet file stands at its end)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.dataset.rule import SHOWN, SINCE, where
from trainclinic.dataset.tally import Hit, Tally
from trainclinic.dataset.troubles import ROWS_MISSING, surveys_of

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data


def check(data: Data) -> Verdict:
    """Files that were given up, at once or on the way."""
    hits = [Hit(one.source, one.says) for one in data.corpus.troubles]
    for survey in surveys_of(data):
        hits += survey.troubles.get("unreadable", Tally()).first
    files = len(data.corpus.shards) + len({one.source.path for one in data.corpus.troubles})
    damaged = len({hit.source.path for hit in hits})
    if not files:
        return NotEvaluated(ROWS_MISSING)
    if not hits:
        return Absent((Evidence(f"{count(files, 'file')} could be read to the end"),))
    first = Evidence(f"{damaged:,} of {count(files, 'file')} could not be read to the end", hits[0].source)
    examples = (Evidence(hit.says, hit.source) for hit in hits[:SHOWN])
    return Present((first, *examples, *where(Tally(len(hits), len(hits), hits))))


RULE: Rule[Data] = Rule(
    code="FMT001",
    slug="unreadable-data-files",
    severity=Severity.HARMFUL,
    needs=("data files",),
    check=check,
    since=SINCE,
)
