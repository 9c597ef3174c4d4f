"""Personal data stand in the rows.

## What it sees

E-mail addresses, bank accounts (IBAN with valid check digits), payment cards (valid check digit), and telephone numbers
with their country code. What it finds is masked in the report. Addresses of documentation (`example.com`) and fictional
numbers (555) do not count.

## Why it matters

Models learn such strings by heart, the rarer the better, and repeat them to strangers. Laws on data protection ask
for a reason to train on them, and for a way to remove them.

## What it does not mean

Public addresses of companies are no secret. Names, street addresses and dates of birth are not looked for: a clean
result is no proof that data are anonymous.

## Example

A file of support mails: 38 % of the rows end with a signature that has an address and a telephone number.

## Check it by hand

    grep -nEo '[[:alnum:]._%+-]+@[[:alnum:].-]+[.][a-z]{2,}' data.jsonl | head

## References

- Carlini et al. 2021, Extracting Training Data from Large Language Models, https://arxiv.org/abs/2012.07805
- ISO 13616 (IBAN), check digits modulo 97, https://en.wikipedia.org/wiki/International_Bank_Account_Number
"""

from __future__ import annotations

import re

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.corpus.sample import Sample
from trainclinic.dataset.row_text import whole_text
from trainclinic.dataset.rule import Shares, row_rule

ANY = Threshold("share of rows", 0.0, "1", "each one is somebody's")
_MAIL = re.compile(
    r"(?<![\w.+-])([A-Za-z0-9][A-Za-z0-9._%+-]{0,63})@([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,4}\.[A-Za-z]{2,24})"
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_CARD = re.compile(r"(?<![\d.-])(?:\d{4}[ -]){3}\d{4}(?![\d-]|\.\d)")
_PHONE = re.compile(r"(?<![\w+])\+(?!1?[ -]?555)\d{1,3}[ /-]?\(?\d{2,4}\)?(?:[ /-]?\d{2,4}){2,4}(?!\d)")
_FICTIONAL = re.compile(
    r"(?i)example|test\.|\.test$|localhost|invalid|domain\.|company\.|email\.com|mail\.com$|yourdomain|acme|foo|noreply"
    r"|no-reply|\.local$|git@|sentry|users\.noreply"
)
_REPEATED = re.compile(r"^(\d)\1+$|1234567|0000000")


def find(sample: Sample) -> str | None:
    """The kind of the first personal datum in a row, masked."""
    if sample.ids:
        return None
    text = whole_text(sample)
    if "@" in text and (
        mail := next((one for one in _MAIL.finditer(text) if not _FICTIONAL.search(one.group())), None)
    ):
        return f"an e-mail address `{mail[1][0]}***@{mail[2]}`"
    return _numbered(text) if any(character.isdigit() for character in text) else None


def _numbered(text: str) -> str | None:
    """The first account, card or telephone number."""
    for account in _IBAN.findall(text):
        if _is_iban(account.replace(" ", "")):
            return f"a bank account `{account[:4]}***`"
    for card in _CARD.findall(text):
        if _is_card(re.sub(r"\D", "", card)):
            return f"a payment card `***{card[-4:]}`"
    phone = _PHONE.search(text) if "+" in text else None
    if phone and not _REPEATED.search(re.sub(r"\D", "", phone.group())):
        return f"a telephone number `{phone.group()[:4]}***`"
    return None


def _is_iban(text: str) -> bool:
    """Check digits of ISO 13616: letters as numbers, the first four characters last, remainder 1 modulo 97."""
    turned = text[4:] + text[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1


def _is_card(digits: str) -> bool:
    """Check digit of Luhn (ISO/IEC 7812), for numbers that are not all the same and not in sequence."""
    if _REPEATED.search(digits) or digits[0] not in "3456":
        return False
    doubled = [int(digit) * (2 - at % 2) for at, digit in enumerate(digits)]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


RULE = row_rule(
    code="CNT003",
    slug="personal-data",
    severity=Severity.WARNING,
    needs=("text of the rows",),
    find=find,
    what="hold personal data",
    shares=Shares(ANY),
)
