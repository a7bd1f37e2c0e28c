"""Numbers, charts and sentences: on the page of a layer, of the network, and on their own.

Flow: store -> stored -> charts, claims, text -> **view** -> pages. Imports no torch.
"""

from __future__ import annotations

import math

from lamella.analyses.activation_statistics import charts, text
from lamella.analyses.activation_statistics.charts import percent
from lamella.analyses.activation_statistics.claims import readings
from lamella.analyses.activation_statistics.stored import (
    SLUG,
    LayerStatistics,
    layer_statistics,
    statistics_of,
)
from lamella.figures import Cell, Figure, Table, links, short
from lamella.figures.article import MEASURES, Article, Part
from lamella.figures.format import number
from lamella.store.facts import Atlas, LayerFacts


def layer_figures(facts: LayerFacts) -> tuple[Figure, ...]:
    """A layer's numbers, on its own page; () before the survey."""
    one = statistics_of(facts)
    if one is None:
        return ()
    rows: list[tuple[str | Cell, ...]] = []
    if not one.signed:
        rows += [("Exactly zero", percent(one.zeros))]
        rows += [("Units that a photograph ever excites", percent(one.alive))]
        rows += [("Units that one photograph excites", _of_units(one))]
    rows += [("Root mean square of the activations", number(one.rms))]
    if math.isfinite(one.dimension):
        rows += [("Effective dimension (participation ratio)", number(one.dimension))]
        rows += [("Components for 90 % of the variance", number(one.components))]
        rows += [("Activation vectors that these two rest on", f"{one.vectors:,}")]
    page = links.article_page(facts.network.name, SLUG)
    rows += [("Beside the other layers", Cell("Activation statistics", page))]
    return (Table("", tuple(rows), note=text.SIGNED if one.signed else ""),)


def network_figures(atlas: Atlas) -> tuple[Figure, ...]:
    """Two charts, and what they say in words, on the network's page."""
    layers = layer_statistics(atlas)
    if not layers:
        return ()
    page = links.article_page(atlas.network.name, SLUG)
    rows = tuple((claim, word) for claim, word, _ in readings(layers))
    more = (Cell("How this was read, and all charts", page), "")
    claims = Table("What is usually said, and what is measured here", (*rows, more))
    drawn = (charts.zeros(layers), charts.dimension(layers))
    return (*(chart for chart in drawn if chart), claims)


def articles(atlas: Atlas, title: str) -> tuple[Article, ...]:
    """The page of its own; () before the survey."""
    layers = layer_statistics(atlas)
    if not layers:
        return ()
    answers = charts.answers(layers), charts.counts(layers)
    width = (*text.DIMENSION, text.rests_on(layers))
    parts = (
        Part("Does the claim hold?", text.findings(layers), text.tables(layers)),
        _part("Sparsity", text.ZEROS, charts.zeros(layers)),
        _part("Size of the activations", text.SIZES, charts.sizes(layers)),
        _part("How many units answer", text.ANSWERS, *answers),
        _part("Effective dimension", width, charts.dimension(layers)),
        Part("All numbers", figures=(charts.table(atlas, layers),)),
    )
    shown = tuple(part for part in parts if part)
    line = "Sparsity, size and dimension of the activations by depth."
    return (Article(SLUG, title, text.LEAD, shown, group=MEASURES, line=line),)


def _part(title: str, sentences: tuple[str, ...], *figures: Figure | None) -> Part | None:
    """A part that has something to show."""
    shown = tuple(figure for figure in figures if figure)
    return Part(title, tuple(filter(None, sentences)), shown) if shown else None


def _of_units(one: LayerStatistics) -> str:
    if not math.isfinite(one.active):
        return "-"
    return f"{short(one.answering)} of {one.units:,} on average"
