"""What every format must keep: the schema, sections that disappear, no command hidden in any text."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import jsonschema
import pytest

from tests.report import example_runs, fixed_documents
from trainclinic.report.as_json import SCHEMA_FILE
from trainclinic.report.clean import visible
from trainclinic.report.html.page import LIMIT, to_html
from trainclinic.report.markdown_text import code, text
from trainclinic.report.model import Document
from trainclinic.report.render import FORMATS, render
from trainclinic.report.wording import short_names

DOCUMENTS = {
    "spike": fixed_documents.spike,
    "healthy": fixed_documents.healthy,
    "empty": fixed_documents.empty,
    "undecided": fixed_documents.undecided,
    "quiet": fixed_documents.quiet,
    "composed": example_runs.spike_document,
    "nan": example_runs.nan_document,
    "hostile": example_runs.hostile_document,
}
SCHEMA = json.loads(SCHEMA_FILE.read_text())
FUTURE = re.compile(r"(?i)\b(causes?|ruled out|next tests?|fixes)\b")


class Elements(HTMLParser):
    """Tags and attributes as a browser would see them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_json_follows_the_published_schema(name: str) -> None:
    jsonschema.validate(json.loads(render([DOCUMENTS[name]()], "json")), SCHEMA)


def test_json_of_several_runs_follows_the_published_schema() -> None:
    report = json.loads(render([make() for make in DOCUMENTS.values()], "json"))
    jsonschema.validate(report, SCHEMA)
    assert list(report) == ["schema", "runs"]
    assert [run["verdict"] for run in report["runs"]] == [
        "sick",
        "healthy",
        "undetermined",
        "sick",
        "healthy",
        "sick",
        "sick",
        "undetermined",
    ]


def test_the_schema_describes_every_key_and_no_other() -> None:
    def check(value: Any, schema: dict[str, Any], path: str) -> None:
        if "$ref" in schema:
            schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
        for option in schema.get("anyOf", ()):
            if isinstance(value, dict) and "$ref" in option:
                schema = SCHEMA["$defs"][option["$ref"].rpartition("/")[2]]
        if isinstance(value, dict):
            assert set(value) == set(schema["properties"]), path
            for key, item in value.items():
                check(item, schema["properties"][key], f"{path}.{key}")
        elif isinstance(value, list):
            for item in value:
                check(item, schema["items"], path)

    check(json.loads(render([fixed_documents.spike()], "json")), SCHEMA["$defs"]["single"], "")


def test_json_writes_numbers_that_are_not_finite_as_words() -> None:
    report = json.loads(render([fixed_documents.empty()], "json"), parse_constant=pytest.fail)
    row = report["timeline"][0]
    assert (row["train_loss"], row["train_change"], row["eval_loss"]) == ("NaN", "Infinity", "-Infinity")
    assert report["facts"][0]["value"] == "Infinity"


def test_a_schema_violation_is_found() -> None:
    report = json.loads(render([fixed_documents.spike()], "json"))
    report["findings"][0]["severity"] = "fatal"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(report, SCHEMA)


@pytest.mark.parametrize("form", ["terminal", "md", "html"])
def test_sections_without_content_leave_no_trace(form: str) -> None:
    shown = render([fixed_documents.healthy()], form)  # type: ignore[arg-type]
    body = re.sub(r"(?s)<(style|script)>.*?</\1>", "", shown)
    for heading in (
        "Timeline",
        "What this run shows",
        "Checkpoints",
        "Speed and lost time",
        "Not looked at",
        "Could not",
    ):
        assert heading.lower() not in body.lower()
    assert not FUTURE.search(body)


@pytest.mark.parametrize("form", FORMATS)
def test_a_run_without_fixes_says_nothing_of_them(form: str) -> None:
    shown = render([fixed_documents.spike()], form)  # type: ignore[arg-type]
    if form == "json":
        report = json.loads(shown)
        assert report["fixes"] == []
    else:
        assert "what to do" not in shown.lower()


@pytest.mark.parametrize("form", FORMATS)
def test_no_format_passes_a_terminal_escape_or_a_text_direction_override(form: str) -> None:
    shown = render([example_runs.hostile_document()], form)  # type: ignore[arg-type]
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "alert(1)" in shown


def test_hostile_text_adds_no_element_to_the_page() -> None:
    page = to_html([example_runs.hostile_document()])
    elements = Elements(page)
    scripts = [attrs for tag, attrs in elements.tags if tag == "script"]
    assert scripts == [{"type": "application/json", "class": "data"}, {}]
    assert not any(name.startswith("on") for _, attrs in elements.tags for name in attrs)
    links = [attrs.get("href") or "" for tag, attrs in elements.tags if tag in {"a", "link"}]
    assert all(link.startswith("#") or link == "data:," for link in links)


def test_hostile_text_cannot_leave_its_markdown_cell() -> None:
    shown = render([example_runs.hostile_document()], "md")
    assert shown.count("````") == 2  # code that holds three back-ticks stands between four
    lines = re.sub(r"(?ms)^(`{4})\n.*?^\1$", "", shown).splitlines()
    tables = [line for line in lines if line.startswith("| model")]
    assert len(re.findall(r"(?<!\\)\|", tables[0])) == 3
    outside_code = re.sub(r"(`+).*?\1", "", "\n".join(line for line in lines if "alert(1)" in line))
    assert not re.search(r"(?<!\\)<script", outside_code)


def test_markdown_code_spans_hold_any_number_of_back_ticks() -> None:
    assert code("a``b") == "```a``b```"
    assert code("`x`") == "`` `x` ``"
    assert text("see `a|b` and *c*") == r"see `a|b` and \*c\*"


def test_hostile_characters_are_written_out() -> None:
    assert visible("a\x1b[2Jb\u202e\x85") == "a\\x1b[2Jb\\u202e\\x85"
    assert visible("tab\tline\nend") == "tab\tline\nend"
    assert len(visible("x" * 100_000)) < 2_100


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_terminal_line_is_wider_than_asked(width: int) -> None:
    for make in DOCUMENTS.values():
        lines = render([make()], "terminal", width=width).splitlines()
        assert max(map(len, lines)) <= width


def test_the_terminal_form_says_the_same_without_colour() -> None:
    plain = render([fixed_documents.spike()], "terminal")
    colored = render([fixed_documents.spike()], "terminal", color=True)
    assert "\x1b[" not in plain
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored).split() == plain.split()
    for word in ("SICK", "HARMFUL", "WARNING", "NOTE"):
        assert word in plain


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="`pdf` is not one of"):
        render([fixed_documents.healthy()], "pdf")  # type: ignore[arg-type]


def full_document() -> Document:
    """As many causes, verdicts and tests as a report keeps."""
    spike, cause = fixed_documents.spike(), fixed_documents.shifted(0.5)
    cause = dataclasses.replace(cause, evidence_for=8 * cause.evidence_for, evidence_against=8 * cause.evidence_against)
    return dataclasses.replace(
        spike, causes=8 * (cause,), ruled_out=8 * spike.ruled_out, next_tests=2 * spike.next_tests
    )


@pytest.mark.parametrize("count", [2, 12, 60, 700])
@pytest.mark.parametrize("make", [example_runs.spike_document, full_document])
def test_a_page_of_many_runs_stays_below_its_limit(count: int, make: Callable[[], Document]) -> None:
    page = to_html([make()] * count)
    assert len(page.encode()) <= LIMIT
    assert f"{count:,} runs" in page
    assert page.count('<tr class="sick">') == min(count, 320)


def test_a_page_of_a_long_dense_run_stays_below_its_limit() -> None:
    page = to_html([example_runs.long_document(20_000)])
    assert 100_000 < len(page.encode()) <= LIMIT


def test_nan_is_said_in_words_in_every_text_format() -> None:
    document: Document = example_runs.nan_document()
    assert math.isnan(document.timeline[0].grad_norm or 0.0)
    for form in ("terminal", "md", "html"):
        assert "NaN" in render([document], form)  # type: ignore[arg-type]


def test_the_script_of_the_page_stays_small() -> None:
    folder = SCHEMA_FILE.parent.parent / "html" / "static"
    assert (folder / "report.js").stat().st_size < 20_000


@pytest.mark.parametrize(
    ("names", "width"),
    [
        (["a", "b"], 5),
        (["sweep-lr-0001-seed", "sweep-lr-0002-seed"], 10),
        (["same-name-twice", "same-name-twice"], 8),
        (["x" * 30, "y" * 30], 10),
    ],
)
def test_names_of_many_runs_lose_what_they_share(names: list[str], width: int) -> None:
    found = short_names(names, width)
    assert all(len(name) <= width for name in found)
    assert len(set(found)) == len(set(names))
