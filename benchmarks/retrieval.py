"""How fast and how well an index finds: `python benchmarks/retrieval.py [--pairs 2000 100000] [--embedding minilm]`.

The data are made: products, each with ten questions in a fixed wording, and queries that ask the same in other
words, in small letters or with swapped letters. Ten passages a product differ in topic alone and thousands a topic
in product alone, which is harder for words and easier for meaning than real questions; compare the columns, do not
quote them for your data.

With `--embedding` the same is measured with vectors, beside Chroma's pipeline (its store and its search, the same
embedding, because its own default model is a download). Encoding 100,000 pairs takes a CPU about half an hour.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainclinic.retrieval.build import build_index
from trainclinic.retrieval.dense import SentenceEncoder, embedding_folder
from trainclinic.retrieval.index import Index
from trainclinic.retrieval.measures import quality
from trainclinic.retrieval.mixing import Mix
from trainclinic.retrieval.questions import lower_case, swapped_letters

TOPICS = (
    ("How do I reset the password of the {p}?", "I forgot my login for {p}, what now?",
     "Open the settings of the {p}, choose Security and press Reset; code {n} confirms it."),
    ("How long is the warranty of the {p}?", "for how many months is {p} guaranteed",
     "The {p} is covered for {n} months from the day of purchase."),
    ("Does the {p} work without internet?", "can i use {p} offline",
     "Yes, the {p} keeps {n} days of data and sends them when a connection is back."),
    ("Where is the serial number of the {p}?", "need to find the serial on my {p}",
     "The serial number of the {p} stands below the battery cover, line {n}."),
    ("How do I return the {p}?", "i want to send {p} back and get a refund",
     "Send the {p} back within {n} days; the label is in the box."),
    ("Which battery does the {p} need?", "what kind of cell goes into {p}",
     "The {p} takes a lithium battery of {n} mAh."),
    ("How do I update the firmware of the {p}?", "install new software version on {p}",
     "Hold the power key of the {p} for {n} seconds and choose Update."),
    ("How do I clean the {p}?", "{p} got dirty, how to wash it",
     "Wipe the {p} with a dry cloth; after {n} hours of rain dry the ports."),
    ("What does the {p} weigh?", "how heavy is {p}",
     "The {p} weighs {n} grams with its battery."),
    ("How do I connect the {p} to a phone?", "pair {p} with my mobile",
     "Turn Bluetooth on, hold the {p} close, and enter {n}."),
)  # fmt: skip
"""Stored question, the same in other words, answer."""
ASKED = 500
_SYLLABLES = (
    "an", "ar", "bel", "cor", "dan", "el", "fin", "gal", "hor", "in", "jo", "kel", "lum", "mar", "nor", "ol", "pra",
    "quin", "ros", "sel", "tor", "ul", "ver", "win", "xan", "yor", "zel")  # fmt: skip


@dataclass(frozen=True)
class Query:
    """What is asked, and the stored question that has the answer."""

    text: str
    stored: str


def made(pairs: int, seed: int = 7) -> tuple[list[tuple[str, str]], list[Query]]:
    """Questions with answers, and queries for some of them.

    Args:
        pairs: How many; ten for each product.
        seed: Of everything that is drawn.
    """
    rng = random.Random(seed)
    names: dict[str, None] = {}
    while len(names) < pairs // len(TOPICS):
        word = "".join(rng.choices(_SYLLABLES, k=rng.randint(2, 3))).capitalize()
        names[f"{word} {rng.choice('ABCDEFGHKLMPRSTX')}{rng.randint(1, 99)}"] = None
    rows, other = [], []
    for name in names:
        for stored, otherwise, answer in TOPICS:
            rows.append((stored.format(p=name), answer.format(p=name, n=rng.randint(2, 999))))
            other.append(otherwise.format(p=name))
    queries = []
    for turn, at in enumerate(rng.sample(range(len(rows)), min(ASKED, len(rows)))):
        stored = rows[at][0]
        asked = (other[at], lower_case(stored, rng), swapped_letters(stored, rng), swapped_letters(other[at], rng))
        queries.append(Query(asked[turn % 4], stored))
    rng.shuffle(rows)
    return rows, queries


def timed(find: Callable[[str], Sequence[str]], queries: Sequence[Query]) -> dict[str, float]:
    """Quality and latency of a search.

    Args:
        find: From a question to stored questions, best first.
        queries: What to ask.
    """
    find(queries[0].text)
    ranks, seconds = [], []
    for query in queries:
        begin = time.perf_counter()
        found = list(find(query.text))
        seconds.append(time.perf_counter() - begin)
        ranks.append(found.index(query.stored) + 1 if query.stored in found else len(found) + 1000)
    told = quality(ranks)
    p50, p95 = np.percentile(np.array(seconds) * 1000, [50, 95])
    return {"R@1": told.recall_at_1, "R@5": told.recall_at_5, "MRR@10": told.mrr_at_10, "p50 ms": p50, "p95 ms": p95}


def ours(rows: Sequence[tuple[str, str]], queries: Sequence[Query], embedding: str, folder: Path) -> None:
    """Build and search the index in every way.

    Args:
        rows: Questions with answers.
        queries: What to ask.
        embedding: Embedding model; empty for none.
        folder: Where to write.
    """
    data = folder / "faq.jsonl"
    lines = (json.dumps({"question": asked, "answer": answer}) for asked, answer in rows)
    data.write_text("\n".join(lines), encoding="utf-8")
    encoder = SentenceEncoder(embedding_folder(embedding)) if embedding else None
    begin = time.perf_counter()
    built = build_index([data], folder / "index", encoder=encoder, embedding=str(encoder.folder) if encoder else "")
    seconds = time.perf_counter() - begin
    size = sum(path.stat().st_size for path in (folder / "index").rglob("*") if path.is_file())
    begin = time.perf_counter()
    index = Index.open(folder / "index")
    opened = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"built in {seconds:.1f} s, opened in {opened:.2f} s, {size / 1e6:.0f} MB on disk, {peak:.0f} MB at most")
    print(f"chosen: {built.tuned.mix}; floor {built.tuned.floor:.2f}, refused {built.tuned.refused:.1%},")
    print(f"accepted though unanswerable: {built.tuned.accepted}")
    share = built.tuned.mix.question
    ways = {"words": Mix(1, 0, 0, share), "characters": Mix(0, 1, 0, share), "both": Mix(0.5, 0.5, 0, share)}
    if encoder:
        ways["dense"] = Mix(0, 0, 1)
    for name, mix in {**ways, "chosen": built.tuned.mix}.items():
        index._mix = mix
        show(name, timed(lambda text: [hit.passage.question for hit in index.search(text, 10)], queries))


def chroma(rows: Sequence[tuple[str, str]], queries: Sequence[Query], embedding: str, folder: Path) -> None:
    """The same data in Chroma, with the same embedding.

    Args:
        rows: Questions with answers.
        queries: What to ask.
        embedding: Embedding model.
        folder: Where to write.
    """
    if importlib.util.find_spec("chromadb") is None:
        print("chroma: skipped, `chromadb` is not installed")
        return
    chromadb: Any = importlib.import_module("chromadb")
    settings = chromadb.config.Settings(anonymized_telemetry=False)
    encoder = SentenceEncoder(embedding_folder(embedding))
    begin = time.perf_counter()
    client = chromadb.PersistentClient(str(folder / "chroma"), settings)
    kept = client.create_collection("faq", embedding_function=None, metadata={"hnsw:space": "cosine"})
    texts = [f"{asked}\n{answer}" for asked, answer in rows]
    vectors = encoder.passages(texts, lambda _: None)
    for at in range(0, len(rows), 1000):
        part = slice(at, at + 1000)
        names = [str(row) for row in range(at, min(at + 1000, len(rows)))]
        kept.add(ids=names, embeddings=vectors[part], documents=texts[part])
    print(f"chroma: built in {time.perf_counter() - begin:.1f} s")

    def find(text: str) -> list[str]:
        found = kept.query(query_embeddings=[encoder.question(text)], n_results=10)
        return [document.partition("\n")[0] for document in found["documents"][0]]

    show("chroma", timed(find, queries))


def show(name: str, told: dict[str, float]) -> None:
    """One line of the table.

    Args:
        name: Way of searching.
        told: Measures by name.
    """
    print(f"  {name:11}" + "".join(f"{key} {value:8.3f}   " for key, value in told.items()))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, nargs="+", default=[2000, 100_000])
    parser.add_argument("--embedding", default="", help="folder, or `minilm`")
    args = parser.parse_args()
    for pairs in args.pairs:
        rows, queries = made(pairs)
        print(f"{len(rows):,} pairs, {len(queries)} queries")
        with tempfile.TemporaryDirectory() as folder:
            ours(rows, queries, args.embedding, Path(folder))
            if args.embedding:
                chroma(rows, queries, args.embedding, Path(folder))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
