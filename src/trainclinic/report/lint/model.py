"""The document on scripts: plain values that every format prints; secrets are masked before they get here."""

from __future__ import annotations

from dataclasses import dataclass

from trainclinic.script.places import Place


@dataclass(frozen=True, slots=True)
class CodeLine:
    """A line of the user's code.

    Attributes:
        number: Its number in the file, or in the cell of a notebook.
        text: The line; of a very long one, the part that matters.
        first: First column of what is meant, from 1; 0 when nothing in this line is.
        end: Column after it; 0 when nothing in this line is.
    """

    number: int
    text: str
    first: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A few lines of code.

    Attributes:
        place: What is meant in them.
        lines: The lines, in order; empty when the file cannot be shown.
        left_out: Lines of `place` that follow and are not shown.
    """

    place: Place
    lines: tuple[CodeLine, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class FlowStep:
    """One station of a value.

    Attributes:
        says: What happens there, without full stop.
        excerpt: The code there.
    """

    says: str
    excerpt: Excerpt


@dataclass(frozen=True, slots=True)
class Change:
    """A piece of text to be put in the place of another.

    Attributes:
        place: What is replaced; of no length where something is only inserted.
        text: What stands there afterwards.
    """

    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """How an alarm is mended.

    Attributes:
        says: The change as an imperative, without full stop.
        safety: `safe` or `unsafe`: the latter changes what is trained.
        is_automatic: Whether `--fix` can make it.
        changes: The change as text, where it can be written so; empty otherwise.
    """

    says: str
    safety: str
    is_automatic: bool
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class AlarmEntry:
    """One mistake at one place.

    Attributes:
        code: Code of the rule.
        slug: Its name.
        severity: `harmful`, `warning` or `note`.
        certainty: `proof`, `likely` or `hint`.
        says: What is wrong, without full stop.
        when: Under which values of settings; empty when always.
        means: What the rule is about, a full sentence.
        excerpt: The code.
        flow: The way of the value, the origin first and the place of the alarm last; empty when there is none to tell.
        fix: How to mend it; `None` when the page of the rule says all there is to say.
        causes: Slugs of causes of failed runs that this mistake is a sign of.
        page: The command that prints the page of the rule.
        fingerprint: Hexadecimal digits that stay the same when lines above are added or removed.
    """

    code: str
    slug: str
    severity: str
    certainty: str
    says: str
    when: str
    means: str
    excerpt: Excerpt
    flow: tuple[FlowStep, ...] = ()
    fix: Fix | None = None
    causes: tuple[str, ...] = ()
    page: str = ""
    fingerprint: str = ""

    @property
    def place(self) -> Place:
        """Where the mistake is."""
        return self.excerpt.place

    @property
    def sentence(self) -> str:
        """What is wrong, with its condition."""
        return f"{self.says}, when {self.when}" if self.when else self.says


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """A rule that was asked.

    Attributes:
        code: Its code.
        slug: Its name.
        group: The part of a script that it looks at.
        severity: How harmful the mistake is.
        certainty: The most that its alarms can claim.
        title: What it is about, a full sentence.
        sections: Its page: headings and texts in order.
    """

    code: str
    slug: str
    group: str
    severity: str
    certainty: str
    title: str
    sections: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that could not be read or examined, or a comment that says nothing.

    Attributes:
        says: What is wrong, without full stop.
        path: The file; empty when it is about no single file.
        line: Line in it, when one is known.
    """

    says: str
    path: str = ""
    line: int | None = None

    def __str__(self) -> str:
        """What is wrong, with its place before it."""
        where = f"{self.path}:{self.line}" if self.line else self.path
        return f"{where}: {self.says}" if where else self.says


@dataclass(frozen=True, slots=True)
class LintReport:
    """What was found in some scripts.

    Attributes:
        alarms: In order of file and line.
        rules: Every rule that was asked, by code.
        troubles: What could not be read or examined.
        files: Names of the files that were looked at.
        suppressed: Alarms that a comment or a setting silences.
        hidden: Alarms that are less certain than the user wants to see.
        root: The folder that relative paths count from, with `/`; empty when unknown.
        is_blind: Whether nothing at all could be parsed.
    """

    alarms: tuple[AlarmEntry, ...] = ()
    rules: tuple[RuleEntry, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    files: tuple[str, ...] = ()
    suppressed: int = 0
    hidden: int = 0
    root: str = ""
    is_blind: bool = False
