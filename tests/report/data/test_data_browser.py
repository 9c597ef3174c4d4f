"""The page on data in a real browser, opened from a file with the network off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report.data.fixed_reports import REPORTS
from tests.report.test_browser import CHROMIUM, CONTRAST, FLAGS, playwright_api
from trainclinic.report.data.render import render

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"the browser tests need {CHROMIUM}"),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def visit(chromium: Any, tmp_path: Path) -> Iterator[Any]:
    """Open a report; console messages and requests are failures when the page is left."""
    contexts, trouble = [], []

    def go(name: str, *, width: int = 1280, scheme: str = "light", script: bool = True) -> Any:
        file = tmp_path / f"{name}.html"
        file.write_text(render(REPORTS[name](), "html"), encoding="utf-8")
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=script, offline=True
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: trouble.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
        page.on("request", lambda request: None if request.url == file.as_uri() else trouble.append(request.url))
        page.goto(file.as_uri())
        return page

    yield go
    for context in contexts:
        context.close()
    assert trouble == []


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
