"""Some images through every attribution method: maps of their first answers, drawn and in numbers.

Flow: compute -> **attributions** -> drawing -> store. Images share batches of one fixed size, the
last one padded: memory does not grow with their number, and no image's result depends on which
others there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from lamella.analyses.attribution_maps.drawing import Scaled, scaled, sheets
from lamella.analyses.attribution_maps.stored import (
    COARSE,
    FINE,
    PHOTOGRAPH,
    SIDE,
    columns,
    sheet_of,
)
from lamella.attribution.compute import Options, attribute
from lamella.attribution.integrated import completeness
from lamella.attribution.methods import BY_NAME
from lamella.attribution.occlusion import occlusion
from lamella.attribution.scores import probabilities, scores
from lamella.figures import heat
from lamella.figures.encoding import encode, packed
from lamella.network.model import Model
from lamella.store.store import Shard, Sheet

BATCH = {"cpu": 4, "cuda": 16}  # images that are explained together
TOP = 5  # first answers that are kept
READ = {COARSE: 28, FINE: 56}  # positions along a side of the numbers that a page holds


@dataclass(frozen=True)
class Attributions:
    """What was found of some images.

    Attributes:
        outputs, shares: the first answers and their probabilities, (image, answer); -1 and 0 where
            the network has fewer.
        maps: of each method, (image, class, row, column).
        before: probabilities of the classes that are explained, (image, class).
        under: likewise under each mask, (image, class, row, column).
        sums: what the integrated gradients add up to, and to what they should, (image, class, 2);
            zeros where the network has none.
    """

    outputs: NDArray[np.int32]
    shares: NDArray[np.float32]
    maps: dict[str, NDArray[np.float32]]
    before: NDArray[np.float32]
    under: NDArray[np.float32]
    sums: NDArray[np.float32]


def attributions(
    model: Model, shown: Tensor, names: Sequence[str], number: int, options: Options
) -> Attributions:
    """All methods on some images.

    Args:
        shown: sRGB in [0, 1], (image, 3, row, column).
        names: of the methods that the network has.
        number: how many of the first answers are explained.
    """
    import torch

    with torch.no_grad():
        shares = probabilities(scores(model, shown).float())
    order = torch.argsort(shares, dim=1, descending=True, stable=True)[:, :TOP]
    classes = order[:, :number]
    outputs = np.full((len(shown), TOP), -1, np.int32)
    first_shares = np.zeros((len(shown), TOP), np.float32)
    outputs[:, : order.shape[1]] = order.cpu().numpy()
    first_shares[:, : order.shape[1]] = _array(shares.gather(1, order))
    masked = occlusion(model, shown, classes, options.patch, options.stride)
    maps = {
        # The one method of which more is kept than its map.
        name: masked.before[:, :, None, None] - masked.under
        if name == "occlusion"
        else attribute(name, model, shown, classes, options)
        for name in names
    }
    sums = np.zeros((*classes.shape, 2), np.float32)
    if "integrated" in maps:
        adding = completeness(model, shown, classes, maps["integrated"])
        sums = np.stack([_array(adding.sum), _array(adding.difference)], axis=-1)
    return Attributions(
        outputs,
        first_shares,
        {name: _array(each) for name, each in maps.items()},
        _array(masked.before),
        _array(masked.under),
        sums,
    )


def _array(values: Tensor) -> NDArray[np.float32]:
    return values.detach().float().cpu().numpy()


def batch_shards(
    model: Model,
    values: Sequence[NDArray[Any]],
    images: Sequence[int],
    entries: Sequence[int],
    names: Sequence[str],
    number: int,
    options: Options,
    quality: int,
) -> list[Shard]:
    """A shard for each of some images, a batch at most.

    Args:
        values: of each, as `Images.values` gives them.
        images: their numbers.
        entries: under which they are stored.
        quality: of the photographs.
    """
    size = BATCH.get(model.device.type, BATCH["cpu"])
    padded = [*values, *[values[-1]] * (size - len(values))]
    found = attributions(model, model.shown(np.stack(padded)), names, number, options)
    pixels = model.planes.pixels(np.stack(values))
    made = {"torch": torch.__version__, "device": model.device.type, "batch": size}
    return [
        replace(_shard(found, at, image, entry, pixels[at], quality), made=made)
        for at, (image, entry) in enumerate(zip(images, entries, strict=True))
    ]


def _shard(
    found: Attributions, at: int, image: int, entry: int, pixels: NDArray[np.uint8], quality: int
) -> Shard:
    """Everything of one image."""
    classes = found.before.shape[1]
    numbers: dict[str, NDArray[np.generic]] = {
        "image": np.array(image, np.int32),
        "output": found.outputs[at],
        "share": found.shares[at],
        "before": found.before[at],
        "sums": found.sums[at],
    }
    maps: dict[str, list[Scaled]] = {}
    for name, values in found.maps.items():
        method = BY_NAME[name]
        each = [scaled(method, one) for one in values[at, : classes if method.of_class else 1]]
        # What is read off the occlusion map is the probability under each mask.
        read = found.under[at] if name == "occlusion" else [one.values for one in each]
        most = max(found.under.shape[2:]) if name == "occlusion" else READ[sheet_of(method)]
        levels = [heat.levels(one, method.signed, most) for one in read]
        numbers |= {
            f"{name}_levels": np.stack([one[0] for one in levels]),
            f"{name}_range": np.array([one[1:] for one in levels], np.float32),
            f"{name}_scale": np.array(
                [(one.full, one.largest, one.lowest) for one in each], np.float32
            ),
        }
        maps[name] = each
    drawn = sheets(maps, classes)
    held = columns(list(maps))
    return Shard(
        (entry,),
        {name: np.asarray(value)[None] for name, value in numbers.items()},
        {
            PHOTOGRAPH: [encode(Image.fromarray(pixels), quality)],
            **{name: [packed(picture)] for name, picture in drawn.items()},
        },
        {
            name: Sheet(SIDE[name], SIDE[name], len(held[name]), classes)
            for name in (COARSE, FINE)
            if name in drawn
        },
    )
