"""Which classes drive a unit: the index is its definition, and what the numbers rest on is said."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamella.analyses.label_selectivity import CHARTED, LISTED, LabelSelectivity, selectivity
from lamella.commands.progress import Progress
from lamella.figures import Histogram, Lines, Table
from lamella.images.manifest import Manifest, Photograph
from lamella.network.activations import cut
from lamella.network.description import Network
from lamella.network.units import Layer
from lamella.pipeline.pipeline import Analysis, Selection
from lamella.pipeline.plan import open_atlas
from lamella.store.facts import Atlas, LayerFacts
from lamella.store.gathering import PanelFacts
from lamella.store.store import Store

means = st.lists(st.floats(0, 1e3, width=32) | st.just(math.nan), min_size=1, max_size=8)


@settings(max_examples=200)
@given(means)
def test_the_index_is_its_definition(values: list[float]) -> None:
    found = selectivity(np.array([values]))[0]
    known = sorted(value for value in values if not math.isnan(value))
    if len(known) < 2 or known[-1] == 0:
        assert math.isnan(found)
        return
    rest = sum(known[:-1]) / (len(known) - 1)
    assert found == pytest.approx((known[-1] - rest) / (known[-1] + rest), abs=1e-9)
    assert 0 <= found <= 1


@given(st.integers(2, 9), st.integers(0, 99), st.floats(0.01, 100))
def test_neither_order_nor_scale_of_the_labels_matters(labels: int, seed: int, by: float) -> None:
    random = np.random.default_rng(seed)
    values = random.uniform(0, 5, (4, labels))
    moved = values[:, random.permutation(labels)] * by
    np.testing.assert_allclose(selectivity(moved), selectivity(values), atol=1e-9)
    assert selectivity(np.full((1, labels), by))[0] == pytest.approx(0, abs=1e-9)
    assert selectivity(np.eye(labels)).tolist() == [1.0] * labels


def facts_of(
    means: np.ndarray,
    photographs: list[str],
    *,
    activation: str | None = "relu",
    skipped: tuple[tuple[str, str], ...] = (),
) -> LayerFacts:
    """A layer with made-up means; a photograph for each label in the list, "" for none."""
    rows = len(means)
    labels = tuple(sorted({label for label in photographs if label}))
    shown = tuple(Photograph(str(at), f"{at}.jpg", label) for at, label in enumerate(photographs))
    layer = Layer("conv", "convolution", rows, 4, 4, None, activation=activation)
    network = Network("net", "net.py:net", "0" * 64, "0" * 64, 1, (8, 8), {}, (layer,))
    manifest = Manifest("0" * 64, shown, skipped, labels)
    facts = LayerFacts(network, manifest, layer, {}, Atlas(network, manifest, Store(Path()), {}))
    present = np.ones(rows, np.bool_)
    survey = {
        "mean": np.full(rows, 2.0, np.float32),
        "maximum": np.nanmax(means, axis=1, initial=0).astype(np.float32),
    }
    facts._read["survey"] = PanelFacts(present, survey, {}, {}, {})
    stored = {"label_mean": means.astype(np.float32)} if labels else {}
    facts._read["labels"] = PanelFacts(present, stored, {}, {}, {})
    return facts


def shown(facts: LayerFacts, channel: int = 0) -> Table:
    figure = LabelSelectivity().view(facts, channel)[0]
    assert isinstance(figure, Table)
    return figure


def test_the_strongest_labels_come_first_with_their_numbers() -> None:
    facts = facts_of(np.array([[1.0, 6.0, 0.5]]), ["a", "b", "b", "b", "b", "b", "c"])
    table = shown(facts)
    assert table.rows == (
        ("b", "6", "3.0 times", "5"),
        ("a", "1", "0.5 times", "1"),
        ("c", "0.5", "0.25 times", "1"),
    )
    assert "index 0.78" in table.note and "Mean over all photographs 2" in table.note
    assert "have a label" not in table.note and "has only" not in table.note


def test_what_is_not_counted_is_said() -> None:
    facts = facts_of(
        np.array([[9.0, 1.0]]), ["a", "a", "b", "", ""], skipped=(("1.jpg", "truncated"),)
    )
    assert facts.atlas.labelled == {"a": 1, "b": 1}
    table = shown(facts)
    assert table.rows[0][-1] == "1"
    assert "2 of 4 photographs have a label." in table.note
    assert "“a” has a single photograph" in table.note
    few = shown(facts_of(np.array([[9.0, 1.0]]), ["a", "a", "b"]))
    assert "“a” has only 2 photographs" in few.note


def test_a_label_without_a_photograph_is_left_out() -> None:
    facts = facts_of(np.array([[math.nan, 3.0], [math.nan, math.nan]]), ["a", "b"])
    assert [row[0] for row in shown(facts).rows] == ["b"]
    assert "index" not in shown(facts).note
    assert LabelSelectivity().view(facts, 1) == ()


def test_without_labels_there_is_no_section() -> None:
    facts = facts_of(np.array([[1.0]]), ["", ""])
    assert LabelSelectivity().view(facts, 0) == () and LabelSelectivity().view_layer(facts) == ()


def test_a_signed_layer_has_differences_and_no_index() -> None:
    table = shown(facts_of(np.array([[-1.0, 3.0]]), ["a", "b"], activation=None))
    assert [row[2] for row in table.rows] == ["+1", "−3"]
    assert "not defined" in table.note and "difference" in table.note
    assert (
        LabelSelectivity().view_layer(facts_of(np.array([[1.0, 2]]), ["a", "b"], activation=None))
        == ()
    )


def test_a_silent_unit_has_none_and_the_layer_says_so() -> None:
    facts = facts_of(np.array([[0.0, 0.0], [1.0, 3.0], [0.0, 2.0]]), ["a", "b"])
    assert LabelSelectivity().view(facts, 0) == ()
    (figure,) = LabelSelectivity().view_layer(facts)
    assert isinstance(figure, Histogram)
    assert sum(figure.counts) == 2 and figure.note.endswith("excites: 1.")
    assert figure.marks[0].value == pytest.approx(0.75)


@pytest.mark.parametrize("labels", [2, CHARTED - 1, CHARTED, 1000])
def test_many_labels_have_a_chart(labels: int) -> None:
    values = np.random.default_rng(0).uniform(0, 9, (1, labels))
    figures = LabelSelectivity().view(facts_of(values, [f"{at:04}" for at in range(labels)]), 0)
    assert len(figures[0].rows) == min(labels, LISTED)  # type: ignore[union-attr]
    assert len(figures) == (2 if labels >= CHARTED else 1)
    for chart in figures[1:]:
        assert isinstance(chart, Lines)
        heights = chart.series[0].values
        assert len(heights) <= 200 and list(heights) == sorted(heights, reverse=True)
        assert heights[0] == pytest.approx(values.max()) and chart.x[-1] == labels


def test_the_means_are_those_of_the_photographs(tiny) -> None:
    """End to end: against the layer's own values, photograph by photograph."""
    import torch

    analysis = Analysis.of(tiny.config())
    for _ in analysis.run(Selection(panels=("statistics",)), Progress()):
        pass
    atlas = open_atlas(tiny.config())
    facts = next(atlas.layers())
    see = cut(analysis.model.module, analysis.model.traced[facts.layer.name].observed)
    by_label: dict[str, list[np.ndarray]] = {}
    for at, photograph in enumerate(atlas.manifest.photographs):
        pixels = torch.tensor(analysis.images.pixels(at)).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            values = see(analysis.model.normalise(pixels))[0].mean((1, 2)).numpy()
        by_label.setdefault(photograph.label, []).append(values)
    assert atlas.labelled == {label: len(each) for label, each in sorted(by_label.items())}
    for channel in range(facts.layer.channels):
        for figure in LabelSelectivity().view(facts, channel)[:1]:
            assert isinstance(figure, Table)
            for label, mean, _, number in figure.rows:
                expected = np.mean([values[channel] for values in by_label[str(label)]])
                assert float(str(mean)) == pytest.approx(expected, rel=6e-3)
                assert int(str(number)) == len(by_label[str(label)])
