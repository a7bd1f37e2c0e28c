"""One writer at a time: who comes second waits, and is told for whom."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lamella.errors import StoreError
from lamella.store.lock import HOLDER, locked
from lamella.store.store import Store

HERE = {"host": "elsewhere", "pid": 7, "since": "2026-01-01 10:00:00", "command": "lamella build"}


@contextmanager
def held(folder: Path) -> Iterator[threading.Event]:
    """Somebody else holds the lock until the event is set."""
    there, over = threading.Event(), threading.Event()

    def hold() -> None:
        with locked(folder, "lamella build", print):
            there.set()
            over.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    there.wait(20)
    try:
        yield over
    finally:
        over.set()
        thread.join()


def test_the_second_waits_and_is_told_for_whom(tmp_path: Path) -> None:
    said: list[str] = []
    with held(tmp_path / "work") as over:

        def tell(text: str) -> None:
            said.append(text)
            over.set()

        with Store(tmp_path / "work").locked("lamella analyse", tell):
            held_by = json.loads((tmp_path / "work" / HOLDER).read_text())
    assert held_by["command"] == "lamella analyse" and held_by["pid"] == os.getpid()
    (text,) = said
    assert text.startswith(f"{tmp_path / 'work'} is in use by `lamella build` (process ")
    assert text.endswith(" Waiting for it; Ctrl-C ends the waiting.")
    assert not (tmp_path / "work" / HOLDER).exists()


def test_a_lock_whose_process_is_gone_is_none(tmp_path: Path) -> None:
    """The system's lock went with the process; drafts that it left go too."""
    here = HERE | {"host": socket.gethostname()}
    (tmp_path / HOLDER).write_text(json.dumps(here))
    (tmp_path / "weights-0" / "conv").mkdir(parents=True)
    (tmp_path / "weights-0" / "conv" / ".draft-abc").write_text("half")
    said: list[str] = []
    with locked(tmp_path, "lamella build", said.append):
        assert not list(tmp_path.rglob(".draft-*"))
    assert said.pop() == "1 half written files of killed runs were deleted."
    assert said == [
        "`lamella build` (process 7 on {host}, since 2026-01-01 10:00:00) was killed; what was "
        "complete in {folder} stays complete.".format(host=here["host"], folder=tmp_path)
    ]


def test_another_computer_is_told_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / HOLDER).write_text(json.dumps(HERE))
    lock = locked(tmp_path, "lamella build", print)
    with pytest.raises(StoreError, match="process 7 on elsewhere") as caught, lock:
        raise AssertionError
    assert f"delete {tmp_path / HOLDER}" in caught.value.remedy
    (tmp_path / HOLDER).unlink()
    with locked(tmp_path, "lamella build", print):
        pass


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"host": 3}'])
def test_a_damaged_note_of_the_holder_is_no_traceback(tmp_path: Path, content: bytes) -> None:
    (tmp_path / HOLDER).write_bytes(content)
    with pytest.raises(StoreError, match="is in use"), locked(tmp_path, "lamella build", print):
        raise AssertionError


def test_what_cannot_be_written_needs_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with locked(tmp_path, "lamella build", print):
        assert not list(tmp_path.iterdir())


def test_a_folder_that_vanishes_is_noticed(tmp_path: Path) -> None:
    work = tmp_path / "work"
    store = Store(work)
    gone = "was deleted or replaced while it was written"
    with pytest.raises(StoreError, match=gone), store.locked("lamella build", print):
        store.write_json("a.json", 1)
        work.rename(tmp_path / "moved")
        store.write_json("b.json", 2)
    assert not work.exists() and not (tmp_path / "moved" / "b.json").exists()
    with pytest.raises(StoreError, match=gone), store.locked("lamella build", print):
        work.rename(tmp_path / "moved again")
    store.write_json("b.json", 2)
