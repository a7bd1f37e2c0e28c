"""How good each picture is: what was measured of it, in a reader's words."""

from __future__ import annotations

from collections.abc import Sequence

from lamella.analyses.panel import Panel, first_row
from lamella.analyses.visualization_quality import view
from lamella.analyses.visualization_quality.overview import network_figures
from lamella.figures import Figure
from lamella.store.facts import Atlas, LayerFacts


class VisualizationQuality(Panel):
    """Computes nothing: the pictures were measured when they were made."""

    name = "visualization_quality"
    formerly = ("quality",)
    title = "Visualization quality"
    about = (
        "Measured on the finished picture, and compared with all photographs. A picture that "
        "excites the unit more than any of them is an exaggeration: read it beside them."
    )
    needs = ("survey", "feature_visualization")
    shows = ("interpretability",)
    shows_photographs = False
    per = "view"

    def best(self, facts: LayerFacts) -> Sequence[int]:
        return view.best(facts)

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        return view.unit_figures(facts, channel)

    def summary(self, facts: LayerFacts, channel: int, shown: tuple[Figure, ...]) -> str:
        return first_row(shown)

    def view_layer(self, facts: LayerFacts) -> tuple[Figure, ...]:
        return view.layer_figures(facts)

    def view_network(self, atlas: Atlas) -> tuple[Figure, ...]:
        return network_figures(atlas)
