"""How activations change along depth: their size, how many are zero, how many directions they fill.

Computes nothing: the survey already did.
"""

from __future__ import annotations

from lamella.analyses.activation_statistics import view
from lamella.analyses.activation_statistics.stored import PANEL
from lamella.analyses.panel import Panel
from lamella.figures import Figure
from lamella.figures.article import Article
from lamella.store.facts import Atlas, LayerFacts


class ActivationStatistics(Panel):
    """Charts along depth, and a page that reads them."""

    name = PANEL
    formerly = ("distillation",)
    title = "Activation statistics"
    about = (
        "How the activations change with depth, over all photographs and positions: how many are "
        "zero, and how many directions they fill."
    )
    needs = ("survey",)
    shows_photographs = False
    per = "view"

    def view_layer(self, facts: LayerFacts) -> tuple[Figure, ...]:
        return view.layer_figures(facts)

    def view_network(self, atlas: Atlas) -> tuple[Figure, ...]:
        return view.network_figures(atlas)

    def articles(self, atlas: Atlas) -> tuple[Article, ...]:
        return view.articles(atlas, self.title)
