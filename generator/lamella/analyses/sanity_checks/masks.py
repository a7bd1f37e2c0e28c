"""Masks of the user's: where in a photograph the thing is that a person would point at.

Flow: a folder of the user's + images -> **masks** -> pointing_game, compute. For a photograph
`animals/panda.webp` the folder holds `animals/panda.png`, of the photograph's own size; what is
neither black nor transparent is the thing. Masks are as hostile as any file: the size is looked at
before anything is decoded.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lamella.config.preprocessing import Preprocessing
from lamella.errors import ImagesError, ModelError, said
from lamella.images.decoding import SUFFIXES, nearest, opened, upright_size
from lamella.images.entries import ImageFile
from lamella.images.images import Images

if TYPE_CHECKING:
    from lamella.analyses.job import Job

WHERE = "[panels.sanity_checks] masks"
FORMATS = ("PNG", "TIFF", "BMP", "GIF")  # that keep black black
REMEDY = (
    f"{WHERE} is a folder with a mask for each of some photographs: for animals/panda.webp a "
    "picture animals/panda.png of the same size, white where the thing is and black elsewhere."
)
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Masks:
    """The masks of a folder that belong to photographs.

    Attributes:
        files: by the number of the image, in order.
        left_out: names of masks that say nothing here, each with the reason.
    """

    files: dict[int, Path]
    left_out: dict[str, str] = field(default_factory=dict)


def masks_of(job: Job) -> Masks:
    """The masks that the settings name, if they name any."""
    folder = job.settings.masks
    if folder is not None and job.images.own:
        raise ModelError(
            "[panels.sanity_checks] masks are cut as [model.preprocessing] states it; where a "
            "function of your own cuts, that is not known.",
            "Leave masks out.",
        )
    return Masks({}) if folder is None else find_masks(job.path(folder), job.images)


def find_masks(folder: Path, images: Images) -> Masks:
    """The masks of a folder; headers are read, no pixels.

    Raises:
        ImagesError: there is no such folder, no mask in it fits a photograph, one fits several, is
            no picture, or has another size than its photograph.
    """
    if not folder.is_dir():
        why = "is no folder" if folder.exists() else "does not exist"
        raise ImagesError(f"The folder of masks {folder} {why}.", REMEDY)
    stems = [str(PurePosixPath(one.name).with_suffix("")) for one in images.manifest.photographs]
    several = Counter(stems)
    numbers = {stem: number for number, stem in enumerate(stems)}
    files: dict[int, Path] = {}
    left_out: dict[str, str] = {}
    for path in _files(folder):
        name = _name(path, folder)
        stem = str(PurePosixPath(name).with_suffix(""))
        if stem not in numbers:
            left_out[name] = "no photograph of this atlas has this name"
            continue
        if several[stem] > 1:
            raise ImagesError(
                f"The mask {path} fits {several[stem]} photographs, {stem}.* of the image folder.",
                "Rename one of them, and its mask.",
            )
        if (number := numbers[stem]) in files:
            raise ImagesError(
                f"{files[number]} and {path} are masks of one photograph.", "Delete one."
            )
        _check(path, images.files[number])
        files[number] = path
    if not files:
        what = f"{len(left_out)} pictures, but none fits a photograph" if left_out else "no mask"
        raise ImagesError(f"The folder of masks {folder} holds {what}.", REMEDY)
    return Masks(dict(sorted(files.items())), left_out)


def digest_of_masks(folder: Path) -> str:
    """Changes when a mask does, or its name, but not with its place; "" without a folder."""
    if not folder.is_dir():
        return ""
    whole = hashlib.sha256()
    for path in _files(folder):
        whole.update(_name(path, folder).encode(errors="replace") + b"\n")
        try:
            with path.open("rb") as file:
                whole.update(hashlib.file_digest(file, "sha256").digest())
        except OSError:  # reported when it is read
            whole.update(b"unreadable")
    return whole.hexdigest()


def read(path: Path, how: Preprocessing) -> Mask:
    """A mask cut out as its photograph is, by nearest pixel, (row, column).

    Raises:
        ImagesError: it cannot be decoded.
    """
    try:
        with opened(path, FORMATS) as image:
            # A palette, whatever its numbers mean, becomes its colours; deep greys stay deep.
            plain = image if image.mode.startswith(("I", "F")) else image.convert("RGBA")
            values = np.asarray(plain)
    except Exception as error:  # PIL's plug-ins raise almost anything on hostile files
        raise ImagesError(
            f"Cannot read the mask {path}: {said(error)}.", "It may be damaged."
        ) from error
    inside = values != 0 if values.ndim == 2 else (values[..., :3].any(-1) & (values[..., 3] > 0))
    return nearest(inside, how, how.shape)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in SUFFIXES and not hidden and path.is_file():
            yield path


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix().encode(errors="replace").decode()


def _check(mask: Path, photograph: ImageFile) -> None:
    """Refuse what cannot be the mask of a photograph; reads headers only."""
    try:
        with opened(mask, FORMATS) as image:
            size = image.size
    except Exception as error:  # PIL's plug-ins raise almost anything on hostile files
        raise ImagesError(
            f"Cannot read the mask {mask}: {said(error)}.",
            "A mask is saved without loss, as PNG say: JPEG and WebP blur what is black.",
        ) from error
    own = upright_size(photograph)
    if own is None or size == own:  # a broken photograph is reported elsewhere
        return
    turned = ", turned upright as its EXIF says" if size == own[::-1] else ""
    raise ImagesError(
        f"The mask {mask} has {size[0]} x {size[1]} pixels, its photograph {own[0]} x {own[1]}"
        f"{turned}.",
        "Draw it on the photograph as it is shown, in its size.",
    )
