"""LabelledImages scenes: which images there are, in which half, and where in them which concept is.

Flow: a folder of the user's, or the atlas' own photographs -> **scenes** -> labels.

    choose/*.png    choose/masks/<same stem>.png      scenes on which a unit's concept is chosen
    measure/*.png   measure/masks/<same stem>.png     scenes on which its IoU is measured
    concepts.csv    index,name,kind                   what the masks' indices mean

Without the two subfolders, images and `masks/` lie in the folder itself, and each image goes to a
half by the digest of its content.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image

from lamella.analyses.dissection.concepts import Concept, read_table
from lamella.errors import ConceptsError, said
from lamella.images import decoding
from lamella.images.decoding import SUFFIXES, upright_size

HALVES = ("choose", "measure")
TABLE = "concepts.csv"
MASKS = "masks"
MODES = ("1", "L", "P", "I", "I;16", "I;16B", "I;16L", "I;16N")  # PIL's, of one channel
FORMATS = ("PNG", "TIFF", "BMP", "GIF")  # that keep whole numbers as they are
LAYOUT = (
    f"It should hold {HALVES[0]}/ and {HALVES[1]}/, each with images and {MASKS}/, or images and "
    f"{MASKS}/ themselves; and {TABLE}."
)


@dataclass(frozen=True, slots=True)
class Scene:
    """An image, its mask (None where nobody labelled it), its half (0 or 1), and its digest."""

    image: Path
    mask: Path | None
    half: int
    id: str


@dataclass(frozen=True, slots=True)
class Scenes:
    """The scenes of a folder, each once, by digest.

    Attributes:
        table: the concept of each index of the masks.
        apart: whether the user parted the halves; otherwise digests did.
    """

    folder: Path
    scenes: tuple[Scene, ...]
    table: Mapping[int, Concept]
    apart: bool


def find_scenes(folder: Path) -> Scenes:
    """The labelled scenes of a folder; no pixel is read yet.

    Raises:
        ConceptsError: there are none, a mask has no image, or both halves show the same image.
    """
    if not folder.is_dir():
        why = "is no folder" if folder.exists() else "does not exist"
        raise ConceptsError(
            f"The folder of scenes {folder} {why}.",
            "[panels.dissection] scenes is relative to the folder of atlas.toml.",
        )
    apart = all((folder / half).is_dir() for half in HALVES)
    table = read_table(folder / TABLE)
    if apart:
        parts = [_pairs(folder / half) for half in HALVES]
    else:
        every = sorted(_pairs(folder), key=lambda pair: _digest(pair[0]))
        parts = [every[::2], every[1::2]]
    by_id: dict[str, Scene] = {}
    for half, pairs in enumerate(parts):
        for image, mask in pairs:
            id = _digest(image)[:32]
            twin = by_id.setdefault(id, Scene(image, mask, half, id))
            if twin.half != half and apart:
                raise ConceptsError(
                    f"{twin.image} and {image} are the same image.",
                    "What a concept is chosen on must not be what it is measured on: delete one.",
                )
    if not by_id:
        raise ConceptsError(f"{folder} holds no image.", LAYOUT)
    return Scenes(folder, tuple(by_id[id] for id in sorted(by_id)), table, apart)


def _pairs(folder: Path) -> list[tuple[Path, Path | None]]:
    """The images of a folder, in order, each with its mask if it has one."""
    images = list(_files(folder))
    masks: dict[str, Path] = {}
    for mask in _files(folder / MASKS):
        if mask.stem in masks:
            raise ConceptsError(f"{masks[mask.stem]} and {mask} are of one image.", "Delete one.")
        masks[mask.stem] = mask
    stems = {image.stem for image in images}
    for stem, mask in masks.items():
        if stem not in stems:
            raise ConceptsError(
                f"The mask {mask} has no image.", f"It should be called {folder / stem}.png, say."
            )
    return [(image, masks.get(image.stem)) for image in images]


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            plain = path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
            if plain and path.is_file():
                yield path


@lru_cache(maxsize=1 << 17)
def _remembered(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(path: Path) -> str:
    """SHA-256 of a file; of its name where it cannot be read, which is told when it is decoded."""
    try:
        stat = path.stat()
        return _remembered(path, stat.st_size, stat.st_mtime_ns)
    except OSError:
        return hashlib.sha256(path.name.encode(errors="surrogateescape")).hexdigest()


def digest_of_folder(folder: Path) -> str:
    """Changes when an image, a mask, their pairing or the table does; "" where there is no folder.

    It does not change when the folder is moved.
    """
    if not folder.is_dir():
        return ""
    whole = hashlib.sha256()
    parts = [folder, *(folder / half for half in HALVES)]
    files = [
        file
        for part in parts
        for inner in (part, part / MASKS)
        for file in (*_files(inner), *([inner / TABLE] if (inner / TABLE).is_file() else ()))
    ]
    for file in files:
        name = file.relative_to(folder).as_posix().encode(errors="surrogateescape")
        whole.update(name + b"\n" + _digest(file).encode() + b"\n")
    return whole.hexdigest()


def check_sizes(scenes: Sequence[Scene]) -> None:
    """Refuse masks that cannot be those of their images; reads headers only.

    Raises:
        ConceptsError: a mask cannot be opened, has several channels, or another size.
    """
    for scene in scenes:
        if scene.mask is None:
            continue
        with opened(scene.mask) as mask:
            if mask.mode not in MODES:
                raise ConceptsError(
                    f"The mask {scene.mask} has several channels (PIL's mode {mask.mode}).",
                    "A mask is an index image: one whole number a pixel, 8 or 16 bits, PNG say.",
                )
            size = mask.size
        own = upright_size(scene.image)
        if own is not None and size != own:
            raise ConceptsError(
                f"The mask {scene.mask} has {size[0]} x {size[1]} pixels, its image {own[0]} x "
                f"{own[1]}.",
                "Save it in the size of the image, without interpolation.",
            )


def opened(mask: Path) -> Image.Image:
    """A mask's file, its pixels unread.

    Raises:
        ConceptsError: it is no image, or of a format that does not keep whole numbers.
    """
    try:
        return decoding.opened(mask, FORMATS)
    except Exception as error:  # PIL's plug-ins raise almost anything on hostile files
        raise ConceptsError(
            f"Cannot read the mask {mask}: {said(error)}.",
            "A mask is an index image that was saved without loss, as PNG say.",
        ) from error
