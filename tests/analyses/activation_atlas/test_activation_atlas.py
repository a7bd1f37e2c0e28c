"""The activation atlas: sampling, layout, grids, names, pictures, and the page of a tiny one."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from helpers.tiny import NETWORK, Tiny, held, write_images
from lamella.analyses.activation_atlas import ActivationAtlas
from lamella.analyses.activation_atlas.class_names import effects, named
from lamella.analyses.activation_atlas.pictures import aims, batches_made, picture_side
from lamella.analyses.activation_atlas.projection import directions
from lamella.analyses.activation_atlas.sampling import sample
from lamella.analyses.activation_atlas.spaces import Space, spaces
from lamella.analyses.activation_atlas.stored import (
    CELLS_A_BATCH,
    Numbering,
)
from lamella.errors import ConfigError, LamellaError
from lamella.network.units import Layer
from lamella.pipeline.pipeline import Analysis
from lamella.store.gathering import measured

PANEL = "activation_atlas"


@pytest.fixture
def atlas(tiny: Tiny) -> Tiny:
    """A tiny network with classes, enough images, and an atlas of two small grids."""
    write_images(tiny.folder / "images", 12)
    (tiny.folder / "classes.txt").write_text("ant\nb<e>e\ncat\n")
    small = {"grid": 2, "levels": 2, "fewest": 3, "steps": 4, "size": 16}
    return tiny.change(
        model__classes="classes.txt", analysis__panels=[PANEL], panels__activation_atlas=small
    )


def analysis(tiny: Tiny) -> Analysis:
    return Analysis.of(tiny.config())


def notes(tiny: Tiny) -> dict[str, Any]:
    (path,) = tiny.work.glob(f"{PANEL}-*/atlases.json")
    found = list(held(path)["atlases"].values())
    return found[0] if len(found) == 1 else {each["name"]: each for each in found}


def page(tiny: Tiny, slug: str = "activation-atlas") -> str:
    return (tiny.folder / "public" / "tiny" / f"{slug}.html").read_text()


def shards(tiny: Tiny) -> dict[str, bytes]:
    (folder,) = tiny.work.glob(f"{PANEL}-*/network")
    return {path.name: path.read_bytes() for path in folder.glob("*.safetensors")}


# Which layers.


def test_layers_that_cannot_be_laid_out_are_errors(atlas: Tiny) -> None:
    all_ = analysis(atlas).model.facts.layers
    for layers, problem, remedy in (
        (["3"], "there is no layer '3'", "Known: 0, 2, 6."),
        (["6"], "'6' has no positions", "'2' say"),
        (["0+2"], "maps of different sizes, 7 x 7, 5 x 5", "same rows and columns"),
        (["2+2"], "names a layer twice", "once"),
        (["2", "2"], "'2' stands there twice", "once"),
    ):
        with pytest.raises(ConfigError) as error:
            spaces(all_, layers)
        assert problem in error.value.problem and remedy in error.value.remedy
    said = atlas.change(panels__activation_atlas__layers=["6"]).fails("build")
    assert "'6' has no positions" in said
    assert not list(atlas.work.glob("*/*/*.json"))
    alone = [Layer("fc", "linear", 3, 1, 1, None)]
    with pytest.raises(ConfigError, match="This network has none"):
        spaces(alone, ["fc"])
    with pytest.raises(ConfigError, match=r"Did you mean 'feature\.1'"):
        spaces([Layer("feature.1", "convolution", 4, 4, 4, None)], ["features.1"])


# Sampling.


def test_a_sample_is_the_network_s_own_values(atlas: Tiny) -> None:
    found = analysis(atlas)
    model, images = found.model, found.images
    (space,) = spaces(model.facts.layers, ["2"])
    taken = sample(model, images, space, most=60, seed=3)
    assert len(taken.vectors) + taken.silent == 60
    with torch.no_grad():
        for number in range(len(images)):
            shown = torch.tensor(images.pixels(number)).permute(2, 0, 1)[None].float() / 255
            values = model.module[:4](model.normalise(shown))[0]  # type: ignore[operator]
            own = taken.image == number
            truth = values[:, taken.row[own], taken.column[own]].T.numpy()
            np.testing.assert_allclose(taken.vectors[own], truth, rtol=1e-5, atol=1e-6)
    for batch in (1, 5, 12):
        again = sample(model, images, space, most=60, seed=3, batch=batch)
        for name in ("image", "row", "column", "silent"):
            assert np.array_equal(getattr(again, name), getattr(taken, name))
        np.testing.assert_allclose(again.vectors, taken.vectors, rtol=1e-5, atol=1e-6)


def test_vectors_of_joined_layers_lie_side_by_side(atlas: Tiny) -> None:
    (atlas.folder / "network.py").write_text(
        "import torch\nfrom torch import nn\n"
        "class Fire(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.a, self.b = nn.Conv2d(3, 4, 1, 2), nn.Conv2d(3, 5, 3, 2, 1)\n"
        "        self.head = nn.Conv2d(9, 3, 1)\n"
        "    def forward(self, x):\n"
        "        both = torch.cat([self.a(x).relu(), self.b(x).relu()], 1)\n"
        "        return self.head(both).mean((2, 3))\n"
        "def network():\n"
        "    torch.manual_seed(0)\n"
        "    return Fire().eval()\n"
    )
    found = analysis(atlas)
    (space,) = spaces(found.model.facts.layers, [])
    assert space.name == "a+b"
    joined = sample(found.model, found.images, space, most=100, seed=0)
    for name, run in (("a", slice(0, 4)), ("b", slice(4, 9))):
        (alone,) = spaces(found.model.facts.layers, [name])
        part = sample(found.model, found.images, alone, most=100, seed=0)
        assert len(part.vectors) and joined.silent <= part.silent  # silent where both are
        own = joined.vectors[:, run]
        assert np.array_equal(part.vectors, own[own.any(axis=1)])
    means = np.random.default_rng(0).random((3, 9), np.float32)
    weight = found.model.module.head.weight[:, :, 0, 0].numpy()
    usual = means.mean(axis=0)
    told = effects(found.model, space, means, usual, 16)
    np.testing.assert_allclose(told, (means - usual) @ weight.T, rtol=1e-4, atol=1e-5)


# Names.


def test_effects_are_those_of_a_linear_head(atlas: Tiny) -> None:
    """Behind the layer come a mean over positions and a linear layer."""
    model = analysis(atlas).model
    assert named(model)
    (space,) = spaces(model.facts.layers, ["2"])
    random = np.random.default_rng(0)
    vectors, usual = random.random((21, 6), np.float32), random.random(6, np.float32)
    weight = model.module[6].weight.numpy()  # type: ignore[index]
    truth = (vectors - usual) @ weight.T
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    told = effects(model, space, vectors, usual, 16)
    np.testing.assert_allclose(told, truth, rtol=1e-4, atol=1e-5)
    assert all(torch.equal(value, before[n]) for n, value in model.module.state_dict().items())
    assert effects(model, space, vectors[:0], usual, 16).shape == (0, 3)


def test_the_linear_effect_is_the_gradient_times_the_vector(atlas: Tiny) -> None:
    """The paper's attribution, by autograd, is the same number where the head is linear."""
    model = analysis(atlas).model
    (space,) = spaces(model.facts.layers, ["2"])
    vectors, usual = np.eye(6, dtype=np.float32), np.zeros(6, np.float32)
    told = effects(model, space, vectors, usual, 16)
    values = torch.zeros(1, 6, 5, 5, requires_grad=True)
    for number, logit in enumerate(model.module[4:](values)[0]):  # type: ignore[index]
        (gradient,) = torch.autograd.grad(logit, values, retain_graph=True)
        attribution = torch.einsum("ichw,nc->n", gradient, torch.from_numpy(vectors))
        np.testing.assert_allclose(told[:, number], attribution.numpy(), rtol=1e-4, atol=1e-6)


def test_in_the_last_layer_a_direction_is_its_classes(atlas: Tiny) -> None:
    model = analysis(atlas).model
    space = Space((model.facts.layers[-1],))
    vectors = np.random.default_rng(0).random((4, 3), np.float32)
    assert (effects(model, space, vectors, vectors[0], 16) == vectors - vectors[0]).all()


# Pictures.


def test_pictures_go_where_they_are_sent(atlas: Tiny) -> None:
    """A few steps bring the layer's values nearer to the direction; the bytes repeat."""
    found = analysis(atlas)
    (space,) = spaces(found.model.facts.layers, ["2"])
    taken = sample(found.model, found.images, space, most=200, seed=0)
    usual, _ = taken.spread()
    means = taken.vectors[:: len(taken.vectors) // (CELLS_A_BATCH + 2)][: CELLS_A_BATCH + 2]
    wanted, seeds = aims(means, usual), list(range(len(means)))

    def run(steps: int, batches: list[int]) -> dict[int, Any]:
        return dict(
            batches_made(found.model, space, wanted, seeds, side=16, steps=steps, batches=batches)
        )

    both, one = run(12, [0, 1]), run(1, [0, 1])
    assert len(both[0].pixels) == CELLS_A_BATCH and len(both[1].pixels) == 2
    assert run(12, [1])[1].pixels.tobytes() == both[1].pixels.tobytes()

    def along(batches: dict[int, Any]) -> NDArray[Any]:
        answers = np.concatenate([batches[0].answers, batches[1].answers])
        return np.asarray((answers * directions(wanted)).sum(axis=1))

    assert (along(both) > along(one)).mean() > 0.7


def test_a_picture_that_breaks_takes_no_other_with_it(
    atlas: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lamella.analyses.activation_atlas import pictures
    from lamella.optvis import NotFinite

    found = analysis(atlas)
    (space,) = spaces(found.model.facts.layers, ["2"])
    wanted = np.eye(6, dtype=np.float32)[:3]
    real = pictures.ascend
    kind = {"side": 16, "steps": 3, "batches": [0]}
    whole = dict(batches_made(found.model, space, wanted, [5, 6, 7], **kind))[0]  # type: ignore[arg-type]

    def breaking(network: Any, objective: Any, **more: Any) -> Any:
        if bool((objective.vectors == torch.eye(6)[1]).all(1).any()):
            raise NotFinite("broken", [1])
        return real(network, objective, **more)

    monkeypatch.setattr(pictures, "ascend", breaking)
    rest = dict(batches_made(found.model, space, wanted, [5, 6, 7], **kind))[0]  # type: ignore[arg-type]
    assert not rest.pixels[1].any() and not rest.answers[1].any()
    assert (rest.pixels[[0, 2]] == whole.pixels[[0, 2]]).all()
    monkeypatch.setattr(pictures, "ascend", lambda *_, **__: (_ for _ in ()).throw(
        NotFinite("broken", range(CELLS_A_BATCH))))  # fmt: skip
    none = dict(batches_made(found.model, space, wanted, [5, 6, 7], **kind))[0]  # type: ignore[arg-type]
    assert none.pixels.shape == whole.pixels.shape and not none.pixels.any()


def test_a_size_that_does_not_fit_is_an_error(atlas: Tiny) -> None:
    model = analysis(atlas).model
    (space,) = spaces(model.facts.layers, ["2"])
    assert picture_side(model, (space,), None) == 16 and picture_side(model, (space,), 24) == 24
    with pytest.raises(LamellaError, match="does not run on pictures of 4 px"):
        picture_side(model, (space,), 4)


# From a config to a page.


def test_an_atlas_has_a_page(atlas: Tiny) -> None:
    atlas.works("build")
    told, text = notes(atlas), page(atlas)
    assert told["layers"] == ["2"] and told["images"] == 12 and told["levels"] == 2
    assert "2 by 2 and 4 by 4" in text and "b&lt;e&gt;e" in text and "b<e>e" not in text
    assert f"{told['vectors']} activation vectors" in text
    folder = atlas.folder / "public" / "tiny" / PANEL
    tiles = sorted(path.name for path in folder.glob("*-tile.webp"))
    assert tiles == ["0-tile.webp", "1-tile.webp"]
    assert [measured((folder / name).read_bytes()) for name in tiles] == [(32, 32), (64, 64)]
    assert measured((folder / "2-still.webp").read_bytes()) == (64, 64)
    assert {path.name for path in folder.iterdir()} == {*tiles, "2-still.webp"}
    counts = [[c["count"] for c in told["cells"] if c["at"][0] == level] for level in (0, 1)]
    assert sum(counts[0]) <= told["vectors"] and min(min(each) for each in counts) >= 3
    once = shards(atlas)
    assert atlas.works("build") is not None and shards(atlas) == once


def test_what_was_interrupted_goes_on_with_the_same_bytes(atlas: Tiny) -> None:
    atlas.works("analyse")
    whole, told = shards(atlas), notes(atlas)
    (folder,) = atlas.work.glob(f"{PANEL}-*/network")
    entries = {path: held(path)["channels"] for path in sorted(folder.glob("*.json"))}
    first_of_batches = Numbering(0, (2, 4), 16).batch(0)
    tiles = next(path for path, channels in entries.items() if 0 in channels)
    batch = next(path for path, channels in entries.items() if channels == [first_of_batches])
    for gone in ((tiles,), (batch, tiles), tuple(entries)):  # as a kill leaves them
        for path in gone:
            path.unlink()
            path.with_suffix(".safetensors").unlink()
        if len(gone) == len(entries):
            (folder.parent / "atlases.json").unlink()
        atlas.works("analyse")
        assert shards(atlas) == whole and notes(atlas) == told


def test_several_layers_have_a_page_each(atlas: Tiny) -> None:
    atlas.change(panels__activation_atlas__layers=["0", "2"]).works("build")
    assert notes(atlas).keys() == {"0", "2"}
    for name in ("0", "2"):
        assert f"Activation atlas: {name}" in page(atlas, f"activation-atlas-{name}")
    assert "4-channels" not in page(atlas, "activation-atlas-0")
    assert "the 4 channels of 0" in page(atlas, "activation-atlas-0")


def test_without_classes_cells_have_no_names(atlas: Tiny) -> None:
    atlas.change(model__classes=None).works("build")
    assert all(not cell["classes"] for cell in notes(atlas)["cells"])
    text = page(atlas)
    assert "Cells that hold most" in text
    assert "class whose score" not in text and "Classes on the atlas" not in text


@pytest.mark.parametrize("publish", ["patches", "none"])
def test_private_photographs_are_not_in_it(atlas: Tiny, publish: str) -> None:
    """Its pictures are made: they may be shown, and are the same, whatever the photographs may."""
    atlas.works("build")
    folder = atlas.folder / "public" / "tiny" / PANEL
    shown = {path.name: path.read_bytes() for path in folder.iterdir()}
    text = page(atlas)
    atlas.change(images__publish=publish).works("build")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == shown
    assert page(atlas) == text and "/images/" not in text
    for photograph in analysis(atlas).images.manifest.photographs:
        assert photograph.name not in text and photograph.id not in text


SILENT = """\
from torch import nn


def network():
    first = nn.Conv2d(3, 2, 3)
    nn.init.zeros_(first.weight)
    nn.init.constant_(first.bias, -1.0)
    return nn.Sequential(first, nn.ReLU(), nn.Conv2d(2, 3, 1)).eval()
"""


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (NETWORK, "9 activation vectors are too few for a grid of 2 by 2 cells"),
        (SILENT, "all its values are zero everywhere"),
    ],
)
def test_too_little_is_said(atlas: Tiny, network: str, said: str) -> None:
    (atlas.folder / "network.py").write_text(network)
    atlas.change(images__limit=1, panels__activation_atlas__fewest=6).works("build")
    assert said in page(atlas)
    assert not list((atlas.folder / "public" / "tiny").glob(f"{PANEL}/*"))
    assert notes(atlas)["levels"] == 0
    atlas.works("build")


def test_a_network_without_positions_has_no_atlas(tiny: Tiny) -> None:
    (tiny.folder / "network.py").write_text(
        "import torch\nfrom torch import nn\n"
        "def network():\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(768, 4), nn.ReLU(), nn.Linear(4, 2)"
        ").eval()\n"
    )
    tiny.change(analysis__panels=[PANEL]).works("build")
    assert not (tiny.folder / "public" / "tiny" / "activation-atlas.html").exists()


def test_it_needs_nothing_that_is_made_later() -> None:
    panel = ActivationAtlas()
    assert panel.needs == ("survey",) and panel.slow and panel.per == "network"
    assert not panel.shows_photographs and not panel.photographic


def test_a_page_is_not_shown_before_its_tiles(atlas: Tiny) -> None:
    atlas.works("analyse")
    (folder,) = atlas.work.glob(f"{PANEL}-*/network")
    atlas.as_if_stopped_before(*folder.glob("00000-*.json"))
    atlas.works("render")
    assert not (atlas.folder / "public" / "tiny" / "activation-atlas.html").exists()
