"""Stand-ins for what costs time: an index of a few passages, a writer that says what it is told, a served model."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from trainclinic.retrieval.passage import Hit, Passage

PAIRS = [
    ("How do I reset my password?", "Open the settings, choose Security, and press Reset."),
    ("How long does delivery take?", "Delivery takes three days, five in winter."),
    ("Can I return a lamp?", "A lamp can be returned within 30 days."),
]


def passage(number: int, question: str, text: str) -> Passage:
    return Passage(f"{number:016x}", question, text, f"faq.jsonl:{number}")


@dataclass
class FewPassages:
    """Scores a passage by the share of the question's words that it has."""

    rows: list[tuple[str, str]] = field(default_factory=lambda: list(PAIRS))
    floor: float = 0.5
    title: str = "Shop"
    settings: dict[str, Any] = field(default_factory=lambda: {"channels": "words"})
    folder: Path = Path("shop-index")
    asked: list[str] = field(default_factory=list)

    @property
    def passages(self) -> int:
        return len(self.rows)

    def search(self, question: str, count: int = 5) -> list[Hit]:
        self.asked.append(question)
        words = set(re.findall(r"\w+", question.lower()))
        hits = []
        for number, (asked, text) in enumerate(self.rows, 1):
            share = len(words & set(re.findall(r"\w+", f"{asked} {text}".lower()))) / max(1, len(words))
            hits.append(Hit(passage(number, asked, text), share, {"words": share}))
        return sorted(hits, key=lambda hit: -hit.score)[:count]


@dataclass
class Parrot:
    """Writes what it is told to write, in pieces, and remembers what it was asked."""

    says: str = "Press Reset [1]."
    longest_prompt: int = 100_000
    name: str = "parrot"
    turns: list[dict[str, str]] = field(default_factory=list)
    is_ready: bool = False
    hold: threading.Event | None = None

    def ready(self) -> None:
        self.is_ready = True

    def fits(self, turns: Any) -> bool:
        return sum(len(turn["content"]) for turn in turns) <= self.longest_prompt

    def write(self, turns: Any, longest: int) -> Iterator[str]:
        assert longest > 0
        self.turns = list(turns)
        if self.hold is not None:
            assert self.hold.wait(20)
        yield from (self.says[at : at + 3] for at in range(0, len(self.says), 3))


@dataclass
class Served:
    """An OpenAI-compatible server on this machine, and what it was asked."""

    url: str = ""
    pieces: tuple[str, ...] = ("Press ", "Reset ", "[1].")
    models: tuple[str, ...] = ("tiny",)
    status: int = 200
    raw: bytes | None = None
    kind: str = "application/json"
    seen: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    silent: threading.Event = field(default_factory=threading.Event)
    is_silent: bool = False


@contextmanager
def served(**settings: Any) -> Iterator[Served]:
    """Run the server while the test does."""
    said = Served(**settings)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            said.seen.append((self.path, dict(self.headers), None))
            self.answer({"object": "list", "data": [{"id": name} for name in said.models]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            said.seen.append((self.path, dict(self.headers), body))
            if said.is_silent:
                said.silent.wait(10)
            elif body.get("stream") and said.raw is None:
                self.stream()
            else:
                told = {"role": "assistant", "content": "".join(said.pieces)}
                usage = {"completion_tokens": 4}
                self.answer({"choices": [{"message": told, "finish_reason": "stop"}], "usage": usage})

        def answer(self, value: Any) -> None:
            body = said.raw if said.raw is not None else json.dumps(value).encode()
            self.send_response(said.status)
            self.send_header("Content-Type", said.kind)
            self.send_header("Content-Length", str(len(body)))
            if 300 <= said.status < 400:
                self.send_header("Location", f"{said.url}/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        def stream(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write(b": a comment\n\n")
            for piece in said.pieces:
                event = {"choices": [{"delta": {"content": piece}}]}
                self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
            self.wfile.write(b"data: [DONE]\n\n")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    said.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield said
    finally:
        said.silent.set()
        server.shutdown()
        server.server_close()
        thread.join()
