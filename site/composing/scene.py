"""One scene and its mask: a ground, often a material, and things pasted on it.

Flow: scenes.py -> instances.py -> **scene.py**. Pixels in, pixels out; all chance comes from the
random numbers that are handed in.

A scene has 256 pixels a side, and nothing is pasted within 16 of its border: a network that scales
images to 256 and cuts 224 out of the middle sees every object whole, in the pixels of the mask.
"""

import random
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from .grounds import ANY_SIDE, SIDES
from .instances import Concept, Instance

SIDE, MARGIN = 256, 16
INNER = SIDE - 2 * MARGIN
OPAQUE = 128  # an object is where alpha exceeds this
# Photographs under a scene have no label, so they are out of focus: what they show in their
# middle distance, stone or trees, should not stand beside stone and trees that have one.
DEFOCUS = 2.5
BAND = (0.3, 0.5)  # of the scene's side, where a material lies
AREA = (0.04, 0.14)  # of what is seen, that an object covers
MAX_BOX, MAX_GROWTH = 0.9, 1.75  # of an object's sides; of its scale, or it gets blurred
HIDDEN, TRIES = 0.02, 40  # share of an object that a later one may hide; places tried for that

Mask = NDArray[np.uint8]


def compose(
    ground: Instance,
    things: Sequence[tuple[int, Concept, Instance]],
    chance: random.Random,
) -> tuple[Image.Image, Mask]:
    """A scene of one ground and some instances, each with its concept's index, and its mask.

    Materials are laid first; the mask holds each pixel's index, 0 where nothing is known.
    """
    scene = background(ground, chance)
    mask: Mask = np.zeros((SIDE, SIDE), np.uint8)
    for index, concept, instance in things:
        if concept.kind == "material":
            box = band(chance.choice(SIDES.get(concept.name, ANY_SIDE)), chance)
            scene.paste(texture(instance, (box[2] - box[0], box[3] - box[1]), chance), box[:2])
            mask[box[1] : box[3], box[0] : box[2]] = index
    # Which object each pixel shows, counted from 1: two of one concept are still two.
    owner: Mask = np.zeros((SIDE, SIDE), np.uint8)
    objects = [thing for thing in things if thing[1].kind == "object"]
    for number, (index, _, instance) in enumerate(objects, 1):
        stamp = cut_out(instance, chance)
        alpha = np.asarray(stamp.getchannel("A")) > OPAQUE
        left, top = place(alpha, owner, chance)
        scene.paste(stamp, (left, top), stamp)
        there = (slice(top, top + stamp.height), slice(left, left + stamp.width))
        owner[there][alpha] = number
        mask[there][alpha] = index
    return scene, mask


@lru_cache(maxsize=256)  # each is used in several scenes, and decoding is most of the work
def opened(path: Path, mode: str) -> Image.Image:
    """A picture, decoded once."""
    with Image.open(path) as picture:
        return picture.convert(mode)


def background(ground: Instance, chance: random.Random) -> Image.Image:
    """A square out of a photograph, out of focus: of some, the one with least bare sky in it."""
    photograph = opened(ground.path, "RGB")
    windows: list[tuple[float, int, Image.Image]] = []
    for _ in range(6):
        side = int(chance.uniform(0.6, 0.9) * min(photograph.size))
        left = chance.randrange(photograph.width - side + 1)
        top = chance.randrange(photograph.height - side + 1)
        window = photograph.resize(
            (SIDE, SIDE), Image.Resampling.LANCZOS, (left, top, left + side, top + side)
        )
        grey = np.asarray(window.convert("L"), np.float32)
        bare = float((np.abs(np.diff(grey, axis=0)) < 2).mean())
        windows.append((bare, len(windows), window))
    window = min(windows, key=lambda each: each[:2])[2]
    return _turned(window, chance).filter(ImageFilter.GaussianBlur(DEFOCUS))


def band(side: str, chance: random.Random) -> tuple[int, int, int, int]:
    """The part of a scene along one of its sides: left, top, right, bottom, in pixels."""
    depth = round(chance.uniform(*BAND) * SIDE)
    return {
        "top": (0, 0, SIDE, depth),
        "bottom": (0, SIDE - depth, SIDE, SIDE),
        "left": (0, 0, depth, SIDE),
        "right": (SIDE - depth, 0, SIDE, SIDE),
    }[side]


def texture(material: Instance, size: tuple[int, int], chance: random.Random) -> Image.Image:
    """A material that fills `size`: repeated where it has no seams, else scaled to fit."""
    picture = opened(material.path, "RGB")
    width, height = size
    if material.tiles:
        scale = chance.uniform(1.0, 1.5)
        wide, high = (int(extent / scale) + 1 for extent in size)
        sheet = Image.new("RGB", (wide, high))
        # From a chance pixel of the tile on; the sheet is scaled as a whole, so that no seam shows.
        for left in range(-chance.randrange(picture.width), wide, picture.width):
            for top in range(-chance.randrange(picture.height), high, picture.height):
                sheet.paste(picture, (left, top))
        return _turned(sheet.resize(size, Image.Resampling.BICUBIC), chance)
    x, y, right, bottom = (
        share * extent for share, extent in zip(material.box, picture.size * 2, strict=True)
    )
    # The largest window of the wanted shape inside the box, or a part of that.
    scale = min((right - x) / width, (bottom - y) / height)
    scale = max(min(scale, 0.5), scale * chance.uniform(0.7, 1.0))
    x += chance.random() * (right - x - scale * width)
    y += chance.random() * (bottom - y - scale * height)
    window = (x, y, x + scale * width, y + scale * height)
    return _turned(picture.resize(size, Image.Resampling.BICUBIC, window), chance)


def cut_out(thing: Instance, chance: random.Random) -> Image.Image:
    """An object, scaled to cover a chance share of what is seen; its edges stay soft."""
    stamp = opened(thing.path, "RGBA")
    alpha = stamp.getchannel("A").point(lambda value: 255 * (value > OPAQUE))
    stamp = stamp.crop(alpha.getbbox())
    covered = np.count_nonzero(np.asarray(stamp.getchannel("A")) > OPAQUE)
    scale = min(
        (chance.uniform(*AREA) * INNER**2 / covered) ** 0.5,
        MAX_BOX * INNER / max(stamp.size),
        MAX_GROWTH,
    )
    size = tuple(max(1, round(extent * scale)) for extent in stamp.size)
    stamp = stamp.resize((size[0], size[1]), Image.Resampling.LANCZOS)
    return _turned(stamp, chance) if thing.mirrors else stamp


def place(alpha: NDArray[np.bool_], owner: Mask, chance: random.Random) -> tuple[int, int]:
    """Left and top of a place where an object hides as little of the earlier ones as it can."""
    height, width = alpha.shape
    sizes = np.bincount(owner.ravel(), minlength=2)
    best = (2.0, MARGIN, MARGIN)
    for _ in range(TRIES):
        left = MARGIN + chance.randrange(INNER - width + 1)
        top = MARGIN + chance.randrange(INNER - height + 1)
        under = owner[top : top + height, left : left + width][alpha]
        hidden = np.bincount(under, minlength=len(sizes))[1:] / np.maximum(sizes[1:], 1)
        best = min(best, (float(hidden.max()), left, top))
        if best[0] <= HIDDEN:
            break
    return best[1:]


def _turned(picture: Image.Image, chance: random.Random) -> Image.Image:
    turn = chance.random() < 0.5
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if turn else picture
