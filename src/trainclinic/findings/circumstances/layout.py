"""Circumstances of how data becomes batches: packing, padding, grouping, sources, batch and block sizes, workers."""

from __future__ import annotations

import re

from trainclinic.catalogue.circumstance import Circumstance
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.findings.stated import absent, by_flag, framework, mentioned, present, shown
from trainclinic.record.facts import Fact
from trainclinic.signals.measured import Measured

TINY = 4
"""Sequences per optimizer step: fine-tuning recipes use 8 to 128, and fewer than 5 is rare by choice."""
LONG = 4096
"""Tokens per sequence from which attention and logits, rather than weights, fill the memory."""


def _packed(run: Measured) -> Verdict:
    facts = run.record.facts
    packing, free = facts.get("packing"), facts.get("padding_free")
    for fact in (packing, free):
        if fact is not None and fact.value:
            return present(fact)
    seen = mentioned(run, r"padding-free training is enabled", "the log says that samples are laid end to end")
    if seen is not None:
        return seen
    if packing is not None:
        return absent(packing)
    objective = facts.get("objective")
    if objective is not None and objective.value == "pretraining" and "llama-factory" in framework(run):
        return present(objective, "LLaMA-Factory packs in pretraining unless it is told not to")
    return NotEvaluated("whether samples share a sequence (`packing`)")


def _grouped(run: Measured) -> Verdict:
    return by_flag(run, "group_by_length") or NotEvaluated("how samples are put into batches (`group_by_length`)")


def _sources(run: Measured) -> Verdict:
    data = run.record.facts.get("dataset_path")
    listed = [fact for fact in run.record.other_facts if _ENTRY.search(fact.name)]
    if data is not None:
        names = [name for name in str(data.value).split(",") if name.strip()]
        mixed = re.search(r"mixture|[-_]mix(?:\b|_)|blend", str(data.value), re.I)
        if len(names) > 1 or mixed:
            return present(data)
    entries = {found[1] for fact in listed if (found := _ENTRY.search(fact.name))}
    if len(entries) > 1:
        return Present(tuple(shown(fact) for fact in listed[:2]))
    one = data if data is not None else listed[0] if listed else None
    if one is None or _OWN_FILE.search(str(one.value)):
        return NotEvaluated("what the training data is made of (`dataset`, `data_path`)")
    return absent(one)


_OWN_FILE = re.compile(r"\.(?:jsonl?|csv|txt|parquet|bin|arrow|zst|gz|tsv)$|^custom$|^\.?/|^~", re.I)
"""A file of the user's own may hold anything; a public data set is one source."""
_ENTRY = re.compile(
    r"(?:^|\.)(?:datasets|data|train_datasets|sources)\.(\d+)\.(?:path|name|source|repo_id|file)$", re.I
)


def _per_update(run: Measured) -> tuple[float, tuple[Evidence, ...]] | None:
    """Sequences per optimizer step with what it is computed from."""
    facts = run.record.facts
    total = facts.get("global_batch_size")
    if total is not None:
        return float(total.value), (shown(total),)
    micro, steps, ranks = (facts.get(n) for n in ("micro_batch_size", "accumulation_steps", "world_size"))
    if micro is None:
        return None
    known = [fact for fact in (micro, steps, ranks) if fact is not None]
    product = 1.0
    for fact in known:
        product *= float(fact.value)
    evidence = tuple(shown(fact) for fact in known)
    if steps is None and product <= TINY and "mlx" not in framework(run):
        return None
    return product, evidence


def _tiny(run: Measured) -> Verdict:
    size = _per_update(run)
    if size is None:
        return NotEvaluated("sequences per optimizer step (micro-batch, accumulation, processes)")
    evidence = (
        Evidence(f"{number(size[0])} {'sequence' if size[0] == 1 else 'sequences'} per optimizer step"),
        *size[1],
    )
    return Present(evidence) if size[0] <= TINY else Absent(evidence)


def _long(run: Measured) -> Verdict:
    length = run.record.facts.get("sequence_length")
    if length is None:
        return NotEvaluated("the longest sequence (`max_seq_length`, `block_size`)")
    return present(length) if float(length.value) >= LONG else absent(length)


def _without_workers(run: Measured) -> Verdict:
    workers = run.record.facts.get("loader_workers")
    if workers is None:
        return NotEvaluated("the number of loader workers (`num_workers`)")
    return present(workers) if float(workers.value) == 0 else absent(workers)


def _variable(run: Measured) -> Verdict:
    facts = run.record.facts
    padded, tool = facts.get("pads_to_maximum"), facts.get("framework")
    if padded is not None:
        return absent(padded) if padded.value else present(padded)
    grouped = facts.get("group_by_length")
    if grouped is not None and grouped.value:
        return present(grouped, "lengths differ from batch to batch")
    packing = _true(run, "packing")
    if packing is not None:
        return absent(packing, "every sequence is filled")
    if tool is not None and "nanogpt" in framework(run):
        return absent(tool, "every row is a full block")
    return NotEvaluated("whether batches are padded to one length (`pad_to_max_length`, `packing`)")


def _true(run: Measured, name: str) -> Fact | None:
    fact = run.record.facts.get(name)
    return fact if fact is not None and fact.value else None


CIRCUMSTANCES: tuple[Circumstance[Measured], ...] = (
    Circumstance(
        code="CIR913",
        slug="packed-sequences",
        title="Several samples share a sequence.",
        matters="Attention may cross from one sample to the next, and masks and positions must know the borders.",
        needs=("packing", "padding_free", "objective", "framework", "events"),
        check=_packed,
    ),
    Circumstance(
        code="CIR924",
        slug="length-grouped-batches",
        title="Samples of similar length share a batch.",
        matters="The loss then rises and falls with the length of the batch, which looks like noise or instability.",
        needs=("group_by_length",),
        check=_grouped,
    ),
    Circumstance(
        code="CIR925",
        slug="several-data-sources",
        title="The configuration names several data sources.",
        matters="Read one after the other, they make the loss jump between levels.",
        needs=("dataset_path", "entries of a list of datasets"),
        check=_sources,
    ),
    Circumstance(
        code="CIR932",
        slug="tiny-batch",
        title="An optimizer step sees at most 4 sequences.",
        matters="Gradient noise is then the healthy explanation of a noisy loss, and one empty row fills a batch.",
        needs=("global_batch_size", "micro_batch_size", "accumulation_steps", "world_size"),
        check=_tiny,
    ),
    Circumstance(
        code="CIR933",
        slug="long-blocks",
        title="Sequences may have 4,096 tokens or more.",
        matters="Memory, attention kernels and position limits fail on long sequences first.",
        needs=("sequence_length",),
        check=_long,
    ),
    Circumstance(
        code="CIR939",
        slug="loader-without-workers",
        title="The training process prepares its batches itself.",
        matters="The accelerator waits while a batch is read and tokenised.",
        needs=("loader_workers",),
        check=_without_workers,
    ),
    Circumstance(
        code="CIR940",
        slug="variable-length-batches",
        title="Batches differ in length.",
        matters="Padding, recompilation and growing allocations need batches of different shape.",
        needs=("pads_to_maximum", "group_by_length", "packing", "framework"),
        check=_variable,
    ),
)
