"""Pictures of what detectors mark: their strongest scenes, all but what they mark in the dark.

Flow: detectors -> **examples** -> compute. Only the scenes that are shown run once more.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamella.analyses.dissection.labels import LabelledImages
from lamella.figures.encoding import encode
from lamella.network.model import Model
from lamella.network.units import Layer
from lamella.numbers.upsampling import upsampled
from lamella.survey.activation_maps import Wanted, maps_of

SHOWN = 4  # scenes of a unit
SIDE = 112  # of a cell, in pixels
DARK = 0.3  # of the light is left outside of what a unit marks
OUTLINE = (255, 214, 10)  # around the concept itself

Detectors = Mapping[int, int]  # concepts by channel


def detector_examples(
    model: Model,
    labelled: LabelledImages,
    wanted: Sequence[tuple[Layer, Detectors, NDArray[np.int64], NDArray[np.float32]]],
    quality: int,
) -> Iterator[tuple[Layer, int, bytes]]:
    """A sheet of scenes, one row, for each detector: (layer, channel, WebP).

    Args:
        wanted: for each layer its detectors, its channels' strongest scenes and thresholds.
    """
    by_layer = {layer.name: (detectors, limits) for layer, detectors, _, limits in wanted}
    maps_wanted = [
        Wanted(layer, tuple(sorted(detectors)), top[sorted(detectors), :SHOWN])
        for layer, detectors, top, _ in wanted
        if detectors
    ]
    with ThreadPoolExecutor(2) as pool:  # PIL lets other threads run meanwhile
        for part, maps in maps_of(model, labelled.images, maps_wanted):
            detectors, limits = by_layer[part.layer.name]

            def sheet(at: int) -> bytes:
                channel = part.channels[at]  # noqa: B023
                cells = [
                    cell(labelled, model, part.layer, int(image), one, limits[channel], concept)  # noqa: B023
                    for image, one in zip(part.images[at], maps[at], strict=True)  # noqa: B023
                    for concept in (detectors[channel],)  # noqa: B023
                ]
                return encode(Image.fromarray(np.concatenate(cells, axis=1)), quality)

            for channel, encoded in zip(
                part.channels, pool.map(sheet, range(len(part.channels))), strict=True
            ):
                yield part.layer, channel, encoded


def cell(
    labelled: LabelledImages,
    model: Model,
    layer: Layer,
    image: int,
    values: NDArray[np.float32],
    limit: float,
    concept: int,
) -> NDArray[np.uint8]:
    """One scene, `(SIDE, SIDE, 3)`: dark outside of what the unit marks, the concept outlined.

    Colours are not outlined: they have borders everywhere.
    """
    if image < 0 or not np.isfinite(values).all():
        return np.zeros((SIDE, SIDE, 3), np.uint8)
    pixels = labelled.images.pixels(image)
    small = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    shown = np.asarray(small).astype(np.float32)
    marked = upsampled(values, layer, model.facts.size, SIDE) > limit
    shown *= np.where(marked, 1.0, DARK)[..., None]
    found = shown.round().astype(np.uint8)
    planes = labelled.planes(image)
    if len(planes) > 1 and (planes[1] == concept + 1).any():
        found[border(stretched(planes[1] == concept + 1, SIDE))] = OUTLINE
    return found


def stretched(mask: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    """A square mask on a grid of another size, without interpolation."""
    places = ((np.arange(side) + 0.5) * len(mask) / side).astype(np.int64)
    return mask[places[:, None], places]


def border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels of a mask that touch what lies outside of it, or the edge of the picture."""
    around = np.pad(mask, 1)
    inner = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
    found: NDArray[np.bool_] = mask & ~inner
    return found
