r"""Some rows hold what identifies a person: addresses, numbers of phones, cards and accounts.

## What it sees

E-mail addresses, phone numbers with country code or in North American form, account numbers (IBAN, with their check
digits), card numbers (with theirs) and public IPv4 addresses. Addresses of documentation (`example.com`, 555 numbers,
192.0.2.0/24, test cards), of roles (`info@`, `support@`) and placeholders (`you@`, `john.doe@`) are not counted. Up to
1 % of rows is a note, more is a warning. What was found is shown masked.

## Why it matters

Models repeat such strings, also those that stand in the data once, and whoever trains on them must answer for it.

## What it does not mean

Addresses of companies and authors are public on purpose, and generated data invent people. Names, street addresses and
dates of birth are not looked for.

## Example

Tickets of a help desk: 38 % of the rows hold an e-mail address or a phone number in the signature.

## Check it by hand

    grep -cE '[A-Za-z0-9._-]+@[A-Za-z0-9-]+\\.[a-z]{2,}' data.jsonl

## References

- https://arxiv.org/abs/2012.07805 (contact data that a language model repeats, Carlini et al. 2021)
- https://www.rfc-editor.org/rfc/rfc5737 (addresses for documentation)
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Present, Severity, Verdict
from trainclinic.dataset.kinds import TEXTS
from trainclinic.dataset.personal import personal_data
from trainclinic.dataset.rule import SINCE, RowRule, Shares, quoted, verdict_on

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data

ANY = Threshold("share of rows", 0.0, "1", "each one can be repeated by the model")
SOME = Threshold("share of rows", 0.01, "1", "public contact addresses stand in any text; expert choice")
_CODE = "CNT003"


def find(sample: Sample) -> str | None:
    """The first item of a row, masked."""
    found = personal_data(sample.whole)
    return None if found is None else f"{found.kind} {quoted(found.masked)}"


def check(data: Data) -> Verdict:
    """Count rows with personal data."""
    tally = TEXTS.tally(data, _CODE)
    if not tally.looked:
        return NotEvaluated(TEXTS.missing)
    what = "hold personal data"
    verdict = verdict_on(tally, what, Shares(ANY), severity=Severity.WARNING, total=tally.looked)
    if isinstance(verdict, Present) and tally.share <= SOME.value:
        return replace(verdict, severity=Severity.NOTE)
    return verdict


RULE = RowRule(
    code=_CODE,
    slug="personal-data",
    severity=Severity.WARNING,
    needs=("text",),
    check=check,
    thresholds=(ANY, SOME),
    since=SINCE,
    find=find,
)
