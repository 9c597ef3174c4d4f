r"""Files carry byte-order marks, NUL bytes, or lines that end in different ways.

## What it sees

A byte-order mark at the beginning of a file or inside it, NUL bytes, files in UTF-16, and files in which some lines
end with `\r\n` and others with `\n`.

## Why it matters

Some JSON parsers refuse a file that begins with a byte-order mark, and CSV readers take it into the name of the first
column, which is then "missing". In plain text a mark, a NUL byte or a carriage return becomes a token of its own and
is learned like a letter. Marks inside a file show that files were joined byte by byte.

## What it does not mean

Loaders that decode as `utf-8-sig` lose nothing by a mark at the beginning, and JSON lines may end either way. Line
ends inside a JSON string are text and are not looked at here.

## Example

`cat a.jsonl b.jsonl > train.jsonl`, both saved with a mark by an editor on Windows: the row where `b` begins starts
with an invisible U+FEFF, and the parser stops there.

## Check it by hand

    python -c "d = open('f.jsonl', 'rb').read(); print([d.count(x) for x in (b'\xef\xbb\xbf', b'\0', b'\r\n', b'\n')])"

## References

- https://unicode.org/faq/utf_bom.html (what the mark is for)
- https://github.com/huggingface/datasets/issues/8241 (another schema is inferred when a file begins with a mark)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.dataset.rule import SHOWN, SINCE, where
from trainclinic.dataset.tally import Tally
from trainclinic.dataset.troubles import ROWS_MISSING, rows_met, troubles_of

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

ANY = Threshold("files", 0.0, "files", "one file is read differently by two tools")
_KINDS = ("byte-order-mark", "nul-byte", "mixed-newlines")


def check(data: Data) -> Verdict:
    """Files with at least one of these."""
    files = len(data.corpus.shards)
    if not files or not rows_met(data):
        return NotEvaluated(ROWS_MISSING)
    kinds = [troubles_of(data, kind).first for kind in _KINDS]
    hits = [*(one[0] for one in kinds if one), *(hit for one in kinds for hit in one[1:])]
    touched = len({hit.source.path for hit in hits})
    what = "carry byte-order marks, NUL bytes or lines that end in different ways"
    first = Evidence(f"{touched:,} of {count(files, 'file')} {what}", hits[0].source if hits else None)
    if touched <= ANY.value:
        return Absent((first,))
    examples = (Evidence(hit.says, hit.source) for hit in hits[:SHOWN])
    return Present((first, *examples, *where(Tally(len(hits), len(hits), hits))))


RULE: Rule[Data] = Rule(
    code="FMT007",
    slug="mixed-file-encodings",
    severity=Severity.WARNING,
    needs=("bytes of the files",),
    check=check,
    thresholds=(ANY,),
    since=SINCE,
)
