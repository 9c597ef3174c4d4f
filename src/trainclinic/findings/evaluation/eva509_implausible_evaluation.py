"""An evaluation result lies far outside of what any intact pretrained model reaches.

## What it sees
A perplexity of a thousand and more, or an accuracy far below chance, on an English benchmark (lambada, wikitext,
hellaswag ...), from results of lm-evaluation-harness or lines like them; or a last logged evaluation perplexity of that
size in a run that began from pretrained weights.

## Why it matters
Even models of a hundred million parameters read lambada at a perplexity below 150. A value in the thousands is no weak
model but a broken input or a broken model: a missing begin token, another tokenizer, weights that were not loaded.

## What it does not mean
Training need not be at fault, and more of it does not help: ask first whether the untouched base model gives the same
value under the same command.

## Example
`|lambada_openai|      1|perplexity|2645.0000|`

## Check it by hand
Evaluate the base model with the same command; then once with the begin token added, once with the default dtype.

## References
- https://github.com/EleutherAI/lm-evaluation-harness/issues/2049
- https://github.com/EleutherAI/lm-evaluation-harness/issues/1465
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.findings.step_size import parameters_of
from trainclinic.signals.measured import Measured

PERPLEXITY = Threshold(
    "perplexity of an English benchmark",
    1000.0,
    "1",
    "GPT-2 with 124 M parameters has 40 on lambada and 37 on wikitext",
)
BELOW_CHANCE = Threshold(
    "accuracy over chance", 0.6, "1", "no knowledge gives chance; so far below it the answers are systematically wrong"
)
TINY = Threshold("parameters", 1e8, "1", "models below have been reported with perplexities of hundreds to thousands")
CHANCE = {
    "hellaswag": 0.25,
    "arc_easy": 0.25,
    "mmlu": 0.25,
    "sciq": 0.25,
    "commonsense_qa": 0.2,
    "piqa": 0.5,
    "winogrande": 0.5,
    "copa": 0.5,
}
"""Accuracy of guessing; arc_challenge and truthfulqa are left out, where intact models fall below chance."""
LEAST_LAMBADA = Threshold("accuracy on lambada", 0.05, "1", "Pythia with 70 M parameters has about 0.2")
_ENGLISH = re.compile(r"lambada(?!.*(?:_mt_|multilingual|cloze))|wikitext|ptb|\bc4\b|pile|paloma|openwebtext", re.I)
_PERPLEXITY = re.compile(r"^(?:word_)?(?:perplexity|ppl)$", re.I)


def check(run: Measured) -> Verdict:
    """Look at the results of benchmarks, then at the last evaluation of a run from pretrained weights."""
    results = tuple(_results(run))
    odd = tuple(evidence for task, metric, value, evidence in results if _is_odd(task, metric, value))
    if odd:
        shown = odd[:3]
        usual = Evidence(f"intact models stay below {number(PERPLEXITY.value)}, and above chance")
        size = parameters_of(run)
        small = size is not None and size < TINY.value
        settle = "the base model under the same command"
        return Present((*shown, usual), settle=settle, severity=Severity.WARNING if small else None)
    logged = run.record.get("eval/perplexity")
    last = logged.finite() if logged is not None else None
    if last is not None and len(last) and run.objective.started_from == "pretrained":
        says = f"evaluation perplexity is {number(float(last.value[-1]))} at {run.record.axis} {int(last.step[-1])}"
        seen = Evidence(says, last.source(-1), int(last.step[-1]), "eval/perplexity")
        if last.value[-1] >= PERPLEXITY.value:
            return Present((seen,), settle="the base model on the same rows")
        return Absent((seen,))
    if results:
        return Absent((Evidence(f"{count(len(results), 'benchmark result')}, all within what intact models reach"),))
    return NotEvaluated(missing="results of a benchmark, or the perplexity of an evaluation")


def _results(run: Measured) -> Iterator[tuple[str, str, float, Evidence]]:
    """Task, metric and value of every result of a benchmark, and of settings such as `lambada/perplexity`."""
    for event in run.record.events_of("benchmark-result"):
        task, _, rest = event.says.partition(": ")
        if event.value is not None:
            yield task, rest.rpartition(" ")[0], event.value, Evidence(event.says, event.source, event.step)
    for fact in run.record.other_facts:
        task, _, metric = fact.name.replace(".", "/").rpartition("/")
        if isinstance(fact.value, float) and _PERPLEXITY.match(metric) and _ENGLISH.search(task):
            yield task, metric, fact.value, Evidence(f"`{fact.name}` is {number(fact.value)}", fact.source)


def _is_odd(task: str, metric: str, value: float) -> bool:
    if _PERPLEXITY.match(metric):
        return value >= PERPLEXITY.value and _ENGLISH.search(task) is not None
    if metric not in ("acc", "accuracy"):
        return False
    if task.lower().startswith("lambada") and _ENGLISH.search(task):
        return value < LEAST_LAMBADA.value
    return value < BELOW_CHANCE.value * CHANCE.get(task.lower(), 0.0)


RULE = Rule(
    code="EVA509",
    slug="implausible-evaluation",
    severity=Severity.HARMFUL,
    needs=("events: benchmark-result", "eval/perplexity", "model_name"),
    check=check,
    thresholds=(PERPLEXITY, BELOW_CHANCE, LEAST_LAMBADA, TINY),
    since="0.2",
)
