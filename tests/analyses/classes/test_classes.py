"""The pages of classes: what is stored, links both ways, privacy, resume."""

import io
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from helpers.pages import Scan
from helpers.tiny import Tiny
from lamella.analyses import PANELS
from lamella.analyses.classes import compute
from lamella.analyses.classes.stored import (
    AGAINST,
    DOWN,
    FOR,
    FULL,
    GRID,
    UP,
    class_pages,
    head_record,
    stored,
)
from lamella.analyses.predictions.stored import answers
from lamella.attribution.gradcam import divided, gradcam
from lamella.pipeline.pipeline import Analysis
from lamella.pipeline.plan import open_atlas, panels_of
from lamella.store.gathering import PanelFacts

COLOURS = """\
import torch
from torch import nn


def network():
    torch.manual_seed(3)
    layers = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)
    )
    with torch.no_grad():
        layers[4].weight *= 20
    return layers.eval()
"""
HOSTILE = 'a "b" <script>alert(1)</script> & {{ c }}, \u202e'
NAMES = f"ant\n{HOSTILE}\ncat, tom cat\n../dog\n"


def paint(folder: Path, number: int) -> None:
    """Images of one colour each, with noise: different answers."""
    random = np.random.default_rng(5)
    for at in range(number):
        path = folder / ("odd" if at % 2 else "even") / f"{at}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, 3) + random.integers(-40, 40, (24, 28, 3))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)


def atlas_in(folder: Path, network: str = COLOURS, number: int = 9, **keys: Any) -> Tiny:
    folder.mkdir(parents=True, exist_ok=True)
    paint(folder / "images", number)
    (folder / "network.py").write_text(network)
    (folder / "classes.txt").write_text(NAMES)
    return Tiny(folder).change(
        analysis__panels=["classes", "logit_contributions", "feature_visualization"],
        panels__feature_visualization__steps=1,
        panels__feature_visualization__size=16,
        model__classes="classes.txt",
        **keys,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    found = atlas_in(tmp_path_factory.mktemp("classes"), images__labels="folder")
    (found.folder / "images" / "broken.png").write_bytes(b"no image")
    found.works("build")
    return found


def facts_of(found: Tiny) -> PanelFacts:
    facts = stored(open_atlas(found.config()))
    assert facts is not None
    return facts


def site(found: Tiny) -> Path:
    return found.folder / "public" / "tiny"


def addresses(path: Path) -> set[str]:
    """Where the links of a page lead, as files."""
    scan = Scan(path.read_text()).found
    found = {value for _, attributes in scan if (value := attributes.get("href"))}
    return {str((path.parent / one.partition("#")[0]).resolve()) for one in found}


def test_what_is_stored_of_a_class_is_what_its_images_say(built: Tiny) -> None:
    analysis, facts = Analysis.of(built.config()), facts_of(built)
    predicted = answers(analysis.atlas)
    assert predicted is not None and len(predicted.seen) > 1
    weight = analysis.model.module[4].weight.numpy()  # type: ignore[index,operator,union-attr]
    bias = analysis.model.module[4].bias.numpy()  # type: ignore[index,operator,union-attr]

    def shown(numbers: list[int]) -> Tensor:
        return analysis.model.shown(np.stack([analysis.images.pixels(n) for n in numbers]))

    for output in predicted.seen:
        top = [
            int(image)
            for image, share in zip(
                predicted.top_image[output], predicted.top_probability[output], strict=True
            )
            if image >= 0 and share >= 0.01
        ]
        own = [n for n in predicted.first_image[output].tolist() if n >= 0]
        assert facts["shown"][output] == len(top) and len(own) == predicted.count[output]
        classes = torch.full((len(top), 1), output)
        maps, maxima = divided(gradcam(analysis.model, shown(top), classes))
        blocks = maps[:, 0].reshape(len(top), GRID, 2, GRID, 2).amax((2, 4))
        found = facts["maps"][output][: len(top)] / FULL
        assert found == pytest.approx(blocks.numpy(), abs=0.5 / FULL + 1e-5)
        assert not facts["maps"][output][len(top) :].any()
        maps, maxima = divided(
            gradcam(analysis.model, shown(own), torch.full((len(own), 1), output))
        )
        there = maxima[:, 0] > 0
        assert facts["averaged"][output] == there.sum()
        assert facts["blank"][output] == (~there).sum()
        if there.any():
            mean = maps[there, 0].mean(0).reshape(GRID, 2, GRID, 2).mean((1, 3))
            assert facts["mean"][output] == pytest.approx(mean.numpy(), abs=1e-4)
        with torch.no_grad():
            read = analysis.model.module[:4](analysis.model.normalise(shown(own)))  # type: ignore[index,operator]
            means = read.mean(0).numpy()
        adds = weight[output] * means
        assert facts["total"][output] == pytest.approx(adds.sum(), rel=1e-4)
        assert facts["bias"][output] == pytest.approx(bias[output], rel=1e-4)
        assert facts["score"][output] == pytest.approx(adds.sum() + bias[output], rel=1e-3)
        for way, values in (
            (FOR, adds),
            (AGAINST, -adds),
            (UP, weight[output]),
            (DOWN, -weight[output]),
        ):
            order = [int(at) for at in np.argsort(-values, kind="stable") if values[at] > 0]
            assert facts["inputs"][output, way, : len(order)].tolist() == order
            assert facts["weights"][output, way, : len(order)] == pytest.approx(
                weight[output][order]
            )
            assert facts["means"][output, way, : len(order)] == pytest.approx(
                means[order], rel=1e-4
            )


def test_the_sheets_show_the_images_and_their_maps(built: Tiny) -> None:
    analysis, facts = Analysis.of(built.config()), facts_of(built)
    predicted = answers(analysis.atlas)
    assert predicted is not None
    for output in predicted.seen:
        number = int(facts["shown"][output])
        rows = -(-number // 4)
        sheets = {
            name: np.asarray(Image.open(io.BytesIO(facts.pictures[name][output])).convert("RGB"))
            for name in ("images", "maps")
        }
        for sheet in sheets.values():
            assert sheet.shape == (192 * rows, 192 * 4, 3)
        first = np.asarray(
            Image.fromarray(analysis.images.pixels(int(predicted.top_image[output, 0]))).resize(
                (192, 192), Image.Resampling.LANCZOS
            )
        )
        assert np.abs(sheets["images"][:192, :192].astype(int) - first).mean() < 16
        rest = sheets["images"][-192:, 192 * ((number - 1) % 4 + 1) :]
        assert not rest.size or rest.mean() < 2


def test_the_pages_of_classes(built: Tiny) -> None:
    atlas = open_atlas(built.config())
    predicted, where = answers(atlas), class_pages(atlas)
    assert predicted is not None and tuple(where) == predicted.seen
    for output in predicted.seen:
        path = site(built) / f"class-{output}.html"
        assert where[output] == f"tiny/class-{output}.html" and path.exists()
        text = path.read_text()
        assert "<script>alert" not in text and "\u202e" not in text
        assert "{{ c }}" in unescape(text) or output != 1
        scan = Scan(text).found
        for tag, attributes in scan:
            if tag == "img":
                assert attributes.get("alt") is not None
                source = attributes["src"] or ""
                assert source.startswith("data:") or (path.parent / source).resolve().exists()
            assert "style" not in attributes
        links = addresses(path)
        assert all(Path(link).exists() for link in links), links
        assert str(site(built) / "classes.html") in links
        assert str(site(built) / "4" / f"{output}.html") in links  # the unit of its score
        said = unescape(text)
        for words in ("What it looks at", "Units that push it", "The largest weights"):
            assert words in said
        readings = [attributes for _, attributes in scan if "data-read" in attributes]
        assert len(readings) >= facts_of(built)["shown"][output]
        assert any("of the map's maximum" in (one["data-words"] or "") for one in readings)


def test_units_and_classes_lead_to_each_other(built: Tiny) -> None:
    atlas = open_atlas(built.config())
    predicted, facts = answers(atlas), facts_of(built)
    head = head_record(atlas)
    assert (
        predicted is not None and head is not None and head.output == "4" and head.no_weights == ""
    )
    weight = Analysis.of(built.config()).model.module[4].weight  # type: ignore[index,union-attr]
    for output in predicted.seen:
        page = site(built) / f"class-{output}.html"
        assert str(page) in addresses(site(built) / "4" / f"{output}.html")
        units = {int(at) for at in facts["inputs"][output].flatten() if at >= 0}
        for channel in units:
            unit = site(built) / "0" / f"{channel}.html"
            assert str(unit) in addresses(page) and str(page) in addresses(unit)
    for channel in range(8):
        found = [[c for c, _ in each[channel]] for each in (head.up, head.down)]
        ranked = sorted(range(4), key=lambda c: -float(weight[c, channel]))  # type: ignore[index,arg-type]
        positive = [c for c in ranked if weight[c, channel] > 0]  # type: ignore[index,operator]
        assert found == [positive, [c for c in reversed(ranked) if c not in positive]]
        assert "Direct logit contribution" in (site(built) / "0" / f"{channel}.html").read_text()


def test_photographs_lead_to_their_attribution_maps(tmp_path: Path) -> None:
    panels = ["classes", "attribution_maps"]
    found = atlas_in(tmp_path, number=4).change(analysis__panels=panels)
    found.works("build")
    explained = {str(path) for path in site(found).glob("attribution-maps-*.html")}
    linked = [addresses(path) & explained for path in site(found).glob("class-*.html")]
    assert explained and all(linked) and set().union(*linked) == explained


def test_the_index_leads_to_all_classes_and_the_search_finds_them(built: Tiny) -> None:
    predicted = answers(open_atlas(built.config()))
    assert predicted is not None
    index = site(built) / "classes.html"
    assert {str(site(built) / f"class-{c}.html") for c in predicted.seen} <= addresses(index)
    assert str(index) in addresses(site(built) / "index.html")
    shown = {Path(link).name for link in addresses(site(built) / "index.html")}
    assert {f"class-{c}.html" for c in predicted.seen} <= shown  # the most frequent answers
    text = unescape(index.read_text())
    assert f"{len(predicted.seen)} of the network's 4 classes" in text
    search = (site(built) / "search.js").read_text()
    for output in predicted.seen:
        assert f"tiny/class-{output}.html" in search
    assert "<script>" not in search


def test_the_picture_of_the_score_comes_with_the_panel_that_makes_it(tmp_path: Path) -> None:
    found = atlas_in(tmp_path, number=3).change(analysis__panels=["classes"])
    found.works("build")
    (page, *_) = site(found).glob("class-*.html")
    assert "What its score looks for" not in page.read_text()
    found.change(analysis__panels=["classes", "feature_visualization"]).works("build")
    assert "What its score looks for" in page.read_text()
    assert "logit_contributions" not in {panel.name for panel, _ in panels_of(found.config())}


def test_a_picture_that_is_made_later_reaches_the_pages(tmp_path: Path) -> None:
    """All else is computed before feature visualization, and its pages are drawn by then."""
    found = atlas_in(tmp_path, number=3)
    found.works("build", "--panel", "predictions", "--panel", "classes")
    (page, *_) = site(found).glob("class-*.html")
    assert "What its score looks for" not in page.read_text()
    found.works("build")
    assert "What its score looks for" in page.read_text()


def test_it_goes_on_where_it_was(built: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder,) = built.work.glob("classes-*/network")
    predicted = answers(open_atlas(built.config()))
    assert predicted is not None
    before = {path.name: path.read_bytes() for path in folder.glob("*.safetensors")}
    gone = predicted.seen[-1]
    for path in folder.glob(f"{gone:05d}-*"):
        path.unlink()
    asked: list[int] = []
    shards = compute.shards

    def watched(job: Any, missing: Any) -> Any:
        asked.extend(missing)
        return shards(job, missing)

    monkeypatch.setattr(compute, "shards", watched)
    built.works("build")
    assert asked == [gone]
    assert {path.name: path.read_bytes() for path in folder.glob("*.safetensors")} == before


@pytest.mark.parametrize("publish", ["patches", "none"])
def test_private_photographs_are_not_shown(tmp_path: Path, publish: str) -> None:
    found = atlas_in(tmp_path, images__publish=publish, number=16)
    found.works("build")
    assert not list((site(found) / "classes").glob("*"))
    predicted = answers(open_atlas(found.config()))
    assert predicted is not None and predicted.count.max() >= 5
    for output in predicted.seen:
        said = unescape((site(found) / f"class-{output}.html").read_text())
        assert "The photographs of this atlas are not published" in said
        shown = int(facts_of(found)["averaged"][output]) >= 5
        assert ("data:image/webp" in said) == shown == ("Where that usually is" in said)
    found.change(images__publish="whole").works("render")
    assert len(list((site(found) / "classes").glob("*-images.webp"))) == len(predicted.seen)


def test_few_pages_where_few_are_asked_for(tmp_path: Path) -> None:
    found = atlas_in(tmp_path, panels__classes__most=1, panels__classes__examples=1)
    found.works("build")
    predicted = answers(open_atlas(found.config()))
    assert predicted is not None and len(predicted.seen) > 1
    (page,) = site(found).glob("class-*.html")
    assert page.name == f"class-{int(predicted.count.argmax())}.html"
    assert "have none" in unescape((site(found) / "classes.html").read_text())
    assert all(
        Path(link).exists() for link in addresses(page) | addresses(site(found) / "classes.html")
    )


HEAD = "import torch\nfrom torch import nn\n\n\ndef network():\n    torch.manual_seed(0)\n"
ODD = {
    "no classes": "    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()\n",
    "vector": "    return nn.Sequential(nn.Flatten(), nn.Linear(768, 4)).eval()\n",
    "no output layer": (
        "    class Twice(nn.Sequential):\n"
        "        def forward(self, x):\n"
        "            return 2 * super().forward(x)\n\n"
        "    layers = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()\n"
        "    return Twice(*layers, nn.Linear(4, 4)).eval()\n"
    ),
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_networks_say_what_they_lack(tmp_path: Path, kind: str) -> None:
    found = atlas_in(tmp_path, HEAD + ODD[kind], number=3)
    found.works("build")
    texts = [unescape(path.read_text()) for path in site(found).glob("class-*.html")]
    assert bool(texts) == (kind != "no classes")
    unit = unescape(next(site(found).glob("0/0.html")).read_text()) if kind != "vector" else ""
    assert "Not computed yet" not in unit and "Direct logit contribution" not in unit
    for text in texts:
        if kind == "vector":
            assert "no layer of it has rows and columns" in text and "data-read" not in text
            assert "What its score looks for" in text
        else:
            assert "No layer of this network is the list of class scores" in text
            assert "What its score looks for" not in text


def test_outputs_without_names_have_pages_too(tmp_path: Path) -> None:
    found = atlas_in(tmp_path, number=4)
    found.change(model__classes=None).works("build")
    (path, *_) = site(found).glob("class-*.html")
    assert f"Output {path.stem.removeprefix('class-')}" in path.read_text()


def test_they_are_panels() -> None:
    names = [panel.name for panel in PANELS]
    assert names.index("predictions") < names.index("classes") and "logit_contributions" in names
