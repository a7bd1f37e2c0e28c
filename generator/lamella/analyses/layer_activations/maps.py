"""One image through the network: of each layer, while it runs, its picture and strongest units.

Flow: choice + survey -> **maps** -> compute. One forward pass; the maps of one layer are in memory
at a time, beside what the network itself keeps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lamella.analyses.layer_activations import grid
from lamella.analyses.layer_activations.colours import levels
from lamella.analyses.layer_activations.stored import CELL, CELLS
from lamella.figures import overlays
from lamella.figures.encoding import packed
from lamella.network.activations import Address, visit
from lamella.network.units import Layer
from lamella.store.gathering import PanelFacts

if TYPE_CHECKING:
    from lamella.network.model import Model
    from lamella.store.facts import Atlas

Units = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LayerMaps:
    """What one layer makes of the image.

    Attributes:
        maps: its maps in one picture, WebP.
        heat: where its strongest units answer, to be laid over the image: a sheet of CELL px
            cells side by side, WebP; empty where the layer has no positions, or no unit answers.
        strongest: their channel numbers, strongest first; -1 for none.
        peak: the largest value of each of them.
        ratio: that over the unit's usual one, see `usual_peak`.
        answering: units above zero at one position at least.
        dead: units that no image of the set excites.
        layout: of the picture.
    """

    maps: bytes
    heat: bytes
    strongest: NDArray[np.int32]
    peak: NDArray[np.float32]
    ratio: NDArray[np.float32]
    answering: int
    dead: int
    layout: grid.Layout


def usual_peak(survey: PanelFacts) -> Units:
    """What is usual of each unit at its strongest, (unit,): by this its peaks are measured.

    The activation that one in a thousand exceeds, over all images and positions; the largest one
    where that is not above zero; zero for a unit that no image brings above zero.
    """
    p999, maximum = (survey[name].astype(np.float64) for name in ("p999", "maximum"))
    usual: Units = np.where(p999 > 0, p999, np.maximum(maximum, 0))
    return np.where(survey.present, usual, 0)


def limits(survey: PanelFacts, signed: bool) -> Units:
    """The activation of full colour of each unit, (unit,); zero for one that nothing excites.

    What is usual at its strongest. Where values are signed, at least three standard deviations
    beyond the mean, since the lowest ones are to be told apart too.
    """
    usual = usual_peak(survey)
    if not signed:
        return usual
    mean, deviation = (survey[name].astype(np.float64) for name in ("mean", "deviation"))
    return np.where(survey.present, np.maximum(usual, np.abs(mean) + 3 * deviation), 0)


def strongest(maps: NDArray[np.float32], usual: Units) -> tuple[NDArray[np.int64], Units]:
    """The units whose peak is largest against what is usual of them, and by how much.

    Of equal ones first the one whose map is fuller, then the lower number. Only those above zero.
    """
    peak = maps.max(axis=(1, 2)).astype(np.float64)
    scale = np.where(usual > 0, usual, 1)
    # A unit that no image of the survey excited, and this one does by a rounding, says nothing.
    ratio = np.where((usual > 0) & (peak > 0), peak / scale, 0)
    full = np.maximum(maps, 0).mean(axis=(1, 2), dtype=np.float64) / scale
    order = np.lexsort((np.arange(len(ratio)), -full, -ratio))[:CELLS]
    return order[ratio[order] > 0], ratio


def maps_by_layer(
    model: Model, atlas: Atlas, image: NDArray[Any], most: int, tick: Callable[[], None]
) -> dict[str, LayerMaps]:
    """What all layers of the atlas make of one image, by their names.

    Args:
        image: as `Images.values` gives it.
        most: side that a map may have in its picture, in pixels.
        tick: called after each layer.
    """
    found: dict[str, LayerMaps] = {}
    by_address: defaultdict[Address, list[Layer]] = defaultdict(list)
    for layer in atlas.network.layers:
        by_address[model.traced[layer.name].observed].append(layer)

    def visitor(layers: Sequence[Layer]) -> Callable[[Tensor], None]:
        def look(value: Tensor) -> None:
            maps = value[0].float().cpu().numpy()
            for layer in layers:
                survey = atlas.layer(layer).of("survey")
                found[layer.name] = layer_maps(layer, maps, survey, image.shape[:2], most)
                tick()

        return look

    with torch.inference_mode():
        inputs = model.inputs(image[None])
        visit(model.module, inputs, {at: visitor(layers) for at, layers in by_address.items()})
    return found


def layer_maps(
    layer: Layer,
    maps: NDArray[np.float32],
    survey: PanelFacts,
    extent: tuple[int, ...],
    most: int,
) -> LayerMaps:
    """What is shown of one layer.

    Args:
        maps: the layer's values, (unit, row, column).
        survey: what is known of its units.
        extent: rows and columns of the image.
        most: side that a map may have in its picture, in pixels.
    """
    limit = limits(survey, layer.signed)
    usual = usual_peak(survey)
    best, ratio = strongest(maps, usual)
    folded = grid.squared(maps)
    how = grid.layout(len(folded), folded.shape[1], folded.shape[2], most)
    there = ~np.isnan(folded[0])
    small = grid.reduced(np.nan_to_num(folded), how.reduced)
    exists = grid.reduced(there[None].astype(np.float32), how.reduced)[0] > 0
    dead = limit <= 0
    picture = grid.drawn(levels(small, limit, layer.signed), exists, dead, layer.signed, how)
    numbers = np.full(CELLS, -1, np.int32)
    numbers[: len(best)] = best
    peak = maps.max(axis=(1, 2))
    placed = bool(there.all()) and there.size > 1
    return LayerMaps(
        maps=packed(picture),
        heat=_heat(layer, folded, usual, best, extent) if placed and len(best) else b"",
        strongest=numbers,
        peak=_first(peak, best),
        ratio=_first(ratio, best),
        answering=int((peak > 0).sum()),
        dead=int(dead.sum()),
        layout=how,
    )


def _heat(
    layer: Layer,
    maps: NDArray[np.float32],
    usual: Units,
    best: NDArray[np.int64],
    extent: tuple[int, ...],
) -> bytes:
    """The maps of some units as heat on one sheet, each up to what is usual of its unit."""
    size = (extent[0], extent[1])
    cells = [
        overlays.views(maps[[unit]], layer, size, CELL, float(usual[unit]), np.inf)[0]
        for unit in best.tolist()
    ]
    return packed(overlays.sheet(np.concatenate(cells), CELLS))


def _first(values: NDArray[np.floating], best: NDArray[np.int64]) -> NDArray[np.float32]:
    """The values of the strongest units, zero for those that are missing."""
    found = np.zeros(CELLS, np.float32)
    found[: len(best)] = values[best]
    return found
