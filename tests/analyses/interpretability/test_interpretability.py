"""The panel: units whose answers are known, and what its results may depend on."""

import colorsys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from helpers.tiny import Tiny, write_images
from lamella.analyses.interpretability import Interpretability, Options, decoded
from lamella.analyses.interpretability.comparison import Comparison
from lamella.analyses.interpretability.patches import Examples
from lamella.analyses.interpretability.tasks import KINDS, Exam
from lamella.commands.progress import Progress
from lamella.figures import Lines, Table
from lamella.network.units import Field, Layer, ReceptiveField
from lamella.pipeline.pipeline import Analysis, Selection
from lamella.pipeline.plan import open_atlas
from lamella.store.facts import Atlas

SIDE, UNITS, EACH = 32, 12, 8
PATHS = ("path_picture", "path_natural", "path_shuffled")


# Units that like a colour: what the exam must come to


def coloured(hue: float, seed: int) -> np.ndarray:
    """A square of one hue, with a little noise."""
    colour = np.array(colorsys.hsv_to_rgb(hue % 1, 0.9, 0.8)) * 255
    noise = np.random.default_rng(seed).normal(0, 2, (SIDE, SIDE, 3))
    return (colour + noise).clip(0, 255).astype(np.uint8)


class Coloured:
    """Images of `UNITS` hues, `EACH` of a kind; image n is of hue n // EACH."""

    def pixels(self, number: int) -> np.ndarray:
        return coloured(number // EACH / UNITS, number)


@pytest.fixture(scope="module")
def exam() -> Exam:
    """Unit 0 likes red and dislikes the colour opposite; unit c is c / 12 of a circle further.

    What one likes, another dislikes: strong photographs have nothing in common.
    """
    axis = ReceptiveField(SIDE, 1, 0)
    layer = Layer("conv", "convolution", UNITS, 1, 1, Field(axis, axis))
    kinds = tuple(
        tuple(
            Examples(tuple(range(hue * EACH, (hue + 1) * EACH)), ((0, 0),) * EACH)
            for hue in (unit, (unit + UNITS // 2) % UNITS)
        )
        for unit in range(UNITS)
    )
    model = SimpleNamespace(device=torch.device("cpu"))
    job = SimpleNamespace(model=model, images=Coloured(), seed=0)
    comparison = Comparison(
        job=job,  # type: ignore[arg-type]
        layer=layer,
        size=(SIDE, SIDE),
        side=SIDE,
        examples=kinds,  # type: ignore[arg-type]
        others=tuple(range(UNITS)),
        known=tuple(range(UNITS * EACH)),
    )
    return Exam(comparison, 40, "texture")


def test_what_shows_the_colour_explains_the_unit(exam):
    pictures = {unit: coloured(unit / UNITS, 1000 + unit) for unit in range(UNITS)}
    found = exam.scores(range(UNITS), pictures)
    for kind in ("picture", "natural"):
        assert (found[f"right_{kind}"] > 0.8).all() and (found[f"mis_{kind}"] > 0.8).all()
        assert found[f"mis_{kind}"].mean() > 0.95


def test_what_explains_nothing_is_at_chance(exam):
    """A little below it here: among the others is one that likes the opposite."""
    assert exam.scores(range(UNITS), {})["mis_shuffled"].mean() == pytest.approx(0.5, abs=0.06)


def test_the_further_off_the_picture_the_lower_its_score(exam):
    scores = []
    for away in (0, 2, 4, 6):
        pictures = {u: coloured((u + away) / UNITS, 1000 + u) for u in range(UNITS)}
        scores.append(exam.scores(range(UNITS), pictures)["mis_picture"].mean())
    assert scores == sorted(scores, reverse=True) and scores[-1] < 0.5


def test_without_a_picture_there_is_no_score_of_it(exam):
    found = exam.scores([3, 5], {5: coloured(5 / UNITS, 1)})
    assert np.isnan(found["mis_picture"][0]) and np.isfinite(found["mis_picture"][1])
    assert np.isfinite(found["mis_natural"]).all()


def test_scores_do_not_depend_on_who_else_is_asked(exam):
    pictures = {unit: coloured(unit / UNITS, 1000 + unit) for unit in range(UNITS)}
    everyone = exam.scores(range(UNITS), pictures)
    alone = Exam(exam.comparison, 40, "texture").scores([7], {7: pictures[7]})
    for name, values in alone.items():
        assert values.tobytes() == everyone[name][7:8].tobytes(), name


# Through the whole pipeline, on the tiny network


@pytest.fixture
def full(tiny: Tiny) -> Tiny:
    write_images(tiny.folder / "images", 12)
    return tiny.change(
        analysis__panels=["interpretability"],
        panels__feature_visualization={"steps": 2, "size": 32, "batch": 4},
    )


def analyse(tiny: Tiny, **selection: object) -> Atlas:
    list(Analysis.of(tiny.config()).run(Selection(**selection), Progress()))  # type: ignore[arg-type]
    return open_atlas(tiny.config())


def stored(atlas: Atlas) -> list[dict[str, np.ndarray]]:
    return [dict(facts.of("interpretability").numbers) for facts in atlas.layers()]


@pytest.mark.parametrize("similarity", ["texture", "network"])
def test_every_unit_is_measured(full, similarity):
    atlas = analyse(full.change(panels__interpretability={"similarity": similarity, "tasks": 5}))
    for depth, facts in enumerate(atlas.layers()):
        own = facts.of("interpretability")
        assert own.present.all()
        for name in PATHS:
            assert own[name].shape == (facts.layer.channels, len(atlas.network.layers))
            assert own[name].dtype == np.float32
            assert np.isnan(own[name][:, depth + 1 :]).all()  # behind the layer
            known = own[name][np.isfinite(own[name])]
            assert known.size and (np.abs(known) <= 1 + 1e-6).all()
        for kind in KINDS:
            scores = own[f"mis_{kind}"]
            assert scores.shape == (facts.layer.channels,) and scores.dtype == np.float32
            assert np.isfinite(scores).any()
            assert ((scores >= 0) & (scores <= 1))[np.isfinite(scores)].all()


def test_results_depend_on_the_seed_and_not_on_the_order(full):
    whole = stored(analyse(full))
    pieces = full.change(output__work="pieces")
    for layer in ("2", "0"):
        analyse(pieces, layers=(layer,), channels=(1, 2))
    for one, other in zip(whole, stored(analyse(pieces)), strict=True):
        for name, values in one.items():
            assert values.tobytes() == other[name].tobytes(), name
    other = stored(analyse(full.change(analysis__seed=1)))
    assert any(not np.array_equal(a["mis_natural"], b["mis_natural"], equal_nan=True)
               for a, b in zip(whole, other, strict=True))  # fmt: skip


def test_a_unit_whose_picture_is_still_to_be_made_is_left_to_do(full):
    atlas = analyse(full, panels=("interpretability",))
    assert not any(facts.of("interpretability").present.any() for facts in atlas.layers())
    analyse(full, panels=("feature_visualization",), channels=(1,))
    atlas = analyse(full, panels=("interpretability",))
    for facts in atlas.layers():
        assert np.flatnonzero(facts.of("interpretability").present).tolist() == [1]
    atlas = analyse(full)
    assert all(facts.of("interpretability").present.all() for facts in atlas.layers())


def test_one_image_or_a_silent_unit_is_not_known(full):
    for path in sorted((full.folder / "images").rglob("*.png"))[1:]:
        path.unlink()
    network = full.folder / "network.py"
    network.write_text(
        network.read_text().replace(
            "return layers.eval()",
            "layers[0].bias.data[2] = -50.0\n    return layers.eval()",
        )
    )
    for facts in analyse(full).layers():
        own = facts.of("interpretability")
        assert own.present.all()
        for name, values in own.numbers.items():
            assert np.isnan(values).all(), name
        assert Interpretability().view(facts, 0) == Interpretability().view_layer(facts) == ()


def test_a_silent_unit_among_others(full):
    network = full.folder / "network.py"
    network.write_text(
        network.read_text().replace(
            "return layers.eval()",
            "layers[0].bias.data[2] = -50.0\n    return layers.eval()",
        )
    )
    own = next(analyse(full).layers()).of("interpretability")
    assert own.present.all() and np.isnan(own["mis_natural"][2]) and np.isnan(own[PATHS[0]][2, 0])
    assert np.isfinite(own["mis_natural"]).any()


def test_a_page_shows_scores_and_path(full):
    atlas = analyse(full)
    for facts in atlas.layers():
        for figures in (Interpretability().view(facts, 1), Interpretability().view_layer(facts)):
            scores, path = figures
            assert isinstance(scores, Table) and isinstance(path, Lines)
            assert "network" in scores.note and len(scores.rows) <= 3
            assert path.names == tuple(
                layer.name for layer in atlas.network.layers[: len(path.names)]
            )
            assert all(len(line.values) == len(path.names) for line in path.series)
            assert path.names[-1] == facts.layer.name and path.alt


def test_an_atlas_of_some_layers_numbers_the_path(full):
    facts = next(analyse(full.change(analysis__layers=["2"])).layers())
    assert facts.of("interpretability")["path_picture"].shape == (6, 3)
    *_, path = Interpretability().view(facts, 1)
    assert isinstance(path, Lines) and path.names == ("1", "2")


def test_a_stored_picture_is_decoded(full):
    facts = next(analyse(full).layers())
    picture = decoded(facts.of("feature_visualization").pictures["picture"][0])
    assert picture.shape == (32, 32, 3) and picture.dtype == np.uint8


def test_settings():
    assert Options().tasks == 20 and Options().similarity == "texture"
