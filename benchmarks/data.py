"""Time the data checks against other libraries in the same run: `python benchmarks/data.py --size 200`.

Makes a corpus with planted copies and measures, in CPU seconds, exact duplicates, common lines, near-duplicates and
tokenising, each against the libraries that do the same and are installed; and the peak memory of `trainclinic data` on
a large file. Prints recall for each kind of copy, precision, and a table.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from commands import run
from data_corpus import DISTINCT, KINDS, Planted, documents, planted
from numpy.typing import NDArray

T = TypeVar("T")
PARTS = ("memory", "exact", "lines", "near", "passages", "tokenise")
BATCH = 2_000
NEAR_MEGABYTES = 24.0
"""Text for peers that are a hundred times slower; the ratio is that of MB/s."""
TOKENISE_MEGABYTES = 24.0
VOCABULARY = 32_000
Line = tuple[str, str, float, float]
"""What was done, by whom, megabytes, CPU seconds."""


def warmed() -> None:
    """Load the libraries that the checks load when they first need them: that is no work on the data."""
    from trainclinic.dataset.duplicates.exact import normal_digests
    from trainclinic.dataset.duplicates.lines import LineCounter
    from trainclinic.dataset.duplicates.near import Signer

    LineCounter().add(["a line of a few words"])
    normal_digests(["one"])
    Signer().sign(["one two three four"])


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """A result, and the CPU seconds that it took on all cores."""
    start = time.process_time()
    return work(), time.process_time() - start


def batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in the batches in which the checks meet them."""
    return (texts[start : start + BATCH] for start in range(0, len(texts), BATCH))


def exact(corpus: Planted) -> Iterator[Line]:
    """Exact duplicates: digests and one sort, against data frames that hold the texts."""
    from trainclinic.dataset.duplicates.exact import digests, groups_of, normal_digests

    encoded = [text.encode() for text in corpus.texts]
    groups, seconds = timed(lambda: groups_of(digests(encoded)))
    yield "exact duplicates", "trainclinic", corpus.megabytes, seconds
    print(f"  {groups.extra:,} superfluous rows")
    normal, seconds = timed(
        lambda: groups_of(np.concatenate([normal_digests(batch) for batch in batches(corpus.texts)]))
    )
    yield "exact but for case and space", "trainclinic", corpus.megabytes, seconds
    print(f"  {normal.extra:,} superfluous rows when case and white space are ignored")
    if find_spec("polars"):
        import polars

        frame = polars.DataFrame({"text": corpus.texts})
        kept, seconds = timed(lambda: frame.unique(maintain_order=True).height)
        agrees("polars", len(corpus.texts) - kept, groups.extra)
        yield "exact duplicates", "polars `unique`", corpus.megabytes, seconds
    if find_spec("pandas"):
        import pandas  # type: ignore[import-not-found, import-untyped, unused-ignore]

        table = pandas.DataFrame({"text": corpus.texts})
        left, seconds = timed(lambda: len(table.drop_duplicates()))
        agrees("pandas", len(corpus.texts) - left, groups.extra)
        yield "exact duplicates", "pandas `drop_duplicates`", corpus.megabytes, seconds
    else:
        print("  pandas is not installed: skipped")


def lines(corpus: Planted) -> Iterator[Line]:
    """Common lines: counts by digest, against a dictionary of the lines."""
    from trainclinic.dataset.duplicates.lines import LONGER_THAN, LineCounter

    counter = LineCounter()

    def ours() -> None:
        for batch in batches(corpus.texts):
            counter.add(batch)

    def plain() -> dict[str, int]:
        counts: dict[str, int] = {}
        for text in corpus.texts:
            for line in {line.strip() for line in text.split("\n")}:
                if len(line) > LONGER_THAN:
                    counts[line] = counts.get(line, 0) + 1
        return counts

    _, seconds = timed(ours)
    yield "common lines", "trainclinic", corpus.megabytes, seconds
    counts, seconds = timed(plain)
    yield "common lines", "a dictionary", corpus.megabytes, seconds
    found = counter.common(0.01)
    print(f"  {len(found)} lines in 1 % of the rows or more, {len(counts):,} distinct lines")
    for line in found:
        agrees("the dictionary", counts[line.text], line.rows)


def near(corpus: Planted) -> Iterator[Line]:
    """Near-duplicates, with recall for each kind of copy and precision over all pairs."""
    from trainclinic.dataset.duplicates.near import NearDuplicates, Signer

    store, signer = NearDuplicates(), Signer()

    def sign() -> None:
        for batch in batches(corpus.texts):
            store.add(signer.sign(batch))

    _, signing = timed(sign)
    clusters, clustering = timed(store.clusters)
    yield "near-duplicates", "trainclinic", corpus.megabytes, signing + clustering
    yield "- signatures alone", "trainclinic", corpus.megabytes, signing
    score("trainclinic", clusters.first, corpus)
    part = first_megabytes(corpus, NEAR_MEGABYTES)
    if not find_spec("datasketch"):
        print("  datasketch is not installed: skipped")
        return
    labels, seconds = timed(lambda: with_datasketch(part.texts))
    yield "near-duplicates", "datasketch `MinHashLSH`", part.megabytes, seconds
    score("datasketch", labels, part)


def with_datasketch(texts: Sequence[str]) -> NDArray[np.int64]:
    """Clusters by datasketch with the same number of permutations, bands and words of a run."""
    from datasketch import MinHash, MinHashLSH  # type: ignore[import-not-found, import-untyped, unused-ignore]

    from trainclinic.dataset.duplicates.near import BANDS, LIKENESS, PERMUTATIONS, WORDS, Joins

    index = MinHashLSH(num_perm=PERMUTATIONS, params=(BANDS, PERMUTATIONS // BANDS))
    made: list[Any] = []
    pairs: list[tuple[int, int]] = []
    for at, text in enumerate(texts):
        words = text.lower().split()
        runs = {" ".join(words[start : start + WORDS]).encode() for start in range(len(words) - WORDS + 1)}
        sketch = MinHash(num_perm=PERMUTATIONS)
        sketch.update_batch(list(runs))
        pairs += [(other, at) for other in index.query(sketch) if sketch.jaccard(made[other]) >= LIKENESS]
        index.insert(at, sketch)
        made.append(sketch)
    joins = Joins(len(texts))
    joins.join(np.array(pairs, np.int64).reshape(-1, 2))
    return joins.roots()


def passages(corpus: Planted) -> Iterator[Line]:
    """Rows that are part of another one, and passages of held-out rows that stand in training rows."""
    from trainclinic.dataset.duplicates.passages import SharedPassages, containment

    part = first_megabytes(corpus, NEAR_MEGABYTES)
    found, seconds = timed(lambda: containment(part.texts))
    yield "rows within rows", "trainclinic", part.megabytes, seconds
    wrong = sum(part.families[one.row] != part.families[one.within] for one in found)
    rows = {one.row for one in found}
    bases = set(part.families[np.isin(part.kinds, DISTINCT)].tolist())
    halves = [at for at, kind in enumerate(part.kinds) if kind == "half" and part.families[at] in bases]
    print(f"  {sum(at in rows for at in halves)} of {len(halves)} halves found, {wrong} of {len(found)} rows wrong")
    shared = SharedPassages(corpus.texts[:BATCH])

    def ours() -> None:
        for batch in batches(corpus.texts[BATCH:]):
            shared.add(batch)

    _, seconds = timed(ours)
    yield "passages of held-out rows", "trainclinic", corpus.megabytes, seconds


def score(name: str, labels: NDArray[np.int64], corpus: Planted) -> None:
    """Print how many copies are found with the document they were made of, and how many pairs are right."""
    kinds = np.array(corpus.kinds)
    bases = dict(zip(corpus.families[np.isin(kinds, DISTINCT)].tolist(), labels[np.isin(kinds, DISTINCT)], strict=True))
    wanted = np.array([bases.get(family, -1) for family in corpus.families.tolist()])
    parts = []
    for kind in KINDS:
        asked = (kinds == kind) & (wanted >= 0)
        if asked.any():
            parts.append(f"{kind} {(labels[asked] == wanted[asked]).mean():.3f}")
    made = pairs_within(labels)
    right = pairs_within(labels * len(labels) + corpus.families)
    print(f"  {name}: recall {', '.join(parts)}; precision {right / max(made, 1):.4f} ({made - right:,} wrong pairs)")


def pairs_within(labels: NDArray[np.int64]) -> int:
    """Pairs of rows with the same label."""
    _, counts = np.unique(labels, return_counts=True)
    return int((counts * (counts - 1) // 2).sum())


def tokenise(corpus: Planted) -> Iterator[Line]:
    """Token ids by our fastest way, against the library that made the tokenizer; the ids are compared."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    from trainclinic.encoding.tokens.load import load_tokenizer

    part = first_megabytes(corpus, TOKENISE_MEGABYTES)
    peer = Tokenizer(models.BPE())
    peer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    peer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, initial_alphabet=alphabet, show_progress=False)
    peer.train_from_iterator(part.texts[: len(part.texts) // 3], trainer)
    with tempfile.TemporaryDirectory() as folder:
        peer.save(str(Path(folder) / "tokenizer.json"))
        ours = load_tokenizer(Path(folder))
        found, seconds = timed(lambda: [ids for batch in batches(part.texts) for ids in ours.ids(batch)])
        yield "token ids", "trainclinic", part.megabytes, seconds
    theirs, seconds = timed(
        lambda: [one.ids for batch in batches(part.texts) for one in peer.encode_batch(list(batch))]
    )
    yield "token ids", "tokenizers `encode_batch`", part.megabytes, seconds
    same = sum(mine.tolist() == their for mine, their in zip(found, theirs, strict=True))
    print(f"  ids are identical on {same:,} of {len(theirs):,} documents, {sum(map(len, theirs)):,} tokens")


def memory(megabytes: float, seed: int) -> None:
    """Print the peak memory of the whole command on one large file, measured in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.jsonl"
        rows = 0
        with file.open("w", encoding="utf-8") as stream:
            for batch in documents(megabytes, seed):
                rows += len(batch)
                for text in batch:
                    half = len(text) // 3
                    stream.write(json.dumps({"prompt": text[:half], "completion": text[half:]}) + "\n")
        size = file.stat().st_size / 1e6
        cost = run([sys.executable, "-m", "trainclinic", "data", str(file)], limit=36_000)
    if cost is None or cost.code > 1:
        print("  `trainclinic data` did not finish")
    else:
        print(f"  {size:,.0f} MB, {rows:,} rows: peak {cost.megabytes:,.0f} MB, CPU {cost.cpu:.0f} s")


def first_megabytes(corpus: Planted, megabytes: float) -> Planted:
    """The beginning of a corpus."""
    sizes = np.cumsum([len(text) for text in corpus.texts])
    count = max(int(np.searchsorted(sizes, megabytes * 1e6, side="right")), 1)
    return Planted(corpus.texts[:count], corpus.kinds[:count], corpus.families[:count])


def agrees(peer: str, theirs: int, ours: int) -> None:
    """Stop when another library counts differently.

    Raises:
        SystemExit: If it does.
    """
    if theirs != ours:
        message = f"{peer} counts {theirs:,}, we count {ours:,}"
        raise SystemExit(message)


def table(found: Sequence[Line]) -> str:
    """All figures in Markdown."""
    speeds = {what: size / seconds for what, who, size, seconds in found if who == "trainclinic"}
    rows = ["| what | by | MB | CPU s | MB/s | trainclinic is faster by |", "| --- | --- | --: | --: | --: | --: |"]
    for what, who, size, seconds in found:
        ratio = "" if who == "trainclinic" else f"{speeds[what] * seconds / size:.1f} ×"
        rows.append(f"| {what} | {who} | {size:,.0f} | {seconds:.2f} | {size / seconds:,.1f} | {ratio} |")
    return "\n".join(rows)


def main() -> int:
    """Run the parts that were asked for and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=float, default=200.0, help="megabytes of text")
    parser.add_argument("--size-memory", type=float, default=2_000.0, help="megabytes of the file for the peak memory")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default=",".join(PARTS), help="parts to run, with commas between them")
    options = parser.parse_args()
    wanted = options.only.split(",")
    if unknown := set(wanted) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}")
    if "memory" in wanted:
        # first of all: a child's peak starts with what its parent holds
        print("memory", flush=True)
        memory(options.size_memory, options.seed)
    timings: dict[str, Callable[[Planted], Iterator[Line]]]
    timings = {"exact": exact, "lines": lines, "near": near, "passages": passages, "tokenise": tokenise}
    found: list[Line] = []
    if set(wanted) & set(timings):
        corpus = planted(options.size, options.seed)
        warmed()
        print(f"{len(corpus.texts):,} documents, {corpus.megabytes:,.0f} MB", flush=True)
        for name in (part for part in wanted if part in timings):
            print(name, flush=True)
            found += timings[name](corpus)
        print(f"\n{table(found)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
