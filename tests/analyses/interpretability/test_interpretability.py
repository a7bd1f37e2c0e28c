"""The whole analysis: what its results may depend on, and what its pages show."""

import numpy as np
import pytest

from helpers.tiny import Tiny, write_images
from lamella.analyses.feature_visualization import stored as visualized
from lamella.analyses.interpretability import Interpretability, Options
from lamella.analyses.interpretability.compute import decoded
from lamella.analyses.interpretability.stored import KINDS
from lamella.commands.progress import Progress
from lamella.figures import Lines, Table
from lamella.pipeline.pipeline import Analysis, Selection
from lamella.pipeline.plan import open_atlas
from lamella.store.facts import Atlas

PATHS = ("path_picture", "path_natural", "path_shuffled")


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


def test_a_path_that_is_not_known_is_not_drawn(full):
    facts = next(analyse(full).layers())
    facts.of("interpretability")[PATHS[-1]][:] = np.nan
    for figures in (Interpretability().view(facts, 1), Interpretability().view_layer(facts)):
        path = figures[-1]
        assert isinstance(path, Lines) and len(path.series) == 2 and "nan" not in path.alt


def test_an_atlas_of_some_layers_numbers_the_path(full):
    facts = next(analyse(full.change(analysis__layers=["2"])).layers())
    assert facts.of("interpretability")["path_picture"].shape == (6, 3)
    *_, path = Interpretability().view(facts, 1)
    assert isinstance(path, Lines) and path.names == ("1", "2")


def test_a_stored_picture_is_decoded(full):
    facts = next(analyse(full).layers())
    picture = decoded(facts.of(visualized.PANEL).pictures[visualized.PICTURE][0])
    assert picture.shape == (32, 32, 3) and picture.dtype == np.uint8


def test_settings():
    assert Options().tasks == 20 and Options().similarity == "texture"
