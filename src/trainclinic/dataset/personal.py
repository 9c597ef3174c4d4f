"""What identifies a person in a text: e-mail addresses, numbers of phones, cards and accounts, public IP addresses.

It knows check digits, and what documentation uses instead of real data. It does not know names, streets and dates, and
not whether an address belongs to a person or a company.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address


@dataclass(frozen=True, slots=True)
class Personal:
    """One item.

    Attributes:
        kind: What it is, in words.
        masked: The item with most of its characters as `*`.
    """

    kind: str
    masked: str


def _words(text: str) -> list[str]:
    return text.split()


_MOST = 50
"""Candidates of one kind in a text that are looked at."""
_ROLES = frozenset(
    _words("""info support admin contact sales help noreply no-reply donotreply do-not-reply webmaster postmaster
hello office team security abuse service billing press hr jobs careers git root mailer-daemon
newsletter feedback user username name your you your.name your.email youremail your_email myemail
my.email email mail e-mail someone somebody me test tester john.doe johndoe john_doe jane.doe
janedoe jane_doe john jane doe foo bar foobar abc xyz alice bob first.last firstname.lastname
first.lastname example sample demo recipient sender customer client marketing enquiries""")
)
_DOMAIN_WORDS = frozenset(
    _words("""example test localhost invalid domain mydomain yourdomain company yourcompany mycompany email mail
foo bar host server somewhere website yourwebsite site sample placeholder acme corp abc xyz noreply
users users-noreply""")
)
_FILES = frozenset(
    _words("""png jpg jpeg gif svg webp js ts css py json html htm txt md yml yaml toml cfg sh so lock map mp4 pdf
zip gz local test example invalid localhost internal lan""")
)
_TEST_CARDS = frozenset(
    _words("""378282246310005 371449635398431 378734493671000 30569309025904 38520000023237 6011000990139424
3530111333300000 4012888888881881 5610591081018250 3566002020360505 5105105105105100
4532015112830366""")
)
_SAMPLE_ACCOUNTS = frozenset(
    _words("""DE89370400440532013000 GB29NWBK60161331926819 GB82WEST12345698765432 FR1420041010050500013M02606
NL91ABNA0417164300 GB33BUKB20201555555555 ES9121000418450200051332 IT60X0542811101000000123456
CH9300762011623852957 BE68539007547034 AT611904300234573201 SE4550000000058398257466""")
)
_ACCOUNT_LENGTHS = dict(
    pair.split(":")
    for pair in _words("""AT:20 BE:16 BG:22 CH:21 CY:28 CZ:24 DE:22 DK:18 EE:20 ES:24 FI:18 FR:27 GB:22 GR:27 HR:21
HU:28 IE:22 IT:27 LT:20 LU:20 LV:21 MT:31 NL:18 NO:15 PL:28 PT:25 RO:24 SE:24 SI:19 SK:24 TR:26 UA:29
AE:23 SA:24""")
)
_EMAIL_BEFORE = re.compile(r"(?<![A-Za-z0-9._%+/:@-])[A-Za-z0-9][A-Za-z0-9._%+-]{1,63}\Z")
_EMAIL_AFTER = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9-]{0,62}\.){1,4}[A-Za-z]{2,12}(?![A-Za-z0-9_(@/:-])")


def personal_data(text: str) -> Personal | None:
    """The first item of a text, e-mail addresses before numbers; `None` when there is none.

    Args:
        text: Any text.
    """
    if "@" in text and (found := _email(text)):
        return found
    if not _some_digits().search(text):
        return None
    for pattern, judge in _numbers():
        for match, _ in zip(pattern.finditer(text), range(_MOST), strict=False):
            if found := judge(match):
                return found
    return None


def _email(text: str) -> Personal | None:
    at = text.find("@")
    for _ in range(_MOST):
        if at < 0:
            return None
        after = _EMAIL_AFTER.match(text, at + 1)
        before = _EMAIL_BEFORE.search(text[max(0, at - 65) : at]) if after else None
        if after and before and _is_of_a_person(before.group(), after.group()):
            return Personal("an e-mail address", f"{before.group()[0]}***@***.{after.group().rsplit('.', 1)[1]}")
        at = text.find("@", at + 1)
    return None


def _is_of_a_person(name: str, domain: str) -> bool:
    *words, top = domain.lower().split(".")
    return (
        name.lower().partition("+")[0].rstrip("0123456789") not in _ROLES
        and top not in _FILES
        and not _DOMAIN_WORDS.intersection(words)
        and not any(word.startswith("example") for word in words)
    )


def _account(match: re.Match[str]) -> Personal | None:
    bare = match.group().replace(" ", "")
    length = int(_ACCOUNT_LENGTHS.get(bare[:2], 0))
    bare = bare[:length]
    if not length or len(bare) < length or bare in _SAMPLE_ACCOUNTS:
        return None
    number = "".join(str(int(character, 36)) for character in bare[4:] + bare[:4])
    return Personal("an account number", f"{bare[:2]}** *** {bare[-2:]}") if int(number) % 97 == 1 else None


def _card(match: re.Match[str]) -> Personal | None:
    digits = re.sub(r"\D", "", match.group())
    is_sample = digits in _TEST_CARDS or len(set(digits)) < 6 or "12345678" in digits
    if is_sample or digits[0] not in "3456" or not _has_check_digit(digits):
        return None
    return Personal("a card number", f"{digits[0]}*** **** **** {digits[-2:]}")


def _has_check_digit(digits: str) -> bool:
    """Luhn's check: every second digit from the right is doubled."""
    doubled = [sum(divmod(2 * int(one), 10)) for one in digits[-2::-2]]
    return (sum(doubled) + sum(map(int, digits[-1::-2]))) % 10 == 0


def _phone(match: re.Match[str]) -> Personal | None:
    digits = re.sub(r"\D", "", match.group())
    is_american = not match.group().startswith("+")
    parts = re.findall(r"\d+", match.group())
    is_sample = "555" in parts or "5555" in digits or "1234567" in digits or len(set(digits)) < 5
    if is_sample or (is_american and len(digits) != 10) or not 9 <= len(digits) <= 15:
        return None
    return Personal("a phone number", f"{match.group()[:2]}*** *** **{digits[-2:]}")


def _address(match: re.Match[str]) -> Personal | None:
    parts = match.group().split(".")
    if any(int(part) > 255 or (part[0] == "0" and part != "0") for part in parts):
        return None
    is_version = max(map(int, parts)) < 100 or sum(len(part) > 1 for part in parts) < 3 or len(set(parts)) < 3
    address = IPv4Address(match.group())
    if is_version or not address.is_global or address.is_multicast or match.group().startswith(("1.2.3.", "123.")):
        return None
    return Personal("a public IP address", f"{parts[0]}.***.***.{parts[3]}")


@cache
def _some_digits() -> re.Pattern[str]:
    """What every number below holds; most texts do not."""
    return re.compile(r"\d\d[\d .)-]{2}\d")


@cache
def _numbers() -> tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Personal | None]], ...]:
    return (
        (re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"), _account),
        (re.compile(r"(?<![\d.,+-])\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?![\d.,]\d|\d|[ -]\d)"), _card),
        (
            re.compile(
                r"(?<![\w+=*^/.(-])(?<![\d)] )\+[1-9]\d{0,2}(?:[ .-]?\(?\d{1,4}\)?){2,6}(?![\d*/^=]|[.,]\d)"
                r"|(?<![\w.,+-])(?:\([2-9]\d\d\) ?|[2-9]\d\d[-.])[2-9]\d\d[-.]\d{4}(?![\d-]|\.\d)"
            ),
            _phone,
        ),
        (re.compile(r"(?<![\w./-])(?<![vV]ersion )(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)"), _address),
    )
