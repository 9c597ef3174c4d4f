"""Measure a model that is served: what it writes, since nothing else can be seen from outside.

The server applies its own template. It judges nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.validation.answering import TEMPERATURE
from trainclinic.validation.measure import Tell, silent
from trainclinic.validation.scores import scores_of
from trainclinic.validation.tested import Answer, Depth, Tested
from trainclinic.validation.texts import Material, general_questions, turns_before_answer

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.retrieval.endpoint import Completion, Endpoint

LIMIT = "length"
"""`finish_reason` of an answer that was cut off by the token limit."""


def measure_served(endpoint: Endpoint, material: Material, depth: Depth, tell: Tell | None = None) -> Tested:
    """Ask a served model.

    Args:
        endpoint: Where it is served.
        material: What to ask.
        depth: How many questions.
        tell: Told of the progress.

    Raises:
        TrainclinicError: If nobody answers there.
    """
    say = tell or silent
    chosen = material.prompts or material.held_out or tuple(general_questions())
    questions = [sample for sample in chosen if sample.messages][: depth.prompts]
    answers = []
    for sample in questions:
        answers.append(_answer(endpoint, sample, depth))
        say("answers", 1, len(questions))
    scores, needed = scores_of(answers) if any(one.reference for one in answers) else ((), "")
    name = f"{endpoint.chosen()} at {endpoint.url}"
    return Tested(
        name, "endpoint", depth, data=material.name, answers=tuple(answers), scores=scores,
        missing={"scores": needed} if needed else {}, notes=material.notes,
    )  # fmt: skip


def _answer(endpoint: Endpoint, sample: Sample, depth: Depth) -> Answer:
    turns = turns_before_answer(sample)
    messages = [{"role": one.role, "content": one.content} for one in turns]

    def said(temperature: float) -> Completion:
        return endpoint.complete(messages, max_tokens=depth.new_tokens, temperature=temperature, seed=depth.seed)

    greedy = said(0.0)
    drawn = None if depth.is_brief else said(TEMPERATURE).text
    stopped = None if not greedy.finish_reason else greedy.finish_reason != LIMIT
    prompt = "\n".join(f"{one['role']}: {one['content']}" for one in messages)
    question = turns[-1].content if turns else ""
    return Answer(prompt, question, greedy.text, greedy.tokens, stopped, sample.answer, drawn)
