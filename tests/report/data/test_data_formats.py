"""What every format of the report on data must keep: the schema, the marks of tokens, no command in any text."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import trainclinic
from tests.report.data.fixed_reports import HOSTILE, REPORTS, clean, small
from trainclinic.report.data.as_json import SCHEMA_FILE
from trainclinic.report.data.render import FORMATS, render
from trainclinic.report.html.page import LIMIT

SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
SUFFIXES = {"terminal": "txt", "md": "md", "json": "json"}
FOLDER = Path(__file__).parent / "snapshots"


@pytest.mark.parametrize("form", SUFFIXES)
@pytest.mark.parametrize("name", ["small", "clean"])
def test_a_fixed_report_renders_as_before(name: str, form: str) -> None:
    file = FOLDER / f"{name}.{SUFFIXES[form]}"
    now = render(REPORTS[name](), form).replace(trainclinic.__version__, "VERSION")
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.write_text(now, encoding="utf-8", newline="\n")
    assert now == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", REPORTS)
def test_json_follows_the_published_schema(name: str) -> None:
    jsonschema.validate(json.loads(render(REPORTS[name](), "json")), SCHEMA)


def test_a_schema_violation_is_found() -> None:
    report = json.loads(render(small(), "json"))
    del report["shown"][0]["tokens"][0]["labels"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(report, SCHEMA)


def test_the_schema_describes_every_key_and_no_other() -> None:
    def check(value: Any, schema: dict[str, Any]) -> None:
        for option in schema.get("anyOf", ()):
            schema = option if "$ref" in option else schema
        if "$ref" in schema:
            schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
        if isinstance(value, dict):
            assert set(value) == set(schema["properties"]) == set(schema["required"])
            for key, item in value.items():
                check(item, schema["properties"][key])
        elif isinstance(value, list):
            for item in value:
                check(item, schema["items"])

    check(json.loads(render(small(), "json")), SCHEMA)


@pytest.mark.parametrize("form", FORMATS)
def test_no_text_of_the_data_is_a_command(form: str) -> None:
    text = render(REPORTS["hostile"](), form)
    assert HOSTILE not in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert "\\x1b" in text


def test_markup_in_the_data_is_text_on_the_page() -> None:
    page = render(REPORTS["hostile"](), "html")
    assert page.count("<script") == 1
    assert "<b onmouseover" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("form", ["terminal", "md"])
def test_without_colour_marks_tell_loss_cut_and_end(form: str) -> None:
    text = render(small(), form)
    assert "<|user|>Which day?↵\n<|assistant|>[[Monday↵" in text
    assert "… 1,500 tokens … [[morning]]" in text
    assert "[[‹<|end|>›]]~~Bye~~~~‹<|end|>›~~" in text
    assert "[[in the loss]]" in text


def test_colour_changes_no_word_but_the_marks_and_adds_a_key_of_colours() -> None:
    def words_of(text: str) -> list[str]:
        plain = re.sub("\x1b\\[[0-9;]*m", "", text)
        for mark in ("[[", "]]", "~~", "‹", "›"):
            plain = plain.replace(mark, "")
        return plain.split()

    colored = render(small(), "terminal", color=True)
    assert "\x1b[" in colored
    key = words_of("Key: markup of the template user answer")
    both = words_of(colored)
    at = both.index("Key:")
    assert both[at : at + len(key)] == key
    assert both[: at + 1] + both[at + len(key) :] == words_of(render(small(), "terminal"))


@pytest.mark.parametrize("form", FORMATS)
def test_the_report_names_what_cannot_be_seen_and_how_to_see_it(form: str) -> None:
    text = render(small(), form)
    for said in ("interrupted after 1,200 rows", "--template", "--max-length", "assumed", "exact if one process"):
        assert said in text


@pytest.mark.parametrize("form", ["terminal", "md", "html"])
def test_a_section_without_content_is_not_there(form: str) -> None:
    text = render(clean(), form).lower()
    for heading in ("what these data show", "as the model gets", "the rows of step", "not looked at", "in the loss"):
        assert heading not in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(map(len, render(small(), "terminal", width=width).splitlines())) <= width


def test_a_token_says_its_id_label_and_part_on_the_page() -> None:
    page = render(small(), "html")
    assert '<i title="id 12, label 12; answer, in the loss">Mon</i>' in page
    assert '<i title="id 10, label -100; user">Which</i>' in page
    assert 'title="id 3, label 3; answer, cut off, end token, special"' in page


def test_the_histogram_has_a_bar_for_each_bin_and_a_line_at_the_limit() -> None:
    page = render(small(), "html")
    drawn = page[page.index('<svg class="histogram"') :]
    drawn = drawn[: drawn.index("</svg>")]
    assert drawn.count("<rect") == 3
    assert "limit 1,508" in drawn
    assert '<line x1="449.4"' in drawn


def test_a_page_with_many_rows_stays_within_its_limit() -> None:
    report = small()
    page = render(dataclasses.replace(report, shown=report.shown * 400), "html")
    shown = page.count('<div class="card shown">')
    assert 0.9 * LIMIT < len(page.encode()) <= LIMIT
    assert f"{shown:,} of 400 rows fit on this page" in page


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="`pdf` is not one of terminal, md, html, json"):
        render(clean(), "pdf")
