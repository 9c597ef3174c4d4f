"""Answers end in the middle of a sentence in the data file itself.

## What it sees

Kept answers of prose with more than 200 characters and several sentences that end in a letter, a digit or a comma.
Two ways to tell them from a style without full stops: more than 30 % of the long answers end openly and at least a
quarter of these with a word that ends no sentence ("the", "of", "und") or a comma; or more than 5 % of all answers
have the length of the longest one (within 1 %) and most of these end openly. Answers that end in code, a list, a
table, a link, a short last line (a name, a greeting) or a script without full stops are not judged.

## Why it matters

The end token is taught right after "of the": the model learns to stop anywhere, and short limits of a generator become
its own limit.

## What it does not mean

The length limit of training is not the reason: the file ends there. Whether rows are cut again in training is another
finding.

## Example

A generator ran with `max_new_tokens=256`: 64 % of the answers end without a full stop, many with "and" or "the".

## Check it by hand

    python -c "import json; r = [json.loads(l)['completion'].rstrip() for l in open('data.jsonl')]
    print(sum(x[-1:].isalnum() for x in r if len(x) > 200), len(r))"

## References

- https://huggingface.co/docs/transformers/main_classes/text_generation (`max_new_tokens`)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, percent
from trainclinic.dataset.answer_lengths import Length, lengths_of
from trainclinic.dataset.rule import SHOWN, SINCE, quoted

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

OPEN = Threshold("share of long answers that end openly", 0.30, "1", "expert choice, to be calibrated")
MANY = Threshold("share that is harmful", 0.60, "1", "more open ends than full stops; expert choice, to be calibrated")
MIDDLE = Threshold(
    "share of open ends in mid-sentence", 0.25, "1", "40 % of English words end no sentence; a style has 0 to 2 %"
)
PILE = Threshold(
    "share of answers as long as the longest", 0.05, "1", "lengths of texts have no such pile; expert choice"
)
LONG = Threshold("characters of a long answer", 200, "characters", "shorter ones are titles and lines; expert choice")
ROWS = Threshold("long answers of prose", 30, "rows", "shares of fewer answers say little; expert choice")
_SENTENCE = re.compile(r"[^\W\d_][.!?][\"')\u201d\u2019]?\s|[。！？؟।]")
_LIST_LINE = re.compile(r"\s{0,8}(?:[-*\u2022|#>]|\d{1,3}[.)]\s|\w[\w /]{0,30}:\s)")
_LINK = re.compile(r"(?:https?://|www\.|[#@])\S*$")
_UNSTOPPED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u0f00-\u0fff]$")
_SHORT_LINE = 60
_ENDS_NO_SENTENCE = """
the a an of to and or with for from by as at into than is are was were be has have that which who whose if
because my your his its our their this these very such not only der die das den dem ein eine einen und oder
mit für von zu im ist sind dass wenn weil le la les un une des du de et ou avec pour dans qui que est sont el
los las una y o con por para en del al e ou com os as um uma no na da do il lo gli di che nel con per het een
van en met voor op dat и в на с по для что как не из от к о у а но i w z na do że ve ile bir bu için
"""
_OPEN_WORDS = frozenset(_ENDS_NO_SENTENCE.split())


def check(data: Data) -> Verdict:
    """How long answers end, and whether many have the length of the longest."""
    rows = lengths_of(data)
    judged = [row for row in rows if _is_judged(row.answer)]
    if len(judged) < ROWS.value:
        return NotEvaluated(
            f"at least {count(int(ROWS.value), 'answer')} of prose with more than {LONG.value:.0f} characters"
        )
    ends = [row for row in judged if _is_open(row.answer)]
    middle = sum(_is_in_mid_sentence(row.answer) for row in ends)
    piled = _piled(rows)
    share = len(ends) / len(judged)
    evidence = [
        Evidence(
            f"{len(ends):,} of {count(len(judged), 'long answer')} ({percent(share)}) end without a closing sign,"
            f" {middle:,} of them in mid-sentence"
        )
    ]
    is_piled = len(piled) > PILE.value * len(rows) and sum(_is_open(row.answer) for row in piled) > len(piled) / 2
    if is_piled:
        longest = max(len(row.answer) for row in piled)
        evidence.append(
            Evidence(f"{count(len(piled), 'answer')} have the length of the longest, {longest:,} characters")
        )
    if not is_piled and (share <= OPEN.value or middle < MIDDLE.value * len(ends)):
        return Absent(tuple(evidence))
    evidence += [Evidence(f"ends {quoted(row.answer[-50:])}", row.sample.source) for row in ends[:SHOWN]]
    return Present(tuple(evidence), severity=None if share > MANY.value else Severity.WARNING)


def _is_judged(answer: str) -> bool:
    """Whether the end of an answer says something: prose of several sentences, up to the last line."""
    text = answer.rstrip()
    if len(text) <= LONG.value or text.count("```") or text.lstrip()[:1] in "{[<|":
        return False
    last = text[text.rfind("\n") + 1 :]
    if ("\n" in text and len(last) < _SHORT_LINE) or _LIST_LINE.match(last) or _LINK.search(last[-200:]):
        return False
    return not _UNSTOPPED.search(text) and len(_SENTENCE.findall(text[:-1])) >= 2


def _is_open(answer: str) -> bool:
    text = answer.rstrip()
    return bool(text) and (text[-1].isalnum() or text[-1] in ",、，،;-(\u201c\u201e\u00ab")


def _is_in_mid_sentence(answer: str) -> bool:
    text = answer.rstrip()
    return not text[-1].isalnum() or text[-40:].split()[-1].casefold() in _OPEN_WORDS


def _piled(rows: tuple[Length, ...]) -> list[Length]:
    """Answers of prose with the length of the longest one; none where the longest is no long answer."""
    longest = max(len(row.answer) for row in rows)
    same = [row for row in rows if len(row.answer) >= 0.99 * longest and _is_judged(row.answer)]
    return same if longest > LONG.value and len({row.answer for row in same}) > 1 else []


RULE: Rule[Data] = Rule(
    code="ANS007",
    slug="answers-cut-at-source",
    severity=Severity.HARMFUL,
    needs=("answers",),
    check=check,
    thresholds=(OPEN, MANY, MIDDLE, PILE, LONG, ROWS),
    since=SINCE,
)
