"""Photographs: every file that a folder may hold, and what becomes of it."""

import errno
import io
import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from torchvision import transforms

from helpers.damaged import png_of
from helpers.forked import flip
from helpers.tiny import Tiny, held, write_images
from lamella.config.preprocessing import Preprocessing
from lamella.images import decoding
from lamella.images.decoding import BrokenImage, decode
from lamella.images.finding import Digests, find
from lamella.images.images import Images
from lamella.images.manifest import passed_over_words

RED, BLUE = (220, 30, 40), (30, 40, 220)


def found(tiny: Tiny, digests: Digests | None = None) -> Images:
    return find(tiny.config(), Preprocessing(resize=20, size=16), digests or Digests())


def halves(width: int = 60, height: int = 40) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image


def near(pixel: np.ndarray, colour: tuple[int, ...]) -> bool:
    return bool(np.abs(pixel.astype(int) - colour).max() < 24)


def is_halves(pixels: np.ndarray) -> bool:
    return near(pixels[8, 2], RED) and near(pixels[8, -3], BLUE)


KINDS: dict[str, Callable[[Path], object]] = {
    "plain.png": lambda path: halves().save(path),
    "plain.jpg": lambda path: halves().save(path, quality=95),
    "plain.webp": lambda path: halves().save(path, quality=95),
    "plain.bmp": lambda path: halves().save(path),
    "plain.tiff": lambda path: halves().save(path),
    "plain.ppm": lambda path: halves().save(path),
    "JPEG under another name.png": lambda path: halves().save(path, "JPEG", quality=95),
    "CAPITALS.JPG": lambda path: halves().save(path, quality=95),
    "cmyk.jpg": lambda path: halves().convert("CMYK").save(path, quality=95),
    "cmyk.tif": lambda path: halves().convert("CMYK").save(path),
    "palette.png": lambda path: halves().convert("P", palette=Image.Palette.ADAPTIVE).save(path),
    "palette with transparency.png": lambda path: (
        halves()
        .convert("P", palette=Image.Palette.ADAPTIVE)
        .save(path, transparency=bytes([255] * 200))
    ),
    "rgba.png": lambda path: halves().convert("RGBA").save(path),
    "rgba.webp": lambda path: halves().convert("RGBA").save(path, quality=95),
    "large.jpg": lambda path: halves(1200, 800).save(path, quality=95),
    "phone.jpg": lambda path: halves().save(
        path, "MPO", quality=95, save_all=True, append_images=[halves()]
    ),
    "animated.gif": lambda path: halves().save(
        path, save_all=True, append_images=[Image.new("RGB", (60, 40), "green")] * 2
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_kinds_of_images(tmp_path: Path, name: str) -> None:
    KINDS[name](tmp_path / name)
    pixels = decode(tmp_path / name, Preprocessing(resize=20, size=16))
    assert pixels.shape == (16, 16, 3) and pixels.dtype == np.uint8
    assert is_halves(pixels)


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P", "1-bit"])
def test_transparency_lies_on_white(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.png"
    if mode == "P":
        Image.new("P", (30, 30), 0).save(path, transparency=0)
    elif mode == "1-bit":
        Image.new("L", (30, 30), 7).save(path, transparency=7)
    else:
        Image.new(mode, (30, 30)).save(path)
    assert (decode(path, Preprocessing(resize=20, size=16)) == 255).all()


@pytest.mark.parametrize("mode", ["1", "L", "I;16"])
def test_greys(tmp_path: Path, mode: str) -> None:
    shades = np.repeat(np.array([[0, 255]], np.uint8), 20, axis=0).repeat(20, axis=1)
    deep = Image.fromarray(shades.astype(np.uint16) * 257)
    image = deep if mode == "I;16" else Image.fromarray(shades).convert(mode)
    image.save(tmp_path / "a.png")
    pixels = decode(tmp_path / "a.png", Preprocessing(resize=20, size=16))
    assert (pixels[:, :6] == 0).all() and (pixels[:, -6:] == 255).all()


@pytest.mark.parametrize("most", [255, 65535])
def test_greys_of_32_bits(tmp_path: Path, most: int) -> None:
    values = np.array([[0, most]], np.int32).repeat(20, axis=0).repeat(20, axis=1)
    Image.fromarray(values).save(tmp_path / "a.tif")
    pixels = decode(tmp_path / "a.tif", Preprocessing(resize=20, size=16))
    assert (pixels[:, :6] == 0).all() and (pixels[:, -6:] == 255).all()


@pytest.mark.parametrize("white", [1, 255, 65535])
def test_greys_in_floating_point(tmp_path: Path, white: int) -> None:
    values = np.linspace(0, white, 20, dtype=np.float32)[None].repeat(20, axis=0)
    Image.fromarray(values).save(tmp_path / "a.tif")
    pixels = decode(tmp_path / "a.tif", Preprocessing(resize=20, size=20))
    expected = np.linspace(0, 255, 20).round()
    assert np.abs(pixels[3, :, 1] - expected).max() <= 1


@pytest.mark.parametrize("value", [-1.0, 1e6, np.nan])
def test_other_floating_point_is_passed_over(tmp_path: Path, value: float) -> None:
    Image.fromarray(np.full((20, 20), value, np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(BrokenImage, match="do not lie between 0 and 1, 255 or 65535"):
        decode(tmp_path / "a.tif", Preprocessing(resize=20, size=16))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photographs_are_turned_upright(tmp_path: Path, orientation: int) -> None:
    turned = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = halves()
    if orientation in turned:
        image = image.transpose(turned[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a.jpg", exif=exif, quality=95)
    assert is_halves(decode(tmp_path / "a.jpg", Preprocessing(resize=20, size=16)))


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 20_000), (20_000, 1), (3, 9000), (17, 16), (16, 16), (4000, 4000)]
)
def test_extreme_sizes_cost_little(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, RED).save(tmp_path / "a.png")
    pixels = decode(tmp_path / "a.png", Preprocessing(resize=256, size=224))
    assert pixels.shape == (224, 224, 3) and near(pixels[112, 112], RED)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that is written again and again."""
    return tmp_path_factory.mktemp("scratch") / "image"


METHODS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")


@settings(max_examples=60)
@given(
    width=st.integers(1, 400),
    height=st.integers(1, 400),
    size=st.integers(8, 80),
    margin=st.integers(0, 30),
    interpolation=st.sampled_from(METHODS),
)
def test_bytes_are_torchvisions(
    scratch: Path, width: int, height: int, size: int, margin: int, interpolation: str
) -> None:
    """Of JPEGs, of all sizes and ways: `Resize` and `CenterCrop` on the whole image."""
    random = np.random.default_rng(width + 1000 * height)
    noise = Image.fromarray(random.integers(0, 256, (9, 7, 3), dtype=np.uint8))
    noise.resize((width, height), Image.Resampling.BICUBIC).save(scratch, "JPEG", quality=90)
    how = Preprocessing(resize=size + margin, size=size, interpolation=interpolation)
    resize = transforms.Resize(how.resize, transforms.InterpolationMode(interpolation))
    wanted = transforms.CenterCrop(size)(resize(Image.open(scratch).convert("RGB")))
    assert (decode(scratch, how) == np.asarray(wanted)).all()


@settings(max_examples=40)
@given(
    width=st.integers(1, 120),
    height=st.integers(1, 120),
    size=st.tuples(st.integers(8, 60), st.integers(8, 60)),
    rule=st.sampled_from(["shorter", "exact", "none"]),
    grey=st.booleans(),
)
def test_rectangles_and_greys_are_torchvisions_too(
    scratch: Path, width: int, height: int, size: tuple[int, int], rule: str, grey: bool
) -> None:
    """Whatever is larger is cut, whatever is smaller is framed in black."""
    random = np.random.default_rng(width + 1000 * height)
    image = Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))
    image.save(scratch, "PNG")
    resize: Any = {"shorter": min(size) + 3, "exact": size, "none": "none"}[rule]
    how = Preprocessing(resize=resize, size=size, channels="L" if grey else "RGB")
    wanted = image.convert("L") if grey else image
    if rule != "none":
        wanted = transforms.Resize(resize)(wanted)
    wanted = np.asarray(transforms.CenterCrop(size)(wanted))
    found = decode(scratch, how)
    assert found.shape == (*size, 1 if grey else 3)
    assert (found == (wanted[..., None] if grey else wanted)).all()


def test_a_pair_for_the_size_is_the_whole_image() -> None:
    assert Preprocessing(size=(48, 24)).resize == (48, 24)
    assert Preprocessing(size=(48, 24)).model_dump(mode="json")["resize"] == [48, 24]
    assert Preprocessing(size=(48, 24), resize=60).resize == 60
    assert Preprocessing(channels="L").mean == (0.5,) == Preprocessing(channels="L").std


@pytest.mark.parametrize("name", KINDS)
def test_bytes_are_torchvisions_whatever_the_file_holds(tmp_path: Path, name: str) -> None:
    KINDS[name](tmp_path / name)
    with Image.open(tmp_path / name) as image:
        if "transparency" in name or image.mode[0] in "IF" or image.mode.endswith("A"):
            pytest.skip("on white, and 16 bits as 8: torchvision has no rule for these")
        plain = ImageOps.exif_transpose(image).convert("RGB")
    wanted = transforms.CenterCrop(16)(transforms.Resize(20)(plain))
    found = decode(tmp_path / name, Preprocessing(resize=20, size=16))
    assert (found == np.asarray(wanted)).all()


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_without_antialiasing_bytes_are_those_of_tensors(
    tmp_path: Path, interpolation: str
) -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (61, 83, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    how = Preprocessing(resize=20, size=16, interpolation=interpolation, antialias=False)
    mode = transforms.InterpolationMode(interpolation)
    resize = transforms.Resize(20, mode, antialias=False)
    wanted = transforms.CenterCrop(16)(resize(torch.from_numpy(pixels).permute(2, 0, 1)))
    assert (decode(tmp_path / "a.png", how) == wanted.permute(1, 2, 0).numpy()).all()


def test_fast_decoding_is_near(tmp_path: Path) -> None:
    halves(2000, 1500).save(tmp_path / "a.jpg", quality=95)
    exact, fast = (
        decode(tmp_path / "a.jpg", Preprocessing(resize=64, size=48, fast=fast)).astype(int)
        for fast in (False, True)
    )
    assert np.abs(fast - exact).max() > 0 and np.abs(fast - exact).mean() < 2


def whole(format: str) -> bytes:
    buffer = io.BytesIO()
    random = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(random).save(buffer, format)
    return buffer.getvalue()


BROKEN = {
    "empty.png": (b"", "not an image"),
    "text.png": (b"This is not a picture.", "not an image"),
    "page.jpg": (b"<!doctype html><title>404</title>", "not an image"),
    "noise.webp": (bytes(range(256)) * 8, "not an image"),
    "drawing.png": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
    "truncated.jpg": (whole("JPEG")[:2000], "truncated"),
    "truncated.png": (whole("PNG")[:2000], "truncated"),
    "truncated.webp": (whole("WEBP")[:900], ""),
    "truncated.tif": (whole("TIFF")[:2000], ""),
    "truncated.bmp": (whole("BMP")[:2000], "truncated"),
    "header.png": (whole("PNG")[:40], ""),
    "bomb.png": (png_of(60_000, 60_000), "60000 x 60000 pixels are too many"),
    "large.png": (png_of(15_000, 15_000), "15000 x 15000 pixels are too many"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_images_say_why_and_not_where(tmp_path: Path, name: str) -> None:
    content, why = BROKEN[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BrokenImage) as caught:
        decode(tmp_path / name, Preprocessing(resize=20, size=16))
    said = str(caught.value)
    assert why in said and said and "\n" not in said
    assert str(tmp_path) not in said, "the reason is published; the path is private"


def test_large_photographs_are_no_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PIL warns from 90 million pixels on; cameras make more."""
    halves(9500, 9500).save(tmp_path / "a.jpg", quality=20)
    assert decode(tmp_path / "a.jpg", Preprocessing(resize=20, size=16)).shape == (16, 16, 3)
    monkeypatch.setattr(decoding, "MOST_PIXELS", 9500 * 9500 - 1)
    with pytest.raises(BrokenImage, match="too many"):
        decode(tmp_path / "a.jpg", Preprocessing(resize=20, size=16))


def test_broken_images_are_skipped_and_the_others_seen(tiny: Tiny) -> None:
    folder = write_images(tiny.folder / "images", 7)
    for name, (content, _) in BROKEN.items():
        (folder / name).write_bytes(content)
    images = found(tiny)
    for size in (1, 2, 3, 50):
        skipped: dict[int, str] = {}
        batches = list(images.batches(size, skipped=skipped))
        seen = [number for batch in batches for number in batch.numbers]
        assert seen == sorted(set(range(len(images))) - set(skipped)) and len(seen) == 7
        assert {images.manifest.photographs[n].name for n in skipped} == set(BROKEN)
        assert all(len(batch.numbers) == size for batch in batches[:-1])
        for batch in batches:
            for number, values in zip(batch.numbers, batch.values, strict=True):
                assert (values == images.values(number)).all()


def test_going_on_from_an_image(tiny: Tiny) -> None:
    write_images(tiny.folder / "images", 5)
    skipped: dict[int, str] = {}
    (batch,) = found(tiny).batches(16, first=3, skipped=skipped)
    assert batch.numbers == (3, 4) and not skipped


def test_a_file_that_vanishes_is_skipped(tiny: Tiny) -> None:
    images = found(tiny)
    images.files[1].unlink()
    skipped: dict[int, str] = {}
    (batch,) = images.batches(16, skipped=skipped)
    assert batch.numbers == (0, 2) and skipped == {1: os.strerror(errno.ENOENT)}


def test_broken_images_are_told(tiny: Tiny) -> None:
    (tiny.folder / "images" / "text.png").write_text("no picture")
    output = tiny.works("analyse", "--panel", "weights")
    assert "3 images in" in output and "1 broken image" in output
    survey = held(next(tiny.work.glob("survey-*/images.json")))
    assert survey["seen"] == 3 and "not an image" in next(iter(survey["skipped"].values()))


def test_only_broken_images(tiny: Tiny) -> None:
    shutil.rmtree(tiny.folder / "images")
    (tiny.folder / "images").mkdir()
    for name, (content, _) in BROKEN.items():
        (tiny.folder / "images" / name).write_bytes(content)
    message = tiny.fails("analyse")
    assert f"None of the {len(BROKEN)} images can be decoded" in message
    assert "are they photographs?" in message


def test_no_folder_and_no_images(tiny: Tiny) -> None:
    shutil.rmtree(tiny.folder / "images")
    message = tiny.fails("analyse")
    assert f"The image folder {tiny.folder / 'images'} does not exist." in message
    assert "relative to the folder of atlas.toml" in message
    (tiny.folder / "images").write_text("")
    assert "images is no folder." in tiny.fails("analyse")
    (tiny.folder / "images").unlink()
    (tiny.folder / "images" / "sub").mkdir(parents=True)
    (tiny.folder / "images" / "notes.txt").write_text("")
    (tiny.folder / "images" / "folder.png").mkdir()
    message = tiny.fails("analyse")
    assert "images holds no image, but 1 .txt file." in message and ".jpeg .jpg" in message


def test_copies_count_once(tiny: Tiny) -> None:
    folder = tiny.folder / "images"
    before = found(tiny).manifest
    shutil.copy(folder / "even" / "0.png", folder / "z copy.png")
    shutil.copytree(folder / "even", folder / "more")
    assert found(tiny).manifest == before


def test_hidden_files_are_left_alone(tiny: Tiny) -> None:
    before = found(tiny).manifest
    for name in (".hidden.png", ".thumbnails/a.png", "__MACOSX/._a.png"):
        path = tiny.folder / "images" / name
        path.parent.mkdir(exist_ok=True)
        halves().save(path)
    assert found(tiny).manifest == before


def test_ids_do_not_depend_on_where_the_folder_lies(tiny: Tiny, tmp_path: Path) -> None:
    folder = write_images(tiny.folder / "images", 9)
    (folder / "dangling.png").symlink_to(tmp_path / "nowhere.png")
    before = found(tiny).manifest
    assert len(before.photographs) == 10
    shutil.move(folder, tmp_path / "a" / "b")
    tiny.change(images__folder="a/b")
    assert found(tiny).manifest == before
    for at, path in enumerate(sorted((tmp_path / "a" / "b").rglob("*.png"))):
        if path.is_file():
            path.rename(path.with_name(f"{99 - at}.png"))
    after = found(tiny).manifest
    assert after.digest == before.digest
    assert [photo.id for photo in after.photographs] == [photo.id for photo in before.photographs]


def test_digests_are_remembered_until_the_file_changes(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = Digests()
    before = found(tiny, digests).manifest
    assert digests.fresh == len(before.photographs)
    digests = Digests(json.loads(json.dumps(digests.known)))  # as the store keeps them
    opened = []
    original = Path.open

    def counting(path: Path, *args: object, **kwargs: object) -> object:
        opened.append(path.name)
        return original(path, *args, **kwargs)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", counting)
    assert found(tiny, digests).manifest == before
    assert not [name for name in opened if name.endswith(".png")] and not digests.fresh
    halves().save(tiny.folder / "images" / "even" / "0.png")
    assert found(tiny, digests).manifest.digest != before.digest


LABELS = {
    "folder": {"cat/1.png": "cat", "a/dog/2.png": "dog", "3.png": ""},
    "file": {"cat_01.png": "cat", "guide-dog-2.png": "guide-dog", "owl.3.png": "owl", "4.png": "4"},
    "none": {"cat/1.png": "", "2_x.png": ""},
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels(tiny: Tiny, kind: str) -> None:
    folder = tiny.folder / "labelled"
    for at, name in enumerate(LABELS[kind]):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 20), (at, 0, 0)).save(folder / name)
    tiny.change(images__folder="labelled", images__labels=kind)
    manifest = found(tiny).manifest
    assert {p.name: p.label for p in manifest.photographs} == LABELS[kind]
    assert manifest.labels == tuple(sorted(set(LABELS[kind].values()) - {""}))


def test_a_limit_takes_the_same_images_everywhere(tiny: Tiny) -> None:
    write_images(tiny.folder / "images", 9)
    every = found(tiny).manifest.photographs
    few = found(tiny.change(images__limit=4)).manifest
    assert few.photographs == every[:4]


@pytest.mark.skipif(os.name != "posix", reason="names of files are bytes on POSIX alone")
def test_names_that_are_no_text(tiny: Tiny) -> None:
    """They can be printed, stored and published."""
    path = os.fsencode(tiny.folder / "images") + b"/caf\xe9/\xff.png"
    try:
        os.mkdir(os.path.dirname(path))
    except OSError:
        pytest.skip("this file system takes text alone")
    with open(path, "wb") as file:
        halves().save(file, "PNG")
    names = [photograph.name for photograph in found(tiny).manifest.photographs]
    assert "caf\ufffd/\ufffd.png" in names
    assert "caf\ufffd" in found(tiny).manifest.labels
    assert "".join(names).encode()
    tiny.works("analyse", "--panel", "weights")


def test_what_is_passed_over_is_counted(tiny: Tiny, tmp_path: Path) -> None:
    """Files of other kinds, and what would never end; hidden files are nobody's. Linked folders are
    followed, each once."""
    folder = tiny.folder / "images"
    halves().save(folder / "a.jfif", "JPEG")
    halves().save(folder / "b.JPE", "JPEG", quality=60)
    for name in ("1.txt", "2.TXT", "Makefile", ".hidden"):
        (folder / name).write_text("words")
    os.mkfifo(folder / "endless.png")
    (folder / "null.png").symlink_to("/dev/null")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    halves().save(elsewhere / "c.png")
    (folder / "linked").symlink_to(elsewhere)
    (elsewhere / "round").symlink_to(elsewhere)
    (folder / "again").symlink_to(elsewhere)
    (folder / "loop").symlink_to(folder)
    (folder / "all").symlink_to("/")
    manifest = found(tiny).manifest
    assert {"a.jfif", "b.JPE"} <= {photograph.name for photograph in manifest.photographs}
    assert len(manifest.photographs) == 3 + 3
    labels = {photograph.name: photograph.label for photograph in manifest.photographs}
    assert labels["again/c.png"] == "again"  # of two links the first
    assert dict(manifest.passed_over) == {
        **{".txt file": 2, "suffixless file": 1},
        **{"special file": 2, "linked folder that leads back": 4},
    }
    result = tiny.run("build")
    assert result.exit_code == 0
    assert "The image folder holds 6 images, but " in result.stderr
    assert "1 suffixless file" in result.stderr and "2 .txt files" in result.stderr
    assert "4 linked folders that lead back" in result.stderr
    assert "linked folder" in (tiny.folder / "public" / "about.html").read_text()


LISTS = {
    "plain.txt": "# mine\n\na.png\nsub/b.png\n",
    "labels.csv": 'path,label\na.png,left\nsub/b.png,"right, far"\n',
    "tabs.tsv": "image\tclass\tsplit\na.png\tleft\ttrain\nsub/b.png\tright, far\ttest\n",
    "marked.csv": "\ufeffa.png;left\r\nsub/b.png;right, far\r\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_images_by_a_list(tiny: Tiny, name: str) -> None:
    folder = tiny.folder / "images"
    (folder / "sub").mkdir()
    halves().save(folder / "a.png")
    halves().transpose(Image.Transpose.ROTATE_90).save(folder / "sub" / "b.png")
    (tiny.folder / name).write_text(LISTS[name], encoding="utf-8")
    manifest = found(tiny.change(images__list=name)).manifest
    labels = {photograph.name: photograph.label for photograph in manifest.photographs}
    own = {"a.png": "left", "sub/b.png": "right, far"}
    assert labels == ({"a.png": "", "sub/b.png": "sub"} if name == "plain.txt" else own)


WRONG_LISTS = {
    "outside": ("../secret.png\n", "line 1: '../secret.png' does not lie in"),
    "no image": ("a.png\nnotes.txt\n", "line 2: 'notes.txt' has no suffix of an image"),
    "empty": ("# nothing\n", "names no image"),
    "no text": ("a.png\0\n", "it holds the character NUL"),
    "a circle": ("loop.png\n", "'loop.png' does not lie in"),
}


@pytest.mark.parametrize("what", WRONG_LISTS)
def test_a_list_that_is_wrong_is_told(tiny: Tiny, what: str) -> None:
    content, problem = WRONG_LISTS[what]
    (tiny.folder / "list.txt").write_text(content)
    (tiny.folder / "images" / "loop.png").symlink_to("loop.png")
    assert problem in tiny.change(images__list="list.txt").fails("layers")
    assert "cannot read" in tiny.change(images__list="gone.txt").fails("layers")


@pytest.mark.parametrize("kind", ["pipe", "zero", "socket"])
def test_what_a_list_names_and_is_no_file_is_skipped(tiny: Tiny, kind: str) -> None:
    folder = tiny.folder / "images"
    if kind == "pipe":
        os.mkfifo(folder / "x.png")
    elif kind == "zero":
        # Inside of the folder by its name, and outside by where it leads, it is refused.
        (folder / "x.png").symlink_to("/dev/zero")
    else:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(folder / "x.png"))
    halves().save(folder / "a.png")
    (tiny.folder / "list.txt").write_text("a.png\nx.png\n")
    tiny.change(images__list="list.txt")
    if kind == "zero":
        assert "'x.png' does not lie in" in tiny.fails("build")
        return
    assert "1 broken image was skipped" in tiny.run("build").stderr
    assert "it is a pipe" in (tiny.folder / "public" / "about.html").read_text()


def test_an_image_changed_in_place_is_seen_though_its_size_and_time_are_as_before(
    tiny: Tiny,
) -> None:
    digests = Digests()
    before = found(tiny, digests).manifest
    path = tiny.folder / "images" / "even" / "0.png"
    flip(path, 8 * 50)
    assert found(tiny, digests).manifest.digest != before.digest


def test_digests_are_known_at_another_place(tiny: Tiny) -> None:
    digests = Digests()
    before = found(tiny, digests).manifest
    (tiny.folder / "images").rename(tiny.folder / "moved")
    again = Digests(digests.known)
    assert found(tiny.change(images__folder="moved"), again).manifest == before
    assert again.fresh == 0


def test_what_lamella_wrote_is_no_image(tiny: Tiny) -> None:
    """Where the site and the store lie among the images, and one of them is a link."""
    before = found(tiny).manifest
    inside = tiny.folder / "images" / "public"
    write_images(inside, 5)
    (tiny.folder / "images" / "link").symlink_to(write_images(tiny.folder / "store", 5))
    tiny.change(output={"site": "images/public", "work": "images/link"})
    after = found(tiny).manifest
    assert after.photographs == before.photographs
    assert dict(after.passed_over)["output folder"] == 2
    assert passed_over_words(after.passed_over) == ", but 2 output folders"
