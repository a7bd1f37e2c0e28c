"""How activations change along depth: their size, how many are zero, how many directions they fill.

Computes nothing: the survey already did. The numbers, the claim that they are held against, the
charts and the words are those of `lamella.distilling`; this file puts them where they are shown.
"""

from __future__ import annotations

import math

from lamella.analyses.activation_statistics import charts
from lamella.analyses.activation_statistics import text as told
from lamella.analyses.activation_statistics.charts import percent
from lamella.analyses.activation_statistics.claims import read
from lamella.analyses.activation_statistics.stored import Distilled, along, distilled
from lamella.analyses.activation_statistics.text import SIGNED, SLUG
from lamella.analyses.panel import Panel
from lamella.figures import Cell, Figure, Table, links, short
from lamella.figures.article import Article, Part
from lamella.figures.format import number
from lamella.store.facts import Atlas, LayerFacts


class ActivationStatistics(Panel):
    """Charts along depth, and a page that reads them."""

    name = "activation_statistics"
    formerly = ("distillation",)
    title = "Activation statistics"
    about = (
        "How the activations change with depth, over all photographs and positions: how many are "
        "zero, and how many directions they fill."
    )
    needs = ("survey",)
    per = "view"

    def view_layer(self, facts: LayerFacts) -> tuple[Figure, ...]:
        one = distilled(facts)
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
        rows += [("Beside the other layers", Cell("Information distillation", page))]
        return (Table("", tuple(rows), note=SIGNED if one.signed else ""),)

    def view_network(self, atlas: Atlas) -> tuple[Figure, ...]:
        layers = along(atlas)
        if not layers:
            return ()
        page = links.article_page(atlas.network.name, SLUG)
        rows = tuple((claim, word) for claim, word, _ in read(layers))
        more = (Cell("How this was read, and all charts", page), "")
        said = Table("What is usually said, and what is measured here", (*rows, more))
        drawn = (charts.zeros(layers), charts.dimension(layers))
        return (*(chart for chart in drawn if chart), said)

    def articles(self, atlas: Atlas) -> tuple[Article, ...]:
        layers = along(atlas)
        if not layers:
            return ()
        answers = charts.answers(layers), charts.counts(layers)
        width = (*told.DIMENSION, told.rests_on(layers))
        parts = (
            Part("Does the claim hold?", told.told(layers), told.readings(layers)),
            _part("Sparsity", told.ZEROS, charts.zeros(layers)),
            _part("Size of the activations", told.SIZES, charts.sizes(layers)),
            _part("How many units answer", told.ANSWERS, *answers),
            _part("Effective dimension", width, charts.dimension(layers)),
            Part("All numbers", figures=(charts.table(atlas, layers),)),
        )
        return (Article(SLUG, self.title, told.LEAD, tuple(part for part in parts if part)),)


def _part(title: str, text: tuple[str, ...], *figures: Figure | None) -> Part | None:
    """A part that has something to show."""
    shown = tuple(figure for figure in figures if figure)
    return Part(title, tuple(filter(None, text)), shown) if shown else None


def _of_units(one: Distilled) -> str:
    if not math.isfinite(one.active):
        return "-"
    return f"{short(one.answering)} of {one.units:,} on average"
