"""Files of bands: their numbers are the file's own, whichever way they lie in it."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from torchvision.transforms import v2

from helpers.tiny import Tiny
from lamella.config.preprocessing import Preprocessing
from lamella.images import bands
from lamella.images.decoding import BrokenImage
from lamella.images.finding import Digests, find
from lamella.images.measured import measured

RANDOM = np.random.default_rng(0)
CUBE = RANDOM.normal(100, 30, (5, 12, 9)).astype(np.float32)  # band first
WHOLE = Preprocessing(channels=5, size=(12, 9), resize="none")


def saved(path: Path, values: np.ndarray) -> Path:
    if path.suffix == ".npy":
        np.save(path, values)
    else:
        tifffile.imwrite(path, values, photometric="minisblack")
    return path


@pytest.mark.parametrize("name", ["a.npy", "a.tif"])
@pytest.mark.parametrize("kind", ["float32", "float64", "uint16"])
def test_numbers_are_the_files_own_whichever_way_they_lie(
    tmp_path: Path, name: str, kind: str
) -> None:
    values = CUBE.astype(kind)
    wanted = values.transpose(1, 2, 0).astype(np.float32)
    for lying in (values, values.transpose(1, 2, 0)):
        found = bands.decoded(saved(tmp_path / name, lying), WHOLE)
        assert found.dtype == np.float32 and (found == wanted).all()


def test_bands_are_resized_as_torchvision_resizes_tensors(tmp_path: Path) -> None:
    how = Preprocessing(channels=5, resize=9, size=8)
    found = bands.decoded(saved(tmp_path / "a.npy", CUBE), how)
    wanted = v2.CenterCrop(8)(v2.Resize(9, antialias=True)(torch.from_numpy(CUBE)))
    np.testing.assert_allclose(found, wanted.permute(1, 2, 0).numpy(), rtol=1e-4)


def test_deep_greys_keep_all_their_bits(tmp_path: Path) -> None:
    values = RANDOM.integers(0, 4096, (8, 8)).astype(np.uint16)  # 12 bits
    Image.fromarray(values).save(tmp_path / "a.png")
    found = bands.decoded(tmp_path / "a.png", Preprocessing(channels=1, size=8, resize=8))
    assert (found[..., 0] == values).all()


@pytest.mark.parametrize(
    "values, why",
    [
        (np.full((5, 8, 8), np.nan), "NaN or infinite"),
        (np.zeros((4, 8, 8)), "4 x 8 x 8 numbers: it has no axis of 5 bands"),
        (np.zeros((5, 8, 5)), "5 x 8 x 5 numbers: it has two axes of 5"),
        (np.zeros((8, 8)), "no axis of 5 bands"),
        (np.full((5, 8, 8), "a"), "which are no numbers"),
        (np.array([{}]), "ValueError"),  # a pickle, which is not loaded
    ],
)
def test_files_that_are_no_bands_say_why(tmp_path: Path, values: np.ndarray, why: str) -> None:
    np.save(tmp_path / "a.npy", values, allow_pickle=True)
    with pytest.raises(BrokenImage, match=why):
        bands.read(tmp_path / "a.npy", 5)


NETWORK = """\
import torch
from torch import nn


def network():
    torch.manual_seed(0)
    layers = [nn.Conv2d(5, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)]
    return nn.Sequential(*layers).eval()
"""


@pytest.fixture
def banded(tiny: Tiny) -> Tiny:
    """An atlas of a network of five bands, and eight images."""
    (tiny.folder / "network.py").write_text(NETWORK)
    folder = tiny.folder / "cubes"
    folder.mkdir()
    for at in range(8):
        np.save(folder / f"{at}.npy", RANDOM.normal(100, 30, (5, 16, 16)).cumsum(2))
    how = {"channels": 5, "size": 16, "resize": 16, "mean": [100] * 5, "std": [30] * 5}
    return tiny.change(images__folder="cubes", model__preprocessing=how)


@pytest.mark.parametrize(
    "show, words",
    [
        ([3, 2, 1], "bands 3, 2 and 1 as red, green and blue, from percentile 1 to 99"),
        ([4], "band 4, from percentile 1 to 99"),
        (None, "the first three principal components of the 5 bands"),
    ],
)
def test_bands_are_shown_as_it_is_said(banded: Tiny, show: object, words: str) -> None:
    config = banded.change(model__preprocessing__show=show).config() if show else banded.config()
    assert config.model.preprocessing is not None
    images = find(config, config.model.preprocessing, Digests())
    planes = images.planes = measured(images)
    assert planes.words.startswith(words) and planes.words.endswith("of 8 images")
    values, pixels = images.values(0), images.pixels(0)
    assert values.shape == (16, 16, 5) and pixels.shape == (16, 16, 3)
    if isinstance(show, list):
        low, high = (np.array(each)[np.array(show) - 1] for each in (planes.low, planes.high))
        wanted = ((values[..., np.array(show) - 1] - low) / (high - low)).clip(0, 1) * 255
        assert np.abs(pixels - wanted).max() <= 1


def test_a_network_of_bands_has_an_atlas(banded: Tiny) -> None:
    panels = ["statistics", "weights", "dataset_examples", "feature_visualization"]
    banded.change(analysis__panels=panels, panels__feature_visualization__steps=2)
    printed = banded.works("build")
    assert "Its images have 5 planes, which are shown so: the first three principal" in printed
    page = (banded.folder / "public/tiny/0/0.html").read_text()
    assert "band 1" in page and "input 0" not in page
    assert "Everything is there." in banded.works("status")
