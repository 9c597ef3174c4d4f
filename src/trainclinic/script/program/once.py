"""Questions that many rules ask about a program are answered once, and the answer stays with the program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

Answer = TypeVar("Answer")


def asked_once(question: Callable[[Program], Answer]) -> Callable[[Program], Answer]:
    """Keep the answer of a question.

    Args:
        question: A function of a program alone, whose answer nobody changes; no generator.
    """

    @wraps(question)
    def answer(program: Program) -> Answer:
        if question not in program.answers:
            program.answers[question] = question(program)
        known: Answer = program.answers[question]
        return known

    return answer


def listed_once(question: Callable[[Program], Iterator[Answer]]) -> Callable[[Program], tuple[Answer, ...]]:
    """Keep everything that a generator yields.

    Args:
        question: A generator that is a function of a program alone.
    """

    @asked_once
    @wraps(question)
    def answer(program: Program) -> tuple[Answer, ...]:
        return tuple(question(program))

    return answer
