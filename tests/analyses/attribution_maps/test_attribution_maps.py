"""What the network looked at in single images: chosen, explained, shown, and kept private."""

import io
import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from helpers.pages import Scan
from helpers.tiny import NETWORK, Tiny, write_images
from helpers.without_torch import CLI, without_torch
from lamella.analyses.attribution_maps import AttributionMaps, choice
from lamella.analyses.attribution_maps.compute import method_options
from lamella.analyses.attribution_maps.settings import Options
from lamella.analyses.attribution_maps.stored import (
    CHOSEN,
    COARSE,
    FINE,
    SIDE,
    attribution_map_pages,
    entries,
    network_methods,
)
from lamella.analyses.attribution_maps.text import percent
from lamella.analyses.layer_activations import LayerActivations
from lamella.attribution.compute import attribute
from lamella.attribution.methods import BY_NAME
from lamella.attribution.occlusion import occlusion
from lamella.figures import Cell, Table, heat
from lamella.pipeline.pipeline import Analysis
from lamella.pipeline.plan import open_atlas

HEAD = "import torch\nfrom torch import nn\n\n\ndef network():\n    torch.manual_seed(0)\n"
CLASSES = "ant\nbee, honey bee\n<b>cat</b>\n"
METHODS = ("saliency", "guided", "integrated", "occlusion", "cam", "gradcam", "gradcam_inside")


def atlas_in(folder: Path, network: str = NETWORK, images: int = 5, **keys: Any) -> Tiny:
    folder.mkdir(parents=True, exist_ok=True)
    write_images(folder / "images", images)
    (folder / "network.py").write_text(network)
    (folder / "classes.txt").write_text(CLASSES)
    if network == NETWORK:
        keys = {"model__classes": "classes.txt", **keys}
    few = {"panels__attribution_maps__steps": 3, "panels__attribution_maps__patch": 8}
    return Tiny(folder).change(**{"analysis__panels": ["attribution_maps"], **few, **keys})


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """A tiny atlas with class names, and two images explained."""
    found = atlas_in(
        tmp_path_factory.mktemp("attribution_maps"),
        panels__attribution_maps__images=["odd/1.png", "2.png"],
        panels__attribution_maps__examples=0,
        panels__layer_activations__images=["2.png"],
        analysis__panels=["attribution_maps", "layer_activations"],
    )
    found.works("build")
    return found


def image_pages(found: Tiny) -> list[Path]:
    return sorted((found.folder / "public" / "tiny").glob("attribution-maps-*.html"))


# What is stored.


def test_what_is_stored_is_what_the_methods_give(built: Tiny) -> None:
    analysis, facts = Analysis.of(built.config()), built.stored("attribution_maps")
    model, names = analysis.model, [p.name for p in analysis.images.manifest.photographs]
    for entry, name in enumerate(("odd/1.png", "even/2.png")):
        image = names.index(name)
        assert facts["image"][entry] == image
        shown = model.shown(analysis.images.pixels(image)[None])
        with torch.no_grad():
            shares = model.module(model.normalise(shown)).softmax(1)[0]
        order = torch.argsort(-shares)
        assert facts["output"][entry].tolist() == [*order.tolist(), -1, -1]
        assert facts["share"][entry, :3] == pytest.approx(shares[order].numpy(), rel=1e-4)
        options = method_options(Options(steps=3, patch=8), model)
        assert (options.patch, options.stride) == (8, 2)
        for method in METHODS:
            maps = attribute(method, model, shown, order[None], options)[0].numpy()
            for row, values in enumerate(maps):
                _, largest, lowest = facts[f"{method}_scale"][entry, row]
                assert (largest, lowest) == pytest.approx(
                    (values.max(), values.min()), rel=1e-3, abs=1e-6
                )
                if method == "occlusion":
                    continue
                if method in {"gradcam", "gradcam_inside"} and values.max() > 0:
                    values = values / values.max()
                low, high = facts[f"{method}_range"][entry, row]
                read = low + (high - low) * facts[f"{method}_levels"][entry, row] / heat.STEPS
                small = heat.reduced(
                    values, 56 if BY_NAME[method].fine else 28, BY_NAME[method].signed
                )
                assert np.abs(read - small).max() <= (high - low) / heat.STEPS + 1e-5
        found = occlusion(model, shown, order[None], 8, 2)
        low, high = np.moveaxis(facts["occlusion_range"][entry], 1, 0)[:, :, None, None]
        read = low + (high - low) * facts["occlusion_levels"][entry] / heat.STEPS
        assert np.abs(read - found.under[0].numpy()).max() < 0.003
        assert facts["before"][entry] == pytest.approx(found.before[0].numpy(), rel=1e-4)


def test_the_sheets_are_the_maps_in_colour(built: Tiny) -> None:
    facts = built.stored("attribution_maps")
    sheet = Image.open(io.BytesIO(facts.pictures[FINE][0])).convert("RGB")
    assert sheet.size == (3 * SIDE[FINE], 3 * SIDE[FINE])  # three fine methods, three classes
    coarse = Image.open(io.BytesIO(facts.pictures[COARSE][0]))
    assert coarse.size == (5 * SIDE[COARSE], 3 * SIDE[COARSE]) and coarse.mode == "RGBA"
    line = np.asarray(coarse)[: SIDE[COARSE], : SIDE[COARSE]]
    assert 0 < (line[..., 3] > 0).mean() < 0.5
    colours = {tuple(colour) for colour in heat.palette().tolist()}
    for picture in (sheet, coarse.convert("RGB")):
        seen = {tuple(c) for c in np.unique(np.asarray(picture).reshape(-1, 3), axis=0).tolist()}
        assert seen - colours <= {(0, 0, 0), (255, 255, 255)} and len(seen) > 20


def test_neighbours_and_chance_change_nothing(built: Tiny, tmp_path: Path) -> None:
    before = built.stored("attribution_maps")
    other = atlas_in(
        tmp_path,
        panels__attribution_maps__images=["0.png", "3.png", "2.png", "1.png", "4.png"],
        panels__attribution_maps__examples=0,
    )
    other.works("build")
    after = other.stored("attribution_maps")
    assert after["image"].tolist()[3] == before["image"][0] and len(image_pages(other)) == 5
    for name in (COARSE, FINE):
        assert after.pictures[name][3] == before.pictures[name][0]
        assert after.pictures[name][2] == before.pictures[name][1]


def test_it_goes_on_where_it_stopped(built: Tiny, tmp_path: Path) -> None:
    wanted = built.stored("attribution_maps")
    found = atlas_in(
        tmp_path,
        panels__attribution_maps__images=["odd/1.png", "2.png"],
        panels__attribution_maps__examples=0,
    )
    found.works("build")
    (folder,) = found.work.glob("attribution_maps-*/network")
    found.as_if_stopped_before(*folder.glob("00001-*.json"))
    found.works("render")
    assert len(image_pages(found)) == 1
    untouched = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    found.works("build")
    assert len(image_pages(found)) == 2
    assert all(path.stat().st_mtime_ns == time for path, time in untouched.items())
    assert found.stored("attribution_maps").pictures[FINE][1] == wanted.pictures[FINE][1]


# The pages.


def test_the_page_of_an_image(built: Tiny) -> None:
    atlas, facts = open_atlas(built.config()), built.stored("attribution_maps")
    top = built.folder / "public"
    addresses = attribution_map_pages(atlas)
    assert list(addresses) == facts["image"].tolist()
    assert [top / path for path in addresses.values()] == [
        top / "tiny" / f"attribution-maps-{atlas.manifest.photographs[image].id[:8]}.html"
        for image in addresses
    ]
    first, second = (top / path for path in addresses.values())
    text = unescape(first.read_text())
    names = ("ant", "bee", "<b>cat</b>")
    for row, output in enumerate(facts["output"][0, :3].tolist()):
        share = percent(float(facts["share"][0, row]))
        assert f"{names[output]}: probability {share}</bdi></h2>" in text
    assert text.count('class="gallery maps"') == 3 and text.count('class="legend"') == 1
    assert text.count("data-read=") == 3 * len(METHODS)
    assert "<b>cat</b>" not in first.read_text()
    assert "full colour: " in text and " of probability lost" in text
    assert "% with this patch covered" in text and "of the map's maximum" in text
    assert "The integrated gradients add up to" in text and "Zhou et al. 2016" in text
    assert "Attention rollout. Not defined for this network: it has no attention." in text
    assert "Here Grad-CAM weighs the maps of 2" in text and 'href="../tiny/2/index.html"' in text
    assert f'rel="next" href="../tiny/{second.name}"' in text and 'rel="prev"' not in text
    assert f'rel="prev" href="../tiny/{first.name}"' in second.read_text()
    for tag, attributes in Scan(first.read_text()).found:
        assert "style" not in attributes
        if tag == "img":
            assert attributes["alt"] is not None
            assert (top / "tiny" / (attributes["src"] or "")).resolve().exists()
        if (link := attributes.get("href")) and not re.match("#|https:", link):
            assert (top / "tiny" / link).resolve().exists(), link


def test_alt_texts_say_where_a_map_is_strongest(built: Tiny) -> None:
    text = unescape(image_pages(built)[0].read_text())
    alts = re.findall(r'alt="((?:Gradient|Occlusion|CAM|Grad-CAM) for [^"]+)"', text)
    assert len(alts) >= 9
    place = r"(upper |lower )?(left|right)|top|bottom|middle"
    assert all(
        re.search(rf": (strongest at the ({place})|zero everywhere)\.$", alt) for alt in alts
    )


def test_it_leads_to_layer_activations_and_to_the_pages_of_classes(built: Tiny) -> None:
    atlas = open_atlas(built.config())
    own = {"layer_activations": LayerActivations().pages(atlas)}
    atlas = replace(atlas, pages=own | {"classes": {1: "tiny/class-1.html"}})
    _, first, second = AttributionMaps().articles(atlas)
    for article, layered in ((first, False), (second, True)):
        tables = [figure for figure in article.parts[0].figures if isinstance(figure, Table)]
        cells = [cell for table in tables for row in table.rows for cell in row]
        links = {cell.text: cell.link for cell in cells if isinstance(cell, Cell)}
        assert links["bee, honey bee"] == "tiny/class-1.html" and links["ant"] == ""
        assert ("its way through the network" in links) == layered
        if layered:
            way = links["its way through the network"]
            assert (built.folder / "public" / way).is_file()


def test_the_index_leads_to_all_and_is_listed(built: Tiny) -> None:
    top = built.folder / "public" / "tiny"
    text = (top / "attribution-maps.html").read_text()
    assert 'class="gallery mixed"' in text and text.count("/attribution_maps/") >= 4
    assert all(path.name in text for path in image_pages(built))
    network = (top / "index.html").read_text()
    assert "attribution-maps.html" in network and "attribution-maps-" not in network


def test_it_is_shown_without_torch(built: Tiny) -> None:
    before = {path.name: path.read_bytes() for path in image_pages(built)}
    for path in image_pages(built):
        path.unlink()
    result = without_torch(CLI, "render", str(built.file))
    assert result.returncode == 0, result.stderr
    built.works("render")
    assert {path.name: path.read_bytes() for path in image_pages(built)} == before


# Which images.


def test_the_best_of_each_class_that_is_seen(tmp_path: Path) -> None:
    found = atlas_in(tmp_path, panels__attribution_maps__examples=2)
    found.works("build")
    atlas = open_atlas(found.config())
    read = choice.answers(atlas)
    assert read is not None
    wanted = {int(image) for one in read.seen for image in read.top_image[one, :2] if image >= 0}
    assert set(entries(atlas)) == wanted and len(image_pages(found)) == len(wanted)
    found.change(panels__attribution_maps__examples=2, panels__attribution_maps__most=1)
    found.works("build")
    assert len(image_pages(found)) == 1


# Privacy.


@pytest.mark.parametrize("publish", ["patches", "none"])
def test_nothing_is_shown_where_photographs_are_private(
    built: Tiny, tmp_path: Path, publish: str
) -> None:
    found = atlas_in(tmp_path, images=3)
    found.works("build")
    assert image_pages(found)
    site = tmp_path / "public" / "tiny"
    found.change(images__publish=publish).works("build")
    assert not image_pages(found) and not (site / "attribution-maps.html").exists()
    assert not list((site / "attribution_maps").glob("*")) and not attribution_map_pages(
        open_atlas(found.config())
    )
    assert "decision" not in (site / "index.html").read_text()
    assert "attribution maps" not in found.change(images__publish="whole").works("build")
    assert image_pages(found), "labels are read again, and nothing is computed anew"


def test_private_photographs_are_not_even_looked_at(tmp_path: Path) -> None:
    found = atlas_in(tmp_path, images=2, images__publish="none")
    found.works("build")
    assert not list(found.work.glob("attribution_maps-*/network/*"))


# What users write.


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("images", ["odd/11.png"], "Did you mean 'odd/1.png'"),
        ("images", ["bad.png"], "'bad.png' cannot be shown"),
        ("layer", "3", "there is no layer '3'"),
        ("layer", "6", "no rows and columns"),
        ("patch", 17, "A patch of 17 pixels cannot be moved over an image of 16 x 16"),
        ("stride", 9, "leaves pixels uncovered"),
        ("explained", 0, "explained"),
        ("examples", 13, "examples"),
        ("steps", 0, "steps"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_runs(
    tmp_path: Path, key: str, value: object, said: str
) -> None:
    found = atlas_in(tmp_path, images=2, **{f"panels__attribution_maps__{key}": value})
    (tmp_path / "images" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n, or nearly")
    error = found.fails("build")
    assert said in error and "panels.attribution_maps" in error
    assert not list(found.work.glob("survey-*"))


def test_without_classes_there_are_no_pages(tmp_path: Path) -> None:
    maps = HEAD + "    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()\n"
    found = atlas_in(tmp_path, maps, images=2)
    found.works("build")
    assert not image_pages(found)
    found.change(panels__attribution_maps__images=["0.png"])
    assert "no list of class scores" in found.fails("build")


def test_a_mask_of_its_own_size_for_each_network() -> None:
    def sides(side: int, **given: int) -> tuple[int, int]:
        facts = SimpleNamespace(size=(side, side))
        model: Any = SimpleNamespace(facts=facts)
        found = method_options(Options(**given), model)
        return found.patch, found.stride

    assert sides(224) == (48, 16) and sides(32) == (7, 2) and sides(4) == (1, 1)
    assert sides(224, patch=30) == (30, 10) and sides(224, stride=7) == (48, 7)


# Odd networks.

ODD = {
    "two classes": "nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), "
    "nn.Flatten(), nn.Linear(4, 2))",
    "no maps": "nn.Sequential(nn.Flatten(), nn.Linear(768, 5), nn.ReLU(), nn.Linear(5, 4))",
    "dead": "nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), "
    "nn.Flatten(), nn.Linear(4, 3))",
    "transformer": "attributed.Transformer()",
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_networks_have_pages_too(tmp_path: Path, kind: str) -> None:
    code = HEAD.replace(
        "import torch\n", "import torch\nimport helpers.attributed as attributed\n", 1
    )
    code += f"    made = {ODD[kind]}\n"
    if kind == "dead":
        code += "    nn.init.constant_(made[0].bias, -1e3)\n"
    found = atlas_in(tmp_path, code + "    return made.eval()\n", 2)
    if kind == "transformer":
        found.change(model__preprocessing={"resize": 20, "size": 12})
    found.works("build")
    text = unescape(image_pages(found)[0].read_text())
    network = network_methods(open_atlas(found.config()))
    assert "output 1" in text
    if kind == "two classes":
        assert text.count('class="gallery maps"') == 2
    if kind == "no maps":
        assert "cam" not in network.names and "Not defined for this head" in text
        assert "gradcam" not in network.names and "line: Grad-CAM" not in text
        assert (
            'class="gallery mixed"' in (tmp_path / "public/tiny/attribution-maps.html").read_text()
        )
    if kind == "dead":
        assert text.count("zero everywhere") >= 3
    if kind == "transformer":
        assert "rollout" in network.names
        assert text.count("Attention rollout: strongest at the") == 1


def test_what_is_remembered_names_the_images(built: Tiny) -> None:
    atlas = open_atlas(built.config())
    name = f"attribution_maps-{atlas.keys['attribution_maps'][:16]}/{CHOSEN}.json"
    assert atlas.store.read_json(name) == built.stored("attribution_maps")["image"].tolist()
