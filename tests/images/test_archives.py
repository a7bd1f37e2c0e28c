"""Archives that are damaged, or made to do harm: what can be read is, and the rest is told."""

import gzip
import io
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.tiny import Tiny, png
from lamella.config.preprocessing import Preprocessing
from lamella.images import archives
from lamella.images.decoding import SUFFIXES, BrokenImage
from lamella.images.finding import Digests, find
from lamella.images.images import Images

HOW = Preprocessing(resize=20, size=16)


def found(tiny: Tiny, name: str) -> Images:
    return find(tiny.change(images__folder=name).config(), HOW, Digests())


def told(images: Images) -> dict[int, str]:
    """What is said of the broken ones."""
    skipped: dict[int, str] = {}
    list(images.batches(4, skipped=skipped))
    return skipped


def tar_of(path: Path, *members: tarfile.TarInfo | tuple[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return path


def special(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def zip_of(path: Path, *members: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members:
            archive.writestr(*member)
    return path


def patch(path: Path, at: int, content: bytes) -> None:
    whole = bytearray(path.read_bytes())
    whole[at : at + len(content)] = content
    path.write_bytes(whole)


def test_links_and_devices_in_a_tar_are_passed_over(tiny: Tiny, tmp_path: Path) -> None:
    tar_of(
        tmp_path / "a.tar",
        ("good.png", png()),
        special("folder", tarfile.DIRTYPE),
        special("soft.png", tarfile.SYMTYPE, "/etc/passwd"),
        special("hard.png", tarfile.LNKTYPE, "good.png"),
        special("null.png", tarfile.CHRTYPE),
        special("endless.png", tarfile.FIFOTYPE),
        ("inner.tar", b""),
        ("notes", b""),
    )
    manifest = found(tiny, "a.tar").manifest
    assert [one.name for one in manifest.photographs] == ["a.tar/good.png"]
    assert dict(manifest.passed_over) == {
        "archived link": 2,
        "special file": 2,
        ".tar file": 1,
        "suffixless file": 1,
    }


@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_names_that_lead_out_are_harmless_text(
    tiny: Tiny, tmp_path: Path, make: Callable[..., Path]
) -> None:
    names = ["../../up.png", "/root/top.png", "a/./b//c.png", "red\x1b[31m\n.png", "<b>&.png"]
    make(tmp_path / f"a.{make.__name__[:3]}", *((n, png(at)) for at, n in enumerate(names)))
    images = found(tiny, f"a.{make.__name__[:3]}")
    shown = {one.name.partition("/")[2] for one in images.manifest.photographs}
    assert shown == {"up.png", "root/top.png", "a/b/c.png", "red\ufffd[31m\ufffd.png", "<b>&.png"}
    assert not told(images)


def test_what_is_too_large_is_not_read(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MOST_BYTES", 5000)
    for make in (tar_of, zip_of):
        name = f"a.{make.__name__[:3]}"
        make(tmp_path / name, ("good.png", png()), ("bomb.png", b"\0" * 5001))
        manifest = found(tiny, name).manifest
        assert len(manifest.photographs) == 1 and manifest.passed_over == (("oversized file", 1),)


def test_a_zip_that_lies_about_a_size_is_not_believed(tiny: Tiny, tmp_path: Path) -> None:
    """What is read stops at the size that it states."""
    path = zip_of(tmp_path / "a.zip", ("bomb.png", b"\0" * 50_000_000), ("good.png", png()))
    at = path.read_bytes().index(b"PK\x01\x02")
    patch(path, at + 24, struct.pack("<I", 1000))
    images = found(tiny, "a.zip")
    assert len(images) == 2
    (why,) = told(images).values()
    assert "CRC" in why and str(tmp_path) not in why


def test_bytes_that_several_entries_share_are_read_once(tiny: Tiny, tmp_path: Path) -> None:
    """As in bombs of overlapping entries, which are petabytes together."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.png", png())
        for name in ("2.png", "3.png"):
            twin = zipfile.ZipInfo(name)
            for key in ("header_offset", "CRC", "compress_size", "file_size", "external_attr"):
                setattr(twin, key, getattr(archive.infolist()[0], key))
            archive.filelist.append(twin)
            archive.NameToInfo[name] = twin
    manifest = found(tiny, "a.zip").manifest
    assert len(manifest.photographs) == 1
    assert manifest.passed_over == (("overlapping file", 2),)


def test_encrypted_and_linked_entries_of_a_zip_are_passed_over(tiny: Tiny, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    link = zipfile.ZipInfo("link.png")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("secret.png", png())
        archive.writestr(link, "/etc/passwd")
        archive.writestr("good.png", png(1))
    patch(path, path.read_bytes().index(b"PK\x01\x02") + 8, b"\x01")
    manifest = found(tiny, "a.zip").manifest
    assert [one.name for one in manifest.photographs] == ["a.zip/good.png"]
    assert dict(manifest.passed_over) == {"encrypted file": 1, "archived link": 1}


def test_an_unknown_compression_and_damage_are_told(tiny: Tiny, tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", ("1.png", png(1)), ("2.png", png(2)), ("3.png", png(3)))
    whole = path.read_bytes()
    patch(path, whole.index(b"PK\x01\x02") + 10, b"\x63")
    second = whole.index(b"PK\x03\x04", 4)
    patch(path, second + 60, b"\xff" * 40)
    patch(path, whole.index(b"PK\x03\x04", second + 4), b"XX")
    images = found(tiny, "a.zip")
    names = {one.name: number for number, one in enumerate(images.manifest.photographs)}
    why = told(images)
    assert "compression" in why[names["a.zip/1.png"]]
    assert "Error" in why[names["a.zip/2.png"]] or "CRC" in why[names["a.zip/2.png"]]
    assert why[names["a.zip/3.png"]] == "damaged in its zip archive"


COMPRESSED = ("a.tar.gz", "a.tgz", "a.TAR.XZ", "a.tar.zst", "secretly.tar")


@pytest.mark.parametrize("name", COMPRESSED)
def test_a_compressed_tar_is_told_with_the_remedy(tiny: Tiny, tmp_path: Path, name: str) -> None:
    plain = tar_of(tmp_path / "images" / "plain", ("1.png", png())).read_bytes()
    (tmp_path / "images" / name).write_bytes(gzip.compress(plain))
    tiny.change(images__folder=f"images/{name}")
    message = tiny.fails("analyse")
    assert "holds no image, but 1 compressed tar (decompress it, to .tar)." in message
    passed = dict(found(tiny, "images").manifest.passed_over)
    assert passed["compressed tar (decompress it, to .tar)"] == 1


def test_of_a_truncated_tar_what_is_whole_is_read(tiny: Tiny, tmp_path: Path) -> None:
    path = tar_of(tmp_path / "a.tar", *((f"{n}.png", png(n)) for n in range(3)))
    with tarfile.open(path) as archive:
        last = archive.getmembers()[2]
    path.write_bytes(path.read_bytes()[: last.offset_data + 100])
    images = found(tiny, "a.tar")
    assert images.manifest.passed_over == (("unreadable archive", 1),)
    (number,) = told(images)
    assert images.manifest.photographs[number].name == "a.tar/2.png"


def test_a_tar_whose_second_head_is_damaged_is_told(tiny: Tiny, tmp_path: Path) -> None:
    """tarfile takes it for the end, in silence."""
    path = tar_of(tmp_path / "a.tar", *((f"{n}.png", png(n)) for n in range(3)))
    with tarfile.open(path) as archive:
        second = archive.getmembers()[1]
    patch(path, second.offset + 148, b"garbage!")
    manifest = found(tiny, "a.tar").manifest
    assert len(manifest.photographs) == 1
    assert manifest.passed_over == (("unreadable archive", 1),)


def test_a_tar_without_an_end_is_whole(tiny: Tiny, tmp_path: Path) -> None:
    """As those that are written in a stream, and cut short of their zeros."""
    path = tar_of(tmp_path / "a.tar", ("1.png", png()))
    with tarfile.open(path) as archive:
        archive.getmembers()
        end = archive.offset
    path.write_bytes(path.read_bytes()[:end])
    assert not found(tiny, "a.tar").manifest.passed_over


NOTHING = {"a.zip": b"PK\x05\x06", "b.zip": b"", "c.tar": b"", "d.tar": b"\1" * 2000}


@pytest.mark.parametrize("name", NOTHING)
def test_what_is_no_archive_is_told(tiny: Tiny, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(NOTHING[name])
    message = tiny.change(images__folder=name).fails("analyse")
    assert f"{name} holds no image, but 1 unreadable archive." in message


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(["tar", "zip"]),
    st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), max_size=6),
    st.floats(0, 1),
)
def test_damage_anywhere_is_no_traceback(
    tmp_path: Path, kind: str, changes: list[tuple[float, bytes]], kept: float
) -> None:
    make = {"tar": tar_of, "zip": zip_of}[kind]
    members = [(f"{n}.png", png(n)) for n in range(3)]
    path = make(tmp_path / f"a.{kind}", *members, ("0.cls", b"cat"), ("1.json", b'{"label": 1}'))
    for at, content in changes:
        patch(path, int(at * (path.stat().st_size - 8)), content)
    if kept < 0.5:
        path.write_bytes(path.read_bytes()[: int(2 * kept * path.stat().st_size)])
    result = archives.in_archive(path, path.name, "", SUFFIXES)
    images = Images(None, [one.file for one in result.images], HOW)  # type: ignore[arg-type]
    for number in range(len(images)):
        try:
            assert images.decoded(number).shape == (16, 16, 3)
        except BrokenImage as error:
            assert str(error) and str(tmp_path) not in str(error)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"{", b"[" * 60_000, b'{"label": {}}', b'"x"'])
def test_labels_that_cannot_be_read_are_none(tiny: Tiny, tmp_path: Path, content: bytes) -> None:
    tar_of(tmp_path / "a.tar", ("in/1.png", png()), ("in/1.json", content))
    manifest = found(tiny, "a.tar").manifest
    assert manifest.photographs[0].label == "in"
    assert manifest.passed_over == ((".json file", 1),)


def test_labels_are_those_of_their_stem(tiny: Tiny, tmp_path: Path) -> None:
    members = [("a/1.jpg", png(1)), ("a/1.cls", b"7"), ("a/1.json", b'{"label": "no"}')]
    members += [("b/1.seg.png", png(2)), ("b/1.json", b'{"label": "\\ud800wren"}')]
    zip_of(tmp_path / "a.zip", *members, ("a/2.cls", b"of nothing"), ("a/1.txt", b"a caption"))
    manifest = found(tiny, "a.zip").manifest
    labels = {one.name: one.label for one in manifest.photographs}
    assert labels == {"a.zip/a/1.jpg": "7", "a.zip/b/1.seg.png": "\ufffdwren"}
    assert dict(manifest.passed_over) == {".cls file": 1, ".txt file": 1}
