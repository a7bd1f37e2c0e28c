"""A small atlas that no network was run for: smooth random textures, written through the store.

Tests render it, and `python tests/helpers/fake_atlas.py FOLDER` makes one to look at.
"""

import base64
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamella.analyses.dataset_examples import DatasetExamples
from lamella.analyses.embedding import Embedding
from lamella.analyses.panel import Panel
from lamella.analyses.photographs import Photographs
from lamella.analyses.visualization_quality import VisualizationQuality
from lamella.figures import (
    Cell,
    Figure,
    Gallery,
    Histogram,
    Legend,
    Level,
    Lines,
    Mark,
    Picture,
    Series,
    Spot,
    Table,
    Tile,
    Zoom,
    heat,
    links,
)
from lamella.figures.article import Article, Part
from lamella.figures.published import (
    network_picture,
    network_picture_address,
    thumbnail,
    unit_page,
    unit_picture,
)
from lamella.figures.zoom import halved, tiles
from lamella.images.manifest import Manifest, Photograph
from lamella.network.description import Network
from lamella.network.units import Layer, Unit
from lamella.places.field import Field, ReceptiveField
from lamella.site.pages import About
from lamella.store.facts import Atlas, LayerFacts
from lamella.store.store import Shard, Sheet, Store

ABOUT = About(
    title="An atlas of nothing",
    description="Random textures that stand where a network's units would.",
    authors=("Ada Example", "Björn Beispiel"),
    licence="CC-BY-4.0",
    credits="Textures: numpy's random generator.\nWeights: none.",
    version="0.0.test",
)
LAYERS = (("conv1", 8), ("features.10", 70), ("mixed.Up_1", 5), ("classifier", 10))
LABELS = ("cat", "dog", "street", "flower")


class FakeVisualization(Panel):
    shows_photographs: ClassVar[bool] = False
    name: ClassVar[str] = "feature_visualization"
    title: ClassVar[str] = "Feature visualization"
    about: ClassVar[str] = "An image that excites this unit, made from noise by gradient ascent."

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        unit = Unit(facts.layer.name, channel)
        picture = unit_picture(facts, self.name, "picture", channel, f"What {unit} looks for")
        if picture is None:
            return ()
        ratio = facts.of(self.name)["ratio"][channel]
        caption = f"{ratio:.1f} times as strong as the strongest photograph"
        return (Gallery("", (Tile(picture, caption),), size="large"),)


class FakeStatistics(Panel):
    shows_photographs: ClassVar[bool] = False
    name: ClassVar[str] = "statistics"
    title: ClassVar[str] = "Activations"
    about: ClassVar[str] = "Over all photographs and all positions of the layer."
    per: ClassVar[str] = "view"

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        survey = facts.of("survey")
        counts = survey["counts"][channel]
        maximum = float(survey["maximum"][channel])
        edges = np.linspace(0, maximum or 1, len(counts) + 1)
        rows = [(name, f"{survey[name][channel]:.4g}") for name in ("maximum", "mean", "deviation")]
        rows += [(name, f"{survey[name][channel]:.4g}") for name in ("p50", "p99", "zeros")]
        marks = (Mark("99 %", maximum * 0.7), Mark("99.9 %", maximum * 0.8), Mark("max", maximum))
        histogram = Histogram(
            title="",
            edges=tuple(edges.tolist()),
            counts=tuple(counts.tolist()),
            alt="Histogram of activations",
            label="activation, zeros left out",
            marks=marks,
        )
        return histogram, Table("", tuple(rows))


class FakeWeights(Panel):
    shows_photographs: ClassVar[bool] = False
    name: ClassVar[str] = "weights"
    title: ClassVar[str] = "Weights"

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        layers = facts.network.layers
        at = layers.index(facts.layer)
        sheet = unit_picture(facts, self.name, "kernels", channel, "")
        if not at or sheet is None:
            return ()
        tiles = []
        for place in range(6):
            unit = Unit(layers[at - 1].name, (channel + place) % layers[at - 1].channels)
            kernel = Picture(sheet.src, f"Kernel on {unit}", 36, 36, place, 6, 2, None, True)
            shown = thumbnail(facts.atlas, unit)
            link = unit_page(facts.atlas, unit)
            tiles.append(Tile(shown, str(unit), f"+{6 - place}.2", link, kernel))
        note = "Kernels: red is positive, blue negative, white zero."
        titles = "Excited most by", "Inhibited most by"
        return tuple(Gallery(title, tuple(tiles), note, "small") for title in titles)

    def view_layer(self, facts: LayerFacts) -> tuple[Figure, ...]:
        if facts.network.layers[0] != facts.layer:
            return ()
        return (Table("Scale", (("full colour", "±0.8"),), note="Shared by the whole layer."),)


class FakeDepth(Panel):
    """Everything that a panel may say of a network: lines, a section, an article, pictures."""

    shows_photographs: ClassVar[bool] = False
    name: ClassVar[str] = "depth"
    title: ClassVar[str] = "With depth"
    about: ClassVar[str] = "How much the units of each layer answer."
    needs: ClassVar[tuple[str, ...]] = ("survey",)
    per: ClassVar[str] = "network"
    entries: ClassVar[str] = "textures"

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        top = facts.of("survey")["top_activation"][channel]
        ranks = tuple(range(1, len(top) + 1))
        alt = f"Activations of {len(top)} photographs, falling"
        marks = (Mark("patches end", 9),)
        values = tuple(top.tolist())
        return (Lines("", ranks, (Series("", values),), alt, "rank", "activation", marks=marks),)

    def view_network(self, atlas: Atlas) -> tuple[Figure, ...]:
        layers = [facts.of("survey") for facts in atlas.layers()]
        series = tuple(
            Series(name, tuple(float(survey[name].mean()) for survey in layers))
            for name in ("maximum", "p999", "deviation")
        )
        names = tuple(layer.name for layer in atlas.network.layers)
        figure = Lines("", (), series, "Activations by layer", "layer", "mean", names, log_y=True)
        return (figure,)

    def articles(self, atlas: Atlas) -> tuple[Article, ...]:
        names = tuple(layer.name for layer in atlas.network.layers)
        waves = tuple(
            Series(f"{label} {at}", tuple(np.sin(at + np.arange(40) / 6).tolist()))
            for at, label in enumerate(sorted(set(atlas.manifest.labels)))
        )
        lines = Lines(names[0], tuple(range(40)), waves, names[0], names[-1], "waves")
        pictures = (
            network_picture(atlas, self.name, "texture", at, f"Texture {at}") for at in (0, 1)
        )
        tiles = tuple(Tile(p, f"{p.width} x {p.height}", names[0]) for p in pictures if p)
        rows = tuple((Cell(n, links.layer_page(atlas.network.name, n)), "1", "2") for n in names)
        table = Table(
            "", (*rows, (Cell(names[0], "javascript:alert(1)"), "", "")), ("layer", "a", "b")
        )
        zooms = _zoom(atlas, self.name)
        text = (f"There is nothing to see in {names[0]}.", "And nothing more, " * 30)
        parts = (
            Part("Waves", text, (lines,)),
            Part("Textures", text[:1], (Gallery("", tiles, size="large"),)),
            Part("Layers", figures=(table, *self.view_network(atlas))),
            Part(names[0], text, zooms),
        )
        lead = f"What {names[0]} would say of depth, if it had any."
        maps = links.article_page(atlas.network.name, "maps")
        return (
            Article("depth", f"Depth of {names[0]}", lead, parts, after=Cell(names[0], maps)),
            Article("empty", "", "", ()),
            _maps(atlas),
        )


def _maps(atlas: Atlas) -> Article:
    """Heat maps in every look, with numbers behind them; the article on depth leads here."""
    words = [photograph.label for photograph in atlas.manifest.photographs] or [""]
    rows, columns = np.indices((12, 12)).astype(np.float32)
    hill: NDArray[np.float32] = np.exp(-((rows - 3) ** 2 + (columns - 7) ** 2) / 9)
    lower: NDArray[np.float32] = np.exp(-((rows - 9) ** 2 + (columns - 3) ** 2) / 6)
    signed: NDArray[np.float32] = hill - np.float32(0.7) * lower
    fine = np.abs(np.random.default_rng(0).normal(size=(96, 96))).astype(np.float32)

    def inline(content: bytes, alt: str, side: int) -> Picture:
        source = f"data:image/webp;base64,{base64.b64encode(content).decode()}"
        return Picture(source, alt, side, side)

    def drawn(values: NDArray[np.float32], sign: bool, side: int) -> Picture:
        return inline(_encoded(np.asarray(heat.picture(values, 1.0, sign, side))), "", side)

    photograph = inline(_texture(7, 64), "A texture", 64)
    tiles = [Tile(photograph, words[0], "the photograph itself")]
    for name, values, sign in (("hill", hill, False), ("signed", signed, True)):
        reading = heat.reading(values, f"{{}} of {words[0]}", sign)
        laid = replace(photograph, alt=name, over=drawn(values, sign, 96), reading=reading)
        tiles.append(Tile(laid, name, "full colour: 1 of nothing"))
    alone = replace(drawn(fine, False, 64), alt="fine", reading=heat.reading(fine, "{} of noise"))
    tiles.append(Tile(alone, "fine", f"full colour: 1; {words[0]}"))
    ways = (
        Cell(f"Depth of {words[0]}", links.article_page(atlas.network.name, "depth")),
        Cell(words[0], links.network_page(atlas.network.name)),
    )
    mixed = Tile(replace(tiles[1].picture, reading=None), words[0], "1", ways[0].link)
    figures = (
        Legend("Colours", mixed=True, note=words[0]),
        Gallery("One", tuple(tiles), words[0], "maps"),
        Gallery("Two", tuple(tiles), size="maps"),
        Gallery("Three", (mixed, mixed), size="mixed"),
        Table(
            "Shares",
            ((words[0], Cell("81 %", bar=0.81)), ("b", Cell("1 %", bar=0.01))),
            ("", "share"),
        ),
    )
    return Article(
        "maps", f"Maps of {words[0]}", "", (Part("Maps", (), figures),), False, *ways, ways[0]
    )


def _mosaic() -> tuple[tuple[Level, ...], list[Image.Image]]:
    """A pyramid of 8 by 6 textures of 40 pixels, in nine tiles of at most 128."""
    whole = Image.new("RGB", (320, 240))
    for at in range(48):
        whole.paste(Image.fromarray(_pixels(300 + at, 40)), (at % 8 * 40, at // 8 * 40))
    return tiles(halved(whole, 128), 128)


def _zoom(atlas: Atlas, panel: str) -> tuple[Zoom, ...]:
    """The mosaic, with a spot for each texture; every third leads nowhere."""
    still = network_picture(atlas, panel, "still", 0, "Textures")
    if still is None:
        return ()
    levels, _ = _mosaic()
    words = [photograph.label for photograph in atlas.manifest.photographs] or [""]
    spots = tuple(
        Spot(
            *(at % 8 * 40, at // 8 * 40, 40, 40),
            f"{words[at % len(words)]} {at}",
            links.layer_page(atlas.network.name, atlas.network.layers[0].name) if at % 3 else "",
        )
        for at in range(48)
    )
    folder = network_picture_address(atlas, panel, "mosaic", 0).removesuffix("0-mosaic.webp")
    return (Zoom("Mosaic", words[0], still, levels, 128, folder, "mosaic", spots, "Textures."),)


PANELS: tuple[Panel, ...] = (
    FakeVisualization(),
    VisualizationQuality(),
    DatasetExamples(),
    FakeStatistics(),
    FakeWeights(),
    Embedding(),
    Photographs(),
    FakeDepth(),
)


@dataclass(frozen=True)
class Fake:
    """What to make.

    Attributes:
        layers: (name, channels) each.
        side: of the made pictures, in pixels; photographs are as large, patches half of it.
        variety: different textures; more units share them.
        done: layers whose feature visualizations are computed.
    """

    layers: Sequence[tuple[str, int]] = LAYERS
    network: str = "tiny"
    source: str = "tests/fake_atlas.py"
    side: int = 64
    photographs: int = 24
    variety: int = 24
    labels: Sequence[str] = LABELS
    done: Sequence[str] | None = None
    skipped: Sequence[tuple[str, str]] = (("broken.jpg", "truncated file"),)
    classes: Sequence[str] = field(default_factory=tuple)
    publish: str = "whole"
    seed: int = 0

    def write(self, root: Path) -> Atlas:
        """Fill a work folder."""
        atlas = self._atlas(root)
        for at, layer in enumerate(atlas.network.layers):
            self._survey(atlas, layer, at)
            self._examples(atlas, layer, at)
            if self.done is None or layer.name in self.done:
                self.visualize(atlas, layer)
        self._whole(atlas)
        return atlas

    def _atlas(self, root: Path) -> Atlas:
        layers = []
        for at, (name, channels) in enumerate(self.layers):
            last = at == len(self.layers) - 1
            before = self.layers[at - 1][0] if at else ""  # the last one follows two of them
            seen = ReceptiveField(min(self.side, 7 + 24 * at), 4, -3)
            layers.append(
                Layer(
                    name=name,
                    kind="linear" if last else "convolution",
                    channels=channels,
                    height=1 if last else self.side // 4,
                    width=1 if last else self.side // 4,
                    field=None if last else Field(seen, seen),
                    kernel=(1, 1) if last else (3, 3),
                    inputs=self.layers[at - 1][1] if at else 3,
                    activation="relu",
                    follows=tuple(one.name for one in layers[-2:]) if last else (before,),
                )
            )
        network = Network(
            name=self.network,
            source=self.source,
            digest="0123456789abcdef" * 4,
            architecture="fedcba9876543210" * 4,
            parameters=1_234_567,
            size=(self.side, self.side),
            preprocessing={"resize": 256, "mean": [0.5, 0.5, 0.5], "channels": "RGB"},
            layers=tuple(layers),
            classes=tuple(self.classes),
        )
        names = tuple(
            Photograph(f"{n:04x}", f"photo-{n}.jpg", self.labels[n % len(self.labels)])
            for n in range(self.photographs)
        )
        manifest = Manifest("ab" * 32, names, tuple(self.skipped), tuple(sorted(set(self.labels))))
        panels = ("survey", *(panel.name for panel in PANELS if panel.per != "view"))
        keys = {name: f"{at:x}" * 64 for at, name in enumerate(panels, 10)}
        return Atlas(network, manifest, Store(root), keys, self.publish)

    def _survey(self, atlas: Atlas, layer: Layer, at: int) -> None:
        random = np.random.default_rng([self.seed, at])
        channels, shown = layer.channels, min(12, self.photographs)
        tops = np.full((channels, 12), -1, np.int32)
        for channel in range(channels):
            tops[channel, :shown] = random.permutation(self.photographs)[:shown]
        activation = -np.sort(-random.gamma(2, 8, (channels, 12)), axis=1)
        maximum = activation[:, 0]
        places = random.integers(0, layer.height, (2, channels, 12))
        counts = np.round(1e6 * np.exp(-np.arange(48) / 4) * random.uniform(0.3, 1, (channels, 48)))
        numbers: dict[str, NDArray[np.generic]] = {
            "top_image": tops,
            "top_activation": activation.astype(np.float32),
            "top_row": places[0].astype(np.int16),
            "top_column": places[1].astype(np.int16),
            "mean": (maximum / 30).astype(np.float32),
            "deviation": (maximum / 12).astype(np.float32),
            "mean_deviation": (maximum / 40).astype(np.float32),
            "maximum": maximum.astype(np.float32),
            "minimum": np.zeros(channels, np.float32),
            "zeros": random.uniform(0.2, 0.99, channels).astype(np.float32),
            "counts": counts.astype(np.int64),
            "bottom_image": np.roll(tops[:, ::-1], shown, axis=1),
            "bottom_activation": np.zeros((channels, 12), np.float32),
            "bottom_row": np.zeros((channels, 12), np.int16),
            "bottom_column": np.zeros((channels, 12), np.int16),
        }
        for name, share in (("p50", 0.01), ("p90", 0.1), ("p99", 0.6), ("p999", 0.8)):
            numbers[name] = (maximum * share).astype(np.float32)
        folder = atlas.store.folder("survey", atlas.keys["survey"], layer.name)
        made = {"images": self.photographs, "torch": "none", "device": "cpu"}
        folder.write(Shard(tuple(range(channels)), numbers=numbers, made=made))

    def _examples(self, atlas: Atlas, layer: Layer, at: int) -> None:
        half = self.side // 2
        chosen = [at * 31 + channel for channel in range(layer.channels)]
        key = atlas.keys["dataset_examples"]
        sheets = [_sheet(n % self.variety, half) for n in chosen]
        thumbs = [_texture(1000 + n % self.variety, 64) for n in chosen]
        atlas.store.folder("dataset_examples", key, layer.name).write(
            Shard(
                tuple(range(layer.channels)),
                pictures={"patches": sheets, "thumb": thumbs},
                sheets={"patches": Sheet(half, half, 4, 3), "thumb": Sheet(64, 64)},
            )
        )
        if not at:
            return
        kernels = [_kernels(n % self.variety) for n in chosen]
        atlas.store.folder("weights", atlas.keys["weights"], layer.name).write(
            Shard(
                tuple(range(layer.channels)),
                pictures={"kernels": kernels},
                sheets={"kernels": Sheet(36, 36, 6, 2)},
            )
        )

    def visualize(self, atlas: Atlas, layer: Layer, channels: Sequence[int] = ()) -> None:
        """Add the feature visualizations of a layer."""
        at = atlas.network.layers.index(layer)
        run = tuple(channels or range(layer.channels))
        chosen = [at * 31 + channel for channel in run]
        ratio = 1 + np.array(chosen, np.float32) % 7 / 3
        number = np.arange(len(run))
        activation = (20 * ratio).astype(np.float32)
        measured = {
            "mean": activation / 4,
            "rank": np.minimum(1 + number % 5 * (number % 2), layer.channels).astype(np.int32),
            "contrast": np.where(number % 40 == 39, 0.01, 0.2).astype(np.float32),
            "dead": (number % 50 == 49).astype(np.uint8),
            "tries": (1 + (number % 9 == 8)).astype(np.uint8),
            "attempt": (1 + (number % 9 == 8)).astype(np.uint8),
            "curve": np.linspace(0, 1, 64, dtype=np.float32) * activation[:, None],
            "kept_step": np.full(len(run), 60, np.int32),
            "failed": np.zeros(len(run), np.uint8),
        }
        key = atlas.keys["feature_visualization"]
        atlas.store.folder("feature_visualization", key, layer.name).write(
            Shard(
                run,
                numbers={"activation": activation, "ratio": ratio, **measured},
                pictures={
                    "picture": [_texture(n % self.variety, self.side) for n in chosen],
                    "thumb": [_texture(n % self.variety, 64) for n in chosen],
                },
                sheets={"picture": Sheet(self.side, self.side), "thumb": Sheet(64, 64)},
                made={"steps": 64, "seed": 0, "optimizer": {"name": "Adam", "rate": 0.05}},
            )
        )

    def _whole(self, atlas: Atlas) -> None:
        number = len(atlas.units)
        random = np.random.default_rng([self.seed, 99])
        centres = random.uniform(0.15, 0.85, (max(2, number // 40), 2))
        at = centres[random.integers(0, len(centres), number)]
        numbers: dict[str, NDArray[np.generic]] = {
            name: (at + random.normal(0, 0.045, (number, 2))).clip(0, 1).astype(np.float32)
            for name in ("umap", "tsne", "pca")
        }
        near = (np.arange(number)[:, None] + np.arange(1, 9)) % number
        numbers["on_map"] = near.astype(np.int32)
        layer = np.repeat(np.arange(len(self.layers)), [channels for _, channels in self.layers])
        inside = layer[near] == layer[:, None]
        for name, known in (("own", inside), ("other", ~inside), ("least", inside[:, :4])):
            high, low = (-0.5, -0.2) if name == "least" else (0.9, 0.4)
            steps = np.linspace(high, low, known.shape[1], dtype=np.float32)
            shown = near[:, : known.shape[1]]
            numbers[f"{name}_unit"] = np.where(known, shown, -1).astype(np.int32)
            numbers[f"{name}_correlation"] = np.where(known, steps, 0).astype(np.float32)
        numbers["placed"] = np.ones(number, np.uint8)
        atlas.store.folder("embedding", atlas.keys["embedding"]).write(
            Shard(tuple(range(number)), numbers=numbers)
        )
        photographs = [_texture(2000 + n, self.side) for n in range(self.photographs)]
        atlas.store.folder("photographs", atlas.keys["photographs"]).write(
            Shard(
                tuple(range(self.photographs)),
                pictures={"photograph": photographs},
                sheets={"photograph": Sheet(self.side, self.side)},
            )
        )
        textures = [_encoded(_pixels(9, self.side)[: self.side // 2]), _texture(8, self.side)]
        made = {"textures": 2}
        parts = [_encoded(np.asarray(part)) for part in _mosaic()[1]]
        pad = [b""] * (len(parts) - 2)
        pictures = {"texture": textures + pad, "mosaic": parts, "still": [parts[0], b"", *pad]}
        atlas.store.folder("depth", atlas.keys["depth"]).write(
            Shard(tuple(range(len(parts))), pictures=pictures, made=made)
        )


def _pixels(seed: int, side: int) -> NDArray[np.uint8]:
    """Waves of a few directions, in colours that belong together."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    field = np.zeros((side, side, 3))
    for _ in range(6):
        angle, frequency = random.uniform(0, np.pi), random.uniform(1, 9)
        bend = random.uniform(0, 0.25) * np.sin(2 * np.pi * (random.uniform(1, 3) * y + x))
        wave = np.cos(angle) * x + np.sin(angle) * y + bend
        phase = random.uniform(0, 6, 3) * 0.25 + random.uniform(0, 6)
        field += np.sin(2 * np.pi * frequency * wave[..., None] + phase) * random.uniform(0.3, 1)
    tone = random.uniform(90, 170, 3)
    return np.asarray((tone + 36 * field).clip(0, 255), np.uint8)


def _encoded(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", quality=80, method=0)
    return buffer.getvalue()


@lru_cache(maxsize=4096)
def _texture(seed: int, side: int) -> bytes:
    return _encoded(_pixels(seed, side))


@lru_cache(maxsize=4096)
def _sheet(seed: int, side: int) -> bytes:
    rows = [[_pixels(5000 + 12 * seed + 4 * row + c, side) for c in range(4)] for row in range(3)]
    return _encoded(np.vstack([np.hstack(row) for row in rows]))


@lru_cache(maxsize=4096)
def _kernels(seed: int) -> bytes:
    shades = np.random.default_rng(seed).integers(0, 255, (6, 18, 3), dtype=np.uint8)
    return _encoded(np.ascontiguousarray(np.repeat(np.repeat(shades, 12, 0), 12, 1)))


if __name__ == "__main__":
    from lamella.site.pages import render

    out = Path(sys.argv[1])
    big = Fake(
        layers=(
            ("features.0", 64),
            ("features.3.squeeze", 16),
            ("features.3.expand1x1", 64),
            ("features.6.expand3x3", 128),
            ("features.10.squeeze", 48),
            ("features.12", 256),
            ("classifier.1", 100),
        ),
        network="squeezenet1_1",
        side=224,
        photographs=60,
        variety=48,
        done=("features.0", "features.3.squeeze", "features.6.expand3x3", "features.10.squeeze"),
    )
    print(render(ABOUT, big.write(out / "work"), PANELS, out / "site"))
