"""Models that are served: what they write is looked at, and nothing else is claimed."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from trainclinic.catalogue.verdict import NotEvaluated
from trainclinic.diagnosis.validating import Validation, validate_served
from trainclinic.record.errors import TrainclinicError
from trainclinic.retrieval.endpoint import Endpoint

Reply = Callable[[dict[str, Any]], tuple[str, str]]
"""From a request to a text and why it ended."""
QUESTIONS = ("What colour is the door?", "What colour is the old jar?", "Which colour has the hat?", "Who has the pen?")


class Stub:
    """A server that answers as it is told.

    Attributes:
        asked: The requests for answers, in their order.
    """

    def __init__(self, reply: Reply) -> None:
        self.asked: list[dict[str, Any]] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send({"data": [{"id": "tiny"}]})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                stub.asked.append(body)
                text, ended = reply(body)
                choice = {"message": {"role": "assistant", "content": text}, "finish_reason": ended}
                self._send({"choices": [choice], "usage": {"completion_tokens": len(text.split()) + 1}})

            def _send(self, value: object) -> None:
                written = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(written)))
                self.end_headers()
                self.wfile.write(written)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is served."""
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    def stop(self) -> None:
        """Close the port."""
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def served(tmp_path) -> Iterator[Callable[..., tuple[Validation, Stub]]]:
    """Validate a server that answers as a function says."""
    stubs: list[Stub] = []
    file = tmp_path / "questions.txt"
    file.write_text("\n".join(QUESTIONS) + "\n")

    def ask(reply: Reply, depth: str = "usual", **other: Any) -> tuple[Validation, Stub]:
        stubs.append(Stub(reply))
        return validate_served(Endpoint(stubs[-1].url), prompts=file, depth=depth, **other), stubs[-1]

    yield ask
    for stub in stubs:
        stub.stop()


def helpful(body: dict[str, Any]) -> tuple[str, str]:
    """A different sentence for each question."""
    subject = body["messages"][-1]["content"].rstrip("?").split()[-1]
    return f"I have seen the {subject} this morning, and it was green.", "stop"


def codes(found: Validation) -> set[str]:
    return {one.entry.rule.code for one in found.findings if one.is_present}


def test_a_served_model_that_answers_passes_by_its_texts_alone(served):
    found, stub = served(helpful)
    assert (found.word, found.exit_code, codes(found)) == ("pass", 0, set())
    assert "only its texts could be looked at" in found.reason
    assert found.tested.kind == "endpoint"
    assert found.tested.name == f"tiny at {stub.url}"
    assert [one.question for one in found.tested.answers] == list(QUESTIONS)
    assert found.tested.answers[0].text == "I have seen the door this morning, and it was green."
    assert {one.stopped for one in found.tested.answers} == {True}
    rest = {one.entry.rule.code for one in found.findings if isinstance(one.verdict, NotEvaluated)}
    assert {"VAL001", "VAL002", "VAL101", "VAL102", "VAL104", "VAL108"} <= rest


def test_each_question_is_asked_greedily_and_by_chance_with_the_seed(served):
    _, stub = served(helpful, seed=7)
    assert [(one["model"], one["seed"]) for one in stub.asked] == [("tiny", 7)] * 2 * len(QUESTIONS)
    assert [one["temperature"] for one in stub.asked] == [0.0, 0.7] * len(QUESTIONS)
    assert stub.asked[0]["messages"] == [{"role": "user", "content": QUESTIONS[0]}]


def test_empty_answers_fail(served):
    found, _ = served(lambda _: ("", "stop"))
    assert found.word == "fail"
    assert "GEN801" in codes(found)


def test_answers_that_only_the_token_limit_ends_are_worth_a_look(served):
    found, _ = served(lambda body: (helpful(body)[0], "length"))
    assert codes(found) == {"GEN802"}
    assert {one.stopped for one in found.tested.answers} == {False}
    assert "1 finding worth a look" in found.reason


def test_answers_that_go_on_with_another_turn_until_the_limit_fail(served):
    found, _ = served(lambda body: (f"{helpful(body)[0]}\nuser: And the cup?\nassistant: It is", "length"))
    assert found.word == "fail"
    assert "endless generation" in found.reason
    assert "GEN802" in codes(found)


def test_the_question_as_an_answer_fails(served):
    found, _ = served(lambda body: (body["messages"][-1]["content"], "stop"))
    assert "VAL201" in codes(found)
    assert found.word == "fail"


def test_one_answer_to_every_question_fails(served):
    found, _ = served(lambda _: ("I am sorry, I cannot help with that.", "stop"))
    assert "VAL203" in codes(found)


def test_a_server_that_does_not_say_why_an_answer_ended_is_believed_neither_way(served):
    found, _ = served(lambda body: (helpful(body)[0], ""))
    assert {one.stopped for one in found.tested.answers} == {None}
    assert found.word == "pass"


def test_conversations_of_a_file_are_asked_without_their_last_answer(tmp_path):
    turns = [("user", "The door?"), ("assistant", "Red."), ("user", "The jar?"), ("assistant", "Blue.")]
    file = tmp_path / "rows.jsonl"
    row = {"messages": [{"role": role, "content": text} for role, text in turns]}
    file.write_text(json.dumps(row) + "\n")
    stub = Stub(lambda _: ("Blue.", "stop"))
    found = validate_served(Endpoint(stub.url), data=[file], depth="quick")
    stub.stop()
    assert [(one["role"], one["content"]) for one in stub.asked[0]["messages"]] == turns[:3]
    assert [(one.question, one.reference) for one in found.tested.answers] == [("The jar?", "Blue.")]
    assert found.tested.scores[0].tuned == (1.0,)
    assert found.word == "cannot tell"


def test_where_nobody_listens_the_error_says_what_to_start():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(TrainclinicError) as caught:
        validate_served(Endpoint(url, "tiny"), depth="quick")
    assert caught.value.message == f"nothing listens at `{url}`"
    assert "start the server" in caught.value.hint
