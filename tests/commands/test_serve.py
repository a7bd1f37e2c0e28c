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
from lamella.commands import serve
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


def get(port: int, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection):
        connection.request("GET", path, headers=headers)
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


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_it_answers_to_the_names_of_this_machine(site: Path, name: str) -> None:
    with serving(site) as port:
        assert get(port, "/", Host=f"{name}:{port}")[0].status == 200


@pytest.mark.parametrize(
    "name", ["evil.example", "evil.example:{}", "localhost", "127.0.0.1:1", "localhost.evil:{}", ""]
)
def test_it_answers_to_no_other_name(site: Path, name: str) -> None:
    """A page of another site that has its own name point here must not read the preview."""
    with serving(site) as port:
        response, content = get(port, "/", Host=name.format(port))
        assert response.status == 421 and "ä" not in content.decode()


ODD = [
    "/%00",
    "/a%00.webp",
    "/\\..",
    "/%ff",
    "/%ed%a0%80",
    "/" + "x" * 300,
    "//evil.example/",
    "/%2e%2e/",
    "/?/../..",
    "/a.webp/",
]


@pytest.mark.parametrize("path", ODD)
def test_odd_paths_are_answered_without_a_word_on_the_terminal(
    site: Path, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(site) as port:
        response, content = get(port, path)
        assert response.status in (200, 404)
        assert response.status == 404 or content.decode() == "<title>ä</title>"
    assert capsys.readouterr() == ("", "")


def test_nothing_but_the_site_is_served(site: Path, tmp_path_factory) -> None:
    """No file that a link leads out to, no list of a folder, nothing whose name has a dot first."""
    outside = tmp_path_factory.mktemp("outside")
    for name in ("secret.html", "index.html"):
        (outside / name).write_text("secret")
    (site / "link.html").symlink_to(outside / "secret.html")
    (site / "folder").symlink_to(outside)
    (site / "inside.webp").symlink_to(site / "a.webp")
    (site / "loop.html").symlink_to(site / "loop.html")
    (site / ".lamella").mkdir()
    (site / ".lamella" / "manifest.json").write_text("{}")
    (site / "empty").mkdir()
    os.mkfifo(site / "pipe.html")
    with serving(site) as port:
        for path in ("link.html", "folder/", "folder/secret.html", "loop.html", "pipe.html"):
            assert get(port, f"/{path}")[0].status == 404, path
        for path in (".lamella/manifest.json", ".lamella/", "empty/", "empty"):
            assert get(port, f"/{path}")[0].status == 404, path
        assert get(port, "/inside.webp")[1] == b"RIFF"


def test_half_requests_are_bounded_and_end(site: Path, monkeypatch) -> None:
    monkeypatch.setattr(serve._Quiet, "timeout", 0.5)
    monkeypatch.setattr(serve, "CONNECTIONS", 8)
    before = threading.active_count()
    with serving(site) as port, contextlib.ExitStack() as stack:
        held = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(40)
        ]
        for each in held:
            with contextlib.suppress(OSError):  # turned away already
                each.sendall(b"GET / HTTP/1.0\r\n")
        assert threading.active_count() <= before + 1 + 8
        for each in held:  # all are closed from the other side
            each.settimeout(20)
            with contextlib.suppress(ConnectionError):
                assert each.recv(100) == b""
        assert get(port, "/")[0].status == 200


def test_a_request_that_drips_ends_too(site: Path, monkeypatch) -> None:
    monkeypatch.setattr(serve, "LONGEST", 0.3)
    with serving(site) as port, socket.create_connection(("127.0.0.1", port)) as slow:
        slow.settimeout(20)
        slow.sendall(b"GET / HTTP/1.0\r\n")
        assert slow.recv(100) == b""


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
