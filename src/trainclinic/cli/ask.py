"""`trainclinic ask`: a question to an index, an answer with its sources."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainclinic.cli.waiting import waiting
from trainclinic.cli.writing import ENDPOINT_HELP, MODEL_HELP, answering_from
from trainclinic.record.errors import TrainclinicError

if TYPE_CHECKING:
    from trainclinic.retrieval.answering import Answer, Answering
    from trainclinic.retrieval.conversation import Conversation

NOT_IN_DATA = 3
HELP = """Answer a question from the data of an index, and name the rows that the answer is from.

Without a model the best stored answer is quoted. With --model FOLDER or --endpoint URL a model writes the answer from
the passages that were found, and cites them. When nothing is found that scores high enough, the data do not say: no
model is asked, and nothing is invented. A key for a served model is read from the environment variable
TRAINCLINIC_API_KEY.

\b
trainclinic ask my-index "How do I reset my password?"
trainclinic ask my-index "How do I reset my password?" --model exported
trainclinic ask my-index -i --endpoint http://localhost:11434/v1 --model qwen3
"""
COMMANDS = ":sources shows what the last answer rests on, :new begins anew, :quit ends"
_KEPT = frozenset("\n\t\u200c\u200d")


@click.command(help=HELP, epilog="Exit codes: 0 answered, 2 could not answer, 3 the data do not say.")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.argument("question", required=False, default="")
@click.option("--model", default="", metavar="FOLDER|NAME", help=MODEL_HELP)
@click.option("--endpoint", default="", metavar="URL", help=ENDPOINT_HELP)
@click.option("--count", type=click.IntRange(1, 20), default=5, show_default=True, help="Passages to answer from.")
@click.option("--timeout", type=click.FloatRange(1, 3600), default=60.0, show_default=True, metavar="SECONDS",
              help="Longest silence of a served model.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The answer and its sources as JSON.")
@click.option("-i", "--interactive", is_flag=True, help="Ask on; a question may refer to the one before it.")
def command(
    *, folder: Path, question: str, model: str, endpoint: str, count: int, timeout: float, as_json: bool,
    interactive: bool,
) -> None:  # fmt: skip
    """Answer one question, or many."""
    if not question and not interactive:
        message = "there is no question"
        raise TrainclinicError(message, hint='ask one: `trainclinic ask DIR "..."`, or `-i` to ask several')
    with waiting("opening the index"):
        answering = answering_from(folder, model, endpoint, count, timeout)
    if interactive:
        _converse(answering, question, as_json=as_json)
        return
    answer = _ask(answering, question, None, as_json=as_json)
    sys.exit(0 if answer.in_data else NOT_IN_DATA)


def _ask(answering: Answering, question: str, talk: Conversation | None, *, as_json: bool) -> Answer:
    """Print the answer while it is written, then its sources."""
    from trainclinic.retrieval.answering import Answer

    items: Iterator[str | Answer] = answering.stream(question, talk)
    with waiting("searching and waiting for the model" if answering.writer else "searching"):
        item = next(items)
    while not isinstance(item, Answer):
        if not as_json:
            click.echo(printable(item), nl=False)
            sys.stdout.flush()
        item = next(items)
    click.echo(json.dumps(_machine(item, answering), indent=2) if as_json else f"\n\n{told(item)}", nl=as_json)
    return item


def _converse(answering: Answering, question: str, *, as_json: bool) -> None:
    """Questions until `:quit` or the end of the input; what fails is said, and the conversation goes on."""
    from trainclinic.retrieval.conversation import Conversation

    talk, last = Conversation(), None
    click.echo(COMMANDS, err=True)
    for line in _lines(question):
        if line == ":quit":
            return
        if line == ":new":
            talk, last = Conversation(), None
        elif line == ":sources":
            click.echo(full_sources(last) if last else "nothing has been asked yet")
        elif line.startswith(":"):
            click.echo(COMMANDS, err=True)
        else:
            last = _answered(answering, line, talk, as_json=as_json) or last


def _answered(answering: Answering, question: str, talk: Conversation, *, as_json: bool) -> Answer | None:
    try:
        return _ask(answering, question, talk, as_json=as_json)
    except TrainclinicError as error:
        click.echo(f"error: {error}", err=True)
    except KeyboardInterrupt:
        click.echo("\nstopped", err=True)
    return None


def _lines(first: str) -> Iterator[str]:
    """What is asked, without empty lines; the prompt is shown on a terminal alone."""
    if first:
        yield first
    is_terminal = sys.stdin.isatty()
    if is_terminal:
        import importlib

        importlib.import_module("readline" if sys.platform != "win32" else "os")  # editing and history of lines
    while True:
        try:
            line = input("\n? " if is_terminal else "").strip()
        except (EOFError, KeyboardInterrupt):
            return
        if line:
            yield line


def told(answer: Answer) -> str:
    """What is printed below an answer: notes and sources, a line each.

    Args:
        answer: The answer.
    """
    lines = [f"note: {printable(note)}" for note in answer.notes]
    heading = "Sources" if answer.in_data else "Nearest passages, which are no answer"
    rows = list(enumerate(answer.sources, 1))
    if answer.in_data and answer.cited:
        cited = [row for row in rows if row[0] in answer.cited]
        others = [row for row in rows if row[0] not in answer.cited]
        groups = [(heading, cited), ("Also found", others)]
    else:
        groups = [(heading, rows)]
    for title, group in groups:
        if group:
            lines += ["", title, *(_source_line(number, hit) for number, hit in group)]
    return "\n".join(lines).lstrip("\n") + "\n"


def full_sources(answer: Answer) -> str:
    """The sources of an answer with their whole text.

    Args:
        answer: The answer.
    """
    parts = []
    for number, hit in enumerate(answer.sources, 1):
        parts.append(f"[{number}] {printable(hit.passage.source)}  score {hit.score:.2f}")
        parts += [printable(text) for text in (hit.passage.question, hit.passage.text) if text]
        parts.append("")
    return "\n".join(parts).rstrip()


def printable(text: str) -> str:
    """A foreign text that a terminal shows and does not obey: control and direction marks become `?`.

    Args:
        text: Text from data or from a model.
    """
    return "".join(mark if mark in _KEPT or mark.isprintable() or mark == "\u00a0" else "?" for mark in text)


def _source_line(number: int, hit: Any) -> str:
    said = " ".join(printable(hit.passage.question or hit.passage.text).split())
    head = f"[{number}] {printable(hit.passage.source)}  {hit.score:.2f}  "
    room = max(20, 79 - len(head))
    return head + (said if len(said) <= room else f"{said[: room - 1]}…")


def _machine(answer: Answer, answering: Answering) -> dict[str, Any]:
    return {"version": 1, "index": answering.index.title, "floor": answering.index.floor, **answer.as_json()}
