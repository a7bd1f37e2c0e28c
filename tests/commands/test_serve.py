"""The preview: the site, to this machine only, without noise."""

import contextlib
import http.client
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from helpers.tiny import mistake, started
from lamella.cli import main
from lamella.commands.serve import server_of
from lamella.errors import SiteError


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_text("<title>ä</title>", encoding="utf-8")
    (tmp_path / "a.webp").write_bytes(b"RIFF")
    (tmp_path / "data.js").write_text("")
    return tmp_path


@contextlib.contextmanager
def serving(site: Path) -> Iterator[int]:
    with server_of(site, 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def get(port: int, path: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        return response, response.read()


def test_it_serves_the_site(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(site) as port:
        response, content = get(port, "/")
        assert response.status == 200 and content.decode() == "<title>ä</title>"
        assert response.headers["Cache-Control"] == "no-cache"
        assert get(port, "/a.webp")[0].headers["Content-Type"] == "image/webp"
        assert "javascript" in get(port, "/data.js")[0].headers["Content-Type"]
        assert get(port, "/nowhere.html")[0].status == 404
        assert get(port, "/../../etc/passwd")[0].status == 404
    assert capsys.readouterr() == ("", "")


def test_it_listens_to_this_machine_only(site: Path) -> None:
    with server_of(site, 0) as server:
        assert server.socket.getsockname()[0] == "127.0.0.1"


def test_a_browser_that_hangs_up_makes_no_noise(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with server_of(site, 0) as server:
        for error in (ConnectionResetError(), BrokenPipeError(), ConnectionAbortedError()):
            try:
                raise error
            except OSError:
                server.handle_error(None, ("127.0.0.1", 1))
        assert capsys.readouterr().err == ""
        try:
            raise ValueError("a mistake of ours")
        except ValueError:
            server.handle_error(None, ("127.0.0.1", 1))
        assert "a mistake of ours" in capsys.readouterr().err


def test_a_folder_without_a_site(tmp_path: Path) -> None:
    message = mistake(CliRunner().invoke(main, ["serve", str(tmp_path)]))
    assert f"{tmp_path} holds no index.html." in message and "`lamella build` writes it" in message
    result = CliRunner().invoke(main, ["serve", str(tmp_path / "nowhere")])
    assert result.exit_code == 2 and "does not exist" in result.stderr


def test_a_port_that_is_taken(site: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        message = mistake(CliRunner().invoke(main, ["serve", str(site), "--port", str(port)]))
        assert f"Cannot listen on port {port}: Address already in use." in message
        assert "Choose another with --port." in message
    with pytest.raises(SiteError):
        server_of(site / "nowhere", 0)


@pytest.mark.skipif(os.name != "posix", reason="signals of a terminal")
def test_ctrl_c_ends_it_quietly(site: Path) -> None:
    with started("serve", str(site), "--port", "0") as running:
        assert running.stdout is not None
        line = running.stdout.readline()
        assert line.startswith("http://127.0.0.1:") and "Ctrl-C ends it" in line
        port = int(line.split(":")[2].split("/")[0])
        assert get(port, "/index.html")[0].status == 200
        running.send_signal(signal.SIGINT)
        _, stderr = running.communicate(timeout=10)
    assert running.returncode == 0 and stderr == ""
