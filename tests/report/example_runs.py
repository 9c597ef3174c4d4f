"""Runs made by hand for the report's tests: they depend on no reader, no signal and no real rule."""

from __future__ import annotations

import dataclasses
import math
import types

import numpy as np

from trainclinic.catalogue.finding import Finding
from trainclinic.catalogue.load import Entry
from trainclinic.catalogue.page import HEADINGS
from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.findings.overall import Overall
from trainclinic.record.facts import Fact, Facts
from trainclinic.record.parts import Checkpoint, Damage
from trainclinic.record.run import RunRecord
from trainclinic.record.series import Series, make_series
from trainclinic.record.source import Source
from trainclinic.report.cause_entries import CauseEntry, CauseEvidence, NextTestEntry, RuledOutEntry
from trainclinic.report.compose import compose
from trainclinic.report.model import Document, Item, Passage
from trainclinic.signals.measured import Measured

LOG = "training.log"
HOSTILE = "<script>alert(1)</script></script><!--\x1b[31mred\x1b[0m\u202e|`=cmd()|[x](javascript:alert(1))"


def finding(code: str, slug: str, severity: Severity, verdict: Verdict, group: str = "loss") -> Finding:
    module = types.ModuleType(f"{code}_{slug}")
    page = [f"The run shows {slug.replace('-', ' ')}.", ""]
    for heading in HEADINGS:
        page += [f"## {heading}", f"What `{slug}` has to say under {heading.lower()}.", ""]
    module.__doc__ = "\n".join(page)
    rule = Rule(code=code, slug=slug, severity=severity, needs=(), check=lambda _: verdict)
    return Finding(Entry(rule=rule, group=group, module=module), verdict)


def series(name: str, step: object, value: object, unit: str = "", first_line: int = 20) -> Series:
    lines = first_line + np.arange(np.size(step))
    return make_series(name, step, value, unit=unit, line=lines, files=(LOG,))


def fact(name: str, value: float | str | bool, line: int = 3) -> Fact:
    return Fact(name, value, Source(LOG, line), "printed")


def spike_record() -> RunRecord:
    """The second founding run: an evaluation far above its neighbours at step 2000 and a stall after 2325."""
    evaluated = [0, 500, 1000, 1500, 2000, 2500]
    steps = np.arange(0, 2525, 25)
    pace = np.interp(steps, [0, 500, 1000, 1500, 2325], [1.13, 1.08, 1.0, 0.92, 0.86])
    pace[steps > 2375] = 1.05
    seconds = 17.5 + np.concatenate(([0], np.cumsum(25 / pace[1:])))
    seconds += np.where(steps >= 2350, 919.0, 0.0) + np.where(steps >= 2375, 499.0, 0.0)
    columns = [
        series("train/loss", evaluated, [9.2270, 6.9544, 6.5811, 6.6511, 9.5846, 6.6424], "nats/token"),
        series("eval/loss", evaluated, [9.2680, 7.1291, 6.7096, 6.7427, 9.6169, 6.7105], "nats/token"),
        series("train/learning_rate", evaluated, [2e-6, 2e-5, 1.95e-5, 1.79e-5, 1.55e-5, 1.26e-5], "1"),
        series("time/elapsed", steps, seconds, "s"),
    ]
    facts = [
        fact("model_name", "gpt2"), fact("method", "lora"), fact("lora_rank", 16.0), fact("lora_alpha", 32.0),
        fact("device", "mps"), fact("planned_steps", 5000.0), fact("micro_batch_size", 8.0),
        fact("sequence_length", 256.0), fact("learning_rate", 2e-5), fact("schedule", "cosine"),
    ]  # fmt: skip
    return RunRecord(
        name="report-b",
        series={column.name: column for column in columns},
        facts=Facts(facts),
        checkpoints=tuple(Checkpoint(s, f"checkpoints/step{s:06d}.pt", Source(LOG, 40), False) for s in evaluated[1:]),
        files=(LOG,),
        damage=(Damage("truncated last line", Source(LOG, 140)),),
        log_format="stdout",
    )


def spike_findings() -> tuple[Finding, ...]:
    at = Source(LOG, 24)
    return (
        finding("LOS201", "initial-loss-above-uniform", Severity.HARMFUL, Present(
            (Evidence("first loss 9.227 nats/token is 5.4 above what `gpt2` starts at", Source(LOG, 20), 0, "train/loss"),),
            means="A pretrained GPT-2 cannot start here on English text.",
            settle="Compare the loss at label offsets 0 to 3 on one batch",
        )),
        finding("LOS205", "loss-spike", Severity.WARNING, Present((
            Evidence("evaluation loss 9.6169 at step 2,000, robust z 98, back to 6.7105 at step 2,500", at, 2000, "eval/loss"),
            Evidence("training loss 9.5846 moved with it", at, 2000, "train/loss"),
        ), settle="Evaluate the checkpoint of step 2000 again: about 6.6 means an artefact, about 9.6 a true excursion")),
        finding("SPD401", "time-gap", Severity.WARNING, Present(
            (Evidence("1,418 s without progress between steps 2,325 and 2,375", Source(LOG, 114), 2350, "time/elapsed"),)
        ), "speed"),
        finding("LOS208", "loss-plateau", Severity.NOTE, Present(
            (Evidence("loss within 0.6 % of 6.62 from step 1,000", Source(LOG, 22), 1000, "train/loss"),)
        )),
        finding("EVA502", "rising-eval-loss", Severity.WARNING, Absent(
            (Evidence("evaluation loss 6.7105 at the last of 6 evaluations"),)
        ), "evaluation"),
        finding("NUM101", "nan-loss", Severity.HARMFUL, Absent(), "numerics"),
        finding("NUM107", "gradient-norm-growth", Severity.WARNING, NotEvaluated("`train/grad_norm`"), "numerics"),
    )  # fmt: skip


def spike_document() -> Document:
    overall = Overall("sick", "1 harmful finding: initial-loss-above-uniform")
    return compose(Measured(spike_record()), spike_findings(), overall)


def nan_document() -> Document:
    """The first founding run: two rows, and no gradient norm that is a number."""
    record = RunRecord(
        name="report-a",
        series={
            "train/loss": series("train/loss", [10, 20], [14577.9766, 0.0], "nats/token", 12),
            "train/grad_norm": series("train/grad_norm", [10, 20], [math.nan, math.nan], "1", 10),
            "train/learning_rate": series("train/learning_rate", [10, 20], [2e-4, 1.9863852961198096e-4], "1", 11),
        },
        facts=Facts([fact("model_name", "TinyLlama/TinyLlama-1.1B-Chat-v1.0"), fact("weights_dtype", "float16")]),
        files=("trainer_state.json",),
        log_format="hf_trainer_state",
    )
    found = finding(
        "NUM102", "nan-gradient-norm", Severity.HARMFUL,
        Present((Evidence("gradient norm is NaN in 2 of 2 rows", Source("trainer_state.json", 10), 10, "train/grad_norm"),)),
        "numerics",
    )  # fmt: skip
    return compose(Measured(record), (found,), Overall("sick", "1 harmful finding: nan-gradient-norm"))


def hostile_document() -> Document:
    """Every text that can come from a file is an attack."""
    source = Source(HOSTILE, 1)
    record = RunRecord(
        name=HOSTILE,
        series={"train/loss": series("train/loss", [1, 2, 3], [3.0, 2.0, 1.0], HOSTILE)},
        facts=Facts([Fact("model_name", HOSTILE, source), Fact("device", HOSTILE, source)]),
        other_facts=(Fact(HOSTILE, HOSTILE, source),),
        files=(HOSTILE,),
        damage=(Damage(HOSTILE, source),),
        log_format=HOSTILE,
    )
    findings = (
        finding("LOS205", "loss-spike", Severity.WARNING, Present((Evidence(HOSTILE, source, 2, "train/loss"),), HOSTILE, HOSTILE)),
        finding("NUM101", "nan-loss", Severity.HARMFUL, NotEvaluated(HOSTILE)),
        finding("NUM102", "nan-gradient-norm", Severity.HARMFUL, Absent((Evidence(HOSTILE),))),
    )  # fmt: skip
    evidence = CauseEvidence("LOS205", "loss-spike", "present", "weak", HOSTILE, HOSTILE, HOSTILE, 1, HOSTILE)
    return dataclasses.replace(
        compose(Measured(record), findings, Overall("undetermined", HOSTILE)),
        causes=(CauseEntry("bad-rows", HOSTILE, "data", 0.6, HOSTILE, (evidence,), (evidence,), HOSTILE, HOSTILE),),
        ruled_out=(RuledOutEntry("good-rows", HOSTILE, HOSTILE, "LOS205", HOSTILE, 1),),
        next_tests=tuple(
            NextTestEntry("look", HOSTILE, f"```\n{HOSTILE}", k, "1 min", 1.0, 0.1) for k in ("run", "log")
        ),
        stuck=Passage((HOSTILE,), (Item(HOSTILE, HOSTILE),)),
    )


def long_document(rows: int = 5000) -> Document:
    """A long dense run: four curves, noise, a spike and a stretch of NaN."""
    rng = np.random.default_rng(0)
    steps = np.arange(1, rows + 1)
    loss = 1.8 + 1.5 / np.sqrt(1 + steps / 60) + rng.normal(0, 0.08, rows)
    loss[rows // 2] = 6.0
    norm = np.exp(rng.normal(0, 0.4, rows))
    norm[rows // 3 : rows // 3 + rows // 50] = math.nan
    every = steps[rows // 20 - 1 :: rows // 20]
    columns = [
        series("train/loss", steps, loss, "nats/token"),
        series("eval/loss", every, 1.9 + 1.2 / np.sqrt(1 + every / 60), "nats/token"),
        series("train/grad_norm", steps, norm, "1"),
        series("train/learning_rate", steps, 2e-4 * np.cos(steps / rows * 1.5), "1"),
        series("time/elapsed", steps, np.cumsum(rng.gamma(20, 0.05, rows)), "s"),
    ]
    record = RunRecord(name="long", series={c.name: c for c in columns}, files=(LOG,), log_format="csv")
    spike = Evidence(f"loss 6 at step {rows // 2 + 1}", Source(LOG, 9), rows // 2 + 1, "train/loss")
    findings = (finding("LOS205", "loss-spike", Severity.WARNING, Present((spike,))),)
    return compose(Measured(record), findings, Overall("undetermined", "loss-spike puts the result in doubt"))
