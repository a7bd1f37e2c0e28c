"""A unit's part in decisions: the classes that it pushes, or the class whose score it is."""

from __future__ import annotations

from lamella.analyses.classes.contributions_view import of_unit
from lamella.analyses.panel import Panel
from lamella.figures import Figure
from lamella.store.facts import LayerFacts


class LogitContributions(Panel):
    """Computes nothing: the pages of classes know it."""

    name = "logit_contributions"
    formerly = ("class_units",)
    title = "Direct logit contribution"
    about = (
        "Where class scores are read off its layer: the classes for which the unit has the largest "
        "weights, either way. The weight is by how much the score rises with the unit's mean "
        "activation; what that amounts to on photographs stands on the page of the class."
    )
    needs = ("classes",)
    per = "view"

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        return of_unit(facts, channel)
