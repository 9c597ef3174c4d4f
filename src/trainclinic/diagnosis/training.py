"""Training that cannot fail in silence: plan, look at the rows, check the model, train with the guard on.

It knows the order. What is checked, watched and trained is known by the rooms below.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainclinic.catalogue.finding import Finding
from trainclinic.catalogue.verdict import Severity
from trainclinic.diagnosis.data import DataExamination, examine_data
from trainclinic.recipe.model import Recipe
from trainclinic.record.errors import TrainclinicError

if TYPE_CHECKING:
    from trainclinic.catalogue.load import Entry
    from trainclinic.dataset.showing import ShownRow
    from trainclinic.guard.preflight import OnCheck, Preflight
    from trainclinic.training.job import Job, Outcome, Planned
    from trainclinic.training.progress import Moment

MENDED = {
    "DUP001": ("data.drop_duplicates", True),
    "ANS001": ("data.drop_empty_answers", True),
    "LAB002": ("text.too_long", "drop"),
    "LEN001": ("text.too_long", "drop"),
    "ENC001": ("data.repair_encoding", True),
}
"""Symptoms of the files that the rows of a run no longer have, by the setting that leaves them out."""
ALWAYS_MENDED = frozenset({"ROL003", "DUP007", "FMT003", "LAB001"})
"""Questions without an answer, overlap with held-out rows, rows without targets: training never uses them."""

STOPPING = frozenset({"answers", "form", "labels", "roles", "templates", "text", "tokens"})
"""Groups of symptoms of rows that spoil what is learned. Others (near duplicates, sorted rows, personal data) cost
quality or are a person's decision: they are shown, and the run goes on."""


@dataclass(frozen=True)
class Checked:
    """What was found before the first step.

    Attributes:
        data: The examination of the rows; `None` when it was left out.
        preflight: The checks of the model; `None` when they were left out.
        ignored: Codes and names of rules that do not stop the run.
        recipe: The recipe that decides which rows are used.
    """

    data: DataExamination | None
    preflight: Preflight | None
    ignored: frozenset[str]
    recipe: Recipe

    @property
    def stops(self) -> tuple[Finding, ...]:
        """What the run must not start with."""
        found = [*self._of_data(), *(self.preflight.stops if self.preflight is not None else ())]
        return tuple(one for one in found if not self._is_ignored(one))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What rows show that are trained on, then what every check of the model answered."""
        rows = [one for one in (self.data.findings if self.data is not None else ()) if not self.is_mended(one)]
        checks = self.preflight.checks if self.preflight is not None else ()
        return (*rows, *(check.finding for check in checks))

    def _of_data(self) -> Iterator[Finding]:
        for finding in self.data.present if self.data is not None else ():
            stops = finding.severity is Severity.HARMFUL and finding.entry.group in STOPPING
            if stops and not self.is_mended(finding):
                yield finding

    def is_mended(self, finding: Finding) -> bool:
        """Whether the rows that are trained on no longer show what the files show."""
        from trainclinic.recipe.keys import value_of

        code = finding.entry.rule.code
        if code in ALWAYS_MENDED:
            return True
        setting = MENDED.get(code)
        return setting is not None and value_of(self.recipe, setting[0]) == setting[1]

    def _is_ignored(self, finding: Finding) -> bool:
        rule = finding.entry.rule
        return bool(self.ignored & {rule.code.lower(), rule.slug})


def check(
    job: Job,
    *,
    data: bool = True,
    model: bool = True,
    ignored: Collection[str] = (),
    on_check: OnCheck | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Checked:
    """Look at rows and model before the first step.

    Args:
        job: The fine-tune.
        data: Whether to look at the rows.
        model: Whether to look at the model.
        ignored: Codes or names of rules that do not stop the run.
        on_check: Told before each check of the model.
        progress: Told of the characters that were looked at, and of how many there are.

    Raises:
        TrainclinicError: If `ignored` names a rule that does not exist.
    """
    from trainclinic.guard.of_job import live_of
    from trainclinic.guard.preflight import examine

    planned = job.planned
    names = _known(ignored)
    examined = _examined(planned, progress) if data else None
    preflight = examine(live_of(job), on_check=on_check) if model else None
    return Checked(examined, preflight, names, planned.recipe)


def shown_rows(planned: Planned, count: int) -> list[ShownRow]:
    """Rows as they are trained on, token by token: the first, the longest, and others evenly between.

    Args:
        planned: What will be trained.
        count: How many.
    """
    from trainclinic.dataset.showing import ShownRow

    rows = planned.rows.training
    longest = max(range(len(rows)), key=lambda at: len(rows[at]))
    places = [round(at * (len(rows) - 1) / max(1, count - 1)) for at in range(count)]
    reasons = dict.fromkeys(places, "a row of the training data") | {longest: "the longest row"}
    shown = []
    for at in sorted(reasons)[: max(count, 1)]:
        tokens = tuple(_shown_tokens(planned, at))
        targets = sum(len(token.labels) for token in tokens if token.is_scored)
        says = () if any(token.is_end and token.is_scored for token in tokens) else ("no end token is a target",)
        size = len(rows[at])
        shown.append(ShownRow(rows[at].place, reasons[at], tokens, size, size, targets, targets, says))
    return shown


def _shown_tokens(planned: Planned, at: int) -> Iterator[Any]:
    from trainclinic.dataset.showing import ShownToken
    from trainclinic.encoding.encoded import IGNORED

    row, tokenizer = planned.rows.training[at], planned.tokenizer
    special = frozenset(tokenizer.specials.ids.values())
    ids, labels = row.ids.tolist(), row.labels.tolist()
    first = 0
    for place, token in enumerate(ids):
        text = tokenizer.piece(token)
        if "\\x" in text:  # bytes of a character: only together they are text
            text = planned.saved_tokenizer.decode(ids[first : place + 1])
            if text.endswith("\ufffd") and place + 1 < len(ids):
                continue
        scored = labels[place] != IGNORED and place > 0
        yield ShownToken(
            text, tuple(ids[first : place + 1]), tuple(labels[first : place + 1]),
            "assistant" if scored else "frame", is_scored=scored, is_kept=True,
            is_end=token in planned.formatting.ends, is_special=token in special,
        )  # fmt: skip
        first = place + 1


def _examined(planned: Planned, progress: Callable[[int, int], None] | None) -> DataExamination:
    from trainclinic.encoding.preparation import Plan, Stated
    from trainclinic.training.rows import preparation_of

    recipe, by = planned.recipe, "the recipe"
    course = Plan(
        micro_batch=Stated(recipe.batch.rows, by),
        accumulation=Stated(recipe.batch.accumulation or 1, by),
        processes=Stated(planned.processes, by),
        steps=Stated(recipe.schedule.steps, by),
        warmup_steps=Stated(recipe.schedule.warmup_steps, by),
        seed=Stated(recipe.seed, by),
        full_weights=Stated(recipe.adapter.method == "full", by),
    )
    return examine_data(
        [shard.path for shard in planned.corpus.shards if shard.split == "train"],
        held_out=[shard.path for shard in planned.corpus.shards if shard.split == "held-out"],
        tokenizer=planned.tokenizer,
        preparation=preparation_of(recipe, planned.formatting),
        plan=course,
        model=str(recipe.model.name),
        progress=progress,
    )


def _known(ignored: Collection[str]) -> frozenset[str]:
    from trainclinic.dataset.examine import all_rules
    from trainclinic.probes.examine import all_probes

    entries: list[Entry[Any]] = [*all_rules().values(), *all_probes().values()]
    known = {name for one in entries for name in (one.rule.code.lower(), one.rule.slug)}
    for name in ignored:
        if name.lower() not in known:
            message = f"`{name}` is no code or name of a check"
            raise TrainclinicError(message, hint="`trainclinic explain --list` shows them")
    return frozenset(name.lower() for name in ignored)


def go_on_from(output: Path, *, resume: bool, start: Path | None, even_if_suspect: bool) -> Path | None:
    """The checkpoint that a run goes on from, after what a kill left half written is removed; `None` for a new run.

    Args:
        output: Output folder of the run.
        resume: Whether to go on from the newest good checkpoint.
        start: A checkpoint that the user names; later ones are set aside.
        even_if_suspect: Whether a suspect checkpoint will do.

    Raises:
        TrainclinicError: If there is nothing to go on from, or the folder holds another run.
    """
    from trainclinic.training import checkpoints

    if start is not None:
        found = checkpoints.checkpoint_at(start)
        if found.state == "suspect" and not even_if_suspect:
            message = f"`{start}` is suspect: {found.why}"
            good = checkpoints.last_good(start.parent)
            hint = f"take `{good.folder}`" if good is not None else "no earlier checkpoint is good: start again"
            raise TrainclinicError(message, hint=f"{hint}, or add --force")
        if start.parent.resolve() == output.resolve():
            checkpoints.set_aside_after(output, found.step)
        return found.folder
    if resume:
        checkpoints.discard_torn(output)
        newest = checkpoints.last_good(output)
        if newest is None:
            message = f"`{output}` holds no whole checkpoint that is good, expected a run that was interrupted"
            raise TrainclinicError(message, hint="leave --resume out to start the run again")
        return newest.folder
    if any(output.glob("checkpoint-*")) and not even_if_suspect:
        message = f"`{output}` holds the checkpoints of an earlier run"
        raise TrainclinicError(message, hint="add --resume to go on with it, name another folder, or add --force")
    return None


@dataclass(frozen=True)
class Supervised:
    """A run that was watched.

    Attributes:
        outcome: What came of it.
        stopped: Why the guard stopped it; empty when it did not.
        last_good: The newest checkpoint that is not suspect.
        answers: What became of the held-out questions, in words; empty when none was asked.
    """

    outcome: Outcome
    stopped: str
    last_good: Path | None
    answers: str

    @property
    def is_good(self) -> bool:
        """Whether the run came to its end, and was saved."""
        return not self.stopped


def train(job: Job, *, start: Path | None = None, tell: Callable[[Moment], None] | None = None) -> Supervised:
    """Train with the guard on, and save what a model needs unless the guard stopped the run.

    Args:
        job: The fine-tune.
        start: Checkpoint to go on from.
        tell: Told where the run stands, after every step.
    """
    from trainclinic.guard.of_job import callback_of, ending_of
    from trainclinic.training import checkpoints
    from trainclinic.training.job import run, save
    from trainclinic.training.progress import Reporter

    # In front: it judges a checkpoint before old ones are removed.
    job.trainer.callback_handler.callbacks.insert(0, callback_of(job))
    if tell is not None:
        job.trainer.add_callback(Reporter(tell))
    outcome = run(job, resume=start)
    stopped, answers = ending_of(job)
    if not stopped:
        save(job, outcome)
    good = checkpoints.last_good(job.output)
    return Supervised(outcome, stopped, good.folder if good is not None else None, answers)
