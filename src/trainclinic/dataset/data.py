"""The data of a run as rules see them: counts over all rows, a fair sample of rows as tokens, each computed once.

It knows how what rules ask for is computed. It does not know any rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from trainclinic.dataset.tally import Tally
from trainclinic.encoding.preparation import Plan, Preparation

if TYPE_CHECKING:
    from trainclinic.corpus.corpus import Corpus, Shard, Split
    from trainclinic.dataset.rule import FindInRow, FindInTokens
    from trainclinic.dataset.survey import Survey
    from trainclinic.dataset.surveying import Progress, Share
    from trainclinic.encoding.encoded import Encoded
    from trainclinic.encoding.tokens.tokenizer import Tokenizer
    from trainclinic.encoding.training_rows import TrainingRows

Result = TypeVar("Result")


class Data:
    """Training data, with everything that decides what the model sees of them.

    Args:
        corpus: The files, those of held-out splits among them.
        tokenizer: The tokenizer; the byte-level stand-in when omitted.
        preparation: How rows become ids and labels.
        plan: How the run goes through the rows.
        questions: What to ask of each row, by code; the row rules of this room when omitted.
        progress: Told of the characters that were looked at.
        share: How to run the shards elsewhere (processes, Ray); in this process when omitted.
        model: Name of the model, for what is known about its family; may be empty.
    """

    def __init__(
        self,
        corpus: Corpus,
        tokenizer: Tokenizer | None = None,
        preparation: Preparation | None = None,
        plan: Plan | None = None,
        *,
        questions: Mapping[str, FindInRow] | None = None,
        progress: Progress | None = None,
        share: Share | None = None,
        model: str = "",
    ) -> None:
        from trainclinic.encoding.tokens.load import load_tokenizer

        self.corpus = corpus
        self.tokenizer = tokenizer or load_tokenizer(None)
        self.preparation = preparation or Preparation()
        self.plan = plan or Plan()
        self.model = model
        self._questions = questions
        self._progress = progress
        self._share = share
        self._counted: dict[int, tuple[FindInTokens, Tally]] = {}

    @cached_property
    def survey(self) -> Survey:
        """Every row that is trained on, looked at once."""
        return self._survey_of("train")

    @cached_property
    def held_out(self) -> Survey | None:
        """Every row of the held-out files; `None` when there are none."""
        found = self._survey_of("held-out")
        return found if found.rows or found.troubles else None

    def _survey_of(self, split: Split) -> Survey:
        from trainclinic.dataset.examine import row_questions
        from trainclinic.dataset.surveying import survey

        questions = row_questions() if self._questions is None else self._questions
        return survey(self.corpus.of(split), questions, progress=self._progress, share=self._share)

    def over(self, split: Split, work: Callable[[Shard], Result]) -> Sequence[Result]:
        """What some work gives on each file of a split, in order, done where the survey was taken.

        Args:
            split: Which files.
            work: What to do with a file; travels to other processes.
        """
        shards = self.corpus.of(split).shards
        return self._share(work, shards) if self._share else [work(shard) for shard in shards]

    def tally(self, code: str) -> Tally:
        """What the pass over the training rows counted for a row rule.

        Args:
            code: Code of the rule.
        """
        return self.survey.tallies.get(code, Tally())

    @cached_property
    def rows(self) -> TrainingRows:
        """How rows become tokens here."""
        from trainclinic.encoding.training_rows import TrainingRows

        return TrainingRows(self.tokenizer, self.preparation)

    @cached_property
    def encoded(self) -> tuple[Encoded, ...]:
        """The kept training rows as tokens and labels, in order, without those that no template can write."""
        return self.rows.encode(self.survey.samples)

    def count_encoded(self, find: FindInTokens) -> Tally:
        """Ask every kept training row, as tokens.

        Args:
            find: What a row shows, in a few words, or `None`.
        """
        known = self._counted.get(id(find))
        if known is None:
            tally = Tally()
            for row in self.encoded:
                tally.add(row.sample.source, find(row, self))
            self._counted[id(find)] = known = (find, tally)
        return known[1]

    def once(self, compute: Callable[[Data], object]) -> object:
        """The result of a function of the data, computed when first asked for; see `asked_once`."""
        if compute not in self._results:
            self._results[compute] = compute(self)
        return self._results[compute]

    @cached_property
    def _results(self) -> dict[Callable[[Data], object], object]:
        return {}
