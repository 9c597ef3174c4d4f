"""The page in a real browser, served by the real server, with data that try to break it."""

from __future__ import annotations

import threading
import time

import pytest

from tests.report.browsing import CONTRAST, MARKS, running_chromium
from tests.retrieval.stand_in import PAIRS, FewPassages, Parrot
from trainclinic.retrieval.answering import Answering

uvicorn = pytest.importorskip("uvicorn", reason="needs the server: pip install 'trainclinic[serve]'")
from trainclinic.retrieval.server import build_app  # noqa: E402

pytestmark = MARKS
RESET = "How do I reset my password?"
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script> reset my password"
ROWS = [*PAIRS, (f"How do I {HOSTILE}?", f"{HOSTILE} [1] {'long' * 60}\nsecond line")]


@pytest.fixture(scope="module")
def browser():
    yield from running_chromium()


@pytest.fixture(scope="module")
def writer():
    return Parrot("Open the settings [1], choose **Security** & press Reset [2]. <b>Not bold</b> [9]")


@pytest.fixture(scope="module")
def address(writer):
    app = build_app(Answering(FewPassages(rows=ROWS, floor=0.3, title="Shop <i>questions</i>"), writer))
    config = uvicorn.Config(app, port=0, log_level="warning", ws="none", lifespan="off")
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listener.close()


@pytest.fixture
def visit(browser, address):
    contexts, trouble = [], []

    def go(*, width=1280, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: trouble.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
        page.on("request", lambda sent: None if sent.url.startswith(f"{address}/") else trouble.append(sent.url))
        page.goto(f"{address}/")
        page.locator("#facts dd").first.wait_for(state="attached")
        return page

    yield go
    for context in contexts:
        context.close()
    assert trouble == []


def ask(page, question):
    page.fill("#question", question)
    page.keyboard.press("Enter")
    page.locator("#stop").wait_for(state="hidden")
    page.locator(".turn .answer:not(.writing)").first.wait_for()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_question_is_answered_with_sources_and_notes(visit, width, scheme):
    page = visit(width=width, scheme=scheme)
    ask(page, RESET)
    assert page.locator(".answer").inner_text() == (
        "Open the settings [1], choose **Security** & press Reset [2]. <b>Not bold</b>"
    )
    assert page.locator(".sources .place").first.inner_text().startswith("faq.jsonl:")
    assert "cited [9], which it was not given" in page.locator(".note").inner_text()
    page.locator(".mark").nth(1).click()
    assert page.locator(".sources li.lit .number").inner_text() == "[2]"
    page.locator("#settings summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) == []


def test_hostile_data_stay_text(visit, writer):
    page = visit()
    said, writer.says = writer.says, HOSTILE
    try:
        ask(page, f"{RESET} {HOSTILE}")
    finally:
        writer.says = said
    assert page.locator(".answer").inner_text().startswith("<img src=x")
    assert page.locator("main img, .turn script, h1 i").count() == 0
    assert page.title() == "Shop <i>questions</i> · trainclinic"


def test_what_the_data_do_not_say_is_said(visit):
    page = visit()
    ask(page, "Who painted the Mona Lisa?")
    assert page.locator(".turn.none .answer").inner_text() == "The data do not say."
    assert page.locator(".turn summary").inner_text() == "Nearest passages, which are no answer"
    assert page.evaluate(CONTRAST) == []


def test_a_follow_up_carries_the_conversation_and_a_new_one_forgets_it(visit, writer):
    page = visit()
    ask(page, RESET)
    ask(page, "And my password in winter?")
    assert [turn["role"] for turn in writer.turns] == ["system", "user", "assistant", "user"]
    assert page.locator(".turn").count() == 2
    page.click("#fresh")
    assert page.locator(".turn").count() == 0
    ask(page, RESET)
    assert [turn["role"] for turn in writer.turns] == ["system", "user"]


def test_an_answer_can_be_stopped(visit, writer):
    page = visit()
    writer.hold = threading.Event()
    try:
        page.fill("#question", RESET)
        page.click("#send")
        page.click("#stop")
        assert page.locator(".note").inner_text() == "stopped"
        assert page.locator("#send").is_enabled()
    finally:
        writer.hold.set()
        writer.hold = None
