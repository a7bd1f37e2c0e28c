"""Images of bands: files of numbers, as many per pixel as the network takes.

Flow: decoding -> **bands** -> images. Numbers stay what they are in the file: nothing is scaled.
"""

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamella.config.preprocessing import Preprocessing
from lamella.errors import said
from lamella.images.decoding import MOST_PIXELS, NUMBERS, BrokenImage, centre, formats
from lamella.images.entries import ImageFile, readable

TIFFS = frozenset([".tif", ".tiff"])
MOST = 4 * MOST_PIXELS  # numbers of a file

Numbers = NDArray[np.float32]


def read(file: ImageFile, bands: int) -> Numbers:
    """The numbers of a file, float32 (row, column, band), whichever axis its bands lie on.

    Raises:
        BrokenImage: it cannot be read, has other bands, or holds no numbers, or NaN.
    """
    try:
        given, suffix = readable(file), file.suffix.lower()
        if suffix == NUMBERS:
            lazily: Any = "r" if isinstance(given, Path) else None
            found = np.load(given, mmap_mode=lazily, allow_pickle=False)
        elif suffix in TIFFS:
            found = _tiff(given)
        else:
            with Image.open(given, formats=formats()) as image:
                _count(image.width * image.height)
                found = np.asarray(image)
        _count(found.size)
        values = _by_pixel(found, bands)
        if values.dtype.kind not in "uifb":
            raise BrokenImage(f"it holds {values.dtype}, which are no numbers")
        numbers = np.ascontiguousarray(values, np.float32)
    except BrokenImage:
        raise
    except Exception as error:  # whatever a file holds
        raise BrokenImage(f"{type(error).__name__}: {said(error)}") from error
    if not np.isfinite(numbers).all():
        raise BrokenImage("it holds NaN or infinite numbers")
    return numbers


def _tiff(given: Path | io.BytesIO) -> NDArray[Any]:
    """All bands of a TIFF: samples of a pixel, or pages of one size."""
    try:
        import tifffile
    except ImportError as error:
        raise BrokenImage("TIFFs of bands need tifffile: pip install tifffile") from error
    with tifffile.TiffFile(given) as file:
        _count(math.prod(file.series[0].shape))
        found: NDArray[Any] = file.series[0].asarray()
    return found


def _count(numbers: int) -> None:
    """Refuse a file that fills the memory."""
    if numbers > MOST:
        raise BrokenImage(f"{numbers:,} numbers are too many")


def _by_pixel(found: NDArray[Any], bands: int) -> NDArray[Any]:
    """Numbers as (row, column, band), wherever the bands lie."""
    axes = [axis for axis in (0, -1) if found.ndim == 3 and found.shape[axis] == bands]
    if bands == 1 and found.ndim == 2:
        return found[..., None]
    if len(axes) != 1:
        shape = " x ".join(map(str, found.shape))
        why = f"has no axis of {bands} bands" if not axes else f"has two axes of {bands}"
        raise BrokenImage(f"{shape} numbers: it {why}")
    return np.moveaxis(found, axes[0], -1)


def decoded(image: ImageFile, how: Preprocessing) -> Numbers:
    """What the network sees of a file of bands, before mean and std: (row, column, band).

    Resized and cut as photographs are, each band by itself; beside it, where it is smaller, zeros.

    Raises:
        BrokenImage: it cannot be read.
    """
    values = read(image, how.bands)
    planes = [
        centre(Image.fromarray(np.ascontiguousarray(values[..., band])), how)
        for band in range(how.bands)
    ]
    return np.stack(planes, axis=-1)
