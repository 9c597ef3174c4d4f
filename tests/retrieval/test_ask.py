"""`trainclinic ask`: what is printed, the exit codes, the conversation."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from tests.retrieval.stand_in import FewPassages, served
from trainclinic.cli import ask
from trainclinic.cli.app import app

RESET = "How do I reset my password?"


@pytest.fixture
def run(monkeypatch):
    index = pytest.importorskip("trainclinic.retrieval.index")
    few = FewPassages()
    monkeypatch.setattr(index.Index, "open", lambda _: few)

    def invoke(*arguments, typed=""):
        ran = CliRunner().invoke(app, ["ask", "shop-index", *arguments], input=typed)
        assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
        return ran

    invoke.index = few
    return invoke


def test_the_quotation_and_its_sources_are_printed(run):
    ran = run(RESET)
    assert ran.exit_code == 0
    answer, _, rest = ran.stdout.partition("\n\n")
    assert answer == "Open the settings, choose Security, and press Reset. [1]"
    assert "Sources\n[1] faq.jsonl:1  1.00  How do I reset my password?\n" in rest
    assert max(map(len, rest.splitlines())) <= 80


def test_what_the_data_do_not_say_has_an_exit_code_of_its_own(run):
    ran = run("Who painted the Mona Lisa?")
    assert ran.exit_code == 3
    assert ran.stdout.startswith("The data do not say.\n")
    assert "Nearest passages, which are no answer" in ran.stdout


def test_the_answer_as_json_has_sources_scores_and_floor(run):
    read = json.loads(run(RESET, "--json", "--count", "2").stdout)
    assert read["answer"].startswith("Open the settings")
    assert (read["version"], read["in_data"], read["cited"], read["floor"]) == (1, True, [1], 0.5)
    assert read["sources"][0] | {"text": ""} == {
        "number": 1, "id": "0000000000000001", "source": "faq.jsonl:1", "question": RESET, "text": "",
        "score": 1.0, "parts": {"words": 1.0},
    }  # fmt: skip


def test_a_served_model_writes_from_the_passages(run):
    with served() as server:
        ran = run(RESET, "--endpoint", server.url)
    assert ran.stdout.startswith("Press Reset [1].\n\nSources\n[1] faq.jsonl:1")
    sent = server.seen[-1][2]
    assert sent["temperature"] == 0
    assert "Open the settings" in sent["messages"][-1]["content"]


def test_a_served_model_is_not_asked_what_the_data_do_not_say(run):
    with served() as server:
        assert run("Who painted the Mona Lisa?", "--endpoint", server.url).exit_code == 3
    assert server.seen == []


def test_a_conversation_goes_on_until_it_is_quit(run):
    run.index.floor = 0.2
    typed = f"{RESET}\n\n:sources\n:what\nAnd delivery?\n:new\nWhy?\n:quit\nnever asked\n"
    ran = run("-i", typed=typed)
    assert ran.exit_code == 0
    assert run.index.asked == [RESET, f"{RESET} And delivery?", "Why?"]
    assert "[1] faq.jsonl:1  score 1.00\nHow do I reset my password?\nOpen the settings" in ran.stdout


def test_an_error_does_not_end_a_conversation(run):
    with served(status=500, raw=b"{}") as server:
        ran = run("-i", "--endpoint", server.url, "--model", "tiny", typed=f"{RESET}\nand\n:sources\n")
    assert ran.exit_code == 0
    assert ran.stderr.count("status 500") >= 1
    assert "nothing has been asked yet" in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "there is no question"),
        ((RESET, "--model", "nowhere"), "`nowhere` is no folder of a model"),
        ((RESET, "--endpoint", "nowhere"), "`nowhere` is no address of a server"),
    ],
)
def test_what_cannot_be_answered_is_told(run, arguments, said):
    ran = run(*arguments)
    assert ran.exit_code == 2
    assert said in ran.stderr
    assert "hint:" in ran.stderr


def test_a_terminal_obeys_no_passage(run):
    run.index.rows = [(RESET, "\x1b]0;owned\x07\x9b2J reset\u202e my password\r gone 👩\u200d🚀")]
    shown = run(RESET).stdout
    assert not {"\x1b", "\x07", "\x9b", "\u202e", "\r"} & set(shown)
    assert "👩\u200d🚀" in shown
    assert ask.printable("a\tb\nc") == "a\tb\nc"
