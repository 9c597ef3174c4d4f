"""The page on a model in a real browser, opened from a file with the network off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report.browsing import CONTRAST, MARKS, running_chromium, visits
from tests.report.validation.fixed_validations import REPORTS
from trainclinic.report.validation.render import render

pytestmark = MARKS


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    yield from running_chromium()


@pytest.fixture
def visit(chromium: Any, tmp_path: Path) -> Iterator[Any]:
    yield from visits(chromium, tmp_path, lambda name: render(REPORTS[name](), "html"))


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("width", [390, 1280])
def test_every_page_opens_without_error_request_or_sideways_scrolling(visit: Any, name: str, width: int) -> None:
    page = visit(name, width=width)
    assert page.locator("main").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_the_contrast_that_wcag_aa_asks_for(visit: Any, scheme: str) -> None:
    page = visit("failing", scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    assert page.evaluate(CONTRAST) == []


@pytest.mark.parametrize("width", [390, 1280])
def test_answers_stand_side_by_side_where_there_is_room_and_below_each_other_where_not(visit: Any, width: int) -> None:
    sides = visit("failing", width=width).locator(".answers").first.locator(".side")
    boxes = [sides.nth(at).bounding_box() for at in range(sides.count())]
    assert len(boxes) == 4
    assert len({box["y"] for box in boxes}) == (1 if width > 1000 else 4)
    assert len({box["x"] for box in boxes}) == (4 if width > 1000 else 1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_wrong_stands_out_without_a_script(visit: Any, scheme: str) -> None:
    page = visit("failing", scheme=scheme, script=False)
    look = "(node) => getComputedStyle(node).backgroundColor + getComputedStyle(node).boxShadow"
    marks = page.locator(".answers mark")
    assert marks.all_inner_texts() == ["red. It is red. It is red.", "<|user|>\nAnd the hat?", "<pad>"]
    assert marks.first.is_visible()
    assert marks.first.evaluate(look) != page.locator(".answers .side p").first.evaluate(look)


def test_a_number_that_became_worse_says_so_in_words(visit: Any) -> None:
    rows = visit("failing").locator("#measured tbody th").all_inner_texts()
    assert [("worse" in row) for row in rows] == [True, True, False]


def test_markup_in_the_answers_runs_nothing(visit: Any) -> None:
    page = visit("hostile")
    assert page.locator("h1").inner_text().startswith("<script>alert(1)</script>")
    assert page.locator("img").count() == 0
