"""Activation statistics: their numbers, the claim they are held against, their page."""

import math
from html import unescape
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from helpers.tiny import Tiny
from lamella.analyses.activation_statistics import ActivationStatistics
from lamella.analyses.activation_statistics.claims import (
    HOLDS,
    MIXED,
    REVERSED,
    UNCLEAR,
    UNKNOWN,
    Reading,
    readings,
    role,
)
from lamella.analyses.activation_statistics.stored import (
    LayerStatistics,
    participation_ratio,
    statistics_of,
)
from lamella.figures import Lines, Table
from lamella.figures.article import Article
from lamella.figures.format import number
from lamella.network.units import Layer
from lamella.store.gathering import PanelFacts

# Numbers.


def test_the_bias_that_is_told_is_the_one_that_is_there() -> None:
    """Few Gaussian vectors in 20 equal directions look like fewer directions."""
    number, true = 300, 20
    random = np.random.default_rng(0)
    found = [
        participation_ratio(np.linalg.eigvalsh(np.cov(random.standard_normal((true, number)))))
        for _ in range(20)
    ]
    one = layer_of(dimension=float(np.mean(found)), vectors=number)
    assert one.bias == pytest.approx(true / np.mean(found) - 1, rel=0.15)


def facts_of(channels: int, activation: str | None = "relu", **numbers: Any) -> Any:
    """One layer of which the survey says so much."""
    layer = Layer("a", "convolution", channels, 4, 4, None, activation=activation)
    arrays = {name: np.asarray(value, np.float32) for name, value in numbers.items()}
    survey = PanelFacts(np.ones(channels, np.bool_), arrays, {}, {}, {})
    return SimpleNamespace(
        layer=layer, of=lambda panel: survey, network=SimpleNamespace(name="tiny")
    )


def survey_of(activations: np.ndarray) -> dict[str, Any]:
    """What the survey would say of activations, (image, unit, position)."""
    by_unit = activations.transpose(1, 0, 2).reshape(activations.shape[1], -1)
    peaks = activations.max(axis=2)
    return {
        "mean": by_unit.mean(1), "deviation": by_unit.std(1), "zeros": (by_unit == 0).mean(1),
        "maximum": by_unit.max(1), "p999": np.quantile(by_unit, 0.999, axis=1),
        "active": (peaks > 0).mean(0), "spectrum": np.linalg.eigvalsh(np.cov(by_unit))[::-1],
        "spectrum_vectors": np.full(len(by_unit), by_unit.shape[1]),
    }  # fmt: skip


def test_a_layer_in_numbers_is_its_activations_in_numbers() -> None:
    random = np.random.default_rng(0)
    activations = np.maximum(random.normal(-1, 2, (9, 5, 16)), 0)
    activations[:, 3] = 0  # a unit that is dead
    activations[4:, 2] = 0  # and one that answers to four images
    one = statistics_of(facts_of(5, **survey_of(activations)))
    assert one is not None and one.units == 5 and not one.signed
    assert one.zeros == pytest.approx((activations == 0).mean(), rel=1e-5)
    assert one.mean == pytest.approx(activations.mean(), rel=1e-5)
    assert one.nonzero == pytest.approx(activations[activations > 0].mean(), rel=1e-5)
    assert one.rms == pytest.approx(math.sqrt((activations**2).mean()), rel=1e-5)
    assert one.maximum == pytest.approx(activations.max())
    assert one.alive == 0.8 and one.vectors == 9 * 16
    answering = (activations.max(2) > 0).sum(1)
    assert one.answering == pytest.approx(answering.mean(), rel=1e-5)


def test_what_is_not_known_is_no_number() -> None:
    random = np.random.default_rng(0)
    signed = statistics_of(facts_of(5, None, **survey_of(random.normal(0, 1, (9, 5, 16)))))
    assert signed is not None and signed.signed
    assert all(map(math.isnan, (signed.zeros, signed.mean, signed.nonzero)))
    assert math.isnan(signed.alive) and math.isnan(signed.active) and signed.rms > 0.5
    zero = statistics_of(facts_of(5, **survey_of(np.zeros((9, 5, 16)))))
    assert zero is not None and zero.zeros == 1 and zero.rms == 0 and zero.alive == 0
    assert math.isnan(zero.nonzero) and math.isnan(zero.dimension) and math.isnan(zero.components)
    old = survey_of(random.gamma(1, 1, (9, 5, 16)))
    for name in ("active", "spectrum", "spectrum_vectors", "p999"):
        del old[name]
    less = statistics_of(facts_of(5, **old))
    assert less is not None and math.isnan(less.dimension) and math.isnan(less.p999)
    assert less.vectors == 0 and math.isnan(less.bias) and math.isnan(less.answering)


# The claim.


def layer_of(name: str = "a", **numbers: Any) -> LayerStatistics:
    plain = {
        "units": 8, "signed": False, "zeros": 0.5, "mean": 1.0, "nonzero": 2.0, "rms": 1.5,
        "p999": 3.0, "maximum": 4.0, "alive": 1.0, "active": 0.9, "dimension": 3.0,
        "components": 5.0, "vectors": 100,
    }  # fmt: skip
    return LayerStatistics(name=name, **(plain | numbers))  # type: ignore[arg-type]


def pyramid(turn: int = 1, each: int = 8) -> list[LayerStatistics]:
    """A network that does what is claimed; with `turn` -1 the opposite."""
    depth = range(each)[::turn]
    return [
        layer_of(
            f"block.{at}", units=8 + at, zeros=at / 10, rms=9.0 - at, nonzero=9.0 - at,
            active=0.9 - at / 100, maximum=9.0 - at,
        )
        for at in depth
    ]  # fmt: skip


def test_the_claim_holds_or_not() -> None:
    assert [word for _, word, _ in readings(pyramid())] == [HOLDS] * 3
    assert [word for _, word, _ in readings(pyramid(-1))] == [REVERSED] * 3
    flat = [layer_of(zeros=at % 2 / 10, rms=at % 2) for at in range(8)]
    assert [each[0].verdict for *_, each in readings(flat)] == [UNCLEAR, UNKNOWN, UNCLEAR]
    assert [word for _, word, _ in readings(pyramid()[:4])] == [UNKNOWN] * 3
    assert readings([])[0][1] == UNKNOWN
    signed = [layer_of(signed=True) for _ in range(9)]
    assert {one.layers for *_, each in readings([*signed, *pyramid()]) for one in each} == {8}


def test_readings_that_disagree_are_mixed() -> None:
    half = [layer_of(zeros=at / 10, active=0.1 + at / 10) for at in range(8)]
    _, word, each = readings(half)[2]
    assert (each[0].verdict, each[1].verdict, word) == (HOLDS, REVERSED, MIXED)


def test_blocks_that_squeeze_and_expand_are_compared_with_their_like() -> None:
    layers = [
        layer_of(f"fire{at}.{name}", zeros=base + at / 20)
        for at in range(6)
        for name, base in (("expand", 0.6), ("squeeze", 0.1))
    ]
    zeros: Reading = readings(layers)[2][2][0]
    assert zeros.correlation < 0.5 and zeros.within == pytest.approx(1)
    assert zeros.verdict == MIXED
    names = "features.3.squeeze", "features.10", "7", "layer1.0.conv2"
    assert [role(name) for name in names] == ["squeeze", "features", "", "conv2"]
    one_role = readings(pyramid())[2][2][0]
    assert math.isnan(one_role.within)


# The page.


def pages(monkeypatch: pytest.MonkeyPatch, layers: list[LayerStatistics]) -> Any:
    where = "lamella.analyses.activation_statistics.view.layer_statistics"
    monkeypatch.setattr(where, lambda atlas: tuple(layers))
    atlas: Any = SimpleNamespace(network=SimpleNamespace(name="tiny"))
    return ActivationStatistics().view_network(atlas), ActivationStatistics().articles(atlas)


def words(article: Article) -> str:
    return " ".join(text for part in article.parts for text in part.text)


def test_the_page_says_what_the_numbers_say(monkeypatch: pytest.MonkeyPatch) -> None:
    section, (article,) = pages(monkeypatch, pyramid())
    assert article.slug == "activation-statistics"
    assert "3 of the 3 parts are clearly supported" in words(article)
    assert "100 vectors a layer" in words(article) and "3.0 % to 3.0 %" in words(article)
    assert "no more vectors than units" not in words(article)
    lines = [f for part in article.parts for f in part.figures if isinstance(f, Lines)]
    assert {line.title for line in lines} >= {"Share of exact zeros", "Effective dimension"}
    assert all(line.alt and len(line.names) == 8 for line in lines)
    (said,) = [figure for figure in section if isinstance(figure, Table)]
    assert [row[1] for row in said.rows[:3]] == [HOLDS] * 3
    _, (article,) = pages(monkeypatch, pyramid(-1))
    assert "none of the 3 parts are clearly supported" in words(article)
    _, (article,) = pages(monkeypatch, [layer_of(vectors=7), layer_of()])
    assert "In 1 layer there are no more vectors than units" in words(article)
    assert "that cannot be told: it takes 5 layers" in words(article)


def test_what_is_not_known_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = {name: math.nan for name in ("zeros", "mean", "nonzero", "alive", "active")}
    blind = {"dimension": math.nan, "components": math.nan, "vectors": 0}
    _, (article,) = pages(monkeypatch, [layer_of(signed=True, **nothing, **blind)] * 3)
    titles = [part.title for part in article.parts]
    assert "Sparsity" not in titles and "Effective dimension" not in titles
    assert pages(monkeypatch, []) == ((), ())


def test_numbers_are_written_for_people() -> None:
    written = [number(value) for value in (0.01234, 12.34, 999.4, 999.7, 1234567, math.nan)]
    assert written == ["0.0123", "12.3", "999", "1,000", "1,234,567", "-"]


def test_the_layers_own_numbers() -> None:
    random = np.random.default_rng(0)
    facts = facts_of(5, **survey_of(random.gamma(1, 1, (9, 5, 16))))
    (table,) = ActivationStatistics().view_layer(facts)
    assert isinstance(table, Table)
    told = {row[0]: row[1] for row in table.rows}
    assert told["Units that one photograph excites"] == "5 of 5 on average"
    assert told["Activation vectors that these two rest on"] == "144"
    negative = survey_of(random.normal(0, 1, (9, 5, 16)))
    (signed,) = ActivationStatistics().view_layer(facts_of(5, None, **negative))
    assert isinstance(signed, Table) and "negative" in signed.note
    assert "Exactly zero" not in {row[0] for row in signed.rows}


def test_it_is_built(tiny: Tiny) -> None:
    tiny.change(analysis__panels=["activation_statistics"])
    tiny.works("build")
    folder = tiny.folder / "public" / "tiny"
    page = unescape((folder / "activation-statistics.html").read_text())
    assert "Does the claim hold?" in page and 'href="../tiny/0/index.html"' in page
    assert "activation-statistics.html" in (folder / "index.html").read_text()
    for layer in ("0", "2", "6"):
        own = unescape((folder / layer / "index.html").read_text())
        assert "Root mean square" in own and "tiny/activation-statistics.html" in own
