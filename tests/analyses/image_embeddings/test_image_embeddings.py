"""The space of images: against slow truths, and with sets of images that are hardly any."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from helpers.pages import Scan
from helpers.tiny import NETWORK, Tiny, held, write_images
from lamella.analyses.image_embeddings import ImageEmbeddings
from lamella.analyses.image_embeddings.features import SIDE, features, small
from lamella.analyses.image_embeddings.layers import FeatureLayers, Piece, feature_layers
from lamella.errors import UnknownLayer
from lamella.pipeline.pipeline import Analysis

RESIDUAL = """\
import torch
from torch import nn


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 6, 1)
        self.last = nn.Linear(6, 3)

    def forward(self, x):
        x = self.first(x)
        x = x + self.second(x)
        return self.last(x.mean(dim=(2, 3)))


def network():
    torch.manual_seed(0)
    return Residual().eval()
"""


# Features


def atlas_in(folder: Path, number: int, network: str = NETWORK, **keys: Any) -> Tiny:
    folder.mkdir(parents=True, exist_ok=True)
    write_images(folder / "images", number)
    (folder / "network.py").write_text(network)
    found = Tiny(folder)
    return found.change(
        analysis__panels=["image_embeddings"], panels__image_embeddings__thumbnail=32, **keys
    )


def found_by(tiny: Tiny, layers: FeatureLayers | None = None) -> Any:
    analysis = Analysis.of(tiny.config())
    return analysis, features(
        analysis.model,
        analysis.images,
        layers or feature_layers(analysis.atlas.network, ""),
        tiny.folder,
        thumbnail=8,
        shown=2,
        tick=lambda number: None,
    )


def test_features_are_means_of_what_the_last_layer_reads(tmp_path: Path) -> None:
    tiny = atlas_in(tmp_path, 5)
    (tmp_path / "images/even/broken.png").write_bytes(b"none")
    analysis, found = found_by(tiny)
    layers = feature_layers(analysis.atlas.network, "")
    assert layers == FeatureLayers((Piece(6, (("2", 0),)),), last=True) and layers.dimensions == 6
    assert len(found.numbers) == 5 and found.thumbnails.shape == (2, 8, 8, 3)
    for row, number in enumerate(found.numbers.tolist()):
        shown = analysis.images.pixels(number)
        inputs = torch.tensor(shown).permute(2, 0, 1)[None].float() / 255
        with torch.no_grad():
            truth = analysis.model.module[:4](analysis.model.normalise(inputs)).mean(dim=(2, 3))[0]
        assert found.vectors[row] == pytest.approx(truth.numpy(), abs=1e-5)
        assert found.pixels[row].reshape(SIDE, SIDE, 3).tolist() == small(shown, SIDE).tolist()


def test_a_sum_that_is_read_is_summed(tmp_path: Path) -> None:
    analysis, found = found_by(atlas_in(tmp_path, 3, RESIDUAL))
    module = analysis.model.module
    for row, number in enumerate(found.numbers.tolist()):
        shown = torch.tensor(analysis.images.pixels(number)).permute(2, 0, 1)[None].float() / 255
        with torch.no_grad():
            first = module.first(analysis.model.normalise(shown))
            truth = (first + module.second(first)).mean(dim=(2, 3))[0]
        assert found.vectors[row] == pytest.approx(truth.numpy(), abs=1e-5)


def test_a_layer_can_be_named_and_mistyped(tmp_path: Path) -> None:
    tiny = atlas_in(tmp_path, 3, RESIDUAL, panels__image_embeddings__layer="second")
    network = Analysis.of(tiny.config()).atlas.network
    second = FeatureLayers((Piece(6, (("second", 0),)),), last=False)
    assert feature_layers(network, "second") == second
    with pytest.raises(UnknownLayer, match="Did you mean 'second'"):
        feature_layers(network, "secnd")
    without = replace(network, layers=network.layers[-1:])
    last = network.layers[-1]
    itself = FeatureLayers((Piece(last.channels, ((last.name, 0),)),), last=False)
    assert feature_layers(without, "") == itself
    said = tiny.change(panels__image_embeddings__layer="secnd").fails("build")
    assert "[panels.image_embeddings] layer: tiny has no layer 'secnd'" in said
    assert not (tmp_path / "work").glob("survey-*/*") or "second" in said


# The panel


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    tiny = atlas_in(tmp_path_factory.mktemp("space"), 24, panels__image_embeddings__nearest=3)
    tiny.change(analysis__panels=["image_embeddings", "photographs"]).works("build")
    return tiny


def site(tiny: Tiny) -> dict[str, bytes]:
    return {
        path.relative_to(tiny.folder / "public").as_posix(): path.read_bytes()
        for path in sorted((tiny.folder / "public").rglob("*"))
        if path.is_file() and ".lamella" not in path.parts
    }


def pictures(files: dict[str, bytes]) -> list[str]:
    return [name for name in files if name.startswith("tiny/x-images-")]


def test_the_pages_show_maps_grids_and_neighbours(built: Tiny) -> None:
    files = site(built)
    page = files["tiny/image-embeddings.html"].decode()
    for words in ("PCA from 6 dimensions to 2 keeps", "t-SNE", "UMAP", "How this scales"):
        assert words in page
    assert page.count('class="deep"') == 6
    drawn = [dict(attributes) for tag, attributes in Scan(page).found if tag == "div"]
    zooms = [json.loads(found["data-zoom"] or "") for found in drawn if "data-zoom" in found]
    for zoom in zooms:
        for width, height, first in zoom["levels"]:
            across, down = -(-width // zoom["tile"]), -(-height // zoom["tile"])
            for entry in range(first, first + across * down):
                assert f"{zoom['folder'][3:]}{entry}-{zoom['name']}.webp" in files
        assert all(link == "" or link[3:] in files for *_, link in zoom["spots"])
        assert any(link for *_, link in zoom["spots"])
        grid = "grid" in zoom["name"]
        assert len(zoom["spots"]) == 24 or not grid
        if grid:
            assert len({(left, top) for left, top, *_ in zoom["spots"]}) == 24
    near = files["tiny/image-neighbours.html"].decode()
    assert near.count("<figcaption>L2</figcaption>") == 16 == near.count("Cosine</figcaption>")
    assert "Neighbours are exact" in near and "Do neighbours share a label?" in near
    assert near.count("-thumb.webp") == 16 * 3 * 4


def test_the_same_bytes_twice(built: Tiny, tmp_path: Path) -> None:
    for name in ("images", "network.py", "atlas.toml"):
        copy = shutil.copytree if (built.folder / name).is_dir() else shutil.copy
        copy(built.folder / name, tmp_path / name)
    other = Tiny(tmp_path, built.tree)
    other.works("build")
    first, second = site(built), site(other)
    names = [*pictures(first), "tiny/image-embeddings.html", "tiny/image-neighbours.html"]
    assert all(first[name] == second[name] for name in names)


@pytest.mark.parametrize("publish", ["patches", "none"])
def test_private_photographs_stay_private(built: Tiny, tmp_path: Path, publish: str) -> None:
    shutil.copytree(built.folder, tmp_path, dirs_exist_ok=True)
    other = Tiny(tmp_path, json.loads(json.dumps(built.tree)))
    other.change(images__publish=publish).works("render")
    files = site(other)
    assert not pictures(files)
    for name in ("tiny/image-embeddings.html", "tiny/image-neighbours.html"):
        page = files[name].decode()
        assert "<img" not in page and "data-zoom" not in page and "/images/" not in page
        assert "even · " not in page and "odd · " not in page
    assert "PCA from 6 dimensions to 2 keeps" in files["tiny/image-embeddings.html"].decode()
    assert "same label" in files["tiny/image-neighbours.html"].decode()


def test_of_many_images_a_sample_is_shown(tmp_path: Path) -> None:
    limits = {f"panels__image_embeddings__{name}": 5 for name in ("mapped", "shown", "queries")}
    tiny = atlas_in(tmp_path, 9, **limits)
    tiny.works("build")
    page = site(tiny)["tiny/image-embeddings.html"].decode()
    assert "A random sample of 5 of 9 images." in page
    assert "<td>200 bytes at most</td>" in page
    notes = held(next(tmp_path.glob("work/image_embeddings-*/space.json")))
    assert [len(m["placed"]) for m in notes["mosaics"] if "grid" in m["name"]] == [5, 5, 5]


def solid(folder: Path, number: int) -> None:
    """Images that differ only where the network does not look: behind its centre cut."""
    folder.mkdir(parents=True, exist_ok=True)
    for at in range(number):
        pixels = np.full((20, 60, 3), 90, np.uint8)
        pixels[:, 0] = at
        Image.fromarray(pixels).save(folder / f"{at}.png")


@pytest.mark.parametrize("case", ["one", "two", "alike", "broken"])
def test_hardly_any_images(tmp_path: Path, case: str) -> None:
    tiny = atlas_in(tmp_path, {"one": 1, "two": 2}.get(case, 1))
    if case == "alike":
        shutil.rmtree(tmp_path / "images")
        solid(tmp_path / "images", 6)
    if case == "broken":
        for at in range(3):
            (tmp_path / f"images/{at}.png").write_bytes(b"none" + bytes([at]))
    tiny.works("build")
    files = site(tiny)
    page = files["tiny/image-embeddings.html"].decode()
    zooms = page.count('class="deep"')
    assert zooms == {"one": 0, "two": 2, "alike": 0, "broken": 0}[case]
    assert ("single image" in page) == (case in {"one", "broken"})
    assert ("All images have the same features" in page) == (case == "alike")
    assert ("tiny/image-neighbours.html" in files) == (case in {"two", "alike"})


def test_what_is_not_computed_is_not_told(built: Tiny, tmp_path: Path) -> None:
    analysis = Analysis.of(atlas_in(tmp_path, 3).config())
    assert ImageEmbeddings().articles(analysis.atlas) == ()
