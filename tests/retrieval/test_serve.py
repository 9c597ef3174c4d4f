"""`trainclinic serve`: where it listens, for whom, and what is told when it cannot."""

from __future__ import annotations

import socket

import pytest
from click.testing import CliRunner

from tests.retrieval.stand_in import FewPassages, served
from trainclinic.cli.app import app

uvicorn = pytest.importorskip("uvicorn", reason="needs the server: pip install 'trainclinic[serve]'")
testclient = pytest.importorskip("starlette.testclient", reason="starlette's test client needs `httpx2`")


@pytest.fixture
def run(monkeypatch):
    """Run the command up to the moment when it would serve."""
    index = pytest.importorskip("trainclinic.retrieval.index")
    monkeypatch.setattr(index.Index, "open", lambda _: FewPassages())

    def remember(server, sockets):
        with sockets[0]:
            invoke.address, invoke.app = sockets[0].getsockname(), server.config.app

    monkeypatch.setattr(uvicorn.Server, "run", remember)

    def invoke(*arguments):
        invoke.app = None
        return CliRunner().invoke(app, ["serve", "shop-index", *arguments])

    return invoke


def test_it_listens_on_this_machine_alone_and_says_where(run):
    ran = run("--port", "0")
    assert ran.exit_code == 0, ran.output
    host, port = run.address
    assert host == "127.0.0.1"
    assert f"page      http://127.0.0.1:{port}/\n" in ran.stdout
    assert f"programs  http://127.0.0.1:{port}/v1\n" in ran.stdout
    assert testclient.TestClient(run.app, base_url=f"http://localhost:{port}").get("/about").status_code == 200


def test_elsewhere_a_token_is_needed_and_another_each_time(run):
    tokens = []
    for _ in range(2):
        ran = run("--port", "0", "--host", "0.0.0.0")
        assert "nothing is encrypted" in ran.stderr
        tokens.append(ran.stdout.partition("?token=")[2].partition("\n")[0])
    assert tokens[0] != tokens[1]
    assert len(tokens[1]) >= 32
    client = testclient.TestClient(run.app, base_url="http://192.168.1.2")
    assert client.get("/about").status_code == 401
    assert client.get("/about", headers={"Authorization": f"Bearer {tokens[1]}"}).status_code == 200


def test_a_port_in_use_is_told(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = run("--port", str(taken.getsockname()[1]))
    assert (ran.exit_code, run.app) == (2, None)
    assert "cannot listen at `127.0.0.1`" in ran.stderr


def test_a_model_that_is_not_served_is_told_before_the_first_question(run):
    with served(models=("other",)) as server:
        ran = run("--port", "0", "--endpoint", server.url, "--model", "tiny")
    assert (ran.exit_code, run.app) == (2, None)
    assert "has no model `tiny`" in ran.stderr
    assert "it has `other`" in ran.stderr
