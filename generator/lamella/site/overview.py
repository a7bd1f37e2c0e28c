"""What the pages of a whole network show: map, search, colours by depth, the best pictures.

Flow: facts + the layers' notes -> **overview** -> pages.
"""

import base64
import io
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lamella.figures.published import PICTURE
from lamella.network.units import Unit
from lamella.site.publish import Note
from lamella.store.facts import EXAMPLES, Atlas, LayerFacts, PanelFacts
from lamella.store.slug import slug

PLACEMENTS = ("umap", "tsne", "pca")
BAND = 24  # pictures on the home page: fills rows of 12, 8, 6 and 4
START = 5  # units to start with
MAP = (720, 450)  # pixels of the small picture of the map
LABELLED = 4  # of a unit's examples must share a label before it carries that label


def hue(depth: float) -> str:
    """A colour for a layer, first 0 to last 1: blue, violet, red, ochre; evenly light in OKLCH.

    Source: Björn Ottosson 2020, "A perceptual color space for image processing".
    """
    angle = math.radians(255 + 180 * depth)
    light, a, b = 0.64, 0.135 * math.cos(angle), 0.135 * math.sin(angle)
    long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
    gamma = (
        1.055 * max(0.0, v) ** (1 / 2.4) - 0.055 if v > 0.0031308 else 12.92 * v for v in linear
    )
    return "#" + "".join(f"{round(255 * min(1.0, max(0.0, v))):02x}" for v in gamma)


def hues(atlas: Atlas) -> dict[str, str]:
    """A colour for each layer, by depth."""
    last = max(1, len(atlas.network.layers) - 1)
    return {layer.name: hue(at / last) for at, layer in enumerate(atlas.network.layers)}


def layer_note(facts: LayerFacts, ranked: Sequence[int], words: Sequence[str] = ()) -> Note:
    """What home, network and search want to know of a layer, so that they need not read it.

    Args:
        ranked: channels, those first whose pictures stand for the layer.
        words: what panels call each unit, "" for nothing.
    """
    panel, name = PICTURE
    made = facts.of(panel)
    note: Note = {"pictures": int(made.present.sum()), "best": [], "size": 0}
    if name in made.sheets:
        note["size"] = made.sheets[name].width
        stored = made.pictures.get(name, {})
        ranked = [channel for channel in ranked or sorted(stored) if channel in stored]
        # Not the very strongest, which are often the oddest, but from the upper quarter.
        upper = ranked[: max(BAND, len(ranked) // 4)]
        note["best"] = upper[:: max(1, len(upper) // BAND)][:BAND]
    shown = labels(facts)
    pairs = zip(shown, words or [""] * len(shown), strict=True)
    note["labels"] = [", ".join(dict.fromkeys(filter(None, pair))) for pair in pairs]
    return note


def labels(facts: LayerFacts) -> list[str]:
    """A word for each unit, "" for none: its class, or what most of its examples show."""
    network, layer = facts.network, facts.layer
    if classes := network.class_names(layer):
        return list(classes)
    survey = facts.of("survey")
    if "top_image" not in survey.numbers:
        return [""] * layer.channels
    words = [photograph.label for photograph in facts.manifest.photographs]
    found = []
    for images in survey["top_image"][:, :EXAMPLES].tolist():
        shown = Counter(words[image] for image in images if image >= 0)
        del shown[""]
        word, number = max(shown.items(), key=lambda item: (item[1], item[0]), default=("", 0))
        found.append(word if number >= LABELLED else "")
    return found


def best(atlas: Atlas, notes: Mapping[str, Note]) -> tuple[Unit, ...]:
    """Units for the home page: some of each layer, in order of depth."""
    sizes = [int(note["size"]) for note in notes.values() if note["best"]]
    # Pictures of the first layers are small and plain; the band wants the others if it can.
    enough = sorted(sizes)[len(sizes) // 3] if sizes else 0
    pools = [
        [Unit(layer.name, channel) for channel in notes[layer.name]["best"]]
        for layer in atlas.network.layers
        if int(notes[layer.name]["size"]) >= enough
    ]
    chosen = [pool[turn] for turn in range(BAND) for pool in pools if turn < len(pool)]
    # Whole rows, as far as there are any.
    chosen = chosen[: BAND if len(chosen) >= BAND else len(chosen) // 12 * 12 or len(chosen)]
    depth = {layer.name: at for at, layer in enumerate(atlas.network.layers)}
    return tuple(sorted(chosen, key=lambda unit: (depth[unit.layer], unit.channel)))


def telling(atlas: Atlas, notes: Mapping[str, Note]) -> tuple[Unit, ...]:
    """Units to start with, spread over the depth: of its layer's best one that has a word."""
    layers = [layer.name for layer in atlas.network.layers if notes[layer.name]["best"]]
    found: list[Unit] = []
    for turn in range(START if layers else 0):
        name = layers[(2 * turn + 1) * len(layers) // (2 * START)]
        left = [channel for channel in notes[name]["best"] if Unit(name, channel) not in found]
        words = notes[name]["labels"]
        found += [Unit(name, min(left, key=lambda channel: not words[channel]))] if left else []
    return tuple(found)


def search_data(
    atlas: Atlas, notes: Mapping[str, Note], named: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """What the search script indexes, small: labels once, and their numbers per unit.

    Args:
        named: names of other things, each with its page.
    """
    words = sorted({word for note in notes.values() for word in note["labels"]} | {""})
    number = {word: index for index, word in enumerate(words)}
    return {
        "network": atlas.network.name,
        "folder": slug(atlas.network.name),
        "words": words,
        "layers": [
            {
                "name": layer.name,
                "kind": layer.kind,
                "folder": slug(layer.name),
                "channels": layer.channels,
                "words": [number[word] for word in notes[layer.name]["labels"]],
            }
            for layer in atlas.network.layers
        ],
        "classes": list(named),
    }


def placements(whole: PanelFacts) -> dict[str, NDArray[np.uint16]]:
    """Where units lie on each map, (unit, 2), 1 to 65535; 0 where a unit has no place."""
    found = {}
    placed = whole.present & whole.numbers.get("placed", whole.present).astype(np.bool_)
    for name in PLACEMENTS:
        if name in whole.numbers:
            scaled = np.nan_to_num(whole[name].astype(np.float64)).clip(0, 1) * 65534 + 1
            found[name] = (np.rint(scaled) * placed[:, None]).astype("<u2")
    return found


def map_data(atlas: Atlas, places: Mapping[str, NDArray[np.uint16]]) -> dict[str, Any]:
    """What the map script draws."""
    colours = hues(atlas)
    return {
        "placements": {
            name: base64.b64encode(points.tobytes()).decode() for name, points in places.items()
        },
        "layers": [
            {
                "name": layer.name,
                "folder": slug(layer.name),
                "channels": layer.channels,
                "colour": colours[layer.name],
            }
            for layer in atlas.network.layers
        ],
    }


def map_picture(atlas: Atlas, points: NDArray[np.uint16]) -> bytes:
    """The map as a small picture, its dots in the colours of their layers, as WebP."""
    width, height = 2 * MAP[0], 2 * MAP[1]  # drawn twice as large: smooth edges
    picture = Image.new("RGBA", (width, height))
    draw = ImageDraw.Draw(picture)
    colours = hues(atlas)
    radius = max(3, min(12, round(400 / math.sqrt(len(points)))))
    for layer in atlas.network.layers:
        first = atlas.offsets[layer.name]
        own = points[first : first + layer.channels].astype(np.float64)
        for x, y in (own[own[:, 0] > 0] / 65535).tolist():
            left = radius + x * (width - 2 * radius)
            top = radius + (1 - y) * (height - 2 * radius)
            draw.circle((left, top), radius, fill=colours[layer.name])
    buffer = io.BytesIO()
    picture.resize(MAP, Image.Resampling.LANCZOS).save(buffer, "WEBP", quality=80, method=4)
    return buffer.getvalue()


def still(atlas: Atlas, points: NDArray[np.uint16]) -> list[tuple[str, str]]:
    """The map without scripts: per layer a colour, and a path of dots on 1000 by 1000."""
    colours = hues(atlas)
    paths = []
    for layer in atlas.network.layers:
        first = atlas.offsets[layer.name]
        own = points[first : first + layer.channels].astype(np.float64)
        dots: Sequence[list[int]] = np.rint(own[own[:, 0] > 0] / 65.535).astype(int).tolist()
        paths.append((colours[layer.name], "".join(f"M{x} {1000 - y}h0" for x, y in dots)))
    return paths
