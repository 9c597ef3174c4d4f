"""The page in a real browser, opened from a file with the network off."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report import example_runs, fixed_documents
from tests.report.browsing import CONTRAST, MARKS, running_chromium, visits
from trainclinic.report.render import render

pytestmark = MARKS

DOCUMENTS = {
    "spike": [fixed_documents.spike()],
    "composed": [example_runs.spike_document()],
    "nan": [example_runs.nan_document()],
    "hostile": [example_runs.hostile_document()],
    "long": [example_runs.long_document()],
    "empty": [fixed_documents.empty()],
    "undecided": [fixed_documents.undecided()],
    "quiet": [fixed_documents.quiet()],
    "many": [fixed_documents.spike(), fixed_documents.healthy(), example_runs.nan_document()],
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    yield from running_chromium()


@pytest.fixture
def visit(browser: Any, tmp_path: Path) -> Iterator[Any]:
    yield from visits(browser, tmp_path, lambda name: render(DOCUMENTS[name], "html"))


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("width", [390, 1280])
def test_every_page_opens_without_error_request_or_sideways_scrolling(visit: Any, name: str, width: int) -> None:
    page = visit(name, width=width)
    assert page.locator("main").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["spike", "undecided", "quiet", "nan", "many"])
def test_all_text_has_the_contrast_that_wcag_aa_asks_for(visit: Any, name: str, scheme: str) -> None:
    page = visit(name, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    assert page.evaluate(CONTRAST) == []


def until(page: Any, expression: str) -> None:
    """Wait for an expression to be true, without `eval`, which the page's content security policy forbids."""
    for _ in range(100):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(20)
    pytest.fail(f"never true: {expression}")


def loss_plot(page: Any) -> dict[str, float]:
    """The box of the loss panel's plot, scrolled to where the mouse can reach it."""
    plot = page.locator(".panel[data-key=loss] .plot")
    plot.evaluate("(node) => node.scrollIntoView({ behavior: 'instant', block: 'center' })")
    box: dict[str, float] = plot.bounding_box()
    return box


def step_of(page: Any, badge: Any) -> float:
    """The step under the middle of a badge, from the tick labels of the axis."""
    ticks = [
        (box["x"] + box["width"] / 2, float(text.replace(",", "")))
        for tick in page.locator(".xaxis text[text-anchor=middle]").all()
        for box, text in [(tick.bounding_box(), tick.text_content())]
    ]
    (x0, s0), (x1, s1) = ticks[0], ticks[-1]
    box = badge.bounding_box()
    return s0 + (box["x"] + box["width"] / 2 - x0) / (x1 - x0) * (s1 - s0)


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_spike_is_marked_at_step_2000(visit: Any, width: int, script: bool) -> None:
    page = visit("spike", width=width, script=script)
    badge = page.locator('.panel[data-key=loss] .badge[data-step="2000"] circle')
    assert step_of(page, badge) == pytest.approx(2000, abs=20)
    assert "9.617" in page.locator('.badge[data-step="2000"] title').text_content()
    ring = page.locator('.panel[data-key=loss] .mark[data-step="2000"] circle').bounding_box()
    plot = page.locator(".panel[data-key=loss] .plot").bounding_box()
    assert ring["y"] - plot["y"] < 0.15 * plot["height"]


def test_the_page_reads_without_script(visit: Any) -> None:
    page = visit("spike", script=False)
    assert page.locator(".curve .line").count() == 5
    assert all(len(path.get_attribute("d")) > 20 for path in page.locator(".curve .line").all())
    assert page.locator(".script:visible").count() == 0
    shown = page.locator("main").inner_text()
    for text in ("first loss 9.227 nats/token", "training.log:29", "9.5846", "checkpoints/step001000.pt", "23.6 min"):
        assert text in shown
    page.locator("summary", has_text="Configuration").click()
    assert page.locator("text=config.json").is_visible()


def test_hover_shows_the_values_of_all_panels(visit: Any) -> None:
    page = visit("spike")
    box = loss_plot(page)
    page.mouse.move(box["x"] + box["width"] * 0.797, box["y"] + 100)
    assert page.locator(".at").text_content() == "step 2,000"
    values = [node.text_content() for node in page.locator(".key b").all()]
    assert values[0].startswith("9.5846")
    assert values[1].startswith("9.6169")
    assert values[3].startswith("1.55e-5")
    assert page.locator(".cursor[visibility=visible]").count() == 4
    page.mouse.move(5, 5)
    assert page.locator(".cursor[visibility=visible]").count() == 0


def test_a_drag_zooms_all_panels_and_a_double_click_resets(visit: Any) -> None:
    page = visit("spike")
    before = page.locator(".xaxis").inner_html(), page.locator(".curve .line").first.get_attribute("d")
    box = loss_plot(page)
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 90)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.99, box["y"] + 90, steps=4)
    page.mouse.up()
    ticks = [float(t.replace(",", "")) for t in page.locator(".xaxis text").all_text_contents()]
    assert min(ticks) >= 1500
    assert page.locator('.badge[data-step="0"]').is_hidden()
    assert step_of(page, page.locator('.badge[data-step="2000"] circle')) == pytest.approx(2000, abs=10)
    page.mouse.dblclick(box["x"] + 300, box["y"] + 90)
    assert page.locator(".xaxis text").all_text_contents() == re.findall(r">([\d,]+)<", before[0])
    assert page.locator('.badge[data-step="0"]').is_visible()


def test_the_keyboard_moves_zooms_and_resets(visit: Any) -> None:
    page = visit("spike")
    page.locator(".chart").focus()
    page.keyboard.press("End")
    assert page.locator(".at").text_content() == "step 2,500"
    page.keyboard.press("ArrowLeft")
    assert page.locator(".at").text_content() == "step 2,475"
    page.keyboard.press("+")
    zoomed = page.locator(".xaxis text").all_text_contents()
    assert zoomed[0] != "0"
    page.keyboard.press("0")
    assert page.locator(".xaxis text").all_text_contents()[0] == "0"
    page.keyboard.press("l")
    assert page.locator(".panel[data-key=loss]").get_attribute("data-scale") == "log"


def test_every_control_can_be_reached_with_the_tab_key(visit: Any) -> None:
    page = visit("spike")
    seen = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.getAttribute('class') || document.activeElement.tagName"))
    assert {"skip", "theme script", "chart", "scale script", "key train", "badge harmful", "SUMMARY"} <= seen


def test_the_wheel_zooms_only_where_asked(visit: Any) -> None:
    page = visit("spike")
    box = loss_plot(page)
    page.mouse.move(box["x"] + 300, box["y"] + 90)
    before = page.evaluate("scrollY")
    page.mouse.wheel(0, 120)
    until(page, f"scrollY > {before}")
    assert page.locator(".xaxis text").all_text_contents()[0] == "0"
    page.locator(".chart").focus()
    box = loss_plot(page)
    page.mouse.move(box["x"] + 300, box["y"] + 90)
    page.mouse.wheel(0, -400)
    until(page, "document.querySelector('.xaxis text').textContent !== '0'")


def test_log_scale_and_curves_can_be_switched(visit: Any) -> None:
    page = visit("spike")
    panel = page.locator(".panel[data-key=loss]")
    linear = panel.locator(".line").first.get_attribute("d")
    panel.locator(".scale").click()
    assert panel.locator(".scale").get_attribute("aria-pressed") == "true"
    assert panel.locator(".line").first.get_attribute("d") != linear
    key = panel.locator(".key.train")
    key.click()
    assert key.get_attribute("aria-pressed") == "false"
    assert panel.locator(".curve.train").is_hidden()


def test_the_script_draws_what_the_server_drew(visit: Any) -> None:
    page = visit("spike")
    shown = (
        "[...document.querySelectorAll('.yaxis, .xaxis')].map((axis) => [...axis.children].map((t) => t.textContent))"
    )
    server = page.evaluate(shown)
    page.locator(".chart").focus()
    page.keyboard.press("0")
    assert page.evaluate(shown) == server


def test_the_theme_switches_and_follows_the_system(visit: Any) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    page = visit("spike", scheme="dark")
    dark = page.evaluate(ground)
    page.locator(".theme").click()
    light = page.evaluate(ground)
    assert light != dark
    assert visit("spike", scheme="light").evaluate(ground) == light


def test_tables_sort_by_number(visit: Any) -> None:
    page = visit("spike")
    page.get_by_role("button", name="train loss").click()
    column = page.locator("#timeline tbody td:nth-child(2)").all_text_contents()
    assert [float(text) for text in column] == sorted(float(text) for text in column)
    page.get_by_role("button", name="train loss").click()
    assert page.locator("#timeline tbody td:nth-child(2)").first.text_content() == "9.5846"


def test_a_badge_leads_to_its_finding_and_opens_it(visit: Any) -> None:
    page = visit("spike")
    assert page.locator("#f2").get_attribute("open") is None
    page.locator('.badge[data-step="2000"]').click()
    until(page, "document.getElementById('f2').open")


def test_the_overview_leads_to_each_run(visit: Any) -> None:
    page = visit("many")
    assert page.locator(".overview tbody tr").count() == 3
    page.get_by_role("link", name="report-b").click()
    until(page, "document.getElementById('r0-run').open")
    page.locator("#r0-charts .scale").first.click()
    assert page.locator("#r0-charts .panel").first.get_attribute("data-scale") == "log"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_folded_is_printed_dark_on_white(visit: Any, scheme: str) -> None:
    page = visit("spike", scheme=scheme)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#f3 dl").is_visible()
    assert page.locator(".bar").is_hidden()
    assert page.locator(".tools").is_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(CONTRAST) == []


def test_hostile_text_runs_nothing(visit: Any) -> None:
    page = visit("hostile")
    assert "<script>alert(1)</script>" in page.locator("main").inner_text()
    assert page.evaluate("document.querySelectorAll('script').length") == 2


@pytest.mark.parametrize("width", [390, 1280])
def test_the_most_probable_cause_is_open_with_both_sides_and_a_bar_of_its_length(visit: Any, width: int) -> None:
    page = visit("spike", width=width, script=False)
    cause = page.locator("#c-double-label-shift")
    assert cause.get_attribute("open") is not None
    assert cause.locator(".pro").is_visible()
    assert cause.locator(".contra").is_visible()
    drawn, track = cause.locator(".meter rect").bounding_box(), cause.locator(".meter").bounding_box()
    assert drawn["width"] / track["width"] == pytest.approx(0.8, abs=0.01)
    sides = [cause.locator(side).bounding_box() for side in (".pro", ".contra")]
    assert (sides[0]["y"] == sides[1]["y"]) == (width == 1280)
    assert page.locator("#c-mps-instability").get_attribute("open") is None


def test_the_causes_stand_above_the_charts_and_the_findings(visit: Any) -> None:
    page = visit("spike")
    order = ["causes", "ruled-out", "settle", "stuck", "charts", "findings"]
    tops = [page.locator(f"#{anchor}").bounding_box()["y"] for anchor in order]
    assert tops == sorted(tops)


def test_code_of_a_test_is_copied_as_it_stands(visit: Any) -> None:
    page = visit("spike")
    button = page.locator(".copy").first
    button.click()
    until(page, "document.querySelector('.copy').textContent !== 'copy'")
    if button.text_content() == "selected":
        copied = page.evaluate("getSelection().toString()")
    else:
        page.context.grant_permissions(["clipboard-read"])
        copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == fixed_documents.spike().next_tests[0].how


def test_a_quiet_run_says_so_in_one_line(visit: Any) -> None:
    page = visit("quiet")
    assert page.locator("#causes").inner_text() == "Nothing wrong: ordinary convergence, 80 %."
    assert page.locator(".cause, #settle, #ruled-out").count() == 0
