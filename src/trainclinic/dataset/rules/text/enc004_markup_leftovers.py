"""Some rows of prose hold entities or tags of HTML.

## What it sees

Entities (`&amp;`, `&nbsp;`, `&#39;`) and tags of web pages (`<br>`, `</p>`, `<div class=...>`, `<a href=...>`) in
text outside code fences and back-ticks. Rows that are about markup are left out: those that name HTML, XML, CSS or a
web framework, and those that hold a whole page, a script or code. More than 0.1 % of rows is a warning. Where more than
half of the rows hold markup, it is probably their subject, and the finding is a note.

## Why it matters

The model learns to write `&amp;` for "&" and `<br>` for a new line wherever its answers are shown as plain text, and
each leftover costs three to ten tokens.

## What it does not mean

Markdown allows single tags (`<br>` in tables, `<img>` in a README), and data for a chat window that renders HTML need
them. Such rows are counted all the same; look at the examples.

## Example

A forum export with `Tom &amp; Jerry` and `<br />` in 12 % of the answers: its tags were never removed.

## Check it by hand

    grep -cE '&(amp|nbsp|quot|lt|gt|#[0-9]+);|</?(p|br|div|span)[ />]' data.jsonl

## References

- https://html.spec.whatwg.org/multipage/named-characters.html
- https://docs.python.org/3/library/html.html#html.unescape
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Present, Severity, Verdict
from trainclinic.dataset.kinds import TEXTS
from trainclinic.dataset.rule import SINCE, RowRule, Shares, quoted, verdict_on

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data

ANY = Threshold("share of rows", 0.001, "1", "single rows quote markup; expert choice, to be calibrated")
SUBJECT = Threshold("share of rows", 0.5, "1", "markup in most rows is what the rows are about; expert choice")
_CODE = "ENC004"
_ABOUT = "More than half of the rows hold markup: it is probably what these data teach"
_NAMES = (
    "nbsp|amp|quot|apos|lt|gt|hellip|[mn]dash|[lr][sd]quo|laquo|raquo|bull|middot|copy|reg|trade|euro|deg|times|shy"
)
_LETTERS = "[aeiouyAEIOUY](?:acute|grave|circ|uml)|[anoANO]tilde|[cC]cedil|szlig|oslash|Oslash|aring|Aring|aelig|AElig"
_TAGS = "p|br|div|span|li|ul|ol|td|tr|th|tbody|h[1-6]|font|strong|em|blockquote|center|hr"
_ENTITY = re.compile(rf"&(?:{_NAMES}|{_LETTERS}|\#\d{{2,5}}|\#[xX][0-9a-fA-F]{{2,5}});")
_TAG = re.compile(
    rf"<(?:/(?:{_TAGS}|a)|(?:{_TAGS})(?: [\w-]{{1,30}}=[^<>\n]{{0,300}}?)? ?/?|(?:a href|img src)=[^<>\n]{{1,300}})>",
    re.I,
)
_SUBJECT = re.compile(
    r"(?<![./\w])(?:x?html5?|xml|css\d?|jsx|tsx|svg|react(?:js)?|vue|angular|django|jinja2?|php|dom|bbcode|markup"
    r"|web ?page|website|tags?|entit(?:y|ies)|escap(?:e|ed|ing)|unescape|regex|javascript|beautifulsoup"
    r"|scrap(?:e|er|ing))\b|innerHTML|className=|<!doctype|<(?:html|head|body|script|style|svg|template|form|input|button|\?)\b"
    r"|=\s?[\"']\s{0,8}<"
    r"|(?:document|window)\.|^\s{0,40}(?:def|class|import|from|return|const|let|var|function|public|#include)\s",
    re.I | re.M,
)
_FENCED = re.compile(r"```[^`]*(?:```|\Z)|`[^`\n]{1,300}`")


def find(sample: Sample) -> str | None:
    """The first leftover of a row of prose."""
    whole = sample.whole
    found = _first(whole)
    if found is None or _SUBJECT.search(whole):
        return None
    if "`" in whole:
        whole = _FENCED.sub(" ", whole)
        found = _first(whole)
    if found is None:
        return None
    start, end = found.span()
    around = whole[max(0, start - 15) : min(end, start + 40) + 15]
    return f"{quoted(found.group(), 30)} in {quoted(around)}"


def _first(text: str) -> re.Match[str] | None:
    found = _ENTITY.search(text) if "&" in text else None
    return found or (_TAG.search(text) if "<" in text and ">" in text else None)


def check(data: Data) -> Verdict:
    """Count rows of prose with markup."""
    tally = TEXTS.tally(data, _CODE)
    if not tally.looked:
        return NotEvaluated(TEXTS.missing)
    what = "hold entities or tags of HTML in prose"
    verdict = verdict_on(tally, what, Shares(ANY), severity=Severity.WARNING, total=tally.looked)
    if isinstance(verdict, Present) and tally.share > SUBJECT.value:
        return replace(verdict, means=_ABOUT, severity=Severity.NOTE)
    return verdict


RULE = RowRule(
    code=_CODE,
    slug="markup-leftovers",
    severity=Severity.WARNING,
    needs=("text",),
    check=check,
    thresholds=(ANY, SUBJECT),
    since=SINCE,
    find=find,
)
