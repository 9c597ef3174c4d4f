"""A served model is asked over HTTP; what goes wrong becomes a message with what to do."""

from __future__ import annotations

import socket

import pytest

from tests.retrieval.stand_in import served
from trainclinic.record.errors import TrainclinicError
from trainclinic.retrieval.endpoint import LARGEST_ANSWER, Endpoint, is_loopback, key_from_environment, one_line

ASKED = [{"role": "user", "content": "How?"}]


def failure(url: str, *, stream: bool = False, **settings) -> TrainclinicError:
    endpoint = Endpoint(url, "tiny", **{"timeout": 5.0, **settings})
    with pytest.raises(TrainclinicError) as caught:
        list(endpoint.stream(ASKED, max_tokens=8)) if stream else endpoint.complete(ASKED, max_tokens=8)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/", "/v1/chat/completions"])
def test_the_address_is_understood_with_and_without_its_version(suffix):
    with served() as server:
        answer = Endpoint(server.url + suffix).complete(ASKED, max_tokens=8, temperature=0.5, seed=3)
    assert (answer.text, answer.finish_reason, answer.tokens) == ("Press Reset [1].", "stop", 4)
    path, _, body = server.seen[-1]
    assert path == "/v1/chat/completions"
    assert body == {"model": "tiny", "messages": ASKED, "max_tokens": 8, "temperature": 0.5, "seed": 3}


def test_an_answer_is_streamed_piece_by_piece():
    with served() as server:
        assert list(Endpoint(server.url, "tiny").stream(ASKED, max_tokens=8)) == ["Press ", "Reset ", "[1]."]
    assert server.seen[-1][2]["stream"] is True
    assert "seed" not in server.seen[-1][2]


def test_a_server_that_does_not_stream_is_read_as_a_whole():
    whole = b'{"choices": [{"message": {"content": "All at once"}}]}'
    with served(raw=whole) as server:
        assert list(Endpoint(server.url, "tiny").stream(ASKED, max_tokens=8)) == ["All at once"]


def test_the_models_are_listed_and_the_only_one_is_chosen():
    with served(models=("one", "two")) as server:
        endpoint = Endpoint(server.url)
        assert endpoint.models() == ["one", "two"]
        with pytest.raises(TrainclinicError, match="serves 2 models: `one`, `two`"):
            endpoint.chosen()
    with served(models=()) as server, pytest.raises(TrainclinicError, match="serves no model"):
        Endpoint(server.url).complete(ASKED, max_tokens=8)


def test_nothing_that_listens_is_said_with_the_usual_addresses():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        error = failure(f"http://127.0.0.1:{free.getsockname()[1]}")
    assert "nothing listens at" in error.message
    for address in ("http://localhost:11434/v1", "http://localhost:8080/v1", "http://localhost:8000/v1"):
        assert address in error.hint


@pytest.mark.parametrize(
    ("status", "raw", "said"),
    [
        (404, b'{"error": {"message": "model not found"}}', "answers with status 404: model not found"),
        (500, b"<html>", "answers with status 500"),
        (302, b"", "answers with status 302"),
        (200, b"<html>hello</html>", "answers with something that is no JSON"),
        (200, b'{"hello": 1}', "answers without a message"),
        (200, b'{"choices": [3]}', "answers without a message"),
        (200, b"[" * 100_000, "answers with something that is no JSON"),
    ],
)
def test_answers_that_are_none_are_told(status, raw, said):
    with served(status=status, raw=raw) as server:
        error = failure(server.url)
    assert said in error.message
    assert len(server.seen) == 1, "a redirection is not followed"


def test_an_endless_answer_is_cut():
    with served(raw=b" " * (LARGEST_ANSWER + 1)) as server:
        assert "more than" in failure(server.url).message


def test_silence_is_told_after_the_timeout():
    with served(is_silent=True) as server:
        assert "said nothing for 0.2 s" in failure(server.url, timeout=0.2).message


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'data: {"error": {"message": "out of memory"}}\n\n', "broke the answer off: out of memory"),
        (b"data: {no json\n\n", "streams something that is no JSON"),
        (b"<html>\n", "no stream of events"),
    ],
)
def test_a_stream_that_breaks_is_told(raw, said):
    with served(raw=raw, kind="text/event-stream") as server:
        assert said in failure(server.url, stream=True).message


def test_a_key_is_sent_and_never_shown(monkeypatch):
    monkeypatch.setenv("TRAINCLINIC_API_KEY", "sk-secret\n")
    monkeypatch.setenv("OPENAI_API_KEY", "another")
    key = key_from_environment()
    with served() as server:
        endpoint = Endpoint(server.url, "tiny", key=key)
        endpoint.complete(ASKED, max_tokens=8)
        assert server.seen[-1][1]["Authorization"] == "Bearer sk-secret"
        assert "secret" not in repr(endpoint)
    for status in (401, 400):
        with served(status=status, raw=b'{"error": "wrong key sk-secret"}') as server:
            assert "secret" not in str(failure(server.url, key=key))
    with pytest.raises(TrainclinicError) as caught:
        Endpoint("http://localhost", key="sk-secret\r\nX: 1")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "localhost:11434", "ftp://host/v1", "http://", "http://ho st/v1", "http://h:99999"]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(TrainclinicError, match="is no address of a server"):
        Endpoint(url)


def test_a_password_in_the_address_is_refused_and_not_repeated():
    with pytest.raises(TrainclinicError) as caught:
        Endpoint("http://me:secret@localhost/v1")
    assert "secret" not in str(caught.value)


def test_a_proxy_is_not_asked_for_this_machine(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with served() as server:
        assert Endpoint(server.url, "tiny").complete(ASKED, max_tokens=8).text


@pytest.mark.parametrize(
    ("host", "is_here"), [("localhost", True), ("127.0.0.9", True), ("::1", True), ("localhost.evil.example", False)]
)
def test_this_machine_is_known_by_its_addresses(host, is_here):
    assert is_loopback(host) is is_here


def test_a_foreign_text_becomes_one_harmless_line():
    assert one_line("a\x1b[31m\nb\u202e") == "a [31m b"
    assert one_line("x" * 300) == "x" * 199 + "…"
