"""Which images an atlas is of.

Flow: images -> **manifest** -> store, pages. No torch.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from lamella.errors import ConfigError, did_you_mean


@dataclass(frozen=True, slots=True)
class Photograph:
    """One image of the set: a stable id, its file's name, and its label ("" for none)."""

    id: str
    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The images of an atlas.

    Attributes:
        digest: of all their ids.
        skipped: the name of each broken one, with the reason.
        labels: all that there are, in order.
        passed_over: what else the folder holds, and how many of each.
    """

    digest: str
    photographs: tuple[Photograph, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    labels: tuple[str, ...] = ()
    passed_over: tuple[tuple[str, int], ...] = ()

    def nameless(self) -> "Manifest":
        """The same with numbers for the names of files, and without what else tells of these."""
        number = {one.name: f"image {at}" for at, one in enumerate(self.photographs)}
        photographs = tuple(replace(one, name=number[one.name]) for one in self.photographs)
        skipped = tuple((number.get(name, ""), "") for name, _ in self.skipped)
        return replace(self, photographs=photographs, skipped=skipped, passed_over=())

    def unlabelled(self) -> "Manifest":
        """The same without labels."""
        photographs = tuple(replace(one, label="") for one in self.photographs)
        return replace(self, photographs=photographs, labels=())


def passed_over_words(passed: Iterable[tuple[str, int]]) -> str:
    """What was passed over, to go on a sentence: ", but 3 .txt files and 1 linked folder"."""
    words = [f"{number} {_plural(what) if number > 1 else what}" for what, number in passed]
    if not words:
        return ""
    listed = " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
    return f", but {listed}"


def _plural(what: str) -> str:
    """`.txt files`, `.heic files (what they need)`, `linked folders that lead back`."""
    noun, that, rest = what.partition(" that leads ")
    if that:
        return f"{noun}s that lead {rest}"
    noun, bracket, rest = what.partition(" (")
    return f"{noun}s{bracket}{rest}"


def photograph_named(manifest: Manifest, wanted: str, where: str) -> int:
    """The number of an image by its id, its path in the folder, or its file's name alone where only
    one has it.

    Args:
        where: what names it, for the error.
    Raises:
        ConfigError: there is no such image, or several.
    """
    names = [photograph.name for photograph in manifest.photographs]
    files = [PurePosixPath(name).name for name in names]
    for known in ([photograph.id for photograph in manifest.photographs], names, files):
        if known.count(wanted) == 1:
            return known.index(wanted)
    raise ConfigError(
        f"{where}: there is no image {wanted!r}, or several.",
        did_you_mean(wanted, names, otherwise=f"Write its path in the folder, {names[0]!r} say."),
    )
