"""`trainclinic serve`: a local page and an OpenAI-compatible address that answer from an index."""

from __future__ import annotations

import contextlib
import secrets
import socket
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trainclinic.cli.waiting import waiting
from trainclinic.cli.writing import ENDPOINT_HELP, MODEL_HELP, answering_from
from trainclinic.record.errors import TrainclinicError

if TYPE_CHECKING:
    from trainclinic.retrieval.answering import Answering

HELP = """Serve an index: a page to ask in, and an address for programs that speak OpenAI's `/v1/chat/completions`.

Only this machine can reach it, and calls that other sites make a browser send are refused. With another --host a random
token is printed, without which nothing is answered; the traffic is not encrypted. One answer is made at a time, a few
callers may wait.

\b
trainclinic serve my-index
trainclinic serve my-index --model exported
trainclinic serve my-index --endpoint http://localhost:11434/v1 --model qwen3
"""
HEADER_BYTES = 16 * 1024


@click.command(help=HELP, epilog="Exit codes: 0 stopped, 2 could not serve.")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8642, show_default=True, help="Port; 0 for any free one."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--model", default="", metavar="FOLDER|NAME", help=MODEL_HELP)
@click.option("--endpoint", default="", metavar="URL", help=ENDPOINT_HELP)
@click.option("--count", type=click.IntRange(1, 20), default=5, show_default=True, help="Passages to answer from.")
@click.option("--timeout", type=click.FloatRange(1, 3600), default=60.0, show_default=True, metavar="SECONDS",
              help="Longest silence of a served model.")  # fmt: skip
def command(
    *, folder: Path, port: int, host: str, model: str, endpoint: str, count: int, timeout: float
) -> None:  # fmt: skip
    """Open the index, make sure that the model is there, and serve until Ctrl-C."""
    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        message = f"serving needs `{'`, `'.join(missing)}`, not installed here"
        raise TrainclinicError(message, hint="install them with `pip install 'trainclinic[serve]'`")
    from trainclinic.retrieval.endpoint import is_loopback

    listener = _listener(host, port)  # before the model is loaded: a port in use is better told at once
    token = "" if is_loopback(host) else secrets.token_urlsafe(24)
    with listener:
        with waiting("opening index and model"):
            answering = answering_from(folder, model, endpoint, count, timeout)
            if answering.writer is not None:
                answering.writer.ready()
        _say_where(listener, host, token)
        _run(answering, listener, token)


def _run(answering: Answering, listener: socket.socket, token: str) -> None:
    import uvicorn

    from trainclinic.retrieval.server import build_app

    config = uvicorn.Config(
        build_app(answering, token=token), log_level="warning", access_log=False, server_header=False, ws="none",
        http="h11", h11_max_incomplete_event_size=HEADER_BYTES, proxy_headers=False, limit_concurrency=64,
        timeout_keep_alive=10, timeout_graceful_shutdown=5,
    )  # fmt: skip
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


def _listener(host: str, port: int) -> socket.socket:
    """A socket that listens, so that what is wrong with host or port is known before anything is loaded."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(64)
    except OSError as error:
        listener.close()
        message = f"cannot listen at `{host}`, port {port}: {(error.strerror or str(error)).lower()}"
        raise TrainclinicError(message, hint="--port 0 takes a free port") from error
    return listener


def _say_where(listener: socket.socket, host: str, token: str) -> None:
    port = listener.getsockname()[1]
    name = host if host not in {"0.0.0.0", "::"} else socket.gethostname()
    at = f"http://{f'[{name}]' if ':' in name else name}:{port}"
    click.echo(f"page      {at}/{f'?token={token}' if token else ''}")
    click.echo(f"programs  {at}/v1{'  with the token as key' if token else ''}")
    if token:
        click.echo("warning: others in the network can reach it, and nothing is encrypted", err=True)
    click.echo("Ctrl-C ends", err=True)
    sys.stdout.flush()
