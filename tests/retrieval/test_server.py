"""The server: what it answers, whom it refuses, and how it shares one model."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import contextmanager

import pytest

from tests.retrieval.stand_in import FewPassages, Parrot
from trainclinic.retrieval.answering import LONGEST_QUESTION, Answering

pytest.importorskip("starlette", reason="needs the server: pip install 'trainclinic[serve]'")
testclient = pytest.importorskip("starlette.testclient", reason="starlette's test client needs `httpx2`")
from trainclinic.retrieval import server  # noqa: E402
from trainclinic.retrieval.turnstile import BusyError, OverdueError, Turnstile  # noqa: E402

HERE = "http://127.0.0.1:8642"
RESET = "How do I reset my password?"
ASK = "/v1/chat/completions"


@contextmanager
def caller(writer=None, *, base=HERE, index=None, **settings):
    app = server.build_app(Answering(index or FewPassages(), writer), **settings)
    with testclient.TestClient(app, base_url=base) as client:
        yield client


def body(*texts, **more):
    roles = ["user", "assistant"] * len(texts)
    return {"messages": [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)], **more}


def chunks(response):
    lines = [line for line in response.text.split("\n\n") if line]
    assert lines[-1] == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]


def test_a_question_is_answered_in_the_form_of_openai_with_its_sources():
    with caller() as client:
        read = client.post(ASK, json=body(RESET, model="any")).json()
    assert read["object"] == "chat.completion"
    assert read["choices"][0]["message"]["content"].startswith("Open the settings")
    assert read["choices"][0]["finish_reason"] == "stop"
    assert (read["in_data"], read["cited"], read["sources"][0]["source"]) == (True, [1], "faq.jsonl:1")


def test_an_answer_is_streamed_and_ends_with_its_sources():
    with caller(Parrot("Press [1] now [8].")) as client:
        answer = client.post(ASK, json=body(RESET, stream=True))
    assert answer.headers["content-type"].startswith("text/event-stream")
    read = chunks(answer)
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in read) == "Press [1] now."
    assert read[0]["choices"][0]["delta"]["role"] == "assistant"
    assert read[-1]["choices"][0]["finish_reason"] == "stop"
    assert (read[-1]["dropped_citations"], read[-1]["writer"]) == ([8], "parrot")
    assert len({chunk["id"] for chunk in read}) == 1


def test_the_last_message_of_the_user_is_the_question_and_the_rest_is_history():
    parrot, index = Parrot(), FewPassages(floor=0.1)
    asked = body("How long does delivery take?", "Three days.", "And in winter?")
    asked["messages"].insert(0, {"role": "system", "content": "You are a pirate."})
    asked["messages"][-1]["content"] = [{"type": "text", "text": "And in winter?"}]
    with caller(parrot, index=index) as client:
        assert client.post(ASK, json=asked).status_code == 200
    assert index.asked == ["How long does delivery take? And in winter?"]
    assert [turn["role"] for turn in parrot.turns] == ["system", "user", "assistant", "user"]
    assert "pirate" not in str(parrot.turns)


def test_the_number_of_sources_can_be_chosen():
    with caller(Parrot(), index=FewPassages(floor=0.0)) as client:
        assert len(client.post(ASK, json=body(RESET, count=2)).json()["sources"]) == 2
        for wrong in (0, 21, True, "3"):
            assert client.post(ASK, json=body(RESET, count=wrong)).status_code == 400


def test_models_health_and_what_the_index_is_are_told():
    with caller(Parrot()) as client:
        assert [row["id"] for row in client.get("/v1/models").json()["data"]] == ["trainclinic"]
        assert client.get("/health").json() == {"status": "ok", "busy": 0}
        told = client.get("/about").json()
    assert (told["title"], told["passages"], told["floor"], told["writer"]) == ("Shop", 3, 0.5, "parrot")
    assert told["settings"] == {"channels": "words"}


def test_the_page_allows_only_its_own_script_and_each_time_another_nonce():
    with caller() as client:
        first, second = client.get("/"), client.get("/")
    policy = first.headers["content-security-policy"]
    nonce = policy.partition("script-src 'nonce-")[2].partition("'")[0]
    assert len(nonce) >= 24
    assert first.text.count(f'nonce="{nonce}"') == 2
    assert nonce not in second.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")
    assert "{{" not in first.text
    for source in ("http://", "https://", "innerHTML", "eval("):
        assert source not in first.text


def test_every_answer_has_the_headers_of_safety():
    with caller() as client:
        for answer in (client.get("/"), client.get("/health"), client.get("/nowhere"), client.post(ASK)):
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8642", "localhost.evil.example", "192.168.1.2:8642", ""]
)
def test_another_host_name_is_refused(host):
    with caller() as client:
        assert client.get("/", headers={"Host": host}).status_code == 421
        assert client.post(ASK, json=body(RESET), headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost:8642", "127.0.0.1:9000", "[::1]:8642", "localhost"])
def test_this_machine_is_answered_under_each_of_its_names(host):
    with caller() as client:
        assert client.post(ASK, json=body(RESET), headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:3000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_calls_of_other_sites_are_refused(headers):
    with caller() as client:
        assert client.post(ASK, json=body(RESET), headers=headers).status_code == 403
        assert client.options(ASK, headers={"Origin": "http://evil.example"}).status_code == 403
        assert client.get("/about", headers=headers).status_code == 403


def test_calls_of_the_page_itself_and_links_to_it_are_answered():
    with caller() as client:
        own = {"Origin": HERE, "Sec-Fetch-Site": "same-origin"}
        assert client.post(ASK, json=body(RESET), headers=own).status_code == 200
        link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        assert client.get("/", headers=link).status_code == 200


@pytest.mark.parametrize(
    ("sent", "kind", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
        (b"{no", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{}", "application/json", 400),
        (b'{"messages": 3}', "application/json", 400),
        (b'{"messages": [{"role": "user", "content": {"a": 1}}]}', "application/json", 400),
        (b'{"messages": [{"role": "user", "content": "hm"}, {"role": "assistant", "content": "x"}]}', "application/json", 400),
        (json.dumps(body("x" * (LONGEST_QUESTION + 1))).encode(), "application/json; charset=utf-8", 400),
        (b" " * (server.LARGEST_BODY + 1), "application/json", 413),
    ],
)  # fmt: skip
def test_requests_that_break_a_limit_are_refused_with_a_reason(sent, kind, status):
    with caller() as client:
        answer = client.post(ASK, content=sent, headers={"Content-Type": kind} if kind else {})
        assert answer.status_code == status
        assert answer.json()["error"]["message"]
        assert client.get(ASK).status_code == 405


def test_a_body_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(server, "BODY_SECONDS", 0.05)
    sent = []

    async def never():
        await asyncio.sleep(30)

    async def send(message):
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": ASK, "raw_path": b"", "query_string": b"", "headers": headers,
             "http_version": "1.1", "scheme": "http", "root_path": ""}  # fmt: skip
    asyncio.run(server.build_app(Answering(FewPassages()))(scope, never, send))
    assert sent[0]["status"] == 408


def test_elsewhere_nothing_is_answered_without_the_token():
    with caller(base="http://192.168.1.2:8642", token="right") as client:
        assert client.get("/health").status_code == 200
        assert client.get("/").status_code == 401
        assert client.post(ASK, json=body(RESET), headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert client.get("/?token=wrong").status_code == 401
        assert client.get("/", headers={"Cookie": "trainclinic-token=wrong"}).status_code == 401
        assert client.post(ASK, json=body(RESET), headers={"Authorization": "Bearer right"}).status_code == 200
        foreign = {"Authorization": "Bearer right", "Origin": "http://evil.example"}
        assert client.post(ASK, json=body(RESET), headers=foreign).status_code == 403


def test_the_token_of_the_printed_address_becomes_a_cookie():
    with caller(base="http://192.168.1.2:8642", token="right") as client:
        answer = client.get("/?token=right", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert "HttpOnly; SameSite=Strict" in answer.headers["set-cookie"]
        assert client.get("/").status_code == 200, "the client has kept the cookie"


class Broken(Parrot):
    """Fails as it is told."""

    error: Exception = RuntimeError("secret detail")

    def write(self, *_):
        yield "Press "
        raise self.error


def test_a_failure_is_told_without_its_details(caplog):
    with caller(Broken()) as client:
        answer = client.post(ASK, json=body(RESET))
        assert answer.status_code == 500
        assert "secret detail" not in answer.text
        last = chunks(client.post(ASK, json=body(RESET, stream=True)))[-1]
    assert last["error"]["code"] == 500
    assert "secret detail" in caplog.text


def test_more_questions_than_may_wait_are_sent_away():
    parrot = Parrot(hold=threading.Event())
    turnstile = Turnstile(waiting=1)
    statuses = []
    with caller(parrot, turnstile=turnstile) as client:
        ask = lambda: statuses.append(client.post(ASK, json=body(RESET)).status_code)  # noqa: E731
        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        _until(lambda: turnstile.inside == 2)
        refused = client.post(ASK, json=body(RESET))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        parrot.hold.set()
        for thread in threads:
            thread.join()
        _until(lambda: turnstile.inside == 0)
        assert client.post(ASK, json=body(RESET)).status_code == 200
    assert statuses == [200, 200]


def _until(is_true):
    for _ in range(1000):
        if is_true():
            return
        time.sleep(0.01)
    pytest.fail("never true")


def test_work_is_done_one_after_the_other_and_given_up_when_overdue():
    async def main():
        turnstile, order = Turnstile(waiting=1, seconds=5), []

        def work(name):
            for at in range(3):
                order.append(f"{name}{at}")
                yield at

        first, second = turnstile.start(lambda: work("a")), turnstile.start(lambda: work("b"))
        with pytest.raises(BusyError):
            turnstile.start(lambda: work("c"))
        assert [item async for item in second] == [0, 1, 2]
        assert [item async for item in first] == [0, 1, 2]
        assert order == ["a0", "a1", "a2", "b0", "b1", "b2"]
        stuck = threading.Event()
        turnstile.seconds = 0.05
        with pytest.raises(OverdueError):
            [item async for item in turnstile.start(lambda: iter(lambda: stuck.wait(5), True))]
        stuck.set()

    asyncio.run(main())


def test_work_that_nobody_waits_for_stops():
    async def main():
        turnstile, ended, go, made = Turnstile(), threading.Event(), threading.Event(), []

        def work():
            try:
                for at in range(10_000):
                    made.append(at)
                    yield at
                    go.wait(5)
            finally:
                ended.set()

        flow = turnstile.start(work)
        assert await anext(flow) == 0
        await flow.aclose()
        go.set()
        assert await asyncio.to_thread(ended.wait, 5)
        assert len(made) <= 2

    asyncio.run(main())
