"""A preview server for a rendered site, on 127.0.0.1 only."""

import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click

from lamella.errors import SiteError, said

HOST = "127.0.0.1"


class _Server(ThreadingHTTPServer):
    """Silent where a browser hangs up in the middle of a file, as browsers do."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Quiet(SimpleHTTPRequestHandler):
    """Without a line per request, and never cached: the site may be filling."""

    def log_message(self, format: str, *args: object) -> None:
        return

    def guess_type(self, path: Any) -> str:
        return "image/webp" if str(path).endswith(".webp") else super().guess_type(path)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()


def server_of(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of a folder, not yet serving.

    Raises:
        SiteError: the folder holds no site, or the port is taken.
    """
    if not (folder / "index.html").is_file():
        raise SiteError(
            f"{folder} holds no index.html.",
            "Give the folder of a rendered site, public say; `lamella build` writes it.",
        )
    try:
        return _Server((HOST, port), partial(_Quiet, directory=str(folder)))
    except OSError as error:
        raise SiteError(
            f"Cannot listen on port {port}: {said(error)}.", "Choose another with --port."
        ) from error


def serve_folder(folder: Path, port: int) -> None:
    """Serve until Ctrl-C."""
    with server_of(folder, port) as server:
        click.echo(f"http://{HOST}:{server.server_port}/   (Ctrl-C ends it)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo()
