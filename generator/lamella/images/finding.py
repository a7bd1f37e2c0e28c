"""Which images there are: from a folder with its archives and tables, or a data set, to a manifest.

Flow: config, archives, tables, datasets -> **finding** -> images. Images are numbered by the digest
of their content, so that numbers, ties and pages do not depend on where the folder lies or in what
order it is read. What is passed over is counted.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from lamella.config.config import Config
from lamella.config.digest import digest_of
from lamella.config.files import refuse_special
from lamella.config.preprocessing import Preprocessing
from lamella.errors import ImagesError
from lamella.images.archives import ARCHIVES, in_archive, is_archive
from lamella.images.datasets import in_dataset
from lamella.images.decoding import suffixes
from lamella.images.entries import Candidate, Container, Found, ImageFile, other_file, text
from lamella.images.images import Images, Own
from lamella.images.listing import listed
from lamella.images.manifest import Manifest, Photograph, passed_over_words
from lamella.images.tables import TABLES, in_table, is_table

KINDS = 20  # of things passed over that are told apart


@dataclass
class Digests:
    """Content digests of images, remembered until the file that they lie in changes.

    The time at which the system last noted a change cannot be set: it tells of an image that was
    changed in place by something that set the other time back.

    Attributes:
        known: what is remembered, as plain values: of each file its size, its times, and
            digests by their place in it, "" for all of it.
        fresh: how many of them are new.
    """

    known: dict[str, Any] = field(default_factory=dict)
    fresh: int = 0

    def of(self, file: ImageFile, top: Path) -> str:
        """The digest of an image's content, 32 hex digits.

        Args:
            top: files are remembered by their path from there.
        Raises:
            OSError: it cannot be read.
        """
        if isinstance(file, Path):
            refuse_special(file)  # of those that a list names
            container, place = Container.of(file), ""
        elif file.container is None:
            return file.digest()
        else:
            container, place = file.container, str(file.place)
        name = os.path.relpath(container.path, top)
        stamp = [container.size, container.changed, container.path.stat().st_ctime_ns]
        entry = self.known.get(name)
        if entry is None or entry[:3] != stamp:
            entry = self.known[name] = [*stamp, {}]
        if place not in entry[3]:
            entry[3][place] = _of_path(file) if isinstance(file, Path) else file.digest()
            self.fresh += 1
        return str(entry[3][place])


def _of_path(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def find(
    config: Config, preprocessing: Preprocessing, digests: Digests, own: Own | None = None
) -> Images:
    """The images that a config names. Copies of an image count once.

    Args:
        digests: of images that were seen before; takes those of new ones.
        own: a preprocessing of the user's own.

    Raises:
        ImagesError: there is no such folder, archive, table or data set, or no image in it.
    """
    section = config.images
    where = section.dataset or str(config.path(section.folder))
    found = _found(config, suffixes(preprocessing))
    passed = _few(found.passed)
    if not found.images:
        raise ImagesError(
            f"{where} holds no image{passed_over_words(passed)}.",
            "In a folder, its subfolders and archives they are found by their suffix: "
            f"{' '.join(sorted(suffixes(preprocessing)))}.",
        )
    by_id = _by_id(found.images, digests, config.path(section.folder))
    chosen = sorted(by_id)[: section.limit]
    photographs = tuple(
        Photograph(id, by_id[id].name, _label(by_id[id], section.labels)) for id in chosen
    )
    every = tuple(sorted({photograph.label for photograph in photographs} - {""}))
    manifest = Manifest(digest_of(chosen), photographs, (), every, passed)
    if section.publish == "none":  # nothing that is computed rests on what may not be shown
        manifest = manifest.unlabelled()
    return Images(manifest, [by_id[id].file for id in chosen], preprocessing, own)


def _found(config: Config, known: frozenset[str]) -> Found:
    """The images of a config, in an order that depends on their names alone."""
    section = config.images
    if section.dataset:
        return in_dataset(section.dataset, section.folder, config.path)
    folder = config.path(section.folder)
    if folder.is_file() and not section.list and (is_archive(folder) or is_table(folder)):
        return _in_file(folder, folder.parent, known)
    if not folder.is_dir():
        why = "is no folder" if folder.exists() else "does not exist"
        raise ImagesError(
            f"The image folder {folder} {why}.",
            f"It is a folder, or a file that holds images ({' '.join(ARCHIVES + TABLES)}), and "
            "relative to the folder of atlas.toml.",
        )
    if section.list:
        labels = listed(config.path(section.list), folder, known)
        return Found([_candidate(path, folder, labels[path]) for path in sorted(labels)])
    written = {config.path(out).resolve() for out in (config.output.work, config.output.site)}
    files, passed = _files(folder, known, written)
    found = Found(passed=passed)
    for path in files:
        found.add(_in_file(path, folder, known))
    return found


def _in_file(path: Path, top: Path, known: frozenset[str]) -> Found:
    """The images of a file: of an archive or a table those in it, of any other itself."""
    one = _candidate(path, top)
    if is_archive(path):
        return in_archive(path, one.name, one.folder, known)
    return in_table(path, one.name) if is_table(path) else Found([one])


def _candidate(path: Path, top: Path, label: str = "") -> Candidate:
    """An image file below a folder."""
    folder = "" if path.parent == top else _text(path.parent.name)
    return Candidate(path, _text(path.relative_to(top).as_posix()), folder, _text(label))


def _by_id(images: Sequence[Candidate], digests: Digests, top: Path) -> dict[str, Candidate]:
    """Images by the digest of their content; of copies, the first."""
    by_id: dict[str, Candidate] = {}
    for image in images:
        try:
            by_id.setdefault(digests.of(image.file, top), image)
        except OSError:  # unreadable: skipped when it is to be decoded
            by_id.setdefault(digest_of(image.name)[:32], image)
    return by_id


def _files(
    folder: Path, known: frozenset[str], written: Set[Path]
) -> tuple[list[Path], Counter[str]]:
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
            if suffix not in known and not is_archive(path) and not is_table(path):
                passed[other_file(_text(suffix))] += 1
            elif path.is_file() or not path.exists():  # one that is gone is told of as broken
                found.append(path)
            else:
                passed["special file"] += 1
    return sorted(found), +passed


def _few(passed: Counter[str]) -> tuple[tuple[str, int], ...]:
    """What was passed over, the most frequent kinds first, rare ones together."""
    kinds = sorted(passed, key=lambda kind: (-passed[kind], kind))
    few = Counter({kind: passed[kind] for kind in kinds[:KINDS]})
    for kind in kinds[KINDS:]:
        few["other file"] += passed[kind]
    return tuple(few.most_common())


def _text(name: str) -> str:
    """A file's name as text, whatever bytes it is made of."""
    return text(os.fsencode(name).decode("utf-8", "replace"))


def _label(image: Candidate, labels: str) -> str:
    """The label of an image, as `[images] labels` says."""
    listed = isinstance(image.file, Path)
    if image.label and (listed or labels != "none"):
        return image.label
    if labels == "folder":
        return image.folder
    stem, suffix = os.path.splitext(PurePosixPath(image.name).name)
    if labels == "file" and suffix:  # rows and items are numbered
        return stem[: max(stem.rfind(mark) for mark in "-_.")] if set(stem) & set("-_.") else stem
    return ""
