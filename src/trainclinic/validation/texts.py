"""Held-out rows, questions and general text as a model under test reads them.

Where they come from, how many are taken, and how a template writes them. It loads no weights and judges nothing.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainclinic.corpus.open import open_corpus
from trainclinic.corpus.sample import Message, Sample
from trainclinic.encoding.preparation import Preparation, Stated
from trainclinic.encoding.templates.known import KNOWN
from trainclinic.encoding.templates.template import ChatTemplate
from trainclinic.encoding.training_rows import TrainingRows
from trainclinic.record.errors import TrainclinicError
from trainclinic.record.source import Source
from trainclinic.training.formatting import NONE, PLAIN, Formatting, formatting_by
from trainclinic.training.rows import Asked, asked_of, closed, read_samples
from trainclinic.training.split import held_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.encoding.tokens.tokenizer import Tokenizer
    from trainclinic.recipe.model import Recipe
    from trainclinic.validation.tested import Depth

RECIPE = "recipe.yaml"
UNNAMED = {name: source.replace("END", "eos_token") for name, source in (("plain", PLAIN), ("none", NONE))}
"""Ways of writing without any chat markup."""
_FILES = Path(__file__).parent / "files"


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One row as the model reads it.

    Attributes:
        ids: Token ids, `[tokens]`.
        labels: The id where the answer is scored, `IGNORED` elsewhere, `[tokens]`; not shifted.
    """

    ids: NDArray[np.int64]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Material:
    """What a model is tested on.

    Attributes:
        held_out: Rows that it was not trained on.
        training: Rows that it was trained on; empty when they are not known.
        prompts: Questions, where the user names some.
        name: Name of the held-out rows; empty when there are none.
        notes: What should be known about them.
    """

    held_out: tuple[Sample, ...] = ()
    training: tuple[Sample, ...] = ()
    prompts: tuple[Sample, ...] = ()
    name: str = ""
    notes: tuple[str, ...] = ()


def material_of(folder: Path | None, data: Sequence[str | Path], prompts: Path | None, depth: Depth) -> Material:
    """What to test a model on: the rows that are named, else those that its recipe held out.

    Args:
        folder: Folder of the model; `None` for a model that is served.
        data: Held-out files.
        prompts: A file with questions: one a line, or any data file.
        depth: How many rows to take.

    Raises:
        TrainclinicError: If a file cannot be read or holds no row.
    """
    from trainclinic.recipe.model import Recipe

    asked = tuple(_questions(prompts)) if prompts is not None else ()
    if data:
        corpus = open_corpus(list(data))
        samples = [sample for sample, _ in read_samples(corpus, Recipe())[0]]
        if not samples:
            message = f"no row of `{corpus.title}` can be used"
            raise TrainclinicError(message, hint="`trainclinic data` shows how its rows are read")
        return Material(_drawn(samples, depth), (), asked, corpus.title)
    found = _of_recipe(folder, depth) if folder is not None else None
    return replace(found, prompts=asked) if found is not None else Material(prompts=asked)


def _of_recipe(folder: Path, depth: Depth) -> Material | None:
    """The rows that training held out, and some that it was trained on, where its recipe and its data are there."""
    from trainclinic.recipe.read import read_recipe

    path = next((where / RECIPE for where in (folder, folder.parent) if (where / RECIPE).is_file()), None)
    if path is None:
        return None
    recipe = read_recipe(path)
    named = [name for name in (recipe.data.train, recipe.data.evaluation) if name]
    if not recipe.data.train or not all(Path(name).expanduser().exists() for name in named):
        return None
    apart, used = _parted(recipe)
    name = recipe.data.evaluation or f"held out of {recipe.data.train}"
    notes = () if apart else ("the recipe of the model holds no rows out",)
    return Material(_drawn(apart, depth), _drawn(used, depth), (), name if apart else "", notes)


def _parted(recipe: Recipe) -> tuple[list[Sample], list[Sample]]:
    """Held-out rows and training rows of a recipe, parted as training parts them."""
    corpus = open_corpus([str(recipe.data.train)], held_out=[recipe.data.evaluation] if recipe.data.evaluation else [])
    samples, _ = read_samples(corpus, recipe)
    used, apart = held_out(samples, share=recipe.data.held_out or 0.0, seed=recipe.seed or 0, notes=[])
    return apart, used


def _questions(path: Path) -> list[Sample]:
    """Questions of a file: one a line for plain text, else those of its rows."""
    from trainclinic.recipe.model import Recipe

    if path.suffix.lower() == ".txt":
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeError) as error:
            message = f"`{path}` cannot be read: {error}"
            raise TrainclinicError(message, hint="expected text in UTF-8, one question a line") from error
        found = [asking(line.strip(), path.name, at) for at, line in enumerate(lines, start=1) if line.strip()]
    else:
        found = [sample for sample, _ in read_samples(open_corpus([path]), Recipe())[0] if sample.messages]
    if not found:
        message = f"`{path}` holds no question"
        raise TrainclinicError(message, hint="expected one question a line, or rows with a question and an answer")
    return found


def general_questions() -> list[Sample]:
    """Plain questions that any model which answers can answer."""
    lines = (_FILES / "questions.txt").read_text(encoding="utf-8").splitlines()
    return [asking(line, "questions.txt", at) for at, line in enumerate(lines, start=1) if line]


def general_passages() -> list[str]:
    """Passages of general text, to see what a model has forgotten."""
    return [
        part.strip() for part in (_FILES / "passages.txt").read_text(encoding="utf-8").split("\n\n") if part.strip()
    ]


def asking(text: str, name: str, line: int, answer: str = "") -> Sample:
    """A question as a row.

    Args:
        text: The question.
        name: Where it stands.
        line: At which line.
        answer: The expected answer; empty when there is none.
    """
    turns = (Message("user", text), Message("assistant", answer))
    return Sample(Source(name, line), line, "prompt-completion", messages=turns)


def _drawn(samples: Sequence[Sample], depth: Depth) -> tuple[Sample, ...]:
    """Some rows, the same ones for the same seed."""
    if len(samples) <= depth.rows:
        return tuple(samples)
    return tuple(samples[at] for at in sorted(random.Random(depth.seed).sample(range(len(samples)), depth.rows)))


def known_template(name: str) -> bool:
    """Whether a way of writing has this name.

    Args:
        name: The name.
    """
    return name in KNOWN or name in UNNAMED


def ways_of_writing(tokenizer: Tokenizer, stated: str = "") -> tuple[str, dict[str, Formatting]]:
    """How a conversation can be written: by the model's own template, by public formats, without markup.

    Args:
        tokenizer: The tokenizer of the model.
        stated: A template that the user names: Jinja source, or the name of a public format.

    Returns:
        Name of the own way, empty when the model brings none; the ways by name, `own` among them then.
    """
    own = (stated if "{" in stated else KNOWN.get(stated, UNNAMED.get(stated, ""))) if stated else tokenizer.template
    sources = {**({"own": own} if own else {}), **KNOWN, **UNNAMED}
    found = {name: formatting_by(source, tokenizer) for name, source in sources.items() if name == "own"}
    others = ((name, _written_by(source, tokenizer)) for name, source in sources.items() if name != "own")
    return ("own" if own else ""), {**found, **{name: way for name, way in others if way is not None}}


def _written_by(source: str, tokenizer: Tokenizer) -> Formatting | None:
    """How rows are written by a template; `None` where it needs what the tokenizer does not have."""
    try:
        return formatting_by(source, tokenizer)
    except TrainclinicError:
        return None


def rows_by(way: Formatting, samples: Sequence[Sample], tokenizer: Tokenizer, depth: Depth) -> list[Row]:
    """Rows with labels on their answers; one that cannot be written, or has no answer within the limit, is empty.

    Args:
        way: How conversations are written.
        samples: The rows.
        tokenizer: The tokenizer of the model.
        depth: Longest row.
    """
    by = "validation"
    stated = Preparation(
        template=Stated(way.source, by), scored=Stated("answers", by), appends_end=Stated(value=True, by=by),
        adds_specials=Stated(value=False, by=by),
    )  # fmt: skip
    rows = []
    for sample in samples:
        maker = TrainingRows(tokenizer, stated)
        encoded = next(iter(maker.encode([closed(sample, way)])), None)
        if encoded is None:
            rows.append(Row(np.zeros(0, np.int64), np.zeros(0, np.int64)))
            continue
        cut = slice(0, depth.length)
        rows.append(Row(encoded.ids[cut].astype(np.int64), encoded.labels[cut].astype(np.int64)))
    return rows


def asked_by(way: Formatting, samples: Sequence[Sample], tokenizer: Tokenizer, depth: Depth) -> list[tuple[str, Asked]]:
    """Questions as the model reads them, each with its last turn as a person reads it; too long ones are left out.

    Args:
        way: How conversations are written.
        samples: Rows, or questions alone.
        tokenizer: The tokenizer of the model.
        depth: Longest prompt, and how many.
    """
    template = ChatTemplate(way.source, tokenizer.specials)
    found: list[tuple[str, Asked]] = []
    for sample in samples:
        if len(found) == depth.prompts:
            break
        asked = asked_of(sample, template, tokenizer) if sample.messages else _half(sample, tokenizer)
        if asked is not None and len(asked.ids) <= depth.length:
            turns = turns_before_answer(sample)
            found.append((turns[-1].content if turns else asked.prompt, asked))
    return found


def turns_before_answer(sample: Sample) -> Sequence[Message]:
    """The conversation up to its last answer.

    Args:
        sample: The row.
    """
    last = max((at for at, one in enumerate(sample.messages) if one.is_answer), default=len(sample.messages))
    return sample.messages[:last]


def _half(sample: Sample, tokenizer: Tokenizer) -> Asked | None:
    """The first half of a plain text as a prompt."""
    ids = tokenizer.ids([sample.text])[0].tolist()
    half = len(ids) // 2
    texts = ["".join(map(tokenizer.piece, part)) for part in (ids[:half], ids[half:])]
    return Asked(tuple(ids[:half]), texts[0], texts[1]) if half else None


def encoded_passages(tokenizer: Any, passages: Sequence[str], length: int) -> list[list[int]]:
    """Passages as ids.

    Args:
        tokenizer: That of transformers.
        passages: The texts.
        length: Longest, in tokens.
    """
    return [tokenizer(text)["input_ids"][:length] for text in passages]
