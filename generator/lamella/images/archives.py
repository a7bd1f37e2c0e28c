"""Images in zip and tar archives, read where they lie: nothing is unpacked.

Flow: entries -> **archives** -> finding. Archives are hostile: what is too large, encrypted, linked
or damaged is passed over and counted. As webdataset has it, files share a stem: `000.cls` or the
"label" in `000.json` is the label of `000.jpg`.
"""

import json
import os
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from lamella.errors import said
from lamella.images.entries import (
    MOST_BYTES,
    Candidate,
    Container,
    Entry,
    Found,
    other_file,
    text,
)

ARCHIVES = (".zip", ".tar")
COMPRESSED = tuple(
    f".{tar}{mark}" for tar in ("tar.", "t") for mark in ("gz", "bz2", "xz", "zst", "bz", "lzma")
)
COMPRESSED_TAR = "compressed tar (decompress it, to .tar)"
MARKS = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")  # how these begin
MOST_LABEL = 1 << 16  # bytes of a file that holds a label


@dataclass(frozen=True, slots=True)
class TarEntry(Entry):
    """An image in a tar, which lies there as it is from its `place` on."""

    size: int

    def read(self) -> bytes:
        assert self.container is not None
        with self.container.path.open("rb") as file:
            file.seek(self.place)
            return file.read(self.size)


@dataclass(frozen=True, slots=True)
class ZipEntry(Entry):
    """An image in a zip. Each read opens the file anew: readers do not wait for each other."""

    info: zipfile.ZipInfo

    def read(self) -> bytes:
        assert self.container is not None
        try:
            with self.container.path.open("rb") as file:
                file.seek(self.place)
                head = file.read(30)
                if head[:4] != b"PK\x03\x04":
                    raise OSError("damaged in its zip archive")
                lengths = (int.from_bytes(head[at : at + 2], "little") for at in (26, 28))
                file.seek(sum(lengths), 1)
                with zipfile.ZipExtFile(file, "r", self.info) as content:
                    return content.read(MOST_BYTES)
        except OSError:
            raise
        except Exception as error:  # damaged archives raise almost anything
            raise OSError(f"{type(error).__name__}: {said(error)}") from error


class _Member(NamedTuple):
    """A file in an archive: its parts are those of its path; `flaw` is why it is not read."""

    parts: tuple[str, ...]
    entry: TarEntry | ZipEntry
    size: int
    flaw: str

    @property
    def suffix(self) -> str:
        return os.path.splitext(self.parts[-1])[1].lower()

    @property
    def stem(self) -> str:
        """What the files of one sample share: the path up to the first dot of the file's name."""
        *folders, file = self.parts
        return "/".join((*folders, file.partition(".")[0]))


def is_archive(path: Path) -> bool:
    """Whether a file's name says that it is an archive, perhaps one that cannot be read here."""
    return path.name.lower().endswith((*ARCHIVES, *COMPRESSED))


def in_archive(path: Path, name: str, folder: str, suffixes: frozenset[str]) -> Found:
    """The images of an archive.

    Args:
        name: the archive's, as pages show it.
        folder: the name of the folder that it lies in.
        suffixes: of what is an image.
    """
    found = Found()
    members: list[_Member] = []
    if path.name.lower().endswith(COMPRESSED):
        found.passed[COMPRESSED_TAR] += 1
        return found
    read = _zip if path.suffix.lower() == ".zip" else _tar
    try:
        for member in read(Container.of(path), name):
            if member.parts and not any(part.startswith(".") for part in member.parts):
                members.append(member)
    except _CompressedTar:
        found.passed[COMPRESSED_TAR] += 1
    except Exception:  # damaged archives raise almost anything; what was read of them stays
        found.passed["unreadable archive"] += 1
    labels = _labels(members, suffixes)
    for member in members:
        suffix, said_by = member.suffix, labels.get(member.stem, {})
        if suffix not in suffixes:
            if suffix not in said_by:
                found.passed[member.flaw or other_file(suffix)] += 1
        elif member.flaw:
            found.passed[member.flaw] += 1
        else:
            label = next(iter(said_by.values()), "")
            inside = member.parts[-2] if len(member.parts) > 1 else folder
            found.images.append(Candidate(member.entry, member.entry.name, inside, label))
    found.images.sort(key=lambda image: image.name)
    return found


class _CompressedTar(Exception):
    """A tar whose files have no place of their own."""


def _tar(container: Container, name: str) -> Iterator[_Member]:
    with container.path.open("rb") as file:
        if file.read(6).startswith(MARKS):
            raise _CompressedTar
        file.seek(0)
        with tarfile.open(fileobj=file, mode="r:") as tar:
            last = -1
            while member := tar.next():
                if member.offset <= last or member.size < 0:
                    raise tarfile.ReadError("it leads back")
                last = member.offset
                parts = _parts(member.name)
                place = "/".join((name, *parts))
                entry = TarEntry(place, container, member.offset_data, member.size)
                if not member.isdir():
                    yield _Member(parts, entry, member.size, _flaw(member))
            file.seek(tar.offset)
            if any(file.read(tarfile.BLOCKSIZE)):  # tarfile ends in silence before a damaged head
                raise tarfile.ReadError("it does not end")


def _flaw(member: tarfile.TarInfo) -> str:
    if member.issym() or member.islnk():
        return "archived link"
    if not member.isfile():
        return "special file"
    if member.issparse():
        return "sparse file"
    return "oversized file" if member.size > MOST_BYTES else ""


def _zip(container: Container, name: str) -> Iterator[_Member]:
    with zipfile.ZipFile(container.path) as archive:
        infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
        ends = [*(info.header_offset for info in infos[1:]), archive.start_dir]
    for info, end in zip(infos, ends, strict=True):
        flaw = ""
        if info.flag_bits & 1:
            flaw = "encrypted file"
        elif info.file_size > MOST_BYTES:
            flaw = "oversized file"
        elif info.header_offset + 30 + info.compress_size > end:  # bombs use bytes many times
            flaw = "overlapping file"
        elif info.external_attr >> 28 == 0xA:  # as Unix has it: what it holds is a path
            flaw = "archived link"
        parts = _parts(info.filename)
        entry = ZipEntry("/".join((name, *parts)), container, info.header_offset, info)
        if not info.is_dir():
            yield _Member(parts, entry, info.file_size, flaw)


def _parts(name: str) -> tuple[str, ...]:
    """The parts of a path in an archive, without those that would lead out of it."""
    return tuple(part for part in text(name).split("/") if part not in ("", ".", ".."))


def _labels(members: list[_Member], suffixes: frozenset[str]) -> dict[str, dict[str, str]]:
    """By an image's stem: labels, by the suffix of the file that says so, .cls before .json."""
    images = {member.stem for member in members if member.suffix in suffixes}
    found: dict[str, dict[str, str]] = {}
    for wanted in (".cls", ".json"):
        for member in members:
            of_image = member.suffix == wanted and member.stem in images
            if of_image and (label := _label(member)):
                found.setdefault(member.stem, {})[wanted] = label
    return found


def _label(member: _Member) -> str:
    """The label that a file says, "" for none."""
    if member.flaw or member.size > MOST_LABEL:
        return ""
    try:
        content = member.entry.read().decode("utf-8-sig").strip()
        if member.suffix == ".cls":
            return text(content)
        plain = json.loads(content)
        label = plain.get("label", "") if isinstance(plain, dict) else ""
    except (OSError, ValueError, RecursionError):
        return ""
    return text(str(label)) if isinstance(label, str | int) else ""
