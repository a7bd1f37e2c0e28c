"""A preprocessing of the user's own: what the network is given is what it gives."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from helpers.tiny import Tiny
from lamella.loading.load import load
from lamella.pipeline.pipeline import Analysis

FUNCTIONS = """

from torchvision import transforms as T

plain = [T.Resize(18), T.CenterCrop(16), T.ToTensor()]
usual = T.Compose([*plain, T.Normalize((0.4, 0.5, 0.6), (0.2, 0.3, 0.4))])


def swapped(image):
    return 255 * T.Compose(plain)(image).flip(0)


def curved(image):
    return T.Compose(plain)(image) ** 2


def fails(image):
    raise RuntimeError("no such luck")


def flat(image):
    return T.Compose(plain)(image).flatten()


def any_size(image):
    return T.ToTensor()(image)[:, :16] if image.width == 256 else T.ToTensor()(image)
"""


@pytest.fixture
def own(tiny: Tiny) -> Tiny:
    with (tiny.folder / "network.py").open("a") as file:
        file.write(FUNCTIONS)
    return tiny


def analysis(own: Tiny, function: str) -> Analysis:
    return Analysis.of(own.change(model__preprocessing=f"network.py:{function}").config())


def test_the_network_is_given_what_the_function_gives_to_the_bit(own: Tiny) -> None:
    found = analysis(own, "usual")
    namespace: dict[str, Any] = {}
    exec(FUNCTIONS, namespace)
    for number, path in enumerate(found.images.files):
        with Image.open(path) as image:
            wanted = namespace["usual"](image.convert("RGB"))
        values = found.images.values(number)
        assert torch.equal(found.model.inputs(values[None])[0], wanted)
        # As an image in between, and back: but for rounding the same.
        back = found.model.normalise(found.model.shown(values[None]))
        torch.testing.assert_close(back[0], wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("function", ["usual", "swapped"])
def test_its_colours_are_shown_in_whatever_order_they_are(own: Tiny, function: str) -> None:
    found = analysis(own, function)
    assert found.model.planes.coloured
    with Image.open(found.images.files[0]) as image:
        scaled = image.convert("RGB").resize((21, 18), Image.Resampling.BILINEAR)
        wanted = np.asarray(scaled.crop((2, 1, 18, 17)))
    assert np.abs(found.images.pixels(0).astype(int) - wanted).max() <= 1


def test_what_is_no_plain_function_of_colours_is_measured(own: Tiny) -> None:
    found = analysis(own, "curved")
    assert "bands 1, 2 and 3" in found.model.facts.notes[-1]


@pytest.mark.parametrize(
    "function, said",
    [
        ("fails", "network.py:fails fails in line"),
        ("flat", "768 numbers, not channel x row x column"),
        ("missing", "has no function 'missing'"),
    ],
)
def test_functions_that_do_not_work_are_told(own: Tiny, function: str, said: str) -> None:
    own.change(model__preprocessing=f"network.py:{function}")
    assert said in own.fails("build")


def test_images_of_another_size_are_passed_over_and_counted(own: Tiny) -> None:
    Image.new("RGB", (256, 16)).save(own.folder / "images" / "wide.png")
    own.change(model__preprocessing="network.py:any_size")
    assert "3 broken images were skipped" in own.works("build")
    about = (own.folder / "public/about.html").read_text()
    assert "its preprocessing: ValueError: it gives 3 x 24 x 28 numbers here" in about


def test_a_site_says_what_was_used_and_is_rendered_without_it(own: Tiny) -> None:
    own.change(model__preprocessing="network.py:usual").works("build")
    page = (own.folder / "public/tiny/index.html").read_text()
    assert "network.py:usual" in page and "Digest" in page and "Mean" not in page
    own.works("render")
    with (own.folder / "network.py").open("a") as file:
        file.write("\nusual = T.Compose(plain)\n")
    keys = load(own.config(), torch.device("cpu")).facts.preprocessing
    assert keys["digest"] not in page  # another preprocessing, another atlas


def test_masks_are_not_laid_where_a_function_cuts(own: Tiny) -> None:
    (own.folder / "masks").mkdir()
    own.change(
        model__preprocessing="network.py:usual",
        analysis__panels=["dissection", "sanity_checks"],
        panels__dissection={"scenes": "images"},
        panels__sanity_checks={"masks": "masks"},
    )
    assert "a function of your own cuts, that is not known" in own.fails("build")
