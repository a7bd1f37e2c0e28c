"""Units that like a colour, whose tasks have known answers."""

import colorsys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lamella.analyses.interpretability.comparison import Comparison
from lamella.analyses.interpretability.patches import Examples
from lamella.analyses.interpretability.tasks import LayerTasks
from lamella.config.preprocessing import Preprocessing
from lamella.network.model import Model
from lamella.network.units import Layer
from lamella.places.field import Field, ReceptiveField

SIDE, UNITS, EACH = 32, 12, 8


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
def tasks() -> LayerTasks:
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
    model = Model(torch.nn.Identity(), Preprocessing(), {}, None, torch.device("cpu"))  # type: ignore[arg-type]
    job = SimpleNamespace(model=model, images=Coloured(), seed=0)
    comparison = Comparison(
        job=job,  # type: ignore[arg-type]
        layer=layer,
        size=(SIDE, SIDE),
        side=SIDE,
        examples=kinds,  # type: ignore[arg-type]
        others=tuple(range(UNITS)),
        photographs=tuple(range(UNITS * EACH)),
    )
    return LayerTasks(comparison, 40, "texture")


def test_what_shows_the_colour_explains_the_unit(tasks):
    pictures = {unit: coloured(unit / UNITS, 1000 + unit) for unit in range(UNITS)}
    found = tasks.scores(range(UNITS), pictures)
    for kind in ("picture", "natural"):
        assert (found[f"right_{kind}"] > 0.8).all() and (found[f"mis_{kind}"] > 0.8).all()
        assert found[f"mis_{kind}"].mean() > 0.95


def test_what_explains_nothing_is_at_chance(tasks):
    """A little below it here: among the others is one that likes the opposite."""
    assert tasks.scores(range(UNITS), {})["mis_shuffled"].mean() == pytest.approx(0.5, abs=0.06)


def test_the_further_off_the_picture_the_lower_its_score(tasks):
    scores = []
    for away in (0, 2, 4, 6):
        pictures = {u: coloured((u + away) / UNITS, 1000 + u) for u in range(UNITS)}
        scores.append(tasks.scores(range(UNITS), pictures)["mis_picture"].mean())
    assert scores == sorted(scores, reverse=True) and scores[-1] < 0.5


def test_without_a_picture_there_is_no_score_of_it(tasks):
    found = tasks.scores([3, 5], {5: coloured(5 / UNITS, 1)})
    assert np.isnan(found["mis_picture"][0]) and np.isfinite(found["mis_picture"][1])
    assert np.isfinite(found["mis_natural"]).all()


def test_scores_do_not_depend_on_who_else_is_asked(tasks):
    pictures = {unit: coloured(unit / UNITS, 1000 + unit) for unit in range(UNITS)}
    everyone = tasks.scores(range(UNITS), pictures)
    alone = LayerTasks(tasks.comparison, 40, "texture").scores([7], {7: pictures[7]})
    for name, values in alone.items():
        assert values.tobytes() == everyone[name][7:8].tobytes(), name
