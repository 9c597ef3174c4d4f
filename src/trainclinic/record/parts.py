"""The smaller parts of a record: events, checkpoints, generated samples and counted damage."""

from __future__ import annotations

from dataclasses import dataclass

from trainclinic.record.source import Source


@dataclass(frozen=True, slots=True)
class Event:
    """A log line that carries meaning.

    Attributes:
        kind: A name of `vocabulary.EVENTS`.
        says: The line itself, cleaned, shortened and with secrets removed.
        source: Where it stands.
        step: The step it belongs to, when the line or the row before it says so.
        value: The number that the line is about (a new loss scale, a count), when there is one.
        count: How many such lines were read; only the first is kept when a log repeats one.
    """

    kind: str
    says: str
    source: Source
    step: int | None = None
    value: float | None = None
    count: int = 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Saved weights, by their place in the folder or their mention in the log.

    Attributes:
        step: Step they were saved at.
        path: Folder or file as the user would name it.
        source: Where we learned of it.
        exists: Whether the weights were seen on disk; `False` when only the log mentions them.
    """

    step: int
    path: str
    source: Source
    exists: bool = True


@dataclass(frozen=True, slots=True)
class Generation:
    """One text that the model produced.

    Attributes:
        output: The text, as recorded; may be empty.
        source: Where it stands.
        prompt: What it answered, when recorded.
        reference: The expected answer, when recorded.
        new_tokens: Number of generated tokens, when recorded.
        label: What distinguishes this sample (`batch 8`, `after merge`, a model name), when recorded.
        step: Step at which it was generated, when recorded.
        stopped: Whether generation ended by itself; `False` when a token limit ended it, `None` when not recorded.
        padding: Padding tokens of its row in the batch, when recorded.
    """

    output: str
    source: Source
    prompt: str | None = None
    reference: str | None = None
    new_tokens: int | None = None
    label: str = ""
    step: int | None = None
    stopped: bool | None = None
    padding: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured under one setting: a row of a table that counts no steps.

    Attributes:
        settings: Names and values of what the rows differ in (`seq_length` 2048, `storage` bfloat16).
        values: Names and values of what was measured (`initial_loss` 5.2, `moved` 0).
        source: Where the row stands.
    """

    settings: tuple[tuple[str, str], ...]
    values: tuple[tuple[str, float], ...]
    source: Source


@dataclass(frozen=True, slots=True)
class Damage:
    """Something in a file that could not be read, counted: never a crash and never silence.

    Attributes:
        says: What is wrong, in words, e.g. "truncated last line".
        source: The first place.
        count: How often.
    """

    says: str
    source: Source
    count: int = 1
