"""Results of a benchmark over tasks: the table that lm-evaluation-harness prints, its JSON, and lines of text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from trainclinic.readers.fragment import Fragment
from trainclinic.readers.reader import Reader
from trainclinic.record.errors import ReadError
from trainclinic.record.facts import Fact
from trainclinic.record.parts import Event

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile

MAX_JSON_BYTES = 20_000_000
"""Larger files hold the single answers; the table beside them holds the results."""
_HEADER = re.compile(r"^\s*\|\s*(?:Tasks?|Groups?)\s*\|(?=.*\|\s*Metric\s*\|)(?=.*\|\s*Value\s*\|)", re.I | re.M)
_METRIC = re.compile(r'"\w+(?:,[\w-]+)?_stderr(?:,[\w-]+)?"|"\w+,none"')
_TASK = re.compile(
    r"\b(lambada\w*|wikitext\w*|ptb|c4|pile\w*|hellaswag|piqa|winogrande|arc_\w+|mmlu\w*|boolq|gsm8k|truthfulqa\w*|sciq)\b",
    re.I,
)
_PAIR = re.compile(
    r"\b(word_perplexity|perplexity|ppl|acc(?:uracy)?(?:_norm)?|exact_match)\W{1,4}(\d[\d.,]*(?:e[+-]?\d+)?)(?!\S*%)",
    re.I,
)
_NAMES = re.compile(r"eval|result|bench|perplex|ppl", re.I)
_NO_METRICS = ("alias", "name", "sample_len", "sample_count")


def sniff(file: LogFile) -> float:
    """By the header of the table, by `results` with metrics and their standard errors, or by a task with a metric."""
    if file.is_binary:
        return 0.0
    if file.path.suffix.lower() == ".json":
        return 0.92 if '"results"' in file.head_text and _METRIC.search(file.head_text) else 0.0
    if _HEADER.search(file.head_text):
        return 0.8
    lines = file.head_text.splitlines()[:200] if _NAMES.search(file.path.stem) else []
    return 0.55 if any(_TASK.search(line) and _PAIR.search(line) for line in lines) else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read every metric of every task.

    Raises:
        ReadError: If the file holds no result.
    """
    fragment = Fragment(file=file.name, reader="benchmark_results")
    found = _from_json(file, fragment) if file.path.suffix.lower() == ".json" else _from_table(file)
    for task, metric, value, line in found:
        says = f"{task}: {metric} {value:g}"
        fragment.events.append(Event("benchmark-result", says, file.source(line, task), value=value))
    if not fragment.events:
        message = f"`{file.name}` holds no results of a benchmark"
        raise ReadError(message, hint="expected a table with the columns `Tasks`, `Metric` and `Value`")
    return [fragment]


def _from_table(file: LogFile) -> Iterator[tuple[str, str, float, int]]:
    """Rows below a header, where an empty task is that of the row above; lines with a task and metrics elsewhere."""
    columns: list[str] = []
    task = ""
    for number, line in file.lines():
        if _HEADER.match(line):
            columns, task = [cell.lower() for cell in _cells(line)], ""
            continue
        if not line.lstrip().startswith("|"):
            yield from _from_line(line, number)
        cells = _cells(line)
        if not columns or len(cells) != len(columns):
            columns = columns if line.lstrip().startswith("|") else []
            continue
        row = dict(zip(columns, cells, strict=True))
        task = cells[0].strip("- ") or task
        value = _number(row.get("value", ""))
        metric = row.get("metric", "")
        if task and metric and value is not None:
            yield task, metric, value, number


def _from_line(line: str, number: int) -> Iterator[tuple[str, str, float, int]]:
    """`lambada_openai perplexity 3.41 acc 0.73`."""
    task = _TASK.search(line)
    for metric, text in _PAIR.findall(line, task.end()) if task else ():
        value = _number(text.rstrip(".,"))
        if task and value is not None:
            yield task[1], metric.lower(), value, number


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _from_json(file: LogFile, fragment: Fragment) -> Iterator[tuple[str, str, float, int]]:
    """`results` by task and metric; the name of the model goes to the fragment."""
    if file.size > MAX_JSON_BYTES:
        message = f"`{file.name}` has {file.size:,} bytes, too many for a table of results"
        raise ReadError(message)
    text = file.text()
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"`{file.name}` is not complete JSON: {str(error)[:120]}"
        raise ReadError(message, hint="the file may be cut off: look for an older copy") from error
    results = tree.get("results") if isinstance(tree, dict) else None
    if not isinstance(results, dict):
        return
    name = _model_name(tree)
    if name:
        fragment.facts.append(Fact("model_name", name, file.source(None, "model_name"), "log"))
    for task, metrics in results.items():
        line = text.count("\n", 0, max(text.find(json.dumps(str(task))), 0)) + 1
        for key, value in metrics.items() if isinstance(metrics, dict) else ():
            metric = str(key).partition(",")[0]
            number = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
            if metric not in _NO_METRICS and not metric.endswith("_stderr") and math.isfinite(number):
                yield str(task), metric, number, line


def _model_name(tree: dict[str, Any]) -> str:
    name = tree.get("model_name")
    arguments = tree.get("config", {}).get("model_args") if isinstance(tree.get("config"), dict) else None
    if isinstance(name, str) and name:
        return name
    if isinstance(arguments, dict):
        return str(arguments.get("pretrained", ""))
    found = re.search(r"pretrained=([^,\s]+)", arguments) if isinstance(arguments, str) else None
    return found[1] if found else ""


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


READER = Reader(
    name="benchmark_results",
    title="Results of lm-evaluation-harness: its table (`|Tasks|Version|...|Metric|Value|`), `results_*.json`, text",
    recognised_by="the header of the table, `results` with metrics and standard errors, or a known task with a metric",
    delivers="every metric of every task, and the name of the model",
    limits="single answers and sample counts are left out; other tables of results are not known",
    sniff=sniff,
    read=read,
)
