"""Tuning curves of units that were made by hand, so that what they prefer is known."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from torch import nn

from helpers.tiny import Tiny
from lamella.analyses.tuning_curves import TuningCurves
from lamella.analyses.tuning_curves.charts import unit_figures
from lamella.analyses.tuning_curves.colours import HUES, NAMED, colour
from lamella.analyses.tuning_curves.discs import KINDS as INKS
from lamella.analyses.tuning_curves.families import families
from lamella.analyses.tuning_curves.family import STRAIGHT
from lamella.analyses.tuning_curves.gratings import ORIENTATIONS
from lamella.analyses.tuning_curves.passes import responses
from lamella.analyses.tuning_curves.preferences import LayerTuning, preferences
from lamella.analyses.tuning_curves.stored import DRIVEN, driven_by_stimuli, layer_tuning
from lamella.config.preprocessing import Preprocessing
from lamella.figures import Gallery, Histogram, Lines, Table
from lamella.images.manifest import Manifest
from lamella.network.description import Network
from lamella.network.model import Model
from lamella.network.trace import trace
from lamella.network.units import Layer
from lamella.store.facts import Atlas, LayerFacts
from lamella.store.gathering import PanelFacts
from lamella.store.store import Store

GREYS = ("greys",)
ALL = ("gratings", "curves", "hues", "discs")
PLAIN = Preprocessing(mean=[0.0] * 3, std=[1.0] * 3)


def model_of(module: nn.Module, size: int, preprocessing: Preprocessing = PLAIN) -> Model:
    module.requires_grad_(False).eval()
    traced = trace(module, (size, size))
    layers = tuple(found.layer for found in traced)
    network = Network("net", "net.py:net", "0" * 64, "0" * 64, 1, (size, size), {}, layers)
    by_name = {found.layer.name: found for found in traced}
    return Model(module, preprocessing, by_name, network, torch.device("cpu"))


def convolution(filters: Any, *, bias: float = 0.0, padding: int | None = None) -> nn.Conv2d:
    """Filters, (unit, colour, row, column), as a layer that keeps the image's size."""
    weights = torch.as_tensor(np.asarray(filters), dtype=torch.float32)
    side = weights.shape[-1]
    layer = nn.Conv2d(3, len(weights), side, padding=side // 2 if padding is None else padding)
    layer.weight.data[:] = weights
    layer.bias.data[:] = bias
    return layer


def answers(
    module: nn.Module, size: int, *names: str, preprocessing: Preprocessing = PLAIN
) -> dict[str, np.ndarray]:
    """What the last layer says to some families, and to the greys."""
    model = model_of(module, size, preprocessing)
    known = {name: families((size, size))[name] for name in {*names, *GREYS}}
    layer = model.facts.layers[-1]
    return responses(model, [layer], known)[layer.name]


def lattice(side: int) -> tuple[np.ndarray, np.ndarray]:
    """To the right and up, from the middle of a filter."""
    at = np.arange(side) - side // 2
    return at[None, :].astype(float), -at[:, None].astype(float)


def gabor(period: float, degrees: float, side: int = 25, phase: float = 0.0) -> np.ndarray:
    """Stripes at an angle under a Gaussian, without a mean, in grey; (colour, row, column)."""
    right, up = lattice(side)
    turned = math.radians(degrees)
    across = up * math.cos(turned) - right * math.sin(turned)
    hill = np.exp(-(right**2 + up**2) / (2 * (side / 5) ** 2))
    wave = hill * np.cos(2 * math.pi * across / period + phase)
    wave -= hill * wave.sum() / hill.sum()
    return np.repeat(wave[None] / np.abs(wave).sum() / 3, 3, axis=0)


GABOR = nn.Sequential(convolution([gabor(9, 45)], padding=0), nn.ReLU())


# Gratings


@pytest.mark.parametrize("period", [1, 2, 3])
@settings(max_examples=4)
@given(st.integers(0, 11), st.floats(0, 6))
def test_a_gabor_prefers_its_angle_and_period(period, orientation, phase):
    """All answers lie between what its spectrum allows and what four phases catch of it."""
    axes = families((48, 48))["gratings"].kept
    periods = axes[0].values
    one = gabor(periods[period], ORIENTATIONS[orientation], phase=phase)
    found = answers(nn.Sequential(convolution([one], padding=0), nn.ReLU()), 48, "gratings")[
        "gratings"
    ][0]
    right, up = lattice(one.shape[-1])
    for p, each in enumerate(periods):
        for o, degrees in enumerate(ORIENTATIONS):
            turned = math.radians(degrees)
            across = up * math.cos(turned) - right * math.sin(turned)
            amplitude = abs((one * np.exp(2j * math.pi * across / each)).sum()) / 2
            assert math.sqrt(0.5) * amplitude - 1e-4 <= found[p, o] <= amplitude + 1e-4
    assert np.unravel_index(found.argmax(), found.shape) == (period, orientation)


def test_rotating_a_filter_rotates_its_curve():
    random = np.random.default_rng(0)
    one = random.standard_normal((3, 3, 9, 9))
    other = np.rot90(one, axes=(2, 3)).copy()
    names = "gratings", "curves"
    straight, turned = (answers(convolution(filters), 40, *names) for filters in (one, other))
    quarter = {name: straight[name].shape[-1] // (2 if name == "gratings" else 4) for name in names}
    for name, steps in quarter.items():
        expected = np.roll(straight[name], steps, axis=-1)
        np.testing.assert_allclose(turned[name], expected, atol=2e-3)
        assert np.abs(expected - straight[name]).max() > 1  # or anything would do


def test_orientation_selectivity_tells_stripes_from_blobs():
    blob = difference_of_gaussians(2, 4, side=25)
    found = answers(convolution([gabor(6, 30), blob], padding=0), 48, *ALL)
    own = preferences(found, families((48, 48)))
    assert own.orientation[0] > 0.8 and own.orientation[1] < 0.1
    assert own.oriented.tolist() == [True, False]


# Colours


@settings(max_examples=10)
@given(st.floats(0, 359), st.floats(-1, 1))
def test_an_opponent_unit_prefers_its_hue(hue, brightness):
    """Its curve is the cosine that the definition of the hues makes of its weights."""
    opposed = np.array(colour(hue)) - 0.5
    weights = opposed + brightness
    found = answers(convolution(weights.reshape(1, 3, 1, 1)), 16, "hues")
    expected = [float(np.dot(weights, colour(each))) for each in HUES]
    np.testing.assert_allclose(found["hues"][0], expected, atol=1e-5)
    away = (HUES[int(found["hues"][0].argmax())] - hue + 180) % 360 - 180
    assert abs(away) <= 15 + 1e-3


def test_what_only_weighs_brightness_has_no_hue():
    weights = np.array([[1.0, 1, 1], [1, -0.5, -0.5]]).reshape(2, 3, 1, 1)
    found = answers(convolution(weights), 16, *ALL)
    own = preferences(found, families((16, 16)))
    assert np.ptp(found["hues"][0]) < 1e-5
    assert own.coloured.tolist() == [False, True]
    assert own.hue[1] == pytest.approx(math.pi / 4, abs=0.02)  # of a cosine without its lower half


def test_the_networks_own_numbers_make_no_difference():
    """Blue first, 0 to 255, less a mean: the same unit gives the same answers."""
    weights = np.random.default_rng(1).standard_normal((2, 3, 5, 5))
    caffe = Preprocessing(
        size=20, channels="BGR", scale=255.0, mean=[104.0, 117.0, 124.0], std=[1.0, 1.0, 1.0]
    )
    other = convolution(weights[:, ::-1].copy() / 255)
    # What the mean takes away, the bias gives back; at the border it cannot.
    other.bias.data += (other.weight.sum((2, 3)) * torch.tensor(caffe.mean)).sum(1)
    names = "hues", "discs", "gratings"
    one = answers(convolution(weights), 20, *names)
    two = answers(other, 20, *names, preprocessing=caffe)
    for name in (*names, "greys"):
        np.testing.assert_allclose(one[name], two[name], atol=1e-3)


# Centre and surround


def difference_of_gaussians(centre: float, surround: float, side: int = 41) -> np.ndarray:
    right, up = lattice(side)
    away = right**2 + up**2
    hills = [np.exp(-away / (2 * wide**2)) for wide in (centre, surround)]
    one = hills[0] / hills[0].sum() - hills[1] / hills[1].sum()
    return np.repeat(one[None] / 3, 3, axis=0)


@pytest.mark.parametrize("size", [64, 65])
@pytest.mark.parametrize(("centre", "surround"), [(1.5, 3.0), (2.5, 5.0), (4.0, 6.0)])
def test_a_difference_of_gaussians_prefers_its_centre(size, centre, surround):
    """Over the radius, its answer is the difference of two integrals that are known."""
    filters = difference_of_gaussians(centre, surround)
    found = answers(convolution([filters, -filters], padding=0), size, "discs")["discs"]
    radius = np.array(families((size, size))["discs"].axes[1].values)
    inside = [1 - np.exp(-(radius**2) / (2 * wide**2)) for wide in (centre, surround)]
    expected = (inside[0] - inside[1]) / 2
    white, black = INKS.index("white"), INKS.index("black")
    here = radius < 16  # what lies beyond the filter's square, the formula counts
    off = 0.025 if size % 2 == 0 else 0.012  # an even image has no pixel in its middle
    np.testing.assert_allclose(found[0, white][here], expected[here], atol=off)
    assert found[0, white].argmax() == expected.argmax()
    np.testing.assert_allclose(found[1, black], found[0, white], atol=1e-5)


def test_a_surround_suppresses():
    on = difference_of_gaussians(2, 4)
    hill = on.clip(min=0)
    own = preferences(answers(convolution([on, hill], padding=0), 48, *ALL), families((48, 48)))
    assert own.surround[0] == pytest.approx(1, abs=0.05) and own.surround[1] < 0.02


# Curves


def arc(radius: float, degrees: float, side: int = 33, *, edge: bool = False) -> np.ndarray:
    """A filter for a bright curve with darker flanks, or one that is bright inside.

    Drawn with points, not with our own arcs.
    """
    turned = math.radians(degrees)

    def drawn(shift: float, wide: float) -> np.ndarray:
        angle = np.linspace(turned - math.pi / 3, turned + math.pi / 3, 4000)
        right = (radius + shift) * np.cos(angle) - radius * math.cos(turned)
        up = (radius + shift) * np.sin(angle) - radius * math.sin(turned)
        # On a grid five times as fine, so that a small curve keeps its form.
        fine = [(5 * (side // 2 + at) + 2).round().astype(int) for at in (-up, right)]
        one = np.zeros((5 * side, 5 * side))
        np.add.at(one, tuple(fine), 1)
        one = one.reshape(side, 5, side, 5).sum((1, 3))
        return gaussian_filter(one / one.sum(), wide)

    one = drawn(-1, 0.7) - drawn(1, 0.7) if edge else drawn(0, 0.7) - drawn(0, 1.8)
    return np.repeat((one - one.mean())[None] / 3, 3, axis=0)


@pytest.mark.parametrize("radius", [1, 2])  # the smallest, of three pixels, is hardly a curve
def test_a_curve_detector_prefers_its_direction_and_radius(radius):
    axes = families((65, 65))["curves"].axes  # odd, so that their middle is a pixel's
    assert axes[1].values[-1] == STRAIGHT
    bent = axes[1].values[radius]
    lines = [arc(bent, axes[2].values[at]) for at in (0, 3, 10)]
    edges = [arc(bent, axes[2].values[at], edge=True) for at in (0, 3, 10)]
    filters = [*lines, *edges, -lines[1], -edges[1]]
    expected = [(0, 0), (0, 3), (0, 10), (2, 0), (2, 3), (2, 10), (1, 3), (3, 3)]
    found = answers(convolution(filters, padding=0), 65, "curves")["curves"]
    for one, (kind, direction) in zip(found, expected, strict=True):
        # A step from black to white has twice the contrast of a line: each among its own.
        among = slice(0, 2) if kind < 2 else slice(2, 4)
        best = np.unravel_index(one[among].argmax(), one[among].shape)
        assert best == (kind % 2, radius, direction)


def test_a_line_detector_is_no_curve_detector():
    right, up = lattice(33)
    flat = (np.exp(-(up**2)) - 0.5 * np.exp(-(up**2) / 4)) * (np.abs(right) < 15)
    flat = np.repeat((flat / flat.size - flat.mean() / flat.size)[None], 3, axis=0)
    own = preferences(
        answers(convolution([flat, arc(16, 90)], padding=0), 64, *ALL), families((64, 64))
    )
    assert own.bend[0] < -0.1 and own.bend[1] > 0.1
    assert own.curved.tolist() == [False, True]
    assert own.peak["curves"][0, 1] == len(families((64, 64))["curves"].axes[1].values) - 1


# Where and when they are read


def test_padding_does_not_answer():
    """A filter that likes nothing in view is happiest at the border, where zeros are."""
    filters = -np.ones((1, 3, 7, 7))
    found = answers(convolution(filters), 24, "hues")
    assert found["greys"][0].tolist() == pytest.approx([-147 * v for v in (0, 0.25, 0.5, 0.75, 1)])
    assert found["hues"][0] == pytest.approx(np.full(12, -147 / 2), rel=1e-5)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Conv2d(4, 6, 3),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 3),
    )


def test_all_layers_at_once_are_each_layer_alone_and_every_stimulus_alone():
    model = model_of(network(), 19)
    known = families((19, 19))
    layers = model.facts.layers
    together = responses(model, layers, known)
    for layer in layers:
        alone = responses(model, [layer], known)
        for name, values in together[layer.name].items():
            assert values.shape == (layer.channels, *known[name].shape)
            np.testing.assert_array_equal(values, alone[layer.name][name])
    # The slow truth, of the last layer, whose values have no places.
    last = together[layers[-1].name]
    for name, family in known.items():
        images = torch.from_numpy(np.stack(list(family.images())))
        said = model.module(images).reshape(*family.shape, family.pool, 3).amax(-2)
        expected = np.moveaxis(said.numpy(), -1, 0)
        np.testing.assert_allclose(last[name], expected, atol=1e-5)


def test_ticks_count_every_stimulus_once():
    told: list[tuple[int, int]] = []
    model, known = model_of(network(), 16), families((16, 16))
    responses(model, model.facts.layers, known, lambda done, total: told.append((done, total)))
    total = sum(family.count for family in known.values())
    assert told[-1] == (total, total)
    assert [done for done, _ in told] == sorted({done for done, _ in told})


class Standardised(nn.Module):
    """Divides by the deviation of the image, of which a plain colour has none."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = convolution([gabor(6, 0, side=9)])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        away = images - images.mean((1, 2, 3), keepdim=True)
        return self.conv(away / away.square().mean((1, 2, 3), keepdim=True).sqrt())


def test_what_is_no_number_is_left_out():
    found = answers(Standardised(), 24, *ALL)
    assert np.isnan(found["greys"]).all() and np.isfinite(found["gratings"]).all()
    own = preferences(found, families((24, 24)))
    for values in (own.orientation, own.hue, own.curve, own.bend, own.surround, own.most):
        assert np.isfinite(values).all()
    assert own.peak["gratings"][0, 1] == 0 and own.orientation[0] > 0.3


# The page


def facts_of(
    module: nn.Module, size: int, maximum: float | None = 1.0, p50: float = 0.0
) -> LayerFacts:
    """The facts of a network's last layer, with photographs of a given strength."""
    model = model_of(module, size)
    layer = model.facts.layers[-1]
    found = responses(model, [layer], families((size, size)))[layer.name]
    atlas = Atlas(model.facts, Manifest("0" * 64, ()), Store(__file__), {})  # type: ignore[arg-type]
    facts = LayerFacts(model.facts, Manifest("0" * 64, ()), layer, {}, atlas)
    rows = np.ones(layer.channels, dtype=np.bool_)
    facts._read["tuning_curves"] = PanelFacts(rows, found, {}, {}, {})
    survey = {
        name: np.full(layer.channels, value)
        for name, value in (("maximum", maximum or 0), ("p50", p50))
    }
    facts._read["survey"] = PanelFacts(rows & (maximum is not None), survey, {}, {}, {})
    return facts


def test_a_gabors_page_shows_its_curves_and_says_how_strong_they_are():
    facts = facts_of(GABOR, 40, maximum=0.5)
    table, *charts = TuningCurves().view(facts, 0)
    assert isinstance(table, Table) and all(isinstance(chart, Lines) for chart in charts)
    rows = {row[0]: row[1] for row in table.rows}
    strongest = layer_tuning(facts).most[0]
    assert rows["Strongest response"] == f"{strongest:.3g}"
    assert rows["Of the photographs' largest"] == f"{strongest / 0.5:.0%}".replace("%", " %")
    assert "plain colours" in table.note
    titles = [chart.title for chart in charts]
    assert titles[:2] == ["Orientation of a grating", "Period of a grating"]
    turn = charts[0]
    assert "45°" in turn.alt and turn.x[0] == 0 and turn.x[-1] == 180
    for chart in charts:
        assert chart.alt and chart.series[-1].name == "plain grey"
        for one in chart.series:
            assert len(one.values) == len(one.x or chart.x or chart.names)
    # A whole turn on, a circle is where it began.
    assert all(one.values[0] == one.values[-1] for one in turn.series)
    preferred = turn.series[0]
    assert turn.x[int(np.argmax(preferred.values))] == 45


def test_hues_are_charted_for_who_sees_them():
    weights = np.array([1, -0.5, -0.5]).reshape(1, 3, 1, 1)
    facts = facts_of(nn.Sequential(convolution(weights), nn.ReLU()), 24)
    _, *charts = TuningCurves().view(facts, 0)
    hue = next(chart for chart in charts if chart.title == "Hue")
    assert [mark.label for mark in hue.ticks] == [*NAMED.values(), "red"]
    for one in hue.series[:2]:  # the whole image, and a disc
        assert (one.x or hue.x)[int(np.argmax(one.values))] % 360 == 0
    assert not any(chart.title.startswith("Orientation") for chart in charts)


@pytest.mark.parametrize("maximum", [1e6, None])
def test_a_unit_that_nothing_drives_has_one_line(maximum):
    silent = nn.Sequential(convolution(np.zeros((1, 3, 3, 3)), bias=-1), nn.ReLU())
    (line,) = TuningCurves().view(facts_of(silent, 16, maximum=maximum), 0)
    assert isinstance(line, Gallery) and not line.tiles
    assert line.note == "No stimulus lifts this unit above plain grey, 0."


def test_a_weak_response_is_no_tuning():
    """The rule is a tenth of the photographs' range, for the unit and for the layer."""
    facts = facts_of(GABOR, 40)
    strongest = float(layer_tuning(facts).most[0])
    for factor, driven in ((0.99, True), (1.01, False)):
        facts.of("survey").numbers["maximum"][:] = strongest / DRIVEN * factor
        assert driven_by_stimuli(facts).tolist() == [driven]
        assert (len(unit_figures(facts, 0)) > 1) == driven
    (line,) = unit_figures(facts, 0)
    assert f"{strongest:.3g}" in line.note and "10 % of the largest on photographs" in line.note


@pytest.mark.parametrize("bias", [-5.0, 0.0])
def test_signed_units_are_read_from_plain_grey_up(bias):
    facts = facts_of(
        convolution([gabor(9, 90)], bias=bias, padding=0), 40, maximum=bias + 1, p50=bias
    )
    assert facts.layer.signed
    own = layer_tuning(facts)
    assert own.grey[0] == pytest.approx(bias, abs=1e-4)
    table, turn, *_ = TuningCurves().view(facts, 0)
    assert turn.x[int(np.argmax(turn.series[0].values))] == 90
    assert own.orientation[0] == pytest.approx(0.8, abs=0.2)
    rows = {row[0] for row in table.rows}
    assert ("Of the photographs' largest" in rows) == (bias + 1 > 0)


def test_a_layer_is_summed_up():
    filters = [gabor(9, degrees, side=25) for degrees in (0, 45, 45, 90)]
    facts = facts_of(
        nn.Sequential(convolution([*filters, np.zeros((3, 25, 25))]), nn.ReLU()), 48, 0.5
    )
    table, histogram, gallery, *_ = TuningCurves().view_layer(facts)
    assert isinstance(table, Table) and isinstance(histogram, Histogram)
    counts = {row[0]: row[1] for row in table.rows}
    assert counts["Any stimulus drives it"] == "4"
    assert counts["Selective for the orientation of gratings"] == "4"
    assert sum(histogram.counts) == 4 and histogram.counts[3] == 2
    assert [tile.caption for tile in gallery.tiles] == ["0°", "45°", "90°"]
    assert all(tile.link for tile in gallery.tiles)


def test_a_layer_of_silent_units_is_no_trouble():
    silent = nn.Sequential(convolution(np.zeros((2, 3, 3, 3)), bias=-1), nn.ReLU())
    (table,) = TuningCurves().view_layer(facts_of(silent, 16))
    assert [row[1] for row in table.rows] == ["0"] * 5


def test_tuned_is_of_every_unit_by_itself():
    module = nn.Sequential(convolution([gabor(9, 45), gabor(5, 90)]), nn.ReLU())
    facts = facts_of(module, 32)
    stored, known = facts.of("tuning_curves").numbers, families((32, 32))
    both = preferences(stored, known)
    for unit in range(2):
        alone = preferences(
            {name: values[unit : unit + 1] for name, values in stored.items()}, known
        )
        for name in ("grey", "orientation", "hue", "curve", "bend", "surround", "most"):
            assert getattr(alone, name)[0] == pytest.approx(getattr(both, name)[unit], abs=1e-12)
    none = preferences({name: values[:0] for name, values in stored.items()}, known)
    assert isinstance(none, LayerTuning) and none.most.shape == (0,)


# Through the command line


def test_an_atlas_with_tuning_curves(tiny: Tiny):
    tiny.change(analysis__panels=["tuning_curves"])
    tiny.works("analyse", "--channels", "0,2")
    tiny.works("build")
    site = tiny.folder / "public" / "tiny"
    pages = [page.read_text("utf-8") for page in site.rglob("[0-9]*.html")]
    assert len(pages) == 13 and all('id="tuning_curves"' in page for page in pages)
    assert any('/tiny/stimuli.html"><bdi>The stimuli' in page for page in pages)
    article = (site / "stimuli.html").read_text("utf-8")
    for title in ("Gratings", "Curves", "Hues", "Greys", "Discs"):
        assert f">{title}</" in article
    assert article.count("-stimulus.webp") == len(list((site / "stimuli").glob("*.webp")))
    assert 'id="tuning_curves"' in (site / "index.html").read_text("utf-8")


def test_new_photographs_change_no_tuning_curve(tiny: Tiny):
    """Stimuli are not photographs: what was computed stays."""
    tiny.change(analysis__panels=["tuning_curves"])
    tiny.works("analyse")
    before = sorted(path.name for path in tiny.work.glob("tuning_curves-*"))
    (tiny.folder / "images" / "even" / "0.png").unlink()
    tiny.works("analyse")
    assert sorted(path.name for path in tiny.work.glob("tuning_curves-*")) == before != []


def test_shards_are_the_same_whatever_else_is_asked(tiny: Tiny):
    """A unit's numbers depend on no other's, and on no order."""
    from lamella.pipeline.pipeline import Analysis

    analysis = Analysis.of(tiny.change(analysis__panels=["tuning_curves"]).config())
    panel, options = next(pair for pair in analysis.panels if pair[0].name == "tuning_curves")
    job = replace(analysis.job(panel, options), tick=lambda number: None)
    layers: list[Layer] = list(analysis.atlas.network.layers)
    whole = dict(
        (layer.name, shard)
        for layer, shard in panel.compute_layers(
            job, [(each, range(each.channels)) for each in layers]
        )
    )
    ((_, alone),) = panel.compute_layers(job, [(layers[1], [4, 5])])
    assert alone.channels == (4, 5)
    for name, values in alone.numbers.items():
        np.testing.assert_array_equal(values, whole[layers[1].name].numbers[name][4:6])
