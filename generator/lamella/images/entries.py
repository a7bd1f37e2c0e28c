"""An image inside of something that holds many: an archive, a table, a data set.

Flow: **entries** -> archives, tables, datasets, decoding, finding. Wherever an image comes from,
PIL is given a path or a stream of bytes.
"""

import hashlib
import io
import unicodedata
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

MOST_BYTES = 256 << 20  # a larger entry is taken for an attack on memory
HINTS = {
    ".avif": "install pillow-avif-plugin",
    ".heic": "install pillow-heif",
    ".heif": "install pillow-heif",
    ".parquet": "install lamella[parquet]",
    ".arrow": "install lamella[parquet]",
}


@dataclass(frozen=True, slots=True)
class Container:
    """A file that holds images, as it was when they were found."""

    path: Path
    size: int
    changed: int

    @classmethod
    def of(cls, path: Path) -> "Container":
        """A file as it is now."""
        stat = path.stat()
        return cls(path, stat.st_size, stat.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Entry(ABC):
    """An image that is no file of its own.

    Attributes:
        name: as pages show it.
        container: the file that it lies in, if there is one whose change would tell of its own.
        place: where in there.
    """

    name: str
    container: Container | None
    place: int

    @property
    def suffix(self) -> str:
        """As a path's."""
        return PurePosixPath(self.name).suffix

    @abstractmethod
    def read(self) -> bytes:
        """Its bytes, as an image file has them.

        Raises:
            OSError: they cannot be had, for whatever reason; the message names no path.
        """

    def digest(self) -> str:
        """Of its content: that of a file with the same bytes."""
        return hashlib.sha256(self.read()).hexdigest()[:32]


ImageFile = Path | Entry


def readable(file: ImageFile) -> Path | io.BytesIO:
    """What PIL opens."""
    return io.BytesIO(file.read()) if isinstance(file, Entry) else file


class Candidate(NamedTuple):
    """An image where it was found.

    Attributes:
        name: as pages show it.
        folder: the name of the folder that it lies in, "" at the top.
        label: what its source itself says, "" for nothing.
    """

    file: ImageFile
    name: str
    folder: str
    label: str = ""


@dataclass
class Found:
    """Images, and how many other things were passed over, by what they are."""

    images: list[Candidate] = field(default_factory=list)
    passed: Counter[str] = field(default_factory=Counter)

    def add(self, more: "Found") -> None:
        """What was found elsewhere too."""
        self.images += more.images
        self.passed += more.passed


def other_file(suffix: str) -> str:
    """What a file is that is no image, by its suffix."""
    suffix = suffix.lower()
    if not suffix:
        return "suffixless file"
    if not suffix[1:].isalnum() or len(suffix) > 12:
        return "other file"
    return f"{suffix} file ({HINTS[suffix]})" if suffix in HINTS else f"{suffix} file"


def text(name: str) -> str:
    """A name as text that can be printed and published, whatever it is made of."""
    if name.isprintable():
        return name
    hidden = ("Cc", "Cs")
    return "".join("\ufffd" if unicodedata.category(each) in hidden else each for each in name)
