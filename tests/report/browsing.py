"""What the tests of HTML pages share: a Chromium, and a visit during which nothing may go wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
playwright_api = pytest.importorskip("playwright.sync_api", reason="the browser tests need `playwright`")
MARKS = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"the browser tests need {CHROMIUM}"),
]
CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (c) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = (c) => { const f = (v) => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * f(c[0]) + 0.7152 * f(c[1]) + 0.0722 * f(c[2]); };
  const ground = (node) => { for (; node; node = node.parentElement) { const c = rgba(getComputedStyle(node).backgroundColor); if (c[3] > 250) return c; } return [255, 255, 255]; };
  const bad = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !node.getClientRects().length || ["SCRIPT", "STYLE", "TITLE"].includes(node.tagName)) continue;
    const style = getComputedStyle(node), svg = node.namespaceURI.endsWith("svg");
    const badge = svg && node.closest(".badge");
    const under = badge ? rgba(getComputedStyle(badge.querySelector("circle")).fill) : ground(node);
    const a = light(rgba(svg ? style.fill : style.color)), b = light(under);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push(`${node.tagName}.${node.getAttribute("class")} ${ratio.toFixed(2)} ${node.textContent.trim().slice(0, 30)}`);
  }
  return bad;
}"""


def running_chromium() -> Iterator[Any]:
    """A browser for the tests of a module."""
    with playwright_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield running
        running.close()


def visits(browser: Any, folder: Path, html_of: Callable[[str], str]) -> Iterator[Any]:
    """Open pages by name; console messages and requests are failures when the page is left."""
    contexts, trouble = [], []

    def go(name: str, *, width: int = 1280, scheme: str = "light", script: bool = True) -> Any:
        file = folder / f"{name}.html"
        file.write_text(html_of(name), encoding="utf-8")
        context = browser.new_context(
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
