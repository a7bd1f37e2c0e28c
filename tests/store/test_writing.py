"""The order in which a file is written, so that a power loss leaves the old one or the new one."""

import os
from pathlib import Path
from typing import Any

import pytest

from lamella.store import writing
from lamella.store.writing import write_atomically


def test_synced_before_it_is_renamed_and_its_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    rename = os.replace

    def sync(handle: int) -> None:
        what = Path(os.readlink(f"/proc/self/fd/{handle}"))
        done.append("sync folder" if what.is_dir() else f"sync {what.read_text()}")

    def replace(draft: Any, path: Any) -> None:
        done.append("rename")
        rename(draft, path)

    monkeypatch.setattr(writing.os, "fsync", sync)
    monkeypatch.setattr(writing.os, "replace", replace)
    found = write_atomically(tmp_path / "a" / "b.json", b"whole")
    assert done == ["sync whole", "rename", "sync folder"]
    assert found.st_size == 5 and found.st_ino == (tmp_path / "a" / "b.json").stat().st_ino


def test_two_writers_never_share_a_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drafts: list[str] = []
    rename = os.replace

    def replace(draft: Any, path: Any) -> None:
        drafts.append(draft)
        if len(drafts) == 1:  # the other comes in between
            write_atomically(tmp_path / "x", b"other")
        rename(draft, path)

    monkeypatch.setattr(writing.os, "replace", replace)
    write_atomically(tmp_path / "x", b"one")
    assert len(set(drafts)) == 2 and (tmp_path / "x").read_bytes() == b"one"
