"""What one source gave: its files and whom to thank for them.

Flow: gcompris.py, pypi.py, ... -> **bundle.py** -> fetch.py, which keeps it in sources.json.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PHOTOGRAPHS = "photographs/"  # the folder that atlas.toml names as its images


@dataclass(frozen=True, slots=True)
class File:
    """One file.

    Attributes:
        path: below site/data, with forward slashes.
        licence: as its source states it; empty where the bundle's counts.
        author: whom its source names; may be empty.
        origin: where it was first published; may be empty.
    """

    path: str
    licence: str = ""
    author: str = ""
    origin: str = ""

    @property
    def is_photograph(self) -> bool:
        """Whether it is one of the images of the atlas."""
        return self.path.startswith(PHOTOGRAPHS)


@dataclass(frozen=True, slots=True)
class Bundle:
    """The files that came out of one version of one package.

    Attributes:
        source: what a reader calls it.
        licence: what holds for all files that state none of their own.
        recipe: of the source, when it was fetched; the shelf fills it in.
    """

    source: str
    package: str
    version: str
    licence: str
    files: tuple[File, ...]
    recipe: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A place where files come from.

    Attributes:
        name: what a reader calls it; unique.
        recipe: changes whenever the same call would give other files.
        fetch: writes the files below the folder that it is given, and says which.
        optional: whether the atlas can be built without it.
    """

    name: str
    recipe: str
    fetch: Callable[[Path], Bundle]
    optional: bool = False


def write(folder: Path, path: str, content: bytes) -> None:
    """Write one file of a bundle below `folder`."""
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
