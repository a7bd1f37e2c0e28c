"""What a network answers to all images: in any batches, with any labels, shown on its page."""

from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from helpers.tiny import NETWORK, Tiny, write_images
from lamella.analyses.predictions import compute
from lamella.analyses.predictions.stored import absent, answers
from lamella.pipeline.pipeline import Analysis
from lamella.pipeline.plan import open_atlas

HEAD = "import torch\nfrom torch import nn\n\n\ndef network():\n    torch.manual_seed(0)\n"
# Answers by what is brightest: an image's label can be the name of the class that it shows.
COLOURS = (
    HEAD
    + """\
    convolution = nn.Conv2d(3, 3, 1)
    with torch.no_grad():
        convolution.weight.copy_(torch.eye(3).reshape(3, 3, 1, 1) * 4)
        convolution.bias.zero_()
    return nn.Sequential(convolution, nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
"""
)


def atlas_in(folder: Path, network: str = NETWORK, images: int = 7, **keys: Any) -> Tiny:
    folder.mkdir(parents=True, exist_ok=True)
    write_images(folder / "images", images)
    (folder / "network.py").write_text(network)
    (folder / "classes.txt").write_text("odd, strange\nbee\n<i>cat</i>\n")
    return Tiny(folder).change(analysis__panels=["predictions"], **keys)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """A tiny atlas with labels, one of which is the name of a class, and a broken image."""
    found = atlas_in(
        tmp_path_factory.mktemp("predictions"),
        COLOURS,
        model__classes="classes.txt",
        images__labels="folder",
    )
    (found.folder / "images" / "broken.png").write_bytes(b"no image")
    found.works("build")
    return found


def truth(found: Tiny) -> tuple[NDArray[np.float64], list[str]]:
    """Probabilities of the images that can be decoded, one by one, by image; their labels."""
    analysis = Analysis.of(found.config())
    rows, labels = [], []
    for number, photograph in enumerate(analysis.images.manifest.photographs):
        if photograph.name == "broken.png":
            rows.append(np.full(3, np.nan))
        else:
            pixels = torch.tensor(analysis.images.pixels(number)).permute(2, 0, 1)[None] / 255
            with torch.no_grad():
                output = analysis.model.module(analysis.model.normalise(pixels))
            rows.append(output[0].double().softmax(0).numpy())
        labels.append(photograph.label)
    return np.stack(rows), labels


def test_the_answers_of_an_atlas(built: Tiny) -> None:
    found = answers(open_atlas(built.config()))
    shares, labels = truth(built)
    assert found is not None and found.images == 7
    first = [int(row.argmax()) for row in shares if not np.isnan(row).any()]
    assert found.count.tolist() == [first.count(c) for c in range(3)]
    assert found.seen == tuple(sorted(set(first)))
    assert found.names == ("odd, strange", "bee", "<i>cat</i>") and found.short(0) == "odd"
    for c in range(3):
        order = [i for i in np.argsort(-np.nan_to_num(shares[:, c], nan=-1), kind="stable")][:7]
        assert found.top_image[c].tolist() == [*order, *[-1] * 5]
        assert found.top_probability[c, :7] == pytest.approx(shares[order, c], rel=1e-4)
    assert found.mean_probability == pytest.approx(np.nanmean(shares, 0), rel=1e-4)
    (label,) = found.labels
    odd = [int(row.argmax()) for row, word in zip(shares, labels, strict=True) if word == "odd"]
    assert (label.name, label.classes, label.images) == ("odd", (0,), 3)
    assert label.right == odd.count(0) and dict(label.taken) == {c: odd.count(c) for c in set(odd)}
    assert found.accuracy == (odd.count(0), 3) and found.labelled(0) == (label,)
    pairs = {(a, b) for a in found.seen for b, _ in found.confused_with(a)}
    assert pairs == {(a, b) for b in range(3) for a, _ in found.taken_for(b)}


def test_the_network_s_page_says_it(built: Tiny) -> None:
    text = unescape((built.folder / "public" / "tiny" / "index.html").read_text())
    assert "Predictions" in text and "Classes that are a first answer" in text
    assert "Right, where the label is a class's name" in text
    assert "<bdi><i>cat</i></bdi>" not in (built.folder / "public/tiny/index.html").read_text()
    assert "All classes" not in text  # without pages of classes there is no index of them


def test_batches_of_any_size_find_the_same(
    built: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    analysis = Analysis.of(built.config())
    ticks: list[int] = []
    partial = tmp_path / "partial.safetensors"
    once = compute.tallied(analysis.model, analysis.images, 3, partial, ticks.append, batch=32)
    monkeypatch.setattr(compute, "CHECKPOINT_SECONDS", -1.0)

    def stop(behind: int) -> None:
        if behind >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compute.tallied(analysis.model, analysis.images, 3, partial, stop, batch=2)
    assert partial.exists()
    ticks.clear()
    again = compute.tallied(analysis.model, analysis.images, 3, partial, ticks.append, batch=1)
    assert ticks[0] > 4 and ticks == sorted(ticks) and not partial.exists()
    for name, array in once.finish().items():
        assert again.finish()[name] == pytest.approx(array, rel=1e-4), name
    partial.write_bytes(b"damaged")
    anew = compute.tallied(analysis.model, analysis.images, 3, partial, ticks.append, batch=32)
    assert anew.images == 7


def test_other_labels_are_counted_anew(tmp_path: Path) -> None:
    found = atlas_in(tmp_path, COLOURS, images=3, model__classes="classes.txt")
    found.change(images__labels="folder").works("build")
    assert (first := answers(open_atlas(found.config()))) is not None and first.labels
    found.change(images__labels="none").works("build")
    assert (later := answers(open_atlas(found.config()))) is not None and not later.labels
    assert later.count.tolist() == first.count.tolist()
    # Names that come later need no other pass.
    (found.folder / "classes.txt").write_text("one\nodd\neven\n")
    found.change(images__labels="folder").works("build")
    assert (renamed := answers(open_atlas(found.config()))) is not None
    assert [(label.name, label.classes) for label in renamed.labels] == [
        ("even", (2,)),
        ("odd", (1,)),
    ]


def test_outputs_without_names_are_numbered(tmp_path: Path) -> None:
    found = atlas_in(tmp_path, COLOURS, images=3)
    found.works("build")
    predicted = answers(open_atlas(found.config()))
    assert predicted is not None and predicted.names == ("output 0", "output 1", "output 2")
    text = unescape((found.folder / "public" / "tiny" / "index.html").read_text())
    assert "Outputs that are a first answer" in text and "The outputs have no names here" in text


def test_a_network_without_classes_is_no_error(tmp_path: Path) -> None:
    network = HEAD + "    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()\n"
    found = atlas_in(tmp_path, network, images=2)
    found.works("build")
    atlas = open_atlas(found.config())
    assert answers(atlas) is None and "no list of class scores" in absent(atlas)
    text = unescape((found.folder / "public" / "tiny" / "index.html").read_text())
    assert "no list of class scores: (1, 4, 14, 14)" in text


def test_an_embedding_is_not_told_as_classes(tmp_path: Path) -> None:
    """As it is seen, or as the user says; names of its numbers say that they are classes."""
    maps = "nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()"
    found = atlas_in(tmp_path, f"{HEAD}    return nn.Sequential({maps}).eval()\n", images=2)
    said = found.works("build")
    assert "4 numbers, counts as an embedding and not as class scores: it comes from the" in said
    atlas = open_atlas(found.config())
    assert answers(atlas) is None and absent(atlas) == atlas.network.embedding
    text = unescape((found.folder / "public" / "tiny" / "index.html").read_text())
    assert "comes from the features of 0. If it is class scores" in text
    (found.folder / "classes.txt").write_text("a\nb\nc\nd\n")
    found.change(model__classes="classes.txt").works("build")
    assert answers(open_atlas(found.config())) is not None
    found.change(model__output="none").works("build")
    atlas = open_atlas(found.config())
    assert answers(atlas) is None and "so says [model] output" in absent(atlas)


def nan_where(condition: str) -> str:
    """A network whose scores are NaN for some images."""
    return HEAD + (
        "    class Broken(nn.Sequential):\n"
        "        def forward(self, x):\n"
        f"            bad = {condition}\n"
        "            return super().forward(x) + torch.where(bad, float('nan'), 0.0)[:, None]\n\n"
        "    layers = nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()\n"
        "    return Broken(*layers).eval()\n"
    )


def test_scores_that_are_no_numbers(tmp_path: Path) -> None:
    """The layers are known all the same; the pages say why there are no answers."""
    found = atlas_in(tmp_path, nan_where("torch.ones(len(x), dtype=torch.bool)"), images=2)
    found.works("build")
    atlas = open_atlas(found.config())
    assert answers(atlas) is None and "NaN or infinite" in absent(atlas)


def test_an_image_without_an_answer_is_not_counted(tmp_path: Path) -> None:
    found = atlas_in(tmp_path, nan_where("x.mean((1, 2, 3)) > 1.5"), images=3)
    Image.new("RGB", (24, 24), "white").save(found.folder / "images" / "white.png")
    found.works("build")
    predicted = answers(open_atlas(found.config()))
    assert predicted is not None and predicted.images == 3
    text = unescape((found.folder / "public" / "tiny" / "index.html").read_text())
    assert "1: its scores are NaN or infinite" in text
