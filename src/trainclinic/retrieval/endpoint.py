"""A served model, asked over HTTP: any server that speaks OpenAI's `/v1/chat/completions`.

Ollama, the server of llama.cpp, vLLM and many others do. It knows requests, streams and what can go wrong with them; it
does not know what is asked, or why. Answers of a server are data: limited in size, never run, never raw in errors.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import os
import re
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from trainclinic.record.errors import TrainclinicError

KEY_VARIABLE = "TRAINCLINIC_API_KEY"
"""Environment variable of the key: one of its own, so that a key for another service is never sent by accident."""
KNOWN = (
    "Ollama is at `http://localhost:11434/v1`, llama.cpp's server at `http://localhost:8080/v1`, "
    "vLLM at `http://localhost:8000/v1`"
)
LARGEST_ANSWER = 8 * 2**20
"""Bytes of one answer; beyond them the server is not one that answers questions."""


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of a served model.

    Attributes:
        text: What the model wrote; may be empty.
        finish_reason: Why it ended, as the server says: `stop`, `length` ...; empty when it does not say.
        tokens: Number of tokens it wrote; `None` when the server does not say.
    """

    text: str
    finish_reason: str
    tokens: int | None


class Endpoint:
    """A server of models under one address.

    Args:
        url: Its address, with or without `/v1`, e.g. `http://localhost:11434/v1`.
        model: Name of the model as the server knows it; empty for the only one it serves.
        timeout: Longest silence of the server, in seconds.
        key: Key that the server asks for; empty for none. It is sent and never shown.

    Raises:
        TrainclinicError: If the address or the key is no such thing.
    """

    def __init__(self, url: str, model: str = "", timeout: float = 60.0, key: str = "") -> None:
        self.url = _base_of(url)
        self.model = model
        self.timeout = timeout
        if key and not re.fullmatch(r"[!-~]+", key):
            message = f"the key in `{KEY_VARIABLE}` has characters that no key has"
            raise TrainclinicError(message, hint="a line break or a quote may have been copied with it")
        self._key = key
        host = urlsplit(self.url).hostname or ""
        proxies = [urllib.request.ProxyHandler({})] if is_loopback(host) else []
        self._opener = urllib.request.build_opener(_NoRedirect(), *proxies)

    def __repr__(self) -> str:
        """Address and model, without the key."""
        return f"Endpoint({self.url!r}, model={self.model!r})"

    def complete(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int | None = None,
    ) -> Completion:
        """Ask for a whole answer.

        Args:
            messages: Turns with `role` and `content`, the question last.
            max_tokens: Most tokens of the answer.
            temperature: 0 for the most likely answer.
            seed: Seed of the server's lots, where it takes one.

        Raises:
            TrainclinicError: If there is no answer; the message says why.
        """
        with self._ask("chat/completions", self._body(messages, max_tokens, temperature, seed)) as answer:
            return _completion(self._json_of(answer), self.url)

    def stream(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int | None = None,
    ) -> Iterator[str]:
        """Ask for an answer, piece by piece as it is written.

        Args:
            messages: Turns with `role` and `content`, the question last.
            max_tokens: Most tokens of the answer.
            temperature: 0 for the most likely answer.
            seed: Seed of the server's lots, where it takes one.

        Yields:
            Pieces of text, none of them empty.

        Raises:
            TrainclinicError: If there is no answer, or it breaks off; the message says why.
        """
        body = self._body(messages, max_tokens, temperature, seed) | {"stream": True}
        with self._ask("chat/completions", body) as answer:
            if "json" in str(answer.headers.get("Content-Type", "")):  # a server that does not stream
                whole = _completion(self._json_of(answer), self.url).text
                yield from [whole] if whole else []
                return
            yield from self._pieces(answer)

    def models(self) -> list[str]:
        """Names of the models that the server has.

        Raises:
            TrainclinicError: If it does not say; the message says why.
        """
        with self._ask("models", None) as answer:
            listed = self._json_of(answer)
        rows = listed.get("data") if isinstance(listed, dict) else None
        if not isinstance(rows, list):
            raise _not_this_kind(self.url, "has no list of models")
        return [str(row["id"]) for row in rows if isinstance(row, dict) and row.get("id")]

    def chosen(self) -> str:
        """Name of the model that is asked: the one that was named, or the only one there is.

        Raises:
            TrainclinicError: If none was named and the server has none or several.
        """
        if not self.model:
            names = self.models()
            if len(names) != 1:
                shown = ", ".join(f"`{name}`" for name in names[:8])
                message = f"`{self.url}` serves {f'{len(names)} models: {shown}' if names else 'no model'}"
                raise TrainclinicError(message, hint="name one with `--model NAME`" if names else "load a model there")
            self.model = names[0]
        return self.model

    def _body(
        self, messages: Sequence[Mapping[str, str]], max_tokens: int, temperature: float, seed: int | None
    ) -> dict[str, Any]:
        turns = [{"role": turn["role"], "content": turn["content"]} for turn in messages]
        asked = {"model": self.chosen(), "messages": turns, "max_tokens": max_tokens, "temperature": temperature}
        return asked if seed is None else asked | {"seed": seed}

    def _ask(self, path: str, body: Mapping[str, Any] | None) -> Any:
        headers = {"Accept": "application/json, text/event-stream", "User-Agent": "trainclinic"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/{path}", data, headers)
        try:
            return self._opener.open(request, timeout=self.timeout)
        except (OSError, http.client.HTTPException) as error:
            raise self._told(error) from error

    def _json_of(self, answer: Any) -> Any:
        try:
            read = answer.read(LARGEST_ANSWER + 1)
        except (OSError, http.client.HTTPException) as error:
            raise self._told(error) from error
        if len(read) > LARGEST_ANSWER:
            raise _not_this_kind(self.url, f"answers with more than {LARGEST_ANSWER:,} bytes")
        try:
            return json.loads(read)
        except (ValueError, RecursionError) as error:
            raise _not_this_kind(self.url, "answers with something that is no JSON") from error

    def _pieces(self, answer: Any) -> Iterator[str]:
        """The texts of server-sent events, until `[DONE]` or the end."""
        size, has_events = 0, False
        while True:
            try:
                line = answer.readline(LARGEST_ANSWER)
            except (OSError, http.client.HTTPException) as error:
                raise self._told(error) from error
            size += len(line)
            if not line or size > LARGEST_ANSWER:
                break
            if not line.startswith(b"data:"):
                continue
            has_events = True
            if line[5:].strip() == b"[DONE]":
                return
            piece = self._piece(line[5:])
            if piece:
                yield piece
        if not has_events:
            raise _not_this_kind(self.url, "answers with something that is no stream of events")

    def _piece(self, event: bytes) -> str:
        try:
            read = json.loads(event)
        except (ValueError, RecursionError) as error:
            raise _not_this_kind(self.url, "streams something that is no JSON") from error
        if isinstance(read, dict) and read.get("error"):
            message = f"`{self.url}` broke the answer off: {self._quoted(read['error'])}"
            raise TrainclinicError(message, hint="the log of the server says more")
        choice = _first_choice(read)
        delta = choice.get("delta") if choice else None
        return str(delta.get("content") or "") if isinstance(delta, dict) else ""

    def _told(self, error: Exception) -> TrainclinicError:
        """A failed request as a message with what to do."""
        if isinstance(error, urllib.error.HTTPError):
            return self._refused(error)
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(reason, TimeoutError):
            message = f"`{self.url}` said nothing for {self.timeout:g} s"
            return TrainclinicError(message, hint="a large model may still be loading: try again, or raise `--timeout`")
        if isinstance(reason, ConnectionRefusedError):
            return TrainclinicError(f"nothing listens at `{self.url}`", hint=f"start the server; {KNOWN}")
        if isinstance(reason, socket.gaierror):
            return TrainclinicError(f"the host of `{self.url}` is not known", hint=f"check the address; {KNOWN}")
        message = f"`{self.url}` broke the connection: {one_line(str(reason) or type(reason).__name__)}"
        return TrainclinicError(message, hint=f"check that it is a server of models; {KNOWN}")

    def _refused(self, error: urllib.error.HTTPError) -> TrainclinicError:
        with error:
            try:
                said = self._quoted(json.loads(error.read(65536)))
            except (ValueError, RecursionError, OSError, http.client.HTTPException):
                said = ""
        if error.code in {401, 403}:  # what such answers say may hold a part of the key
            wants = "refuses the key" if self._key else "asks for a key"
            message = f"`{self.url}` {wants} (status {error.code})"
            return TrainclinicError(
                message, hint=f"put the key into the environment variable `{KEY_VARIABLE}`; {KNOWN}"
            )
        message = f"`{self.url}` answers with status {error.code}{f': {said}' if said else ''}"
        if error.code == 404:
            model = f"is the model `{self.model}` there? " if self.model else ""
            return TrainclinicError(message, hint=f"{model}Check the address; {KNOWN}")
        if 300 <= error.code < 400:
            return TrainclinicError(message, hint="give the address that it leads to; questions are not sent elsewhere")
        return TrainclinicError(message, hint="the log of the server says more")

    def _quoted(self, said: object) -> str:
        """What a server says about an error, in one line and without the key."""
        while isinstance(said, dict):
            said = next((said[name] for name in ("error", "message", "detail") if said.get(name)), "")
        line = one_line(str(said))
        return line.replace(self._key, "(key)") if self._key else line


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirection would carry question and key to another server: it is an error instead."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Refuse to follow."""


def key_from_environment() -> str:
    """The key for served models: the environment variable `TRAINCLINIC_API_KEY`, empty when it is not set."""
    return os.environ.get(KEY_VARIABLE, "").strip()


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself.

    Args:
        host: Name or address, without port and brackets.
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def one_line(text: str, longest: int = 200) -> str:
    """A foreign text as part of a message: one line of printable characters.

    Args:
        text: Any text.
        longest: Most characters; what is cut off shows as `…`.
    """
    line = " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _base_of(url: str) -> str:
    given = url.strip()
    message = f"`{one_line(given)}` is no address of a server: expected `http://host:port/v1`"
    try:
        parts = urlsplit(given)
        is_web = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise TrainclinicError(message, hint=KNOWN) from error
    if not is_web or re.search(r"[\s\x00-\x1f]", given):
        raise TrainclinicError(message, hint=KNOWN)
    if "@" in parts.netloc:
        message = "the address of the server holds a user name or a password"
        raise TrainclinicError(message, hint=f"leave it out; a key goes into the environment variable `{KEY_VARIABLE}`")
    path = re.sub(r"/(chat/completions|models)$", "", parts.path.rstrip("/")).rstrip("/")
    if not re.search(r"/v\d+\w*$", path):
        path += "/v1"
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def _first_choice(read: object) -> dict[str, Any] | None:
    choices = read.get("choices") if isinstance(read, dict) else None
    is_one = isinstance(choices, list) and bool(choices) and isinstance(choices[0], dict)
    return choices[0] if is_one and choices else None


def _completion(read: object, url: str) -> Completion:
    choice = _first_choice(read)
    told = choice.get("message") if choice else None
    if choice is None or not isinstance(told, dict) or not isinstance(read, dict):
        raise _not_this_kind(url, "answers without a message")
    usage = read.get("usage")
    tokens = usage.get("completion_tokens") if isinstance(usage, dict) else None
    return Completion(
        text=str(told.get("content") or ""),
        finish_reason=str(choice.get("finish_reason") or ""),
        tokens=tokens if isinstance(tokens, int) else None,
    )


def _not_this_kind(url: str, what: str) -> TrainclinicError:
    message = f"`{url}` {what}: expected a server that speaks OpenAI's `/v1/chat/completions`"
    return TrainclinicError(message, hint=KNOWN)
