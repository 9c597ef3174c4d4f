"""The rows of a recipe: read, cleaned, split without leakage, written and labelled.

Everything that is left out is counted. It does not know models.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainclinic.corpus.corpus import Corpus
from trainclinic.corpus.sample import Message, Sample
from trainclinic.encoding.encoded import IGNORED, Encoded
from trainclinic.encoding.preparation import Preparation, Stated
from trainclinic.encoding.templates.template import ChatTemplate, TemplateError
from trainclinic.encoding.tokens.tokenizer import Tokenizer
from trainclinic.encoding.training_rows import TrainingRows
from trainclinic.recipe.model import Recipe
from trainclinic.record.errors import TrainclinicError
from trainclinic.training.formatting import Formatting
from trainclinic.training.split import held_out

_AT_ONCE = 1024
Ids = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One row as the model gets it.

    Attributes:
        ids: Token ids, `[tokens]`.
        labels: The id where the position is scored, `IGNORED` elsewhere, `[tokens]`. Not shifted: the model does that.
        place: File and line.
    """

    ids: Ids
    labels: Ids
    place: str

    def __len__(self) -> int:
        """Number of tokens."""
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Asked:
    """A held-out question, to see what the model answers.

    Attributes:
        ids: What the model reads, up to where its answer begins.
        prompt: The same as text.
        reference: The answer of the data.
    """

    ids: tuple[int, ...]
    prompt: str
    reference: str


@dataclass(slots=True)
class Rows:
    """The rows of a run.

    Attributes:
        training: What is trained on.
        held_out: What the model is judged by.
        asked: Held-out questions; questions of the training rows where nothing is held out.
        left_out: How many rows were not used, by reason.
        notes: What else should be known about the rows, sentences without full stop.
    """

    training: list[Example]
    held_out: list[Example]
    asked: list[Asked]
    left_out: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    @property
    def longest(self) -> int:
        """Tokens of the longest row."""
        return max((len(row) for row in (*self.training, *self.held_out)), default=0)

    @property
    def targets(self) -> int:
        """Tokens with a loss in the training rows."""
        return sum(int((row.labels[1:] != IGNORED).sum()) for row in self.training)


def read_samples(corpus: Corpus, recipe: Recipe) -> tuple[list[tuple[Sample, bool]], Counter[str]]:
    """The usable rows of the files, each with whether it is held out, and how many were left out by reason.

    Args:
        corpus: The files.
        recipe: A complete recipe.
    """
    left_out: Counter[str] = Counter()
    seen: set[bytes] = set()
    kept: list[tuple[Sample, bool]] = []
    for shard in sorted(
        corpus.shards, key=lambda one: one.split != "held-out"
    ):  # held-out rows claim their texts first
        for row in shard.rows():
            if not isinstance(row, Sample):
                left_out["cannot be read"] += row.loses_row
                continue
            sample = _cleaned(row, recipe)
            reason = _useless(sample, recipe)
            key = hashlib.blake2b(repr((sample.messages, sample.text, sample.ids)).encode(), digest_size=16).digest()
            if not reason and recipe.data.drop_duplicates and key in seen:
                reason = "occurs twice"
            seen.add(key)
            if reason:
                left_out[reason] += 1
            else:
                kept.append((sample, shard.split == "held-out"))
    return kept, left_out


def make_rows(corpus: Corpus, recipe: Recipe, tokenizer: Tokenizer, formatting: Formatting) -> Rows:
    """The rows of a run.

    Args:
        corpus: The files.
        recipe: A complete recipe.
        tokenizer: The tokenizer of the model.
        formatting: How rows are written.

    Raises:
        TrainclinicError: If no row can be trained on.
    """
    samples, left_out = read_samples(corpus, recipe)
    if not any(not apart for _, apart in samples):
        message = f"no row of `{corpus.title}` can be trained on: {_counted(left_out)}"
        raise TrainclinicError(message, hint="`trainclinic data` shows how its rows are read")
    notes: list[str] = []
    training, apart = held_out(samples, share=recipe.data.held_out or 0.0, seed=recipe.seed or 0, notes=notes)
    if all(not sample.messages and not sample.ids for sample in training):
        made = _blocks(training, apart, recipe, tokenizer, formatting)
    else:
        made = _conversations(training, apart, recipe, tokenizer, formatting)
    made.left_out += left_out
    made.notes = notes + made.notes
    if not made.training:
        message = f"no row of `{corpus.title}` is left to train on: {_counted(made.left_out)}"
        raise TrainclinicError(message, hint="raise `text.max_length`, or set `text.too_long: cut`")
    return made


def preparation_of(recipe: Recipe, formatting: Formatting) -> Preparation:
    """How a recipe turns rows into ids and labels, as a statement that rows can be examined under.

    Args:
        recipe: A complete recipe.
        formatting: How rows are written.
    """
    by = "the recipe"
    return Preparation(
        template=Stated(formatting.source, by),
        scored=Stated("all" if recipe.loss.targets == "all" else "answers", by),
        appends_end=Stated(bool(recipe.text.end_token), by),
        adds_specials=Stated(value=False, by=by),
        max_length=Stated(recipe.text.max_length, by),
        packing=Stated(bool(recipe.text.packing), by),
    )


def _cleaned(sample: Sample, recipe: Recipe) -> Sample:
    mended = _mended if recipe.data.repair_encoding else str
    messages = [replace(one, content=mended(one.content).replace("\0", "")) for one in sample.messages]
    while messages and not messages[-1].is_answer:
        messages.pop()  # a question without an answer teaches nothing
    if recipe.text.system and messages and messages[0].role != "system":
        messages.insert(0, Message("system", recipe.text.system))
    return replace(sample, messages=tuple(messages), text=mended(sample.text).replace("\0", ""))


def _mended(text: str) -> str:
    """UTF-8 that was read as Latin text; other text as it is."""
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text


def _useless(sample: Sample, recipe: Recipe) -> str:
    """Why a row cannot be trained on, empty when it can."""
    if sample.ids:
        return "" if len(sample.ids) > 1 else "one token"
    if not sample.messages:
        return "" if sample.text.strip() else "no answer"
    is_empty = not sample.answer.strip() and not sample.messages[-1].calls
    return "no answer" if is_empty and recipe.data.drop_empty_answers else ""


def _conversations(
    training: Sequence[Sample], apart: Sequence[Sample], recipe: Recipe, tokenizer: Tokenizer, formatting: Formatting
) -> Rows:
    maker = TrainingRows(tokenizer, replace(preparation_of(recipe, formatting), max_length=Stated(None)))
    rows = Rows([], [], [])
    for samples, into in ((training, rows.training), (apart, rows.held_out)):
        for encoded in _encoded(maker, samples, formatting):
            example, reason = _example(encoded, recipe)
            if example is None:
                rows.left_out[reason] += 1
            else:
                into.append(example)
    if maker.refused:
        first = maker.refused[0]
        rows.left_out["refused by the chat template"] += len(maker.refused)
        rows.notes.append(f"the template refuses {first.source}: {first.says}")
    template = ChatTemplate(formatting.source, tokenizer.specials)
    wanted = recipe.evaluation.generations or 0
    asked = (asked_of(sample, template, tokenizer) for sample in (*apart, *training) if sample.messages)
    rows.asked = [one for one, _ in zip((one for one in asked if one is not None), range(wanted), strict=False)]
    return rows


def _encoded(maker: TrainingRows, samples: Sequence[Sample], formatting: Formatting) -> Iterator[Encoded]:
    for first in range(0, len(samples), _AT_ONCE):
        yield from maker.encode(closed(sample, formatting) for sample in samples[first : first + _AT_ONCE])


def closed(sample: Sample, formatting: Formatting) -> Sample:
    """A conversation whose last answer ends with the end token, where the template does not write one.

    Args:
        sample: The row.
        formatting: How rows are written.
    """
    if not formatting.closing or not sample.messages:
        return sample
    last = sample.messages[-1]
    content = last.content if last.content.endswith(formatting.closing) else last.content + formatting.closing
    return replace(sample, messages=(*sample.messages[:-1], replace(last, content=content)))


def _example(encoded: Encoded, recipe: Recipe) -> tuple[Example | None, str]:
    ids, labels = encoded.ids, encoded.labels
    longest = recipe.text.max_length or len(ids)
    if len(ids) > longest and recipe.text.too_long == "drop":
        return None, f"more than {longest} tokens"
    ids, labels = ids[:longest], labels[:longest]
    if not (labels[1:] != IGNORED).any():
        return None, "no target"
    return Example(ids, _shifted(labels, recipe), str(encoded.sample.source)), ""


def _shifted(labels: Ids, recipe: Recipe) -> Ids:
    """Labels as a recipe wants them; moved by one position before the model does the same where it says `both`."""
    if recipe.loss.shifted_by != "both":
        return labels
    return np.append(labels[1:], np.int32(IGNORED)).astype(np.int32)


def asked_of(sample: Sample, template: ChatTemplate, tokenizer: Tokenizer) -> Asked | None:
    """A row as a question: what the model reads up to its last answer; `None` where the template refuses it.

    Args:
        sample: A conversation.
        template: The template that writes it.
        tokenizer: The tokenizer of the model.
    """
    last = max((at for at, one in enumerate(sample.messages) if one.is_answer), default=0)
    try:
        prompt = template.render(sample.messages[:last], tools=sample.tools, generation_prompt=True).text
    except TemplateError:
        return None
    ids = tokenizer.encode([prompt], specials=False)[0].ids.tolist()
    return Asked(tuple(ids), prompt, sample.answer) if ids else None


def _blocks(
    training: Sequence[Sample], apart: Sequence[Sample], recipe: Recipe, tokenizer: Tokenizer, formatting: Formatting
) -> Rows:
    """Plain texts behind each other, each with its end token, cut into blocks of equal length."""
    streams = [_stream(samples, recipe, tokenizer, formatting) for samples in (training, apart)]
    length = min(recipe.text.max_length or 1024, max(8, len(streams[0]) // 4))
    training_blocks, held_blocks = ([*_cut(stream, length, recipe)] for stream in streams)
    rows = Rows(training_blocks, held_blocks, [])
    if not rows.held_out and len(rows.training) > 4 and recipe.data.held_out:
        count = max(1, round(recipe.data.held_out * len(rows.training)))
        rows.training, rows.held_out = rows.training[:-count], rows.training[-count:]
        rows.notes.append(f"the last {count} of the blocks are held out, since single texts are too few to part")
    for example in (rows.held_out or rows.training)[: recipe.evaluation.generations or 0]:
        half = max(1, len(example) // 2)
        texts = ["".join(map(tokenizer.piece, part.tolist())) for part in (example.ids[:half], example.ids[half:])]
        rows.asked.append(Asked(tuple(example.ids[:half].tolist()), *texts))
    return rows


def _stream(samples: Iterable[Sample], recipe: Recipe, tokenizer: Tokenizer, formatting: Formatting) -> Ids:
    texts = [sample.text for sample in samples]
    end = [formatting.end] if recipe.text.end_token and formatting.end is not None else []
    pieces: list[Any] = []
    for ids in tokenizer.ids(texts):
        pieces += [ids, np.array(end, dtype=np.int32)]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int32)


def _cut(stream: Ids, length: int, recipe: Recipe) -> Iterator[Example]:
    for at in range(0, len(stream), length):
        block = stream[at : at + length]
        if len(block) > 1:
            yield Example(block, _shifted(block, recipe), f"tokens {at}-{at + len(block) - 1}")


def _counted(left_out: Counter[str]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in left_out.most_common()) or "it has none"
