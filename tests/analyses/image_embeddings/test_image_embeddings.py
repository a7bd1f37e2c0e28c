"""The space of images: against slow truths, and with sets of images that are hardly any."""

import itertools
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from helpers.pages import Scan
from helpers.tiny import NETWORK, Tiny, write_images
from lamella.analyses.image_embeddings import ImageEmbeddings
from lamella.analyses.image_embeddings.features import SIDE, features, float_array, small
from lamella.analyses.image_embeddings.grid import WIDEST, assigned, cells, columns_for
from lamella.analyses.image_embeddings.layers import FeatureLayers, Piece, feature_layers
from lamella.analyses.image_embeddings.mosaic import drawn, gridded, tiled
from lamella.analyses.image_embeddings.neighbours import agreement, nearest, queries
from lamella.analyses.image_embeddings.scatter import STEP, scattered
from lamella.analyses.image_embeddings.settings import Options
from lamella.analyses.image_embeddings.space import laid_out, preserved
from lamella.analyses.image_embeddings.stored import Mosaic
from lamella.errors import UnknownLayer
from lamella.numbers.layouts import principal
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


def points(number: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([number, width, seed]).normal(size=(number, width)).astype("f4")


# Neighbours


@settings(max_examples=25)
@given(st.integers(1, 40), st.integers(1, 9), st.sampled_from(["euclidean", "cosine"]))
def test_exact_neighbours_are_those_of_all_distances(number: int, wanted: int, metric: str) -> None:
    rows = points(number, 5).astype(np.float64)
    if metric == "cosine":
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    distances = ((rows[:, None] - rows[None]) ** 2).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    truth = distances.argsort(axis=1)[:, : min(wanted, number - 1)]
    found = nearest(points(number, 5), wanted, metric, exact=10**6, seed=0)
    assert found.tolist() == truth.tolist()


@pytest.mark.soak  # pynndescent compiles for half a minute
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_approximate_neighbours_are_nearly_those_of_scikit_learn(metric: str) -> None:
    from sklearn.neighbors import NearestNeighbors

    rows = points(600, 8)
    rows[10:14] = rows[9]  # several that are alike
    index = NearestNeighbors(n_neighbors=8, metric=metric, algorithm="brute").fit(rows)
    truth = index.kneighbors(return_distance=False)
    found, again = (nearest(rows, 8, metric, exact=599, seed=1) for _ in range(2))
    assert found.tolist() == again.tolist()
    assert found.shape == (600, 8) and (found != np.arange(600)[:, None]).all()
    assert all(len(set(row)) == 8 for row in found.tolist())
    recall = (found[:, :, None] == truth[:, None, :]).any(axis=2).mean()
    assert recall > 0.95


def test_an_approximate_graph_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row may be missing from its own neighbours, or stand behind one that is the same."""
    graph = np.array([[0, 2, 1, 3], [3, 1, 2, 0], [3, 1, 0, 4], [3, 4, -1, -1], [4, 0, 1, 3]])

    class Fake:
        def __init__(self, rows: np.ndarray, metric: str, **options: Any) -> None:
            assert options["n_jobs"] == 1 and options["random_state"] == 7 and metric == "cosine"
            self.neighbor_graph = graph, None

    monkeypatch.setattr("pynndescent.NNDescent", Fake)
    found = nearest(points(5, 3), 2, "cosine", exact=4, seed=7)
    assert found[:3].tolist() == [[2, 1], [3, 2], [3, 1]] and found[4].tolist() == [0, 1]
    truth = nearest(points(5, 3), 2, "cosine", exact=5, seed=7)
    assert found[3].tolist() == truth[3].tolist()  # too few were found: searched for again


@given(st.lists(st.integers(-1, 3), min_size=2, max_size=25), st.integers(1, 4))
def test_agreement_is_counted(labels: list[int], wanted: int) -> None:
    known = np.array(labels)
    found = nearest(points(len(labels), 3), wanted, "euclidean", exact=99, seed=0)
    told = agreement({"l2": found}, known)
    if len(set(labels) - {-1}) < 2:
        assert told is None
        return
    pairs = [
        known[other] == label
        for row, label in zip(found, labels, strict=True)
        if label >= 0
        for other in row
    ]
    every = [
        known[other] == label
        for row, label in enumerate(labels)
        if label >= 0
        for other in range(len(labels))
        if other != row
    ]
    assert told and told.images == (known >= 0).sum()
    assert told.shares["l2"] == pytest.approx(np.mean(pairs))
    assert told.chance == pytest.approx(np.mean(every))


def test_queries_are_spread_over_the_labels() -> None:
    labels = np.array([0, 0, 0, 1, 0, 2, 1, -1])
    assert queries(labels, 4) == [0, 3, 5, 7]
    assert queries(labels, 6) == [0, 1, 3, 5, 6, 7]
    assert queries(labels, 99) == list(range(8)) and queries(labels, 0) == []


# Planes


@pytest.mark.parametrize("solver", ["full", "covariance_eigh"])
def test_principal_axes_are_those_of_the_singular_values(solver: str) -> None:
    rows = points(40, 6) * np.array([9, 5, 3, 1, 0.5, 0.1], "f4") + 7
    centred = rows - rows.mean(axis=0, dtype=np.float64)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    reduced, explained = principal(rows, 4, solver)
    assert np.abs(reduced) == pytest.approx(np.abs((left * singular)[:, :4]), abs=1e-6)
    assert explained == pytest.approx(singular[:4] ** 2 / (singular**2).sum())
    assert (reduced[np.abs(reduced).argmax(axis=0), np.arange(4)] > 0).all()


def test_few_or_equal_images_have_the_planes_that_they_allow() -> None:
    assert laid_out(points(1, 4), Options(), 0)[0] == {}
    assert laid_out(np.ones((5, 4), np.float32), Options(), 0)[0] == {}
    assert laid_out(np.zeros((5, 4), np.float32), Options(), 0)[0] == {}
    planes, explained = laid_out(points(2, 4), Options(), 0)
    assert list(planes) == ["pca"] and explained.tolist() == [1.0]
    for width in (1, 4):
        planes, _ = laid_out(points(5, width), Options(), 0)
        assert list(planes) == ["pca", "tsne", "umap"]
        for plane in planes.values():
            assert plane.shape == (5, 2) and plane.min() >= 0 and plane.max() <= 1


def test_what_a_plane_keeps_is_counted() -> None:
    flat = points(40, 2)
    mixed = np.random.default_rng(3).permutation(flat)
    kept = preserved(flat, {"same": flat, "mixed": mixed}, 10**6, 0)
    assert kept["same"] == 1 and kept["chance"] == pytest.approx(10 / 39)
    assert abs(kept["mixed"] - kept["chance"]) < 0.15
    assert preserved(flat[:12], {"same": flat[:12]}, 10**6, 0) == {}


# Grids and maps


@given(st.integers(1, 3000))
def test_grids_are_about_square_and_nearly_full(number: int) -> None:
    columns = columns_for(number)
    rows = -(-number // columns)
    assert rows <= columns <= max(WIDEST * rows, rows + 1)
    assert columns * rows - number < columns
    middles = cells(number, columns)
    assert len({(x, y) for x, y in middles.tolist()}) == number


@settings(max_examples=30)
@given(st.integers(1, 6), st.integers(0, 99))
def test_no_other_assignment_moves_the_images_less(number: int, seed: int) -> None:
    plane = points(number, 2, seed)
    columns = columns_for(number)
    found = assigned(plane, columns)
    assert sorted(found.tolist()) == list(range(number))
    extent = np.maximum(np.ptp(plane, axis=0), 1e-12)
    stretched = (plane - plane.min(axis=0)) / extent
    middles = cells(number, columns)

    def moved(order: Any) -> float:
        return float(((stretched - middles[list(order)]) ** 2).sum())

    least = min(moved(order) for order in itertools.permutations(range(number)))
    assert moved(found) == pytest.approx(least)


@settings(max_examples=40)
@given(st.integers(1, 60), st.integers(0, 9), st.sampled_from([32, 96, 100]))
def test_thumbnails_lie_near_their_places_and_never_on_each_other(
    number: int, seed: int, side: int
) -> None:
    plane = np.random.default_rng([number, seed]).random((number, 2)).astype("f4") ** 3
    (width, height), placed = scattered(plane, side)
    covered = np.zeros((height, width), int)
    for _, left, top, size in placed:
        assert 0 <= left <= width - size and 0 <= top <= height - size
        covered[top : top + size, left : left + size] += 1
    assert covered.max() == 1
    shown = [point for point, *_ in placed]
    assert shown == sorted(set(shown)) and 0 in shown
    middles = {point: (left + size / 2, top + size / 2) for point, left, top, size in placed}
    extent = np.sqrt(2.5 * number) * side
    for point, middle in middles.items():
        place = (plane[point] - plane.min(axis=0)) * extent + side / 2
        assert np.abs(np.array(middle) - place).max() <= side + 3 * STEP


def test_a_mosaic_shows_each_image_where_it_says() -> None:
    shades = np.arange(7, dtype=np.uint8) * 30 + 20
    thumbnails = np.broadcast_to(shades[:, None, None, None], (7, 16, 16, 3)).copy()
    size, placed = gridded([3, 0, 6, 1, 2, 5, 4], 4, 16)
    picture = drawn(size, placed, thumbnails)
    assert picture.size == (64, 32) and picture.getpixel((63, 31))[3] == 0  # type: ignore[index]
    for row, left, top, _ in placed:
        assert picture.getpixel((left + 8, top + 8)) == (*[int(shades[row])] * 3, 255)
    mosaic, shard = tiled("m", picture, placed, range(10, 17), 5, 80)
    assert shard.channels == (5,) and set(shard.pictures) == {"m", "m-still"}
    assert mosaic.placed[0] == (10, 48, 0, 16)
    assert Mosaic.from_dict(json.loads(json.dumps(mosaic.as_dict()))) == mosaic


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


def test_large_arrays_lie_in_files(tmp_path: Path) -> None:
    mapped = float_array((5, 3), tmp_path / "new", in_memory=59)
    assert isinstance(mapped, np.memmap) and mapped.sum() == 0
    mapped[2] = 7
    assert mapped[:3].sum() == 21 and not isinstance(float_array((5, 3), tmp_path, 60), np.memmap)
    assert not list(tmp_path.rglob("*.*"))


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
    notes = json.loads(next(tmp_path.glob("work/image_embeddings-*/space.json")).read_text())
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
