"""Take the pictures of the documentation: the bundled examples' reports in a headless Chromium.

    python3 scripts/screenshots.py [path of chromium]

Needs `playwright` and a Chromium; install the font Inter for the same letters.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

from trainclinic import diagnose
from trainclinic.diagnosis.data import examine_data
from trainclinic.encoding.preparation import Preparation, Stated
from trainclinic.report.data.render import render

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
LARGEST = 300_000
Scheme = Literal["light", "dark"]
SHOTS: tuple[tuple[str, str, int, int, Scheme], ...] = (
    # file, example, width, height, colour scheme
    ("report-b.png", "report-b", 1280, 1260, "light"),
    ("report-b-dark.png", "report-b", 1280, 1260, "dark"),
    ("report-a-phone.png", "report-a", 390, 1180, "light"),
)


def shoot(
    browser: Browser, page_file: Path, target: Path, width: int, height: int, scheme: Scheme, *, anchor: str = ""
) -> None:
    """Save the top of a page, or one section of it, as it looks on a screen of that size."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.goto(page_file.as_uri())
    (page.locator(f"#{anchor}") if anchor else page).screenshot(path=str(target))
    page.close()
    size = target.stat().st_size
    print(f"{target.relative_to(ROOT)}: {size:,} bytes")
    if size > LARGEST:
        sys.exit(f"`{target.name}` is larger than {LARGEST:,} bytes")


def main() -> None:
    """Render each example once and take its pictures."""
    chromium = sys.argv[1] if len(sys.argv) > 1 else "/usr/bin/chromium"
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, example, width, height, scheme in SHOTS:
            file = Path(folder) / f"{example}.html"
            if not file.exists():
                file.write_text(diagnose(ROOT / "examples" / example).render("html"), encoding="utf-8")
            shoot(browser, file, IMAGES / name, width, height, scheme)
        rows = Path(folder) / "rows.html"
        rows.write_text(rows_page(), encoding="utf-8")
        shoot(browser, rows, IMAGES / "data-rows.png", 1000, 620, "light", anchor="rows")
        browser.close()


def rows_page() -> str:
    """The bundled letters as rows that a model gets, under a limit that cuts some of them."""
    preparation = Preparation(scored=Stated("answers", "--loss-on"), max_length=Stated(300, "--max-length"))
    return render(examine_data(ROOT / "examples" / "letters", preparation=preparation).report(show=2), "html")


if __name__ == "__main__":
    main()
