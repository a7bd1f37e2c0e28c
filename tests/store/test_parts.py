"""What was written of an analysis of the whole network and is not there is told as lost."""

from pathlib import Path

from lamella.store.parts import Parts
from lamella.store.store import Store, document

KEY = "k" * 64


def parts(root: Path) -> Parts:
    return Parts(Store(root), "maps", KEY)


def write(root: Path, name: str) -> None:
    path = parts(root).folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")


def test_what_was_being_written_when_a_run_was_killed_is_not_lost(tmp_path: Path) -> None:
    run = parts(tmp_path)
    for name in ("network/a.json", "network/b.json"):
        run.begin(name)
        write(tmp_path, name)
    run.begin("network/c.json")  # and killed
    assert parts(tmp_path).lost() == []
    again = parts(tmp_path)
    again.begin("network/d.json")  # another batch
    write(tmp_path, "network/d.json")
    again.begin("")
    assert parts(tmp_path).lost() == []
    assert parts(tmp_path).names == ["network/a.json", "network/b.json", "network/d.json"]


def test_what_was_written_and_is_gone_is_lost(tmp_path: Path) -> None:
    run = parts(tmp_path)
    for name in ("notes.json", "network/a.json"):
        run.begin(name)
        write(tmp_path, name)
    run.begin("")
    (run.folder / "notes.json").unlink()
    assert parts(tmp_path).lost() == [run.folder / "notes.json"]
    write(tmp_path, "notes.json")
    path = tmp_path / document("maps", KEY, "parts")
    path.unlink()
    assert parts(tmp_path).lost() == [path], "without the list nobody knows"
    parts(tmp_path).discard()
    assert not run.folder.exists() and parts(tmp_path).lost() == []
