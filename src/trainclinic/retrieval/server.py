"""Answers over HTTP: one page for people, and OpenAI's `/v1/chat/completions` for programs.

It knows requests, limits and streams. What an answer is, `answering` knows; who may ask, `gate`; how many at once,
`turnstile`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from importlib import resources
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from trainclinic.record.errors import TrainclinicError
from trainclinic.retrieval.answering import LONGEST_QUESTION, MOST_SOURCES, Answer, Answering, checked_question
from trainclinic.retrieval.conversation import Conversation
from trainclinic.retrieval.gate import Gate
from trainclinic.retrieval.prompting import Turn
from trainclinic.retrieval.turnstile import BusyError, OverdueError, Turnstile

MODEL = "trainclinic"
"""Name of the model that programs see."""
LARGEST_BODY = 256 * 1024
"""Bytes of a request: a long conversation fits, a document does not."""
BODY_SECONDS = 10.0
"""Longest time for a request to arrive."""


def build_app(answering: Answering, *, token: str = "", turnstile: Turnstile | None = None) -> ASGIApp:
    """The server as an ASGI application.

    Args:
        answering: What answers.
        token: What callers have to know; empty when only this machine can reach the server.
        turnstile: How many may ask at once; by default one, and a few waiting.
    """
    served = _Served(answering, turnstile or Turnstile())
    routes = [
        Route("/", served.page),
        Route("/about", served.about),
        Route("/health", served.health),
        Route("/v1/models", served.models),
        Route("/v1/chat/completions", served.complete, methods=["POST"]),
    ]
    return Gate(Starlette(routes=routes, exception_handlers={HTTPException: _told}), token)


class _Served:
    def __init__(self, answering: Answering, turnstile: Turnstile) -> None:
        self._answering = answering
        self._turnstile = turnstile

    async def page(self, request: Request) -> Response:
        del request
        nonce = secrets.token_urlsafe(18)
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; "
            "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        html = _asset("page.html").replace("{{ nonce }}", nonce)
        html = html.replace("{{ style }}", _asset("page.css")).replace("{{ script }}", _asset("page.js"))
        return HTMLResponse(html, headers={"Content-Security-Policy": policy})

    async def about(self, request: Request) -> Response:
        del request
        index, writer = self._answering.index, self._answering.writer
        return JSONResponse(
            {
                "title": index.title,
                "passages": index.passages,
                "floor": index.floor,
                "count": self._answering.count,
                "most": MOST_SOURCES,
                "longest_question": LONGEST_QUESTION,
                "writer": writer.name if writer else "",
                "settings": {str(name): _plain(value) for name, value in index.settings.items()},
            }
        )

    async def health(self, request: Request) -> Response:
        del request
        return JSONResponse({"status": "ok", "busy": self._turnstile.inside})

    async def models(self, request: Request) -> Response:
        del request
        return JSONResponse({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": MODEL}]})

    async def complete(self, request: Request) -> Response:
        """One answer, whole or as a stream of events."""
        asked = await _asked(request)
        question, talk = _question(asked)
        answering = replace(self._answering, count=_count(asked, self._answering.count))
        try:
            flow = self._turnstile.start(lambda: answering.stream(question, talk))
        except BusyError as error:
            raise _problem(503, "too many questions are waiting; ask again in a few seconds") from error
        said = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": MODEL}
        if asked.get("stream") is True:
            return StreamingResponse(_events(flow, said), media_type="text/event-stream")
        answer = await _last(flow)
        choice = {"index": 0, "message": {"role": "assistant", "content": answer.text}, "finish_reason": "stop"}
        return JSONResponse({**said, "object": "chat.completion", "choices": [choice], **_beside(answer)})


async def _asked(request: Request) -> Mapping[str, Any]:
    """The body of a request as a mapping; each limit that it breaks is an answer of its own."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise _problem(415, "send `Content-Type: application/json`")
    try:
        body = await asyncio.wait_for(_body(request), BODY_SECONDS)
    except asyncio.TimeoutError as error:  # another class than `TimeoutError` before Python 3.11
        raise _problem(408, f"the request did not arrive within {BODY_SECONDS:g} s") from error
    try:
        read = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _problem(400, "the request is no JSON") from error
    if not isinstance(read, dict):
        raise _problem(400, "the request is no JSON object")
    return read


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_BODY:
            raise _problem(413, f"a request has at most {LARGEST_BODY:,} bytes")
        parts.append(part)
    return b"".join(parts)


def _question(asked: Mapping[str, Any]) -> tuple[str, Conversation]:
    """The last message of the user, and the turns before it."""
    turns = asked.get("messages")
    rows = [row for row in turns if isinstance(row, dict)] if isinstance(turns, list) else []
    spoken = [(str(row.get("role")), _text(row.get("content"))) for row in rows]
    talk, last = Conversation(), ""
    for role, text in spoken:
        if role == "assistant" and last:
            talk.turns.append(Turn(last[:LONGEST_QUESTION], text))
            last = ""
        elif role == "user":
            last = text
    try:
        return checked_question(last), talk
    except TrainclinicError as error:
        reason = error.message if last.strip() else "`messages` has to end with a question of the role `user`"
        raise _problem(400, reason) from error


def _text(content: object) -> str:
    """The text of a message: a string, or the texts among its parts."""
    if isinstance(content, list):
        return "\n".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _count(asked: Mapping[str, Any], usual: int) -> int:
    wanted = asked.get("count", usual)
    if not isinstance(wanted, int) or isinstance(wanted, bool) or not 1 <= wanted <= MOST_SOURCES:
        raise _problem(400, f"`count` is a number of sources from 1 to {MOST_SOURCES}")
    return wanted


async def _last(flow: AsyncIterator[Any]) -> Answer:
    try:
        items = [item async for item in flow]
    except Exception as error:
        status, reason = _failure(error)
        raise _problem(status, reason) from error
    answer: Answer = items[-1]
    return answer


async def _events(flow: AsyncIterator[Any], said: Mapping[str, Any]) -> AsyncIterator[str]:
    """Server-sent events: pieces, a last one with the sources, `[DONE]`; or an error."""
    chunk = {**said, "object": "chat.completion.chunk"}
    delta: dict[str, str] = {"role": "assistant", "content": ""}
    yield _event({**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    try:
        async for item in flow:
            if isinstance(item, Answer):
                end = {"index": 0, "delta": {}, "finish_reason": "stop"}
                yield _event({**chunk, "choices": [end], **_beside(item)})
            else:
                yield _event({**chunk, "choices": [{"index": 0, "delta": {"content": item}, "finish_reason": None}]})
    except Exception as error:
        status, reason = _failure(error)
        yield _event({"error": {"message": reason, "type": "failed", "code": status}})
    yield "data: [DONE]\n\n"


def _event(value: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(value)}\n\n"


def _beside(answer: Answer) -> dict[str, Any]:
    """What an answer has beside its text."""
    told = answer.as_json()
    return {name: told[name] for name in ("in_data", "writer", "cited", "dropped_citations", "notes", "sources")}


def _failure(error: Exception) -> tuple[int, str]:
    """Status and reason of a failed answer; what is no message for users stays inside."""
    if isinstance(error, OverdueError):
        return 504, "the answer took too long and was given up"
    if isinstance(error, TrainclinicError):
        return 502, error.message
    logging.getLogger(__name__).error("an answer failed", exc_info=error)
    return 500, "the answer failed; the terminal of the server says more"


def _problem(status: int, reason: str) -> HTTPException:
    headers = {"Retry-After": "5"} if status == 503 else None
    return HTTPException(status, reason, headers=headers)


async def _told(request: Request, error: Exception) -> Response:
    del request
    status = error.status_code if isinstance(error, HTTPException) else 500
    reason = error.detail if isinstance(error, HTTPException) else "failed"
    told = {"error": {"message": reason, "type": "invalid_request_error" if status < 500 else "failed", "code": status}}
    return JSONResponse(told, status, headers=getattr(error, "headers", None))


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _asset(name: str) -> str:
    return resources.files("trainclinic.retrieval").joinpath("page", name).read_text(encoding="utf-8")
