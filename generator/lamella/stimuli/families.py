"""All families of stimuli of a network, in order.

Flow: gratings, arcs, colours, discs -> **families** -> run, panels.
"""

from functools import lru_cache

from lamella.stimuli.arcs import curves
from lamella.stimuli.colours import greys, hues
from lamella.stimuli.discs import discs
from lamella.stimuli.family import Family, Size
from lamella.stimuli.gratings import gratings


@lru_cache(maxsize=8)
def families(size: Size) -> dict[str, Family]:
    """The families at a network's size, rows and columns, by name."""
    made = (gratings, curves, hues, greys, discs)
    return {family.name: family for family in (make(size) for make in made)}
