"""A preview server for a rendered site: its own files, to browsers on this machine only.

Flow: site -> **serve**. It knows nothing of strangers: who asks under another name than this
machine's (a page that has its own name point here), for what is no file of the folder, or too
slowly is turned away.
"""

import socket
import sys
import time
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lamella.commands.terminal import say
from lamella.errors import SiteError, said

HOST = "127.0.0.1"
NAMES = (HOST, "localhost", "[::1]")  # of this machine, in a request
PATIENCE = 10.0  # seconds without a byte after which a connection is closed
LONGEST = 60.0  # and seconds after which it is closed whatever it does
CONNECTIONS = 64  # at once; a browser holds a handful


class _Server(ThreadingHTTPServer):
    """With a bound on what is open at once. Silent where a browser hangs up in the middle of a
    file, as browsers do."""

    def __init__(self, *arguments: Any) -> None:
        self.open: dict[socket.socket, float] = {}  # since when
        super().__init__(*arguments)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return len(self.open) < CONNECTIONS

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open[request] = time.monotonic()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Twice a second."""
        for request, since in list(self.open.items()):
            if time.monotonic() - since > LONGEST:
                with suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Quiet(SimpleHTTPRequestHandler):
    """Without a line per request, and never cached: the site may be filling."""

    timeout = PATIENCE

    def log_message(self, format: str, *args: object) -> None:
        return

    def send_head(self) -> Any:
        """What is asked for, if it may be: a file of the folder, asked of this machine."""
        port = self.connection.getsockname()[1]
        host = self.headers.get("Host", "").lower()
        if (host if ":" in host.rpartition("]")[2] else f"{host}:80") not in {
            f"{name}:{port}" for name in NAMES
        }:
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "This is a preview for one machine")
            return None
        top = Path(self.directory).resolve()
        try:
            path = Path(self.translate_path(self.path))
            file = (path / "index.html" if path.is_dir() else path).resolve()
            inside = file.is_file() and file.is_relative_to(top)
            dotted = inside and any(p.startswith(".") for p in file.relative_to(top).parts)
        except (ValueError, OSError, RuntimeError):  # NUL; too long a name; links in a circle
            inside = dotted = False
        if not inside or dotted:
            self.send_error(HTTPStatus.NOT_FOUND, "File not found")
            return None
        return super().send_head()

    def list_directory(self, path: Any) -> None:
        self.send_error(HTTPStatus.NOT_FOUND, "File not found")

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
        say(f"http://{HOST}:{server.server_port}/   (Ctrl-C ends it)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say()
