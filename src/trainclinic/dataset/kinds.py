"""Rules on rows of one kind: conversations, preference pairs; rows of other kinds do not thin out their shares.

It knows which ways of writing rows belong to a kind. It does not know any particular rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import NotEvaluated, Severity, Verdict
from trainclinic.dataset.rule import SINCE, FindInRow, RowRule, Shares, verdict_on
from trainclinic.dataset.tally import Tally

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data


@dataclass(frozen=True, slots=True)
class Kind:
    """Some ways of writing rows.

    Attributes:
        schemas: Their names, as in `Sample.schema`.
        missing: What a verdict asks for where no row is of this kind, as a noun phrase.
    """

    schemas: tuple[str, ...]
    missing: str

    def rows(self, data: Data) -> int:
        """How many training rows are of this kind."""
        return sum(data.survey.schemas[name] for name in self.schemas)

    def tally(self, data: Data, code: str) -> Tally:
        """What a row rule counted, among the rows of this kind alone.

        Args:
            data: The data.
            code: Code of the rule, which finds nothing in rows of other kinds.
        """
        counted = data.tally(code)
        return Tally(self.rows(data), counted.hits, counted.first)


PAIRS = Kind(("preference",), "preference pairs (`chosen` and `rejected`)")
CONVERSATIONS = Kind(
    ("alpaca", "sharegpt", "messages", "prompt-completion", "question-answer", "preference", "kto"),
    "conversations, or prompts with answers",
)

TEXTS = Kind((*CONVERSATIONS.schemas, "text"), "rows with text: those here are token ids")


def rule_among(
    kind: Kind, *, code: str, slug: str, severity: Severity, needs: tuple[str, ...], find: FindInRow, what: str,
    shares: Shares, means: str = "",
) -> RowRule:  # fmt: skip
    """A rule that counts rows of one kind by looking at their text.

    Args:
        kind: Which rows; with none of them the rule cannot be evaluated.
        code: Three letters for what is examined and three digits; never reused.
        slug: Noun phrase after "this data shows ...".
        severity: How harmful the symptom is if true and frequent.
        needs: What the rule looks at, for the generated reference.
        find: What a row shows, in a few words, or `None`; always `None` for rows of other kinds.
        what: The predicate of the rows that show it.
        shares: From which share of the rows of this kind on.
        means: What this means here, when the page does not say it all.
    """

    def check(data: Data) -> Verdict:
        tally = kind.tally(data, code)
        if not tally.looked:
            return NotEvaluated(kind.missing)
        return verdict_on(tally, what, shares, severity=severity, total=tally.looked, means=means)

    return RowRule(code, slug, severity, needs, check, shares.all, SINCE, find)
