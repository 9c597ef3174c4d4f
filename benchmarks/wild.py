"""Score the findings on a folder of real, labelled logs: `python benchmarks/wild.py FOLDER`.

`FOLDER/index.jsonl` has one object a line with `id`, `file`, `format`, `labels` and `confidence`. Prints what could be
read, recall by label and precision by symptom, and the healthy runs that were called sick. Nothing is fitted here.
`--corrected` applies `wild_corrections.json` first: labels that do not hold on a second reading, each with its reason.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from trainclinic.diagnosis.diagnose import diagnose
from trainclinic.findings.examine import all_rules
from trainclinic.record.errors import TrainclinicError

CORRECTIONS = Path(__file__).with_name("wild_corrections.json")
LABELS = {
    "overfit": ("rising-eval-loss",),
    "epoch_staircase": ("epoch-boundary-drop",),
    "near_zero_train_loss": ("loss-collapse-to-zero", "initial-loss-too-low"),
    "suspiciously_low_loss": ("loss-collapse-to-zero", "initial-loss-too-low"),
    "plateau": ("loss-plateau", "plateau-at-unigram-entropy"),
    "no_learning": ("flat-loss-from-start", "initial-loss-near-uniform"),
    "loss_at_chance": ("flat-loss-from-start", "initial-loss-near-uniform"),
    "high_initial_loss": ("initial-loss-too-high", "initial-loss-near-uniform", "initial-loss-above-uniform"),
    "loss_spike": ("loss-spike",),
    "divergence": ("loss-divergence",),
    "unstable": ("loss-divergence",),
    "zero_loss": ("loss-exactly-zero", "nan-hidden-as-zero"),
    "zero_grad": ("zero-gradient-norm",),
    "zero_reward_std": ("zero-gradient-norm",),
    "nan_grad": ("nan-gradient-norm",),
    "nan_grad_benign": ("nan-gradient-norm",),
    "nan_loss": ("nan-loss",),
    "eval_nan": ("nan-eval-loss",),
    "resumed_run": ("overlapping-steps", "jump-after-resume"),
    "duplicated_rows": ("overlapping-steps", "jump-after-resume"),
    "multi_run_file": ("overlapping-steps", "jump-after-resume"),
    "lr_schedule_oddity": ("learning-rate-differs-from-plan", "learning-rate-discontinuity"),
    "config_not_applied": ("learning-rate-differs-from-plan", "learning-rate-discontinuity"),
    "throughput_drop": ("time-gap", "throughput-drift", "throughput-step-change"),
    "train_eval_scale_mismatch": ("loss-multiple-of-accumulation",),
}
HEALTHY = {
    "healthy", "nan_grad_benign", "generalization_gap", "no_eval", "noisy", "constant_lr", "nonstandard_unit",
    "undertrained", "slow_learning",
}  # fmt: skip


@dataclass
class Outcome:
    """What one entry came to."""

    id: str
    format: str
    labels: list[str]
    confidence: str
    runs: int
    verdict: str
    present: list[str]
    error: str


def judge(folder: str, entry: dict[str, Any]) -> Outcome:
    """Diagnose one entry of the index; only expected errors are caught."""
    warnings.simplefilter("error")
    runs, verdict, present, error = 0, "refused", [], ""
    try:
        result = diagnose(Path(folder) / entry["file"], scripts=())
        runs = len(result.runs)
        verdict = result.runs[0].verdict.word
        present = [f.entry.rule.slug for run in result.runs for f in run.findings if f.is_present]
    except TrainclinicError as refusal:
        error = refusal.message
    return Outcome(
        entry["id"], entry["format"], entry["labels"], entry["confidence"], runs, verdict, sorted(set(present)), error
    )


def corrected(outcome: Outcome, corrections: dict[str, Any]) -> Outcome:
    """The outcome under the labels of the second reading."""
    for prefix, change in corrections.items():
        if outcome.id.startswith(prefix + "-"):
            kept = [label for label in outcome.labels if label not in change.get("remove", {})]
            return replace(outcome, labels=kept + [label for label in change.get("add", {}) if label not in kept])
    return outcome


def hit(outcome: Outcome, label: str) -> bool:
    """Whether the outcome shows what the label names; several records answer a mixed file too."""
    if label in {"resumed_run", "duplicated_rows", "multi_run_file"} and outcome.runs > 1:
        return True
    return bool(set(LABELS[label]) & set(outcome.present))


def rate(part: int, whole: int) -> str:
    """`9/10 = 0.90`, or a dash when there is nothing to divide by."""
    return f"{part}/{whole} = {part / whole:.2f}" if whole else "-"


def show_reading(outcomes: list[Outcome]) -> None:
    """How many files of each format were read."""
    print("\nRead, by format")
    for name in sorted({o.format for o in outcomes}):
        mine = [o for o in outcomes if o.format == name]
        refused = Counter(o.error for o in mine if o.error)
        print(f"  {name:26s} {sum(not o.error for o in mine):3d} of {len(mine):3d} read")
        for error, times in refused.most_common(3):
            print(f"    {times:3d} x {error[:110]}")


def show_symptoms(outcomes: list[Outcome]) -> None:
    """Recall by label, precision by symptom, and both by symptom group."""
    group_of = {entry.rule.slug: entry.group for entry in all_rules().values()}
    recall: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    precision: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    scored = {slug for slugs in LABELS.values() for slug in slugs}
    print("\nLabel                        recall        missed in")
    for label in LABELS:
        mine = [o for o in outcomes if label in o.labels]
        if not mine:
            continue
        missed = [o.id for o in mine if not hit(o, label)]
        print(f"  {label:26s} {rate(len(mine) - len(missed), len(mine)):13s} {', '.join(i[:40] for i in missed)}")
        tally = recall[group_of[LABELS[label][0]]]
        tally[0] += len(mine) - len(missed)
        tally[1] += len(mine)
    print("\nSymptom                        precision   unlabelled in")
    for slug in sorted(scored):
        mine = [o for o in outcomes if slug in o.present]
        wrong = [o.id for o in mine if not any(slug in LABELS.get(label, ()) for label in o.labels)]
        if mine:
            print(f"  {slug:32s} {rate(len(mine) - len(wrong), len(mine)):13s} {', '.join(i[:34] for i in wrong)}")
        tally = precision[group_of.get(slug, "?")]
        tally[0] += len(mine) - len(wrong)
        tally[1] += len(mine)
    print("\nGroup           recall          precision")
    for group in sorted(set(recall) | set(precision)):
        print(f"  {group:14s} {rate(*recall[group]):15s} {rate(*precision[group])}")


def show_verdicts(outcomes: list[Outcome]) -> None:
    """Verdicts of healthy runs, and of runs with too little to judge."""
    for confidence in ("high", "medium", "low"):
        mine = [o for o in outcomes if o.confidence == confidence and not o.error and set(o.labels) <= HEALTHY]
        words = Counter(o.verdict for o in mine)
        sick = [f"{o.id}: {', '.join(o.present)}" for o in mine if o.verdict == "sick"]
        print(f"\nHealthy runs, {confidence} confidence: {dict(words)}")
        for line in sick:
            print(f"  called sick: {line}")


def main() -> int:
    """Diagnose every entry and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path, help="write one object per entry to this file")
    parser.add_argument("--corrected", action="store_true", help="score against the labels of a second reading")
    options = parser.parse_args()
    entries = [json.loads(line) for line in (options.folder / "index.jsonl").open(encoding="utf-8")]
    with ProcessPoolExecutor(2) as pool:
        outcomes = list(pool.map(judge, [str(options.folder)] * len(entries), entries, chunksize=8))
    if options.json:
        options.json.write_text("".join(json.dumps(asdict(o)) + "\n" for o in outcomes), encoding="utf-8")
    if options.corrected:
        corrections = json.loads(CORRECTIONS.read_text(encoding="utf-8"))
        outcomes = [corrected(outcome, corrections) for outcome in outcomes]
    show_reading(outcomes)
    high = [o for o in outcomes if o.confidence == "high"]
    print(f"\n{len(high)} entries with high-confidence labels")
    show_symptoms(high)
    show_verdicts(outcomes)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
