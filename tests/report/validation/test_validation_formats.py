"""What every format of the report on a model must keep: the schema, the marks, the numbers, no command in any text."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import trainclinic
from tests.report.validation.fixed_validations import HOSTILE, REPORTS, SAMPLES, failing, unseen, working
from trainclinic.report.html.page import LIMIT
from trainclinic.report.validation.as_json import SCHEMA_FILE
from trainclinic.report.validation.model import Piece, SampleEntry
from trainclinic.report.validation.render import FORMATS, render

SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
SUFFIXES = {"terminal": "txt", "md": "md", "json": "json"}
FOLDER = Path(__file__).parent / "snapshots"
FOR_PEOPLE = ("terminal", "md", "html")


def text_of(page: str) -> str:
    """The words of a page, without its markup; other formats as they are, without line breaks."""
    if page.startswith("<!doctype"):
        body = re.sub(r"<(style|script|svg).*?</\1>", "", page, flags=re.DOTALL)
        page = re.sub("<[^>]*>", "", body)
        for name, mark in (("lt", "<"), ("gt", ">"), ("#34", '"'), ("#39", "'"), ("amp", "&")):
            page = page.replace(f"&{name};", mark)
    return " ".join(
        page.replace("\\n", " ").replace("⏎", " ").replace("\\", "").replace("&lt;", "<").replace("`", "").split()
    )


@pytest.mark.parametrize("form", SUFFIXES)
@pytest.mark.parametrize("name", ["failing", "working", "unseen"])
def test_a_fixed_report_renders_as_before(name: str, form: str) -> None:
    file = FOLDER / f"{name}.{SUFFIXES[form]}"
    now = render(REPORTS[name](), form).replace(trainclinic.__version__, "VERSION")
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.write_text(now, encoding="utf-8", newline="\n")
    assert now == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", REPORTS)
def test_json_follows_the_published_schema(name: str) -> None:
    jsonschema.validate(json.loads(render(REPORTS[name](), "json")), SCHEMA)


@pytest.mark.parametrize("part", ["samples", "measures", "findings"])
def test_a_schema_violation_is_found(part: str) -> None:
    report = json.loads(render(failing(), "json"))
    jsonschema.validate(report, SCHEMA)
    report[part][0]["other"] = 1
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
                assert schema["properties"][key].get("description"), key
                check(item, schema["properties"][key])
        elif isinstance(value, list):
            for item in value:
                check(item, schema["items"])

    check(json.loads(render(failing(), "json")), SCHEMA)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_says_everything(form: str) -> None:
    report = failing()
    text = text_of(render(report, form, width=200))
    said = [report.reason, report.against, *report.regressions, *(one.says for one in report.warnings)]
    said += [remark for sample in report.samples for remark in sample.remarks]
    said += [side for sample in report.samples for side in (sample.question, sample.reference, sample.base or "")]
    said += [piece.text for sample in report.samples for piece in sample.answer]
    said += [one.name for one in report.measures] + [str(item.value) for item in report.settings]
    said += [one.code for one in report.findings] + ["an adapter"]
    for one in said:
        if form != "terminal" or one != report.against:  # headings there are in capitals
            assert text_of(one) in text


@pytest.mark.parametrize("form", ["md", "html", "json"])
def test_answers_drawn_by_chance_are_in_every_format_with_room_for_them(form: str) -> None:
    assert "It is crimson." in render(failing(), form)


@pytest.mark.parametrize("form", FOR_PEOPLE)
def test_each_number_stands_beside_that_of_the_base_and_of_the_earlier_time(form: str) -> None:
    text = text_of(render(failing(), form, width=120)).replace("|", " ")
    assert re.search(r"loss of held-out answers\s+(worse)?\s*0\.512\s*3\.99\s*0\.201\s*nats/token", text)
    assert "earlier" not in text_of(render(working(), form))


@pytest.mark.parametrize("form", ["terminal", "md"])
def test_without_colour_brackets_mark_what_is_wrong(form: str) -> None:
    text = render(failing(), form)
    assert "It is red. It is [[red. It is red. It is red.]]" in text
    assert "It is [[<pad>]] black." in text
    assert "[[" not in render(working(), form)


def test_on_a_page_what_is_wrong_is_marked() -> None:
    page = render(failing(), "html")
    for sample in SAMPLES:
        for piece in sample.answer:
            escaped = piece.text.replace("<", "&lt;").replace(">", "&gt;")
            assert (f"<mark>{escaped}</mark>" in page) == bool(piece.mark)


def test_colour_changes_no_word_but_the_brackets() -> None:
    colored = render(failing(), "terminal", color=True)
    assert "\x1b[" in colored
    plain = re.sub("\x1b\\[[0-9;]*m", "", colored)
    both = [one.replace("[[", "").replace("]]", "").split() for one in (plain, render(failing(), "terminal"))]
    assert both[0] == both[1]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(map(len, render(failing(), "terminal", width=width).splitlines())) <= width


def test_a_mark_behind_a_long_answer_is_seen_on_a_terminal() -> None:
    answer = (Piece("all is well " * 100), Piece("over and over " * 100, "repeated"))
    text = render(_with_samples(SampleEntry("?", "", None, answer, None, ())), "terminal")
    assert "[[over and over" in text_of(text)
    assert len(text) < len(render(failing(), "terminal")) + 500


@pytest.mark.parametrize("form", FOR_PEOPLE)
def test_an_empty_answer_is_said_to_be_empty(form: str) -> None:
    text = render(_with_samples(SampleEntry("?", "", None, (), None, ())), form)
    assert "(empty)" in text


def test_an_answer_that_is_not_there_is_not_said_to_be_empty() -> None:
    page = render(_with_samples(*SAMPLES[2:3], *SAMPLES[4:]), "html")
    assert "<h4>Base</h4><p>none</p>" in page
    assert "<h4>Base</h4><p>(empty)</p>" not in page


@pytest.mark.parametrize("form", FOR_PEOPLE)
def test_how_it_was_tested_is_said_without_any_number(form: str) -> None:
    text = text_of(render(unseen(), form))
    assert "longest answer" in text
    assert "128 tokens" in text


@pytest.mark.parametrize("form", FOR_PEOPLE)
def test_a_note_is_said_once_and_not_as_something_that_could_not_be_read(form: str) -> None:
    text = text_of(render(failing(), form, width=200))
    assert text.count("was made with another depth") == 1
    assert "Could not be read" not in text


@pytest.mark.parametrize("form", FORMATS)
def test_no_text_of_a_model_is_a_command(form: str) -> None:
    text = render(REPORTS["hostile"](), form)
    assert HOSTILE not in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert "\\x1b" in text


def test_markup_of_a_model_is_text_on_the_page() -> None:
    page = render(REPORTS["hostile"](), "html")
    assert page.count("<script") == 1
    assert "&lt;script&gt;alert(1)" in page
    assert "<img" not in page


def test_markup_of_a_model_is_text_in_markdown() -> None:
    text = render(REPORTS["hostile"](), "md")
    fences = re.findall(r"^(`{3,})", text, re.MULTILINE)
    outside = re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert len(fences) >= 8
    assert all(len(fence) > 3 for fence in fences)  # the answers hold three back-ticks themselves
    assert not re.search(r"(?<!\\)<script", outside.replace("&lt;", ""))
    assert not re.search(r"(?<!\\)!\[", outside)


def test_a_page_with_many_long_answers_stays_small_and_says_so() -> None:
    samples = [SampleEntry(f"question {at}", "", None, (Piece("x " * 900),), None, ()) for at in range(2000)]
    page = render(_with_samples(*samples), "html")
    assert len(page.encode()) <= LIMIT
    assert "samples fit on this page" in page


def test_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format `pdf` is not one of"):
        render(working(), "pdf")


def _with_samples(*samples: SampleEntry) -> Any:
    import dataclasses

    return dataclasses.replace(working(), samples=samples)
