"""From alarms to the document: what is said, the code it is said about, and a name that survives edits elsewhere.

It does not read files: lines of code, and the mask that takes secrets out of them, are handed in.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trainclinic.report.clean import visible
from trainclinic.report.lint.excerpts import Mask, excerpt
from trainclinic.report.lint.model import AlarmEntry, Change, Fix, FlowStep, LintReport, RuleEntry, Trouble

if TYPE_CHECKING:
    from trainclinic.catalogue.load import Entry
    from trainclinic.record.parts import Damage
    from trainclinic.script.alarm import Alarm, Mending
    from trainclinic.script.places import Place

LinesOf = Callable[["Place"], Sequence[str]]
ChangesOf = Callable[["Mending"], Iterable[tuple["Place", str]]]


def compose(
    alarms: Iterable[tuple[Entry[Any], Alarm]],
    rules: Iterable[Entry[Any]],
    *,
    lines_of: LinesOf,
    mask: Mask,
    changes_of: ChangesOf = lambda _: (),
    root: str = "",
    troubles: Iterable[Damage] = (),
) -> LintReport:
    """The document on some scripts, without the names of files and what was left out.

    Args:
        alarms: Alarms with their rules, in the order to show them.
        rules: Every rule that was asked.
        lines_of: The lines of a place, whole ones; empty when the file is not known.
        mask: Replaces secrets in a text without line ends.
        changes_of: What a mending changes, as spans and the texts that stand there afterwards.
        root: The folder that relative paths count from, with `/`.
        troubles: What could not be read or examined.
    """
    entries = [
        _alarm_entry(entry, alarm, lines_of, mask, _fix(alarm.mending, changes_of, mask)) for entry, alarm in alarms
    ]
    return LintReport(
        alarms=_with_fingerprints(entries, root),
        rules=tuple(rule_entry(entry) for entry in rules),
        troubles=tuple(_trouble(damage, mask) for damage in troubles),
        root=root,
    )


def rule_entry(entry: Entry[Any]) -> RuleEntry:
    """A rule with its page."""
    rule: Any = entry.rule  # a `ScriptRule`, whose module reaches the readers, which reports must not
    page = entry.page
    return RuleEntry(
        code=rule.code,
        slug=rule.slug,
        group=entry.group,
        severity=rule.severity.name.lower(),
        certainty=rule.certainty.name.lower(),
        title=page.title,
        sections=tuple(page.sections.items()),
    )


def below(path: str, root: str) -> str:
    """A path as seen from `root`, where it lies below it; otherwise the absolute path, or what was given."""
    if not root:
        return path
    whole = posixpath.normpath(posixpath.join(root, path))
    inside = root.rstrip("/") + "/"
    return whole[len(inside) :] if whole.startswith(inside) else whole


def _alarm_entry(entry: Entry[Any], alarm: Alarm, lines_of: LinesOf, mask: Mask, fix: Fix | None) -> AlarmEntry:
    from trainclinic.causes.catalogue import all_causes

    rule = entry.rule
    return AlarmEntry(
        code=rule.code,
        slug=rule.slug,
        severity=rule.severity.name.lower(),
        certainty=alarm.certainty.name.lower(),
        says=mask(alarm.says),
        when=mask(alarm.when),
        means=entry.page.title,
        excerpt=excerpt(alarm.place, lines_of(alarm.place), mask),
        flow=tuple(FlowStep(mask(step.says), excerpt(step.place, lines_of(step.place), mask)) for step in alarm.flow),
        fix=fix,
        causes=tuple(
            slug
            for slug, file in all_causes().items()
            if any(expect.finding == rule.slug for expect in file.cause.expects)
        ),
        page=f"trainclinic explain {rule.code}",
    )


def _fix(mending: Mending | None, changes_of: ChangesOf, mask: Mask) -> Fix | None:
    """A change that would show a secret, or a character that is not what it seems, is told in words alone."""
    if mending is None:
        return None
    changes = tuple(Change(place, text) for place, text in changes_of(mending))
    if any(visible(mask(change.text)) != change.text for change in changes):
        changes = ()
    return Fix(mask(mending.says), mending.safety, bool(mending.edits), changes)


def _with_fingerprints(entries: Iterable[AlarmEntry], root: str) -> tuple[AlarmEntry, ...]:
    """The number of the same alarm about the same text tells repetitions apart."""
    seen: Counter[tuple[str, ...]] = Counter()
    named = []
    for entry in entries:
        text = " ".join(entry.excerpt.lines[0].text.split()) if entry.excerpt.lines else ""
        key = (entry.code, below(entry.place.path, root), text)
        seen[key] += 1
        name = "\0".join((*key, str(seen[key]))).encode("utf-8", "backslashreplace")
        named.append(replace(entry, fingerprint=hashlib.sha256(name).hexdigest()[:32]))
    return tuple(named)


def _trouble(damage: Damage, mask: Mask) -> Trouble:
    more = f" ({damage.count:,} times)" if damage.count > 1 else ""
    return Trouble(f"{mask(damage.says)}{more}", damage.source.path, damage.source.line)
