"""A model asked questions, and nothing else: its greedy answers beside their references.

It judges nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trainclinic.training.tokenizers import tokenizers_of
from trainclinic.validation.answering import Writer
from trainclinic.validation.loading import load_whole, place_for, put_on, source_of
from trainclinic.validation.measure import Tell, Wanted, silent
from trainclinic.validation.tested import Answer
from trainclinic.validation.texts import asked_by, asking, ways_of_writing

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample

WITHOUT_TEMPLATE = "plain"


def answers_of(wanted: Wanted, questions: Sequence[tuple[str, str]], tell: Tell = silent) -> list[Answer]:
    """Ask a model.

    Args:
        wanted: The model, and how to run it.
        questions: Questions with the expected answers; as many are asked as the depth says.
        tell: Told of the progress.

    Returns:
        An answer to each question that fits into the longest prompt.

    Raises:
        TrainclinicError: If it is no model, parts are missing or damaged, or it does not fit into memory.
    """
    source = source_of(wanted.folder, wanted.base, pickles=wanted.pickles)
    place = place_for(source.weights, wanted.device, wanted.dtype)
    saved, tokenizer = tokenizers_of(source.tokenizer)
    own, ways = ways_of_writing(tokenizer, wanted.template)
    way = ways[own or WITHOUT_TEMPLATE]
    tell("loading the model", 0, 1)
    loaded = load_whole(source.weights, place)
    if source.adapter is not None:
        loaded = put_on(loaded, source)
    samples: list[Sample] = [asking(text, "questions", at, answer) for at, (text, answer) in enumerate(questions, 1)]
    asked = asked_by(way, samples, tokenizer, wanted.depth)
    writer = Writer(loaded.model, saved, way.ends, new_tokens=wanted.depth.new_tokens, seed=wanted.depth.seed)
    written = writer.write([one.ids for _, one in asked], told=lambda done, of: tell("answers of the model", done, of))
    return [
        Answer(one.prompt, question, said.text, said.new_tokens, said.stopped, one.reference)
        for (question, one), said in zip(asked, written, strict=True)
    ]
