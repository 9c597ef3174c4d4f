"""What a request has to be before the server looks at it: from this machine's own page or program, or with the token.

It knows headers. A page of another site can make a browser send requests here; `Host`, `Origin` and `Sec-Fetch-Site`
tell them, and the answer is never readable elsewhere because no CORS header is sent. It does not encrypt anything.
"""

from __future__ import annotations

import hmac
import json
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trainclinic.retrieval.endpoint import is_loopback

COOKIE = "trainclinic-token"
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
NOTHING = "default-src 'none'; frame-ancestors 'none'"
"""Content security policy of everything but the page."""


class Gate:
    """Refuses what must not come in, and puts the headers of safety on what goes out.

    Args:
        app: The application behind it.
        token: What callers have to know; empty when only this machine can reach the server.
    """

    def __init__(self, app: ASGIApp, token: str = "") -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent = MutableHeaders(scope=message)
                for name, value in ALWAYS.items():
                    sent[name] = value
                sent.setdefault("Content-Security-Policy", NOTHING)
            await send(message)

        if self._is_sign_in(scope, headers):
            await _redirect_with_cookie(guarded, self._token)
            return
        refusal = self._refusal(scope, headers)
        if refusal is None:
            await self._app(scope, receive, guarded)
        else:
            await _refuse(guarded, *refusal)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        """Status and reason, or `None` for a request that may come in."""
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not (self._token or is_loopback(_host_name(hosts[0]))):
            return 421, "this server answers to `localhost` only"
        if _is_from_elsewhere(scope, headers, hosts[0]):
            return 403, "calls from other sites are refused"
        if self._token and scope["path"] != "/health" and not self._has_token(headers):
            return 401, "open the address with the token that was printed at the start, or send it as `Bearer`"
        return None

    def _is_sign_in(self, scope: Scope, headers: Headers) -> bool:
        """Whether it is the address that was printed: the token then goes into a cookie and out of the address."""
        if not self._token or scope["path"] != "/" or scope["method"] != "GET" or len(headers.getlist("host")) != 1:
            return False
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])
        return self._is_token(given[0])

    def _has_token(self, headers: Headers) -> bool:
        kind, _, sent = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._is_token(sent.strip()):
            return True
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return cookie is not None and self._is_token(cookie.value)

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())


def _is_from_elsewhere(scope: Scope, headers: Headers, host: str) -> bool:
    """Whether another site made the browser send this; following a link to the page is allowed."""
    origin = headers.get("origin")
    if origin is not None and origin.lower() not in {f"http://{host}".lower(), f"https://{host}".lower()}:
        return True
    site = headers.get("sec-fetch-site", "none")
    is_link = scope["path"] == "/" and scope["method"] == "GET" and headers.get("sec-fetch-mode") == "navigate"
    return site not in {"none", "same-origin"} and not is_link


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


async def _refuse(send: Send, status: int, reason: str) -> None:
    body = json.dumps({"error": {"message": reason, "type": "refused", "code": status}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _redirect_with_cookie(send: Send, token: str) -> None:
    cookie = f"{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/"
    headers = [(b"location", b"/"), (b"set-cookie", cookie.encode()), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
