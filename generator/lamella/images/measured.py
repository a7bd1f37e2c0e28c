"""What the numbers of bands are, told from the images themselves.

Flow: images -> **measured** -> model, pages. Where black and white lie is no matter of course for
bands: between which of their numbers a feature visualization may move, how bands go together in it
and how they are shown is read off some of the images.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lamella.config.planes import Matrix, Planes, as_matrix, components, decorrelated
from lamella.errors import ImagesError
from lamella.images.decoding import BrokenImage
from lamella.images.images import Images

LOOKED_AT = 64  # images, from all over the set
PIXELS = 4096  # of each, evenly spread
LOW, HIGH = 1, 99  # percentiles that 0 and 1 stand for


def measured(images: Images) -> Planes:
    """The planes of a set of images.

    Raises:
        ImagesError: none of those that are looked at can be decoded.
    """
    numbers, looked_at = _sample(images)
    low, high = np.percentile(numbers, (LOW, HIGH), axis=0)
    high = np.where(high > low, high, low + 1)
    unit = (numbers - low) / (high - low)
    covariance, mean = np.atleast_2d(np.cov(unit.T)), unit.mean(0)
    shown, base, words = _colours(images, covariance, mean, looked_at)
    return replace(
        images.planes,
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
        shown=shown,
        base=base,
        axes=decorrelated(covariance),
        words=words,
    )


def _colours(
    images: Images, covariance: NDArray[np.float64], mean: NDArray[np.float64], looked_at: int
) -> tuple[Matrix, tuple[float, ...], str]:
    """How the planes are shown: their colours, those of zeros, and in words."""
    number, show = len(mean), images.preprocessing.show
    if show is None and number <= 3:
        show = (1, 2, 3) if number == 3 else (1,)
    if isinstance(show, tuple) and max(show) <= number:
        rows = show if len(show) == 3 else show * 3
        matrix = as_matrix([[one == row - 1 for one in range(number)] for row in rows])
        which = "bands {}, {} and {} as red, green and blue" if len(show) == 3 else "band {}"
        words = f"{which.format(*show)}, from percentile {LOW} to {HIGH} of {looked_at} images"
        return matrix, (0.0, 0.0, 0.0), words
    if number < 3:
        raise ImagesError(f"{number} bands have no three principal components.", "Set show = [1].")
    matrix, base, share = components(covariance, mean)
    return (
        matrix,
        base,
        (
            f"the first three principal components of the {number} bands as red, green and blue: "
            f"{share:.0%} of the variance of {looked_at} images"
        ),
    )


def _sample(images: Images) -> tuple[NDArray[np.float64], int]:
    """Numbers of some pixels of some images, (pixel, plane); of how many images."""
    found, why = [], ""
    for number in dict.fromkeys(at * len(images) // LOOKED_AT for at in range(LOOKED_AT)):
        try:
            values = images.decoded(number)
        except BrokenImage as error:
            why = str(error)
            continue
        pixels = values.reshape(-1, values.shape[-1])
        found.append(pixels[:: max(1, len(pixels) // PIXELS)].astype(np.float64))
    if not found:
        raise ImagesError(f"No image can be decoded: {why}.", "")
    return np.concatenate(found), len(found)
