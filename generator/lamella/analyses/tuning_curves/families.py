"""All families of stimuli of a network, in order.

Flow: gratings, arcs, colours, discs -> **families** -> compute, stored, views.
"""

from functools import lru_cache

from lamella.analyses.tuning_curves.arcs import curves
from lamella.analyses.tuning_curves.colours import greys, hues
from lamella.analyses.tuning_curves.discs import discs
from lamella.analyses.tuning_curves.family import Family, Size
from lamella.analyses.tuning_curves.gratings import gratings


@lru_cache(maxsize=8)
def families(size: Size) -> dict[str, Family]:
    """The families at a network's size, rows and columns, by name."""
    made = (gratings, curves, hues, greys, discs)
    return {family.name: family for family in (make(size) for make in made)}
