"""Torch data sets: what they give is taken as it is, or refused with the remedy."""

import re
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.tiny import Tiny
from lamella.config.preprocessing import Preprocessing
from lamella.images.datasets import Item, _OneAtATime, digest_of_pixels
from lamella.images.entries import readable
from lamella.images.finding import Digests, find
from lamella.images.images import Images

HOW = Preprocessing(resize=20, size=16)
HEAD = """\
import numpy as np
import torch
from PIL import Image

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (6, 24, 28, 3), dtype=np.uint8)


class Data(torch.utils.data.Dataset):
    classes = ["bird", "cat"]

    def __len__(self):
        return 6

    def __getitem__(self, at):
        {}


def data():
    return Data()
"""
GIVEN = {
    "PIL": "return Image.fromarray(PIXELS[at]), at % 2",
    "an array": "return PIXELS[at], at % 2",
    "a tensor": "return torch.from_numpy(PIXELS[at]).permute(2, 0, 1), torch.tensor(at % 2)",
    "a name": 'return PIXELS[at], ["bird", "cat"][at % 2]',
}


def found(tiny: Tiny, body: str) -> Images:
    (tiny.folder / "data.py").write_text(HEAD.format(body))
    tiny.tree["images"] = {"dataset": "data.py:data"}
    return find(tiny.change().config(), HOW, Digests())


def told(images: Images) -> dict[int, str]:
    skipped: dict[int, str] = {}
    list(images.batches(4, skipped=skipped))
    return skipped


@pytest.mark.parametrize("kind", GIVEN)
def test_images_and_labels_are_what_the_data_set_gives(
    tiny: Tiny, tmp_path: Path, kind: str
) -> None:
    """The pixels are those of files with the same content, whatever form they come in."""
    images = found(tiny, GIVEN[kind])
    pixels = np.random.default_rng(0).integers(0, 256, (6, 24, 28, 3), dtype=np.uint8)
    assert len(images) == 6 and images.manifest.labels == ("bird", "cat")
    for at in range(6):
        (number,) = images.named([str(at)], "here")
        photograph = images.manifest.photographs[number]
        assert photograph.label == ("bird", "cat")[at % 2]
        assert photograph.id == digest_of_pixels(Image.fromarray(pixels[at]))
        Image.fromarray(pixels[at]).save(tmp_path / "same.png")
        own = Images(images.manifest, [tmp_path / "same.png"] * 6, HOW)
        assert (images.decoded(number) == own.decoded(number)).all()


DEEP = {"I": "<i4", "F": "<f4", "I;16": "<u2", "I;16B": ">u2"}
MODES = ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", *DEEP]


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_of_pil_comes_through(mode: str) -> None:
    shades = np.linspace(0, 255, 24 * 28).astype(np.uint8).reshape(24, 28)
    if mode in DEEP:
        image = Image.fromarray(shades.astype(DEEP[mode]))
    elif mode in ("LAB", "HSV"):
        image = Image.merge(mode, [Image.fromarray(shades)] * 3)
    else:
        image = Image.fromarray(shades).convert(mode)
    assert image.mode == mode
    items = _OneAtATime([image])
    plain, _ = items.pair(0)
    with Image.open(readable(Item("0", None, 0, items, digest_of_pixels(plain)))) as again:
        assert again.mode == plain.mode and (np.asarray(again) == np.asarray(plain)).all()


def test_what_a_data_set_gives_is_not_turned() -> None:
    """It was its business to: training saw what it gives."""
    image, exif = Image.new("RGB", (30, 20)), Image.Exif()
    exif[0x0112] = 6
    image.info["exif"] = exif.tobytes()
    items = _OneAtATime([(image, 0)])
    item = Item("0", None, 0, items, digest_of_pixels(image))
    with Image.open(readable(item)) as again:
        assert again.size == (30, 20) and not again.getexif().get(0x0112)


REFUSED = {
    "return torch.zeros(3, 24, 28), 0": "item 0 of data.py:data is of 3 x 24 x 28 numbers of type "
    "float32.",
    "return PIXELS[at].astype(float), 0": "is of 24 x 28 x 3 numbers of type float64.",
    "return torch.from_numpy(PIXELS[at]), 0": "is of 24 x 28 x 3 numbers.",
    "return PIXELS[at].transpose(2, 0, 1), 0": "is of 3 x 24 x 28 numbers.",
    "return {'image': PIXELS[at], 'label': 0}": "is of type dict.",
    "return PIXELS[at][:0], 0": "is of 0 x 28 x 3 numbers.",
    "return ()": "is of type tuple.",
}


@pytest.mark.parametrize("body", REFUSED)
def test_what_is_no_image_is_refused_with_the_remedy(tiny: Tiny, body: str) -> None:
    (tiny.folder / "data.py").write_text(HEAD.format(body))
    tiny.tree["images"] = {"dataset": "data.py:data"}
    message = tiny.change().fails("analyse")
    assert REFUSED[body] in message and "without a transform to numbers" in message


FUNCTIONS = {
    "def data(): return iter([])": "gives list_iterator, whose length cannot be had: TypeError",
    "def data(): return []": "data.py:data holds no image.",
    "def other(): pass": "has no function 'data'.\n  It has other.",
    "def data(): 1 / 0": "data.py fails in line 1: ZeroDivisionError",
    "class data:\n    def __len__(self): raise ValueError('so')": (
        "gives data, whose length cannot be had: ValueError: so."
    ),
}


@pytest.mark.parametrize("text", FUNCTIONS)
def test_functions_that_return_no_data_set(tiny: Tiny, text: str) -> None:
    (tiny.folder / "data.py").write_text(text)
    tiny.tree["images"] = {"dataset": "data.py:data"}
    assert FUNCTIONS[text] in tiny.change().fails("analyse")
    tiny.tree["images"] = {"dataset": "CIFAR10"}
    assert "Write FILE.py:FUNCTION, or torchvision:NAME" in tiny.change().fails("analyse")


def test_an_item_that_fails_is_a_broken_image(tiny: Tiny) -> None:
    images = found(tiny, "return Image.fromarray(PIXELS[[0, 1, 2, 9, 4, 5][at]]), at % 2")
    (why,) = told(images).values()
    assert why.startswith("IndexError: ") and len(images) == 6


def test_random_transforms_are_told(tiny: Tiny) -> None:
    images = found(tiny, "return RANDOM.integers(0, 256, (24, 28, 3), dtype=np.uint8), 0")
    assert len(told(images)) == 6
    assert all("has it random transforms?" in why for why in told(images).values())


@pytest.mark.parametrize("label", ["[1, 2]", "{'boxes': []}", "np.zeros(3)", "None", "1.5"])
def test_labels_that_are_none_of_one_class(tiny: Tiny, label: str) -> None:
    assert not found(tiny, f"return PIXELS[at], {label}").manifest.labels


def test_items_are_asked_for_by_one_thread_at_a_time(tmp_path: Path) -> None:
    inside, most = 0, 0

    class Data:
        def __getitem__(self, at: int) -> np.ndarray:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            threading.Event().wait(0.001)
            inside -= 1
            return np.full((8, 8), at, np.uint8)

    items = _OneAtATime(Data())
    threads = [
        threading.Thread(target=lambda: [items.pair(at) for at in range(9)]) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_data_set_of_torchvision(tiny: Tiny, tmp_path: Path) -> None:
    raw = tmp_path / "root" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    random = np.random.default_rng(0)
    for part in ("train", "t10k"):
        head = b"\0\0\x08"
        content = random.integers(0, 256, (5, 28, 28), dtype=np.uint8).tobytes()
        sizes = b"".join(size.to_bytes(4, "big") for size in (5, 28, 28))
        (raw / f"{part}-images-idx3-ubyte").write_bytes(head + b"\x03" + sizes + content)
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(
            head + b"\x01" + (5).to_bytes(4, "big") + bytes(range(5))
        )
    tiny.tree["images"] = {"dataset": "torchvision:MNIST", "folder": "root"}
    assert "5 images" in tiny.change().works("build")
    images = find(tiny.config(), HOW, Digests())
    assert images.manifest.labels == ("0 - zero", "1 - one", "2 - two", "3 - three", "4 - four")


LACKING = {
    "CIFAR10": r"torchvision's CIFAR10 cannot be had from .*root: .*\n.*download=True\)",
    "CIFAR11": "torchvision has no data set 'CIFAR11'.\n  Did you mean 'CIFAR10'",
    "VisionDataset": "whose length cannot be had: NotImplementedError",
    "utils": "torchvision has no data set 'utils'",
}


@pytest.mark.parametrize("name", LACKING)
def test_data_sets_that_torchvision_lacks(tiny: Tiny, name: str) -> None:
    tiny.tree["images"] = {"dataset": f"torchvision:{name}", "folder": "root"}
    assert re.search(LACKING[name], tiny.change().fails("analyse"))
