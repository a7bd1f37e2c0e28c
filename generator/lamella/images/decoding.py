"""One photograph, whatever its file holds, to pixels as the network sees them.

Flow: **decoding** -> bands, images, and analyses that decode masks. Files are hostile: only formats
of photographs are tried, and the size is looked at before anything is decoded.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from lamella.config.files import refuse_special
from lamella.config.preprocessing import Preprocessing
from lamella.errors import said
from lamella.images.entries import ImageFile, readable
from lamella.images.plugins import PLUGGED

_JPEG = {".jpg", ".jpeg", ".jpe", ".jfif"}
_OTHERS = {".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".jp2"}
SUFFIXES = frozenset(_JPEG | _OTHERS | PLUGGED)
NUMBERS = ".npy"  # of bands alone
MOST_PIXELS = 178_956_970  # a larger image is an attack on memory and time: PIL's own limit
Pixels = NDArray[np.uint8]


def suffixes(how: Preprocessing) -> frozenset[str]:
    """Those of the files that are read."""
    return SUFFIXES | {NUMBERS} if how.bands else SUFFIXES


Resize = int | tuple[int, int] | str

Image.MAX_IMAGE_PIXELS = None  # PIL warns of large photographs; `decode` counts by itself


class BrokenImage(Exception):
    """An image file that cannot be decoded; the message says why, without naming the file."""


@cache
def formats() -> tuple[str, ...]:
    """PIL's names of the formats that are read: of those suffixes, and only those."""
    known = Image.registered_extensions()
    return tuple(sorted({known[suffix] for suffix in SUFFIXES if suffix in known}))


def opened(file: ImageFile, formats: tuple[str, ...]) -> Image.Image:
    """An image file, its pixels unread: a photograph, or a mask.

    Raises:
        OSError: it is no image of these formats, is no file, or is too large to be one.
    """
    if isinstance(file, Path):
        refuse_special(file)
    image: Image.Image = Image.open(readable(file), formats=formats)
    if image.width * image.height > MOST_PIXELS:
        image.close()
        raise OSError(f"{image.width} x {image.height} pixels are too many")
    return image


def decode(file: ImageFile, how: Preprocessing) -> Pixels:
    """A photograph as bytes, resized, and cut from its centre: sRGB, (row, column, 3), or greys,
    (row, column, 1).

    The same bytes as torchvision's `Resize` and `CenterCrop` give on the whole image, unless `fast`
    is set. Turned upright as its EXIF says; transparency lies on white; of an animation the first
    picture.

    Raises:
        BrokenImage: it is no image, is truncated, or is too large.
    """
    with upright(file, _drafted(how.resize) if how.fast else None) as image:
        # Greys are made before it is resized, as whoever opens it as greys does.
        found = centre(image.convert("L") if how.channels == "L" else image, how)
        return found[..., None] if found.ndim == 2 else found


@contextmanager
def upright(file: ImageFile, least: tuple[int, int] | None = None) -> Iterator[Image.Image]:
    """A photograph in RGB, turned as its EXIF says, on white where it is transparent.

    Args:
        least: width and height that are enough of it, if it is a JPEG.
    Raises:
        BrokenImage: it is no image, is truncated, is too large, or what is done with it fails.
    """
    try:
        with opened(file, formats()) as image:
            if least:
                image.draft("RGB", least)
            yield _plain(ImageOps.exif_transpose(image))
    except UnidentifiedImageError as error:
        raise BrokenImage("not an image, or not one that can be read here") from error
    except OSError as error:
        raise BrokenImage(said(error)) from error
    except BrokenImage:
        raise
    except Exception as error:  # PIL's plug-ins raise almost anything on hostile files
        raise BrokenImage(f"{type(error).__name__}: {said(error)}") from error


def _drafted(resize: Resize) -> tuple[int, int] | None:
    """The least width and height that a JPEG is decoded at; None for its own."""
    if resize == "none":
        return None
    width, height = resized((1, 1), resize)
    return max(width, height), max(width, height)


def _plain(image: Image.Image) -> Image.Image:
    """An image of any mode as RGB."""
    if image.mode.startswith("I"):  # greys of 16 bits
        values = np.asarray(image)
        deep = image.mode != "I" or bool(values.max() > 255)
        image = Image.fromarray((values >> 8 if deep else values).clip(0, 255).astype(np.uint8))
    elif image.mode == "F":
        image = _of_floats(np.asarray(image))
    if "A" in image.mode or "transparency" in image.info:
        over = image.convert("RGBA")
        image = Image.new("RGBA", over.size, "white")
        image.alpha_composite(over)
    return image.convert("RGB")


def _of_floats(values: NDArray[np.float32]) -> Image.Image:
    """Greys in floating point, whose white is 1, 255 or 65,535: the least that holds them all.

    Raises:
        BrokenImage: they are none of these.
    """
    most = float(values.max()) if np.isfinite(values).all() else np.inf
    white = next((white for white in (1.0, 255.0, 65535.0) if most <= white), None)
    if white is None or values.min() < 0:
        raise BrokenImage("floating-point values that do not lie between 0 and 1, 255 or 65535")
    return Image.fromarray((values * (255 / white)).round().astype(np.uint8))


def resized(size: tuple[int, int], resize: Resize) -> tuple[int, int]:
    """Width and height of a resized image.

    Args:
        size: its width and height.
        resize: its shorter side, rounded as torchvision rounds; a height and a width; or "none".
    """
    if isinstance(resize, str):
        return size
    if isinstance(resize, tuple):
        return resize[1], resize[0]
    short, long = min(size), max(size)
    other = int(resize * long / short)
    return (resize, other) if size[0] <= size[1] else (other, resize)


def _first(extent: int, cut: int) -> int:
    """Where what is cut out of the middle begins, as torchvision rounds; negative for a frame."""
    return round((extent - cut) / 2) if extent >= cut else -((cut - extent) // 2)


def centre_box(size: tuple[int, int], how: Preprocessing) -> tuple[float, float, float, float]:
    """What of an image of that width and height is seen: left, top, right, bottom, in its pixels.

    Outside of it, where it is framed.
    """
    width, height = resized(size, how.resize)
    rows, columns = how.shape
    left, top = _first(width, columns), _first(height, rows)
    across, down = size[0] / width, size[1] / height
    return left * across, top * down, (left + columns) * across, (top + rows) * down


def nearest(plane: NDArray[Any], how: Preprocessing, grid: tuple[int, int]) -> NDArray[Any]:
    """What of a plane lies beneath the image that is seen, by nearest pixel, on a grid.

    Zero where the image is framed.

    Args:
        plane: of the whole image, turned upright, `(row, column)`.
        grid: its rows and columns, which cover what is seen.
    """
    height, width = plane.shape
    left, top, right, bottom = centre_box((width, height), how)
    down, across = ((np.arange(extent) + 0.5) / extent for extent in grid)
    rows = np.floor(top + down * (bottom - top)).astype(np.int64)
    columns = np.floor(left + across * (right - left)).astype(np.int64)
    inside = ((rows >= 0) & (rows < height))[:, None] & (columns >= 0) & (columns < width)
    seen = plane[rows.clip(0, height - 1)[:, None], columns.clip(0, width - 1)]
    found: NDArray[Any] = np.where(inside, seen, 0).astype(plane.dtype)
    return found


def centre(image: Image.Image, how: Preprocessing) -> NDArray[Any]:
    """What is seen of an image: resized, and cut from its middle; of one band, (row, column)."""
    width, height = resized(image.size, how.resize)
    rows, columns = how.shape
    method = Image.Resampling[how.interpolation.upper()]
    framed = width < columns or height < rows
    if not framed and (how.fast or width * height > MOST_PIXELS):  # a strip might fill the memory
        box = centre_box(image.size, how)
        return np.asarray(image.resize((columns, rows), method, box=box, reducing_gap=3.0))
    if not how.antialias:
        image = _interpolated(image, (width, height), how.interpolation)
    elif (width, height) != image.size:
        image = image.resize((width, height), method)
    left, top = _first(width, columns), _first(height, rows)
    return np.asarray(image.crop((left, top, left + columns, top + rows)))


def _interpolated(image: Image.Image, size: tuple[int, int], mode: str) -> Image.Image:
    """An image resized as tensors are without antialiasing: four or sixteen pixels make one."""
    import torch
    from torch.nn.functional import interpolate

    values = torch.from_numpy(np.array(image))
    planes = values[None] if values.dim() == 2 else values.permute(2, 0, 1)
    found = interpolate(planes[None].float(), size=size[::-1], mode=mode, align_corners=False)[0]
    if image.mode == "F":
        return Image.fromarray(found[0].numpy())
    if mode == "bicubic":
        found = found.clamp(0, 255)
    found = found.round().byte()
    return Image.fromarray((found[0] if values.dim() == 2 else found.permute(1, 2, 0)).numpy())


_TURNED = range(5, 9)  # EXIF orientations that swap width and height


def upright_size(file: ImageFile) -> tuple[int, int] | None:
    """Width and height of an image as it is shown; None where it is none, which is told later."""
    try:
        with opened(file, formats()) as image:
            turned = image.getexif().get(0x0112) in _TURNED
            return image.size[::-1] if turned else image.size
    except Exception:  # PIL's plug-ins raise almost anything on hostile files
        return None
