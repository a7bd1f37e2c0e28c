"""The store: whole or not at all, whatever happens to the disk."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.tiny import ENVIRONMENT, Tiny
from lamella.config.digest import digest_of
from lamella.errors import Damaged, StoreError
from lamella.store import writing
from lamella.store.facts import gather
from lamella.store.lock import HOLDER
from lamella.store.store import Folder, Shard, Sheet, Store
from lamella.store.writing import write_atomically

PICTURES = {"patch": [b"first", b"", b"third"]}


def shard(*channels: int) -> Shard:
    values = np.array(channels, dtype=np.float32)
    return Shard(
        channels,
        {"mean": values, "counts": np.outer(values, [1, 2]).astype(np.int64)},
        {"patch": [b"picture %d" % channel for channel in channels]},
        {"patch": Sheet(8, 6, 2, 3)},
        {"batch": 4},
    )


def everything(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def test_what_is_written_is_read(tmp_path: Path) -> None:
    folder = Store(tmp_path).folder("weights", "k" * 64, "layer3.0.conv1")
    assert folder.path == tmp_path / f"weights-{'k' * 16}" / "layer3.0.conv1"
    assert folder.done() == set() and not folder.path.exists()
    folder.write(shard(4, 5))
    folder.write(shard(0, 2))
    assert folder.done() == {0, 2, 4, 5}
    facts = gather(folder, 6)
    assert facts.present.tolist() == [True, False, True, False, True, True]
    assert facts["mean"].tolist() == [0, 0, 2, 0, 4, 5]
    assert facts["counts"].dtype == np.int64 and facts["counts"][5].tolist() == [5, 10]
    assert facts.pictures["patch"] == {n: b"picture %d" % n for n in (0, 2, 4, 5)}
    assert facts.sheets["patch"] == Sheet(8, 6, 2, 3) and facts.made == {"batch": 4}


@settings(max_examples=30)
@given(st.lists(st.lists(st.binary(max_size=40), min_size=1, max_size=5), min_size=1, max_size=4))
def test_pictures_come_back_byte_by_byte(tmp_path_factory: Any, shards: list[list[bytes]]) -> None:
    folder = Folder(tmp_path_factory.mktemp("store"))
    first, expected = 0, {}
    for pictures in shards:
        channels = tuple(range(first, first + len(pictures)))
        folder.write(Shard(channels, pictures={"p": pictures}, sheets={"p": Sheet(1, 1)}))
        expected |= {n: picture for n, picture in zip(channels, pictures, strict=True) if picture}
        first += len(pictures)
    assert gather(folder, first).pictures.get("p", {}) == expected


def test_the_later_shard_of_a_channel_counts(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write(Shard((0, 1), {"mean": np.zeros(2)}))
    folder.write(Shard((1, 2), {"mean": np.ones(2)}))
    assert gather(folder, 3)["mean"].tolist() == [0, 1, 1]


def test_the_fingerprint_changes_exactly_when_the_shards_do(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    seen = [folder.fingerprint]
    folder.write(shard(0))
    folder.done()
    seen.append(folder.fingerprint)
    folder.write(shard(1))
    folder.done()
    seen.append(folder.fingerprint)
    assert len(set(seen)) == 3
    folder.write(shard(1))
    assert Folder(tmp_path).fingerprint == seen[-1]


def test_digests_are_canonical() -> None:
    assert digest_of({"a": 1, "b": [1.5, "ä"]}) == digest_of({"b": (1.5, "ä"), "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": "1"})
    assert len(digest_of(None)) == 64


FAILURES = {
    "full disk": OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    "read-only disk": OSError(errno.EROFS, os.strerror(errno.EROFS)),
    "no permission": PermissionError(errno.EACCES, os.strerror(errno.EACCES)),
}
PLACES = ("mkdir", "mkstemp", "write", "replace")


def break_disk(monkeypatch: pytest.MonkeyPatch, place: str, error: OSError) -> None:
    """Let one step of writing a file fail."""

    def fail(*args: object, **kwargs: object) -> None:
        raise error

    module = writing
    if place == "mkdir":
        monkeypatch.setattr(Path, "mkdir", fail)
    elif place == "mkstemp":
        monkeypatch.setattr(module.tempfile, "mkstemp", fail)
    elif place == "replace":
        monkeypatch.setattr(module.os, "replace", fail)
    else:
        original = module.os.fdopen

        def half(handle: int, mode: str) -> Any:
            file = original(handle, mode)

            class Half:
                def __enter__(self) -> "Half":
                    return self

                def __exit__(self, *args: object) -> None:
                    file.close()

                def write(self, content: bytes) -> None:
                    file.write(content[: len(content) // 2])
                    raise error

            return Half()

        monkeypatch.setattr(module.os, "fdopen", half)


@pytest.mark.parametrize("kind", FAILURES)
@pytest.mark.parametrize("place", PLACES)
def test_a_disk_that_fails_leaves_what_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, place: str
) -> None:
    folder = Store(tmp_path).folder("weights", "k" * 64, "conv")
    folder.write(shard(0, 1))
    before = everything(tmp_path)
    with monkeypatch.context() as patch:
        break_disk(patch, place, FAILURES[kind])
        with pytest.raises(StoreError) as caught:
            folder.write(shard(2, 3))
    assert caught.value.problem.startswith(f"Cannot write {folder.path}")
    assert str(FAILURES[kind].strerror) in caught.value.problem
    assert "What was complete stays complete" in caught.value.remedy
    assert everything(tmp_path) == before, "no draft is left behind"
    assert folder.done() == {0, 1}
    folder.write(shard(2, 3))
    assert folder.done() == {0, 1, 2, 3}


def test_numbers_without_a_note_are_not_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills up between the two files of a shard."""
    folder = Folder(tmp_path)
    original = writing.os.replace

    def replace(draft: str, path: Path) -> None:
        if path.suffix == ".json":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        original(draft, path)

    monkeypatch.setattr(writing.os, "replace", replace)
    with pytest.raises(StoreError, match="No space left"):
        folder.write(shard(0, 1))
    assert [path.suffix for path in tmp_path.iterdir()] == [".safetensors"]
    assert folder.done() == set() and not gather(Folder(tmp_path), 2).present.any()


def test_a_kill_in_the_middle_leaves_nothing_that_looks_complete(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from lamella.store import writing\n"
        "writing.os.replace = lambda *args: os._exit(9)\n"
        "writing.write_atomically(Path(sys.argv[1]) / '00000-a.json', b'{}')\n"
    )
    result = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=ENVIRONMENT)
    assert result.returncode == 9
    assert [path.name.startswith(".draft-") for path in tmp_path.iterdir()] == [True]
    assert Folder(tmp_path).done() == set()


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("")
    store = Store(tmp_path / "work")
    assert store.read_json("atlas.json") is None
    with pytest.raises(StoreError, match=r"Cannot write .*atlas\.json: (File exists|Not a dir)"):
        store.write_json("atlas.json", {})


def test_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "work").symlink_to(tmp_path / "disk")
    Store(tmp_path / "work").write_json("a.json", [1])
    assert Store(tmp_path / "disk").read_json("a.json") == [1]
    write_atomically(tmp_path / "work" / "b", b"x")
    assert (tmp_path / "disk" / "b").stat().st_mode & 0o777 == 0o644


def analysed(tiny: Tiny) -> tuple[Path, Path]:
    """The numbers and the note of a shard of a finished analysis."""
    tiny.works("analyse")
    numbers = next(tiny.work.glob("weights-*/0/*.safetensors"))
    return numbers, numbers.with_suffix(".json")


def test_damage_is_named_with_its_remedy(tiny: Tiny) -> None:
    numbers, _ = analysed(tiny)
    whole = numbers.read_bytes()
    for content in (b"", whole[: len(whole) // 2], b"\0" * len(whole)):
        numbers.write_bytes(content)
        with pytest.raises(Damaged, match="its checksum does not fit") as caught:
            list(Folder(numbers.parent).shards())
        assert caught.value.path == numbers
        assert caught.value.remedy == "`lamella build` makes it again."
    numbers.unlink()
    with pytest.raises(Damaged, match="it is missing"):
        list(Folder(numbers.parent).shards())
    tiny.works("build")
    assert numbers.read_bytes() == whole


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"channels": [0]}', "\xff"])
def test_damaged_notes(tiny: Tiny, content: str) -> None:
    _, note = analysed(tiny)
    whole = note.read_bytes()
    note.write_bytes(content.encode("latin-1"))
    message = tiny.fails("status")
    assert f"{note} is damaged: " in message and "`lamella build` makes it again." in message
    result = tiny.run("analyse")
    assert result.exit_code == 0 and f"{note} is damaged: " in result.stderr
    assert note.read_bytes() == whole
    note.unlink()
    assert "4 results are missing." in tiny.works("status")
    tiny.works("analyse")
    assert "Everything is there." in tiny.works("status")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"network": 3}', '{"network": {"layers": [[]]}}']
)
def test_a_damaged_atlas(tiny: Tiny, content: str) -> None:
    analysed(tiny)
    whole = (tiny.work / "atlas.json").read_text()
    (tiny.work / "atlas.json").write_text(content)
    message = tiny.fails("status")
    assert f"{tiny.work / 'atlas.json'} is damaged: " in message
    tiny.works("analyse")
    assert (tiny.work / "atlas.json").read_text() == whole


def test_a_work_folder_that_cannot_be_written(tiny: Tiny) -> None:
    tiny.work.write_text("a file where the folder should be")
    message = tiny.fails("analyse")
    assert f"Cannot write {tiny.work}" in message and "allow writing there" in message


def test_the_disk_is_full_at_every_moment(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever write fails: what was there stays, and the next run ends as if nothing had been."""
    writes: list[Path] = []
    original, full_at = writing.os.replace, -1

    def replace(draft: str, path: Path) -> None:
        if path.name == HOLDER:
            return original(draft, path)
        if len(writes) == full_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        original(draft, path)
        writes.append(path)

    monkeypatch.setattr(writing.os, "replace", replace)

    def numbers(work: Path) -> dict[str, bytes]:
        return {n: c for n, c in everything(work).items() if n.endswith(".safetensors")}

    tiny.works("analyse", "--work", str(tiny.folder / "undisturbed"))
    expected, total = numbers(tiny.folder / "undisturbed"), len(writes)
    assert total > 15
    for full_at in range(total):
        work, writes = tiny.folder / f"work{full_at}", []
        message = tiny.fails("analyse", "--work", str(work))
        assert "No space left on device.\n  What was complete stays complete" in message
        assert all(path.exists() for path in writes) and len(writes) == full_at
        assert not list(work.rglob(".draft-*"))
        done, writes, full_at = set(writes), [], -1
        tiny.works("analyse", "--work", str(work))
        assert numbers(work) == expected
        complete = {path for path in done if path.with_suffix(".json") in done}
        assert not complete & {path for path in writes if path.suffix == ".safetensors"}


def test_what_may_not_be_read(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    analysed(tiny)
    original = Path.read_bytes

    def guarded(path: Path) -> bytes:
        if path.name == "atlas.json":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return original(path)

    monkeypatch.setattr(Path, "read_bytes", guarded)
    message = tiny.fails("status")
    assert f"Cannot read {tiny.work / 'atlas.json'}: Permission denied." in message
    assert "Delete" not in message


def test_too_few_file_handles_damage_nothing(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be read now is not deleted to be made again."""
    numbers, _ = analysed(tiny)
    before, original = everything(tiny.work), Path.read_bytes

    def failing(path: Path) -> bytes:
        if path.suffix == numbers.suffix:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), str(path))
        return original(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", failing)
        assert "Too many open files" in tiny.fails("build")
        assert "Too many open files" in tiny.fails("check")
    assert everything(tiny.work) == before
    tiny.works("build")


def test_a_disk_that_cannot_read_a_shard_any_more(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken sector: the shard is made again, elsewhere on the disk."""
    numbers, _ = analysed(tiny)
    before, original, broken = everything(tiny.work), Path.read_bytes, numbers.stat().st_ino

    def failing(path: Path) -> bytes:
        if path == numbers and path.stat().st_ino == broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return original(path)

    monkeypatch.setattr(Path, "read_bytes", failing)
    keep = numbers.with_name("keep")  # or its place on the disk would be taken again
    os.link(numbers, keep)
    result = tiny.run("build")
    assert result.exit_code == 0 and f"{numbers} is damaged: Input/output error" in result.stderr
    keep.unlink()
    assert {n: c for n, c in everything(tiny.work).items() if n in before} == before
