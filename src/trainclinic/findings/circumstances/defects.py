"""Circumstances of installed releases: whether one of them has a known defect that concerns the run, by topic.

The range of the table must hold and the settings that the defect needs must be stated. A version in the range without
those settings leaves it open; one outside of every range of the topic is an answer.
"""

from __future__ import annotations

from functools import partial

from trainclinic.catalogue.circumstance import Circumstance
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Verdict
from trainclinic.signals.known_defects import concerns, known_defects, named_versions, release
from trainclinic.signals.measured import Measured


def _about(run: Measured, topic: str) -> Verdict:
    """Look up the versions that the topic's rows are about."""
    rows = [row for row in known_defects() if row.topic == topic]
    versions = named_versions(run)
    outside: dict[str, Evidence] = {}
    unsettled = ""
    for row in rows:
        fact = versions.get(row.library)
        numbers = release(str(fact.value)) if fact is not None else None
        if fact is None or numbers is None:
            continue
        hit = concerns(run, row) if row.holds(numbers) else False
        if hit:
            return Present((Evidence(f"{row.library} {fact.value}: {row.says} ({row.source})", fact.source),))
        if hit is None:
            needed = " and ".join(name.removesuffix("_above").replace("_", " ") for name in row.when)
            unsettled = f"the settings under which {row.library} {fact.value} has a known defect ({needed})"
        outside[row.library] = Evidence(f"no listed defect of {row.library} {fact.value} concerns it", fact.source)
    if unsettled:
        return NotEvaluated(unsettled)
    if outside:
        return Absent(tuple(outside.values()))
    return NotEvaluated(f"the version of {' or '.join(sorted({row.library for row in rows}))}")


def _entry(code: str, topic: str, title: str, matters: str, *needs: str, name: str = "") -> Circumstance[Measured]:
    return Circumstance(
        code=code,
        slug=name or f"defect-in-{topic}",
        title=title,
        matters=matters,
        needs=("library versions", *needs),
        check=partial(_about, topic=topic),
    )


CIRCUMSTANCES: tuple[Circumstance[Measured], ...] = (
    _entry(
        "CIR951",
        "accumulation",
        "The installed trainer has a known defect in gradient accumulation.",
        "The loss is scaled or weighted by the number of micro-batches, whatever the settings of the optimizer.",
        "accumulation_steps",
    ),
    _entry(
        "CIR952",
        "causal-mask",
        "The installed release lets this model attend to later tokens.",
        "The answer stands in the input, so the loss falls to about 0 and the model learns nothing of use.",
        "model_name",
    ),
    _entry(
        "CIR953",
        "labels",
        "The installed trainer does not shift the labels under these settings.",
        "The model is trained to repeat its input token.",
        "label smoothing",
    ),
    _entry(
        "CIR954",
        "attention",
        "The installed release has a known defect in its attention kernels.",
        "Outputs or gradients of attention are wrong, at any learning rate.",
        "attention_implementation",
    ),
    _entry(
        "CIR955",
        "fully-masked-rows",
        "Attention of the installed release gives NaN for rows that see no key.",
        "Padding alone then makes a loss NaN.",
        "attention_implementation",
    ),
    _entry(
        "CIR956",
        "apple-gpu",
        "The installed release computes wrong numbers on Apple GPUs.",
        "Losses and updates then differ from those of any other device.",
        "device",
        name="defect-on-apple-gpu",
    ),
    _entry(
        "CIR957",
        "quantisation",
        "The installed release has a known defect in its 8-bit arithmetic.",
        "Optimizer states or weights are decoded to wrong values.",
        "optimizer",
    ),
    _entry(
        "CIR958",
        "adapter-dtype",
        "The installed release leaves adapters in float16.",
        "Adam steps float16 parameters without a float32 copy.",
        "weights_dtype",
    ),
    _entry(
        "CIR959",
        "sharding",
        "The installed release has a known race in sharded training.",
        "Gradients are overwritten before they are used.",
        "deepspeed_stage",
    ),
)
