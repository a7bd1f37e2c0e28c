"""One image through the network: its maps, its strongest units, its page, and its privacy."""

import io
import weakref
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import lamella.analyses.layer_activations.maps as forward_pass
from helpers.pages import Scan
from helpers.tiny import NETWORK, Tiny, write_images
from lamella.analyses.layer_activations.colours import EITHER, STEPS, palette
from lamella.analyses.layer_activations.maps import LayerMaps, layer_maps
from lamella.analyses.layer_activations.stored import HEAT, MAPS, PHOTOGRAPH
from lamella.figures.links import panel_picture
from lamella.network.units import Layer
from lamella.pipeline.pipeline import Analysis
from lamella.pipeline.plan import open_atlas

HEAD = "import torch\nfrom torch import nn\n\n\ndef network():\n    torch.manual_seed(0)\n"
LAYERS = ("0", "2", "6")  # of the tiny network


def atlas_in(folder: Path, network: str = NETWORK, images: int = 4, **keys: Any) -> Tiny:
    folder.mkdir(parents=True, exist_ok=True)
    write_images(folder / "images", images)
    (folder / "network.py").write_text(network)
    (folder / "classes.txt").write_text("ant\nbee, honey bee\ncat\n")
    return Tiny(folder).change(analysis__panels=["layer_activations"], **keys)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """A tiny atlas with class names, and one image on its way."""
    found = atlas_in(
        tmp_path_factory.mktemp("layer_activations"),
        model__classes="classes.txt",
        panels__layer_activations__images=["odd/1.png"],
    )
    found.works("build")
    return found


def page_files(found: Tiny) -> list[Path]:
    return sorted((found.folder / "public" / "tiny").glob("layer-activations-*.html"))


def activations(found: Tiny, name: str) -> tuple[dict[str, np.ndarray], torch.Tensor]:
    """The maps behind each layer of the tiny network, by running its modules one by one."""
    analysis = Analysis.of(found.config())
    names = [photograph.name for photograph in analysis.images.manifest.photographs]
    pixels = torch.tensor(analysis.images.pixels(names.index(name)))
    value = analysis.model.normalise(pixels.permute(2, 0, 1)[None].float() / 255)
    seen = {}
    with torch.no_grad():
        for at, module in enumerate(analysis.model.module):  # type: ignore[arg-type]
            value = module(value)
            behind = {1: "0", 3: "2", 6: "6"}.get(at)
            if behind:
                seen[behind] = (
                    value[0].reshape(value.shape[1], *(value.shape[2:] or (1, 1))).numpy()
                )
    return seen, value[0]


# What is stored.


def test_the_pictures_are_the_maps_of_a_forward_pass(built: Tiny) -> None:
    facts, atlas = built.stored("layer_activations"), open_atlas(built.config())
    seen, _ = activations(built, "odd/1.png")
    for at, layer in enumerate(atlas.network.layers, 1):
        survey = atlas.layer(layer).of("survey")
        columns, enlarged, factor = facts["layout"][at].tolist()
        shown = np.asarray(Image.open(io.BytesIO(facts.pictures[MAPS][at])).convert("RGBA"))
        maps, colours = seen[layer.name], palette(layer.signed)
        high, wide = (side * enlarged + 1 for side in maps.shape[1:])
        assert factor == 1 and shown.shape[1] == columns * wide
        for unit, one in enumerate(maps):
            line, column = divmod(unit, columns)
            cell = shown[line * high :, column * wide :][: high - 1, : wide - 1]
            assert (shown[(line + 1) * high - 1, :, 3] == 0).all()
            p999, top = float(survey["p999"][unit]), float(survey["maximum"][unit])
            limit = p999 if p999 > 0 else top
            if layer.signed:
                mean, spread = float(survey["mean"][unit]), float(survey["deviation"][unit])
                limit = max(p999, abs(mean) + 3 * spread)
            if limit <= 0:
                assert (cell[..., 3] == 0).mean() > 0.5
                continue
            for row, column in np.ndindex(*one.shape):
                pixel = cell[row * enlarged : (row + 1) * enlarged, column * enlarged :][
                    :, :enlarged
                ]
                assert (pixel == pixel[0, 0]).all() and pixel[0, 0, 3] == 255
                value = float(one[row, column])
                if layer.signed:
                    wanted = round(EITHER * min(1, max(-1, value / limit))) + EITHER
                else:
                    wanted = int(np.ceil(STEPS * min(1, max(0, value / limit))))
                near = np.abs(colours.astype(int) - pixel[0, 0, :3]).sum(1).argmin()
                assert abs(near - wanted) <= (value > 0)  # rounding at the border of two steps


def test_the_strongest_units_are_found_by_looking(built: Tiny) -> None:
    facts, atlas = built.stored("layer_activations"), open_atlas(built.config())
    seen, _ = activations(built, "odd/1.png")
    for at, layer in enumerate(atlas.network.layers, 1):
        survey = atlas.layer(layer).of("survey")
        limit = np.where(survey["p999"] > 0, survey["p999"], survey["maximum"]).astype(float)
        scored = sorted(
            (-float(one.max()) / limit[unit], unit)
            for unit, one in enumerate(seen[layer.name])
            if limit[unit] > 0 and one.max() > 0
        )[:6]
        found = [channel for channel in facts["strongest"][at].tolist() if channel >= 0]
        assert found == [unit for _, unit in scored]
        wanted = [-ratio for ratio, _ in scored]
        assert facts["ratio"][at, : len(found)] == pytest.approx(wanted, rel=1e-4)
        peaks = [seen[layer.name][unit].max() for unit in found]
        assert facts["peak"][at, : len(found)] == pytest.approx(peaks, rel=1e-4)
        assert facts["answering"][at] == sum(one.max() > 0 for one in seen[layer.name])


def test_the_classes_are_those_of_the_softmax(built: Tiny) -> None:
    facts = built.stored("layer_activations")
    _, output = activations(built, "odd/1.png")
    shares = torch.softmax(output.double(), 0)
    order = torch.argsort(-shares)
    assert facts["output"][0].tolist() == [*order.tolist(), -1, -1]
    assert facts["value"][0, :3] == pytest.approx(shares[order].numpy(), rel=1e-4)
    assert bool(facts["named"][0])


def test_maps_of_one_layer_are_gone_when_the_next_one_comes(
    built: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    analysis = Analysis.of(built.config())
    earlier: list[weakref.ref[Any]] = []

    def watched(layer: Layer, maps: np.ndarray, *more: Any) -> LayerMaps:
        assert not any(one() is not None for one in earlier)
        earlier.append(weakref.ref(maps))
        return layer_maps(layer, maps, *more)

    monkeypatch.setattr(forward_pass, "layer_maps", watched)
    pixels = analysis.images.pixels(0)
    found = forward_pass.maps_by_layer(analysis.model, analysis.atlas, pixels, 112, lambda: None)
    assert tuple(found) == LAYERS and len(earlier) == 3


# The page.


def test_the_page_shows_every_layer_and_leads_to_the_strongest(built: Tiny) -> None:
    (path,) = page_files(built)
    atlas, facts = open_atlas(built.config()), built.stored("layer_activations")
    photograph = atlas.manifest.photographs[int(facts["image"][0])]
    assert path.stem == f"layer-activations-{photograph.id[:8]}" and photograph.name == "odd/1.png"
    text = unescape(path.read_text())
    first = ("ant", "bee", "cat")[int(facts["output"][0, 0])]
    assert f"Layer-by-layer activations: {first}</bdi>" in text and "(1.png)" in text
    assert path.name in (path.parent / "index.html").read_text()
    links = {value for _, attributes in Scan(text).found if (value := attributes.get("href"))}
    for at, layer in enumerate(LAYERS, 1):
        assert f"layer_activations/{at}-maps.webp" in text and f">{layer}</bdi></h2>" in text
        for channel in facts["strongest"][at].tolist():
            assert channel < 0 or f"../tiny/{layer}/{channel}.html" in links
    for tag, attributes in Scan(text).found:
        if tag == "img":
            assert attributes.get("alt") is not None and attributes["loading"] == "lazy"
            assert (path.parent.parent / "tiny" / (attributes["src"] or "")).resolve().exists()
        assert "style" not in attributes
    assert "The activation maps of all 4 units of 0, 4 a row" in text
    assert "one value for each image" in text  # of the linear layer, which has no heat
    assert not facts.pictures[HEAT].get(3) and facts.pictures[HEAT][1]


def test_chance_and_neighbours_change_nothing(built: Tiny, tmp_path: Path) -> None:
    before = built.stored("layer_activations")
    both = ["odd/3.png", "odd/1.png", "1.png"]
    other = atlas_in(tmp_path, model__classes="classes.txt", panels__layer_activations__images=both)
    other.works("build")
    after = other.stored("layer_activations")
    assert len(page_files(other)) == 2
    for at in range(1, 4):
        assert after.pictures[MAPS][at + 4] == before.pictures[MAPS][at]


# Privacy.


@pytest.mark.parametrize("publish", ["patches", "none"])
def test_nothing_of_it_is_shown_where_photographs_are_private(tmp_path: Path, publish: str) -> None:
    found = atlas_in(tmp_path)
    found.works("build")
    site = tmp_path / "public" / "tiny"
    assert len(page_files(found)) == 3 and list((site / "layer_activations").glob("*.webp"))
    page = page_files(found)[0].name
    found.change(images__publish=publish).works("build")
    assert not page_files(found) and not list((site / "layer_activations").glob("*"))
    assert page not in (site / "index.html").read_text()
    for path in (tmp_path / "public").rglob("*.webp"):
        assert "sprite" in path.name
    found.change(images__publish="whole").works("render")
    assert len(page_files(found)) == 3


def test_private_photographs_are_not_even_looked_at(tmp_path: Path) -> None:
    found = atlas_in(tmp_path, images__publish="none")
    found.works("build")
    assert not page_files(found) and not list(found.work.glob("layer_activations-*/network/*"))


# What users write.


def test_an_image_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    found = atlas_in(tmp_path, panels__layer_activations__images=["odd/11.png"])
    said = found.fails("build")
    assert "[panels.layer_activations] images: there is no image 'odd/11.png'" in said
    assert "Did you mean 'odd/1.png'" in said
    assert not list(found.work.glob("survey-*"))


def test_an_image_that_is_broken_is_an_error(tmp_path: Path) -> None:
    found = atlas_in(tmp_path, panels__layer_activations__images=["bad.png"])
    (tmp_path / "images" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n, or nearly")
    assert "'bad.png' cannot be shown" in found.fails("build")


def test_no_images_are_no_pages(tmp_path: Path) -> None:
    found = atlas_in(tmp_path, panels__layer_activations__images=[])
    found.works("build")
    assert not page_files(found)


def test_broken_images_are_never_chosen(tmp_path: Path) -> None:
    found = atlas_in(tmp_path, images=1)
    for at in range(4):
        (tmp_path / "images" / f"bad{at}.png").write_bytes(bytes([at]) * 40)
    found.works("build")
    (path,) = page_files(found)
    assert "0.png" in path.read_text()


ODD = {
    "one layer": "    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()\n",
    "dead": (
        "    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU())\n"
        "    nn.init.constant_(layers[0].bias, -1e3)\n    return layers.eval()\n"
    ),
    "vector": "    return nn.Sequential(nn.Flatten(), nn.Linear(768, 5)).eval()\n",
    "one output": (
        "    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(784, 1)).eval()\n"
    ),
    "tokens": (
        "    class Tokens(nn.Module):\n"
        "        def __init__(self):\n"
        "            super().__init__()\n"
        "            self.patch = nn.Conv2d(3, 8, 4, 4)\n"
        "            self.up, self.head = nn.Linear(8, 12), nn.Linear(12, 3)\n"
        "        def forward(self, x):\n"
        "            tokens = self.patch(x).flatten(2).transpose(1, 2)\n"
        "            return self.head(nn.functional.gelu(self.up(tokens)).mean(1))\n"
        "    return Tokens().eval()\n"
    ),
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_networks_have_pages_too(tmp_path: Path, kind: str) -> None:
    found = atlas_in(tmp_path, HEAD + ODD[kind], images=2)
    found.works("build")
    texts = [unescape(path.read_text()) for path in page_files(found)]
    assert len(texts) == 2
    facts = found.stored("layer_activations")
    if kind == "dead":
        assert "4 units no photograph of the set excites." in texts[0]
        assert facts["strongest"][1].tolist() == [-1] * 6 and "Strongest units" in texts[0]
        shown = np.asarray(Image.open(io.BytesIO(facts.pictures[MAPS][1])).convert("RGBA"))
        assert 0 < (shown[..., 3] > 0).mean() < 0.1
    if kind in {"one layer", "dead", "one output"}:
        assert "no list of classes" in texts[0]
    if kind == "vector":
        assert "output 4" in texts[0] and "probability" not in texts[0]
    if kind == "tokens":
        assert "4 × 4 positions" in texts[0]
        names = [layer.name for layer in open_atlas(found.config()).network.layers]
        assert facts["layout"][1 + names.index("up"), 1] == 7  # maps of 4 by 4


# Small parts.


def test_addresses_are_promises(built: Tiny) -> None:
    site = built.folder / "public"
    for name, at in ((PHOTOGRAPH, 0), (MAPS, 3), (HEAT, 2)):
        assert (site / panel_picture("tiny", "layer_activations", at, name)).exists()
