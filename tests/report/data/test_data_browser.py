"""The page on data in a real browser, opened from a file with the network off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report.browsing import CONTRAST, MARKS, running_chromium, visits
from tests.report.data.fixed_reports import REPORTS
from trainclinic.report.data.render import render

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
    page = visit("small", scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    assert page.evaluate(CONTRAST) == []


def test_tokens_look_as_the_legend_says_without_a_script(visit: Any) -> None:
    page = visit("small", script=False)
    row = page.locator(".tokens")
    assert row.inner_text().startswith("<|user|>Which day?↵\n<|assistant|>Monday↵\n")
    for look in ("in", "cut", "end"):
        style = (
            "(node) => { const s = getComputedStyle(node); return [s.backgroundColor, s.textDecoration, s.outline]; }"
        )
        token, key = row.locator(f".tk.{look}").last, page.locator(f".key-tokens .tk.{look}")
        assert token.is_visible()
        assert key.is_visible()
        if look == "cut":
            assert "line-through" in token.evaluate(style)[1]
        if look == "in":
            assert token.evaluate(style)[0] != row.locator(".tk.p-user").first.evaluate(style)[0]


def test_markup_in_the_data_runs_nothing(visit: Any) -> None:
    page = visit("hostile")
    assert page.locator("h1").inner_text().startswith("<script>alert(1)</script>")
    assert page.locator("[onmouseover]").count() == 0
