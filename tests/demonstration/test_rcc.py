"""Qt resource archives: what is in them comes out, and what is hostile is refused."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetching import rcc


def archive(files: dict[str, bytes], *, flags: int = 0, version: int = 3) -> bytes:
    """An archive of one folder, written from the description of the format."""
    tree = struct.pack(">IHIIQ", 0, rcc.FOLDER, len(files), 1, 0)
    names, data = b"", b""
    for name, content in files.items():
        blob = struct.pack(">I", len(content)) + zlib.compress(content) if flags == 1 else content
        tree += struct.pack(">IHHHIQ", len(names), flags, 0, 1, len(data), 0)
        encoded = name.encode("utf-16-be")
        names += struct.pack(">HI", len(encoded) // 2, 0) + encoded
        data += struct.pack(">I", len(blob)) + blob
    start = 24
    offsets = (start, start + len(tree), start + len(tree) + len(data))
    return struct.pack(">4sIIIII", b"qres", version, *offsets, 0) + tree + data + names


@pytest.mark.parametrize("flags", [0, rcc.COMPRESSED])
def test_files_come_out_as_they_went_in(flags: int) -> None:
    files = {"a.webp": b"RIFF" * 100, "größe.txt": b"\x00"}
    found = rcc.read(archive(files, flags=flags))
    assert {path: stored.read() for path, stored in found.items()} == files


def test_an_older_version_has_shorter_nodes() -> None:
    tree = struct.pack(">IHII", 0, rcc.FOLDER, 1, 1) + struct.pack(">IHHHI", 0, 0, 0, 1, 0)
    names = struct.pack(">HI", 1, 0) + "a".encode("utf-16-be")
    data = struct.pack(">I", 2) + b"hi"
    offsets = (20, 20 + len(tree), 20 + len(tree) + len(data))
    found = rcc.read(struct.pack(">4sIIII", b"qres", 1, *offsets) + tree + data + names)
    assert found["a"].read() == b"hi"


@pytest.mark.parametrize(
    "name", ["..", ".", "", "a/b", "a\\b", "/etc", "c:x", "nul\0", "new\nline", "x" * 256]
)
def test_a_name_that_could_leave_the_folder_is_refused(name: str) -> None:
    with pytest.raises(rcc.RccError):
        rcc.read(archive({name: b""}))


def test_a_folder_inside_itself_is_refused() -> None:
    loop = struct.pack(">IHIIQ", 0, rcc.FOLDER, 1, 0, 0)
    header = struct.pack(">4sIIIII", b"qres", 3, 24, 46, 46, 0)
    with pytest.raises(rcc.RccError, match="itself"):
        rcc.read(header + loop)


def test_a_bomb_is_refused_before_it_is_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    content = archive({"a": bytes(2_000)}, flags=rcc.COMPRESSED)
    monkeypatch.setattr(rcc, "MAX_FILE", 1_000)
    with pytest.raises(rcc.RccError, match="2000 bytes"):
        rcc.read(content)["a"].read()


def test_a_lie_about_the_length_is_found() -> None:
    stored = rcc.read(archive({"a": bytes(100)}, flags=rcc.COMPRESSED))["a"]
    lie = memoryview(struct.pack(">I", 10) + bytes(stored.blob[4:]))
    with pytest.raises(rcc.RccError, match="length"):
        rcc.Stored(rcc.COMPRESSED, lie).read()


def test_zstandard_is_named() -> None:
    with pytest.raises(rcc.RccError, match="Zstandard"):
        rcc.read(archive({"a": b"x"}, flags=rcc.ZSTANDARD))["a"].read()


@given(st.data())
def test_a_broken_archive_is_an_error_of_its_own_kind(data: st.DataObject) -> None:
    """Cut anywhere, or with any byte changed, it is read or refused: nothing else."""
    whole = archive({"a.txt": b"one" * 9, "b.txt": b"two"}, flags=rcc.COMPRESSED)
    broken = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    if broken:
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    try:
        for stored in rcc.read(bytes(broken)).values():
            stored.read()
    except rcc.RccError:
        pass
