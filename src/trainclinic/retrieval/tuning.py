"""Weights, curve and floor chosen on questions from the user's own data, and measured on others.

Every group of questions counts alike, so that typos do not outweigh other wordings. Stored questions are asked in
changed form, which flatters the question's field: its share stays between 0.3 and 0.7. It does not know files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from trainclinic.retrieval.dense import Vectors
from trainclinic.retrieval.measures import Quality, quality
from trainclinic.retrieval.mixing import COLUMNS, Curve, Mix, Scores, fit_curve, floor_between
from trainclinic.retrieval.passage import Passage
from trainclinic.retrieval.questions import ANSWERS_ONLY, Asked, Questions
from trainclinic.retrieval.reranking import READ, Reranker, reordered
from trainclinic.retrieval.searching import Searcher, best, cosines, rank

QUESTION_SHARES = (0.3, 0.5, 0.7)
STEPS = 10
"""Weights are tried in tenths."""
CANDIDATES = 30
"""Passages of each column among which mixes are compared."""
POOL = 400
"""Answers that are encoded without their questions, to see whether meaning finds them."""
RERANKED = 80
"""Questions that a reranker is measured with, in each half."""
NOTICEABLE = 0.01
"""Mean reciprocal rank by which a mix must be better than a more even one."""
UNTUNED = Mix(0.5, 0.5)
UNTUNED_DENSE = Mix(0.2, 0.3, 0.5)


@dataclass(slots=True)
class Tuned:
    """What was chosen, and how good it is.

    Attributes:
        mix: Weights.
        curve: Meaning of mixed scores.
        floor: Score below which the data do not say.
        table: Quality on the measuring half, by way of searching; its first row is what was chosen.
        groups: Quality of what was chosen, by group of questions.
        refused: Share of answerable questions that fall below the floor.
        accepted: Share of unanswerable questions that reach it, by group.
        reranks: Whether a reranker orders the best hits better.
    """

    mix: Mix
    curve: Curve
    floor: float
    table: dict[str, Quality] = field(default_factory=dict)
    groups: dict[str, Quality] = field(default_factory=dict)
    refused: float = 0.0
    accepted: dict[str, float] = field(default_factory=dict)
    reranks: bool = False

    def as_json(self) -> dict[str, Any]:
        """Plain values for the manifest and for `--json`."""
        return {
            "weights": self.mix.as_json(),
            "curve": asdict(self.curve),
            "floor": self.floor,
            "table": {name: asdict(one) for name, one in self.table.items()},
            "groups": {name: asdict(one) for name, one in self.groups.items()},
            "refused_answerable": self.refused,
            "accepted_unanswerable": self.accepted,
            "reranks": self.reranks,
        }


class Tuner:
    """Asks questions and compares mixes.

    Args:
        searcher: Where scores come from.
        passages: All passages.
        progress: Called with the number of questions asked since the last call.
        reranker: What may order the best hits; `None` for nothing.
    """

    def __init__(
        self,
        searcher: Searcher,
        passages: Sequence[Passage],
        progress: Callable[[int], None] = lambda _: None,
        reranker: Reranker | None = None,
    ) -> None:
        self._searcher = searcher
        self._reranker = reranker
        self._passages = passages
        self._progress = progress
        self._pool: tuple[npt.NDArray[np.int64], Vectors] | None = None

    def tune(self, questions: Questions) -> Tuned:
        """Choose on the first half, measure on the second.

        Args:
            questions: What to ask.

        Raises:
            TrainclinicError: If the embedding model cannot be loaded.
        """
        self._encode_answers((*questions.choosing, *questions.measuring))
        traces = self._traces(questions.choosing)
        mix = self._chosen(traces)
        known = _tops(traces, mix)
        foreign = _tops(self._traces(questions.foreign_choosing), mix)
        curve = fit_curve(known, foreign)
        at = np.vectorize(curve.at, otypes=[np.float64])
        tuned = Tuned(mix, curve, floor_between(at(known), at(foreign)))
        self.measure(questions, tuned)
        if self._reranker is not None:
            before, after = self._reordered(questions.choosing, mix, self._reranker)
            tuned.reranks = after.mrr_at_10 > before.mrr_at_10 + NOTICEABLE
            before, after = self._reordered(questions.measuring, mix, self._reranker)
            tuned.table |= {"chosen, with whole questions": before, "reranked": after}
        return tuned

    def measure(self, questions: Questions, tuned: Tuned) -> None:
        """Fill in how good a choice is, on the measuring half.

        Args:
            questions: What to ask.
            tuned: The choice.
        """
        ways = {"chosen": tuned.mix, "words": Mix(1, 0), "characters": Mix(0, 1)}
        if self._searcher.vectors is not None:
            ways["dense"] = Mix(0, 0, 1)
        ranks: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        refused = []
        for asked in questions.measuring:
            columns, relevant = self._columns(asked)
            for name, mix in ways.items():
                scores = _mixed(mix, columns)
                ranks[name][asked.group].append(rank(scores, relevant))
                if name == "chosen" and asked.group != ANSWERS_ONLY:
                    refused.append(tuned.curve.at(float(scores.max(initial=0))) < tuned.floor)
        tuned.table = {name: quality([one for group in ranks[name].values() for one in group]) for name in ways}
        tuned.groups = {group: quality(found) for group, found in ranks["chosen"].items()}
        tuned.refused = float(np.mean(refused)) if refused else 0.0
        tuned.accepted = self._accepted(questions.foreign_measuring, tuned)

    def _reordered(self, questions: Sequence[Asked], mix: Mix, reranker: Reranker) -> tuple[Quality, Quality]:
        """Quality before and after a reranker, of some questions that see all passages."""
        before, after = [], []
        for asked in [one for one in questions if one.group != ANSWERS_ONLY][:RERANKED]:
            columns, relevant = self._columns(asked)
            scores = _mixed(mix, columns)
            rows = best(scores, READ)
            order = reordered(rows, asked.text, [self._passages[row] for row in rows], reranker)
            place = next((at for at, row in enumerate(order, start=1) if row in relevant), None)
            before.append(rank(scores, relevant))
            after.append(place or before[-1])
        return quality(before), quality(after)

    def _accepted(self, asked: Sequence[Asked], tuned: Tuned) -> dict[str, float]:
        found: dict[str, list[bool]] = defaultdict(list)
        for one in asked:
            top = _mixed(tuned.mix, self._columns(one)[0]).max(initial=0)
            found[one.group].append(tuned.curve.at(float(top)) >= tuned.floor)
        return {group: float(np.mean(passed)) for group, passed in found.items()}

    def _traces(self, asked: Iterable[Asked]) -> list[_Trace]:
        return [_Trace.of(one.group, *self._columns(one)) for one in asked]

    def _chosen(self, traces: Sequence[_Trace]) -> Mix:
        """The most even of the best mixes."""
        has_dense = self._searcher.vectors is not None
        if not traces:
            return UNTUNED_DENSE if has_dense else UNTUNED
        scored = [(_mean_reciprocal(traces, mix), mix) for mix in _mixes(has_dense=has_dense)]
        most = max(value for value, _ in scored)
        good = [(value, mix) for value, mix in scored if value >= most - NOTICEABLE]
        return min(good, key=lambda one: (_unevenness(one[1], has_dense=has_dense), -one[0]))[1]

    def _columns(self, asked: Asked) -> tuple[dict[tuple[str, str], Scores], tuple[int, ...]]:
        """Scores by column, and the rows that answer."""
        columns = self._searcher.columns(asked.text)
        self._progress(1)
        relevant = asked.relevant
        if asked.left_out >= 0:
            for scores in columns.values():
                scores[asked.left_out] = 0
        if asked.group == ANSWERS_ONLY:
            columns, relevant = self._without_questions(columns, asked)
        return columns, relevant

    def _without_questions(
        self, columns: dict[tuple[str, str], Scores], asked: Asked
    ) -> tuple[dict[tuple[str, str], Scores], tuple[int, ...]]:
        """The search as if no question were stored; with an encoder among some answers only."""
        nothing = {key: np.zeros_like(scores) if key[1] == "question" else scores for key, scores in columns.items()}
        if self._pool is None or self._searcher.encoder is None:
            return nothing, asked.relevant
        rows, vectors = self._pool
        kept = {key: scores[rows] for key, scores in nothing.items()}
        kept["dense", ""] = cosines(vectors, self._searcher.encoder.question(asked.text))
        return kept, tuple(int(at) for at in np.flatnonzero(np.isin(rows, asked.relevant)))

    def _encode_answers(self, asked: Sequence[Asked]) -> None:
        encoder = self._searcher.encoder
        if encoder is None:
            return
        needed = [one.relevant[0] for one in asked if one.group == ANSWERS_ONLY]
        if not needed:
            return
        spread = np.linspace(0, len(self._passages) - 1, min(POOL, len(self._passages))).astype(int)
        rows = np.unique(np.array([*needed, *spread], np.int64))
        vectors = encoder.passages([self._passages[row].text for row in rows], lambda _: None)
        self._pool = rows, vectors


@dataclass(frozen=True, slots=True)
class _Trace:
    """The scores of a question's candidates, to compare many mixes without searching again."""

    group: str
    scores: npt.NDArray[np.float32]
    is_relevant: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, group: str, columns: dict[tuple[str, str], Scores], relevant: tuple[int, ...]) -> _Trace:
        rows = sorted({*relevant, *(row for scores in columns.values() for row in best(scores, CANDIDATES))})
        kept = np.zeros((len(rows), len(COLUMNS)), np.float32)
        for at, key in enumerate(COLUMNS):
            if key in columns:
                kept[:, at] = columns[key][rows]
        return cls(group, kept, np.isin(rows, relevant))


def _tops(traces: Iterable[_Trace], mix: Mix) -> npt.NDArray[np.float64]:
    """Mixed score of the best passage for each question; those about answers only are left out."""
    weights = _weights(mix)
    tops = [(trace.scores @ weights).max(initial=0) for trace in traces if trace.group != ANSWERS_ONLY]
    return np.array(tops, np.float64)


def _mean_reciprocal(traces: Sequence[_Trace], mix: Mix) -> float:
    """Mean over groups of the mean reciprocal rank."""
    weights = _weights(mix)
    found: dict[str, list[float]] = defaultdict(list)
    for trace in traces:
        scores = trace.scores @ weights
        top = scores[trace.is_relevant].max(initial=0)
        place = 1 + int((scores[~trace.is_relevant] >= top).sum())
        found[trace.group].append(1 / place if place <= 10 and top > 0 else 0.0)
    return float(np.mean([np.mean(group) for group in found.values()]))


def _weights(mix: Mix) -> npt.NDArray[np.float32]:
    """Weight of each column."""
    of_channel = {"words": mix.words, "characters": mix.characters, "dense": mix.dense}
    of_part = {"question": mix.question, "text": 1 - mix.question, "": 1.0}
    return np.array([of_channel[channel] * of_part[part] for channel, part in COLUMNS], np.float32)


def _mixes(*, has_dense: bool) -> Iterator[Mix]:
    for share in QUESTION_SHARES:
        for dense in range(STEPS + 1 if has_dense else 1):
            for words in range(STEPS - dense + 1):
                yield Mix(words / STEPS, (STEPS - dense - words) / STEPS, dense / STEPS, share)


def _unevenness(mix: Mix, *, has_dense: bool) -> float:
    even = 1 / 3 if has_dense else 1 / 2
    used = (mix.words, mix.characters, mix.dense) if has_dense else (mix.words, mix.characters)
    return sum((weight - even) ** 2 for weight in used) + (mix.question - 0.5) ** 2


def _mixed(mix: Mix, columns: dict[tuple[str, str], Scores]) -> Scores:
    return mix.mixed(mix.channels(columns))
