"""The demonstration's inputs: credits, a pickle that is not trusted, a data folder that is whole.

All offline but the last test, which needs what `python site/fetch.py` fetched.
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
from fetching import gcompris, packages, rcc, weights
from fetching.bundle import Bundle, File, Source, write
from fetching.credits import credits
from fetching.shelf import Shelf

DATA = Path(__file__).parent.parent / "site" / "data"


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


@pytest.mark.skipif(not (DATA / "classes.txt").is_file(), reason="run: python site/fetch.py")
def test_squeezenet_recognises_the_photographs_of_imagenet() -> None:
    """Weights, channel order, preprocessing and class names belong together.

    Top 5 holds the label of 19 of 20; in RGB order, or with a wrong mean, of 15 at most.
    """
    torch = pytest.importorskip("torch")
    from lamella import config, images, model

    atlas = config.load(DATA.parent / "atlas.toml")
    squeezenet = model.load(atlas, torch.device("cpu"))
    names = (DATA / "classes.txt").read_text("utf-8").splitlines()
    assert (len(names), names[22]) == (1000, "bald eagle")

    photographs = sorted((DATA / "photographs" / "imagenet-photographs").glob("*.jpg"))
    labels = torch.tensor([int(path.stem.rpartition("_")[2]) for path in photographs])
    resize, size = atlas.model.preprocessing.resize, atlas.model.preprocessing.size
    pixels = np.stack([images.decode(path, resize, size) for path in photographs])
    with torch.no_grad():
        srgb = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
        top = squeezenet.module(squeezenet.normalise(srgb)).topk(5).indices
    assert len(photographs) == 20
    assert (top == labels[:, None]).any(1).sum() >= 18


@pytest.mark.skipif(not (DATA / "sources.json").is_file(), reason="run: python site/fetch.py")
def test_every_photograph_is_listed_with_its_source() -> None:
    listed = {
        file["path"]
        for entry in json.loads((DATA / "sources.json").read_text("utf-8"))
        for file in entry["files"]
    }
    found = {path.relative_to(DATA).as_posix() for path in (DATA / "photographs").rglob("*.*")}
    assert found <= listed
