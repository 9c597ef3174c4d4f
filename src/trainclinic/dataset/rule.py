"""Three shapes of rules on data: what single rows show, what single rows show as tokens, what the whole set shows.

All answer with the verdicts of the house. It does not know any particular rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data
    from trainclinic.dataset.tally import Tally
    from trainclinic.encoding.encoded import Encoded

FindInRow = Callable[["Sample"], str | None]
FindInTokens = Callable[["Encoded", "Data"], str | None]
Ready = Callable[["Data"], str | None]
SINCE = "0.4"
SHOWN = 3
"""Rows that a verdict shows as examples; the report lists the lines of more."""


@dataclass(frozen=True, slots=True)
class RowRule(Rule["Data"]):
    """A rule on single rows; the whole set is counted in one pass.

    Attributes:
        find: What a row shows, in a few words, or `None`; never raises on any sample.
    """

    find: FindInRow = lambda _: None


@dataclass(frozen=True, slots=True)
class Shares:
    """How many rows of a kind are too many.

    Attributes:
        any_from: Share above which the symptom is there at all.
        harmful_from: Share above which it is harmful; `None` when it never is.
        milder: Severity below `harmful_from`.
    """

    any_from: Threshold
    harmful_from: Threshold | None = None
    milder: Severity = Severity.WARNING

    @property
    def all(self) -> tuple[Threshold, ...]:
        """The thresholds, for a rule's own list."""
        return (self.any_from,) if self.harmful_from is None else (self.any_from, self.harmful_from)


def row_rule(
    *, code: str, slug: str, severity: Severity, needs: tuple[str, ...], find: FindInRow, what: str, shares: Shares,
    ready: Ready = lambda _: None, means: str = "",
) -> RowRule:  # fmt: skip
    """A rule that counts rows by looking at their text.

    Args:
        code: Three letters for what is examined and three digits; never reused.
        slug: Noun phrase after "this data shows ...".
        severity: How harmful the symptom is if true and frequent.
        needs: What the rule looks at, for the generated reference.
        find: What a row shows, in a few words, or `None`.
        what: The predicate of the rows that show it: "have an empty answer".
        shares: From which share on.
        ready: What is missing to look at all (a noun phrase), or `None`.
        means: What this means here, when the page does not say it all.
    """

    def check(data: Data) -> Verdict:
        if missing := ready(data):
            return NotEvaluated(missing)
        return verdict_on(data.tally(code), what, shares, severity=severity, total=data.survey.rows, means=means)

    return RowRule(code, slug, severity, needs, check, shares.all, SINCE, find)


def token_rule(
    *, code: str, slug: str, severity: Severity, needs: tuple[str, ...], find: FindInTokens, what: str, shares: Shares,
    ready: Ready, means: str = "",
) -> Rule[Data]:  # fmt: skip
    """A rule that counts rows by looking at their tokens and labels.

    Args:
        code: Three letters for what is examined and three digits; never reused.
        slug: Noun phrase after "this data shows ...".
        severity: How harmful the symptom is if true and frequent.
        needs: What the rule looks at, for the generated reference.
        find: What a row shows, in a few words, or `None`.
        what: The predicate of the rows that show it: "lose their whole answer".
        shares: From which share on.
        ready: What is missing to look at all (a noun phrase: "the loss mask (`--loss-on`)"), or `None`.
        means: What this means here, when the page does not say it all.
    """

    def check(data: Data) -> Verdict:
        if missing := ready(data) or (None if data.encoded else "a row that can be tokenised"):
            return NotEvaluated(missing)
        tally = data.count_encoded(find)
        return verdict_on(tally, what, shares, severity=severity, total=data.survey.rows, means=means)

    return Rule(code, slug, severity, needs, check, shares.all, SINCE)


def verdict_on(
    tally: Tally, what: str, shares: Shares, *, severity: Severity, total: int, means: str = "", settle: str = ""
) -> Verdict:
    """The verdict that a count allows.

    Args:
        tally: What was counted.
        what: The predicate of the rows that show it: "have an empty answer".
        shares: From which share on.
        severity: Of the rule.
        total: All rows; where fewer were looked at, the share gets its interval.
        means: What this means in these data.
        settle: What would decide an open question.
    """
    if tally.looked == 0:
        return NotEvaluated("rows of this kind")
    first = Evidence(share_of(tally, what, total), tally.first[0].source if tally.first else None)
    if tally.hits == 0 or tally.share <= shares.any_from.value:
        return Absent((first,))
    harmful = severity is not Severity.HARMFUL or (
        shares.harmful_from is not None and tally.share > shares.harmful_from.value
    )
    examples = tuple(Evidence(hit.says, hit.source) for hit in tally.first[:SHOWN])
    lines = where(tally)
    return Present((first, *examples, *lines), means, settle, None if harmful else shares.milder)


def share_of(tally: Tally, what: str, total: int) -> str:
    """`12 of 3,000 rows (0.4 %) have an empty answer`, with an interval where only a sample was looked at."""
    share = _percent(tally.share)
    if tally.looked < total:
        low, high = tally.interval
        share = f"{share}; {_percent(low)} to {_percent(high)} of all {total:,} at 95 %"
    return f"{tally.hits:,} of {count(tally.looked, 'row')} ({share}) {what}"


def where(tally: Tally, most: int = 12) -> tuple[Evidence, ...]:
    """The places of further rows in one line, when there are more than the examples."""
    rest = tally.first[SHOWN:]
    if not rest:
        return ()
    shown = ", ".join(str(hit.source) for hit in rest[:most])
    more = tally.hits - SHOWN - min(len(rest), most)
    return (Evidence(f"also {shown}" + (f" and {more:,} more" if more > 0 else "")),)


def quoted(text: str, longest: int = 60) -> str:
    """A text in back-ticks, on one line, shortened in the middle."""
    flat = " ".join(text.split()).replace("`", "'")
    if len(flat) > longest:
        half = longest // 2
        flat = f"{flat[:half].rstrip()} ... {flat[-half:].lstrip()}"
    return f"`{flat}`"


def needs_settings(*names: str) -> Ready:
    """A `ready` that asks for settings of the preparation that somebody stated.

    Args:
        names: Fields of `Preparation`.
    """

    def ready(data: Data) -> str | None:
        unknown = [name for name in names if getattr(data.preparation, name).is_assumed]
        return _ASKED[unknown[0]] if unknown else None

    return ready


def needs_tokenizer(data: Data) -> str | None:
    """What is missing when no real tokenizer was given."""
    return "the tokenizer of the model (`--tokenizer`)" if data.tokenizer.is_stand_in else None


def first_missing(*asks: Ready) -> Ready:
    """A `ready` that asks several, in order."""

    def ready(data: Data) -> str | None:
        return next((missing for ask in asks if (missing := ask(data))), None)

    return ready


def _percent(share: float) -> str:
    if 0 < share < 0.0005:
        return f"{share * 100:.3f} %"
    return f"{share * 100:.1f} %" if share < 0.995 or share == 1 else f"{share * 100:.2f} %"


_ASKED = {
    "template": "the chat template that training uses (`--template`)",
    "scored": "which tokens carry a loss (`--loss-on`)",
    "appends_end": "whether training appends the end token (`--end-token`)",
    "adds_specials": "whether training adds begin and end tokens (`--add-special-tokens`)",
    "max_length": "the length limit of training (`--max-length`)",
    "masks_pads": "which collator makes the labels (`--collator`)",
    "response_marker": "the text after which the collator scores (`--response-marker`)",
    "pad": "the padding token of training (`--pad-token`)",
    "vocabulary": "the rows of the model's embedding (`--vocabulary`)",
    "packing": "whether rows are packed (`--packing`)",
    "pads_to_maximum": "how rows are padded (`--pad-to-max`)",
    "scores_padding": "whether padding carries labels (`--collator`)",
    "needs_markers": "whether the loss mask comes from the markers of the template (`--assistant-only`)",
    "mask_by_length": "whether prompts are masked by their length (`--mask-by-length`)",
}
