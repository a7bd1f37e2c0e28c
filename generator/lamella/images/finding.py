"""Which images there are: from a folder to a manifest.

Flow: config -> **finding** -> images. Images are numbered by the digest of their content, so that
numbers, ties and pages do not depend on where the folder lies or in what order it is read. What is
passed over is counted.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamella.config.config import Config
from lamella.config.digest import digest_of
from lamella.config.preprocessing import Preprocessing
from lamella.errors import ImagesError
from lamella.images.decoding import SUFFIXES
from lamella.images.images import Images
from lamella.images.listing import listed
from lamella.images.manifest import Manifest, Photograph, passed_over_words


@dataclass
class Digests:
    """Content digests of files, remembered by name, size and times.

    The time at which the system last noted a change cannot be set: it tells of an image that was
    changed in place by something that set the other time back.

    Attributes:
        known: what is remembered, as plain values.
        fresh: how many of them are new.
    """

    known: dict[str, Any] = field(default_factory=dict)
    fresh: int = 0

    def of(self, path: Path, name: str) -> str:
        """The digest of a file's content, 32 hex digits.

        Args:
            name: what it is remembered by.
        """
        stat = path.stat()
        stamp = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
        entry = self.known.get(name)
        if entry is None or entry[:3] != stamp:
            digest = hashlib.sha256()
            with path.open("rb") as file:
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
            entry = self.known[name] = [*stamp, digest.hexdigest()[:32]]
            self.fresh += 1
        return str(entry[3])


def find(config: Config, preprocessing: Preprocessing, digests: Digests) -> Images:
    """The images that a config names. Copies of an image count once.

    Args:
        digests: of files that were seen before; takes those of new ones.

    Raises:
        ImagesError: the folder does not exist or holds no image.
    """
    section = config.images
    folder = config.path(section.folder)
    if not folder.is_dir():
        why = "is no folder" if folder.exists() else "does not exist"
        raise ImagesError(
            f"The image folder {folder} {why}.",
            "[images] folder is relative to the folder of atlas.toml.",
        )
    labels: dict[Path, str] = {}
    if section.list:
        labels = listed(config.path(section.list), folder)
        files, passed = sorted(labels), Counter[str]()
    else:
        written = {config.path(out).resolve() for out in (config.output.work, config.output.site)}
        files, passed = _files(folder, written)
    if not files:
        raise ImagesError(
            f"{folder} holds no image{passed_over_words(passed.most_common())}.",
            f"They are found in all its subfolders by their suffix: {' '.join(sorted(SUFFIXES))}.",
        )
    by_id = _by_id(files, folder, digests)
    chosen = sorted(by_id)[: section.limit]
    photographs = tuple(
        Photograph(
            id,
            _text(by_id[id].relative_to(folder).as_posix()),
            _text(labels.get(by_id[id]) or _label(by_id[id], folder, section.labels)),
        )
        for id in chosen
    )
    every = tuple(sorted({photograph.label for photograph in photographs} - {""}))
    passed_over = tuple(passed.most_common())
    manifest = Manifest(digest_of(chosen), photographs, (), every, passed_over)
    return Images(manifest, [by_id[id] for id in chosen], preprocessing)


def _by_id(files: Sequence[Path], folder: Path, digests: Digests) -> dict[str, Path]:
    """Image files by the digest of their content; of copies, the first by name."""
    by_id: dict[str, Path] = {}
    for path in files:
        name = str(path.relative_to(folder))
        try:
            by_id.setdefault(digests.of(path, name), path)
        except OSError:  # unreadable: skipped when it is to be decoded
            by_id.setdefault(digest_of(name)[:32], path)
    return by_id


def _files(folder: Path, written: Set[Path]) -> tuple[list[Path], Counter[str]]:
    """The image files of a folder and its subfolders, and how many others were passed over, by what
    they are. Hidden ones are nobody's. Linked folders are followed, but for those that lead back to
    what is read anyway.

    Args:
        written: folders that hold what lamella made of them.
    """
    found: list[Path] = []
    passed: Counter[str] = Counter()
    read = [folder.resolve()]
    for top, folders, names in os.walk(folder, followlinks=True):
        here = Path(top)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in [name for name in folders if (here / name).resolve() in written]:
            passed["output folder"] += 1
            folders.remove(name)
        for name in [name for name in folders if (here / name).is_symlink()]:
            leads = (here / name).resolve()
            if any(leads.is_relative_to(one) or one.is_relative_to(leads) for one in read):
                passed["linked folder that leads back"] += 1
                folders.remove(name)
            else:
                read.append(leads)
        for path in (here / name for name in names if not name.startswith(".")):
            suffix = path.suffix.lower()
            if suffix not in SUFFIXES:
                passed[f"{_text(suffix)} file" if suffix else "suffixless file"] += 1
            elif path.is_file() or not path.exists():  # one that is gone is told of as broken
                found.append(path)
            else:
                passed["special file"] += 1
    return sorted(found), +passed


def _text(name: str) -> str:
    """A file's name as text that can be printed and published, whatever bytes it is made of."""
    return os.fsencode(name).decode("utf-8", "replace")


def _label(path: Path, folder: Path, labels: str) -> str:
    """The label of an image, as `[images] labels` says."""
    if labels == "folder":
        return "" if path.parent == folder else path.parent.name
    if labels == "file":
        stem = path.stem
        return stem[: max(stem.rfind(mark) for mark in "-_.")] if set(stem) & set("-_.") else stem
    return ""
