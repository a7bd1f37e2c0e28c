"""All analyses. The order of the tuple is the order of the sections on a unit's page.

Adding one: write its file, add it here. Other packages offer theirs as entry points of the group
`lamella.panels`, each naming a subclass of `Panel`.
"""

from importlib.metadata import entry_points

from lamella.errors import ConfigError
from lamella.panels.activation_atlas import ActivationAtlas
from lamella.panels.attribution import Attribution
from lamella.panels.base import Panel
from lamella.panels.class_pages import ClassPages
from lamella.panels.class_units import ClassUnits
from lamella.panels.classes import Classes
from lamella.panels.dataset_examples import DatasetExamples
from lamella.panels.decisions import Decisions
from lamella.panels.dissection import Dissection
from lamella.panels.distillation import Distillation
from lamella.panels.diversity import Diversity
from lamella.panels.embedding import Embedding
from lamella.panels.explanation import Explanation
from lamella.panels.facets import FacetsOfUnits
from lamella.panels.feature_visualization import FeatureVisualization
from lamella.panels.images import ImageSpace
from lamella.panels.negative import Negative
from lamella.panels.objectives import Objectives
from lamella.panels.photographs import Photographs
from lamella.panels.predictions import Predictions
from lamella.panels.quality import PictureQuality
from lamella.panels.sanity import Sanity
from lamella.panels.statistics import Statistics
from lamella.panels.stimuli import Stimuli
from lamella.panels.strata import Strata
from lamella.panels.tuning import Tuning
from lamella.panels.walk import Walk
from lamella.panels.weights import Weights

PANELS: tuple[Panel, ...] = (
    FeatureVisualization(),
    PictureQuality(),
    Diversity(),
    Negative(),
    DatasetExamples(),
    Strata(),
    FacetsOfUnits(),
    Attribution(),
    Classes(),
    Explanation(),
    Statistics(),
    Stimuli(),
    Tuning(),
    Dissection(),
    Weights(),
    ClassUnits(),
    Embedding(),
    Photographs(),
    Predictions(),
    Decisions(),
    ClassPages(),
    Sanity(),
    ImageSpace(),
    Objectives(),
    ActivationAtlas(),
    Distillation(),
    Walk(),
)


def known_panels() -> tuple[Panel, ...]:
    """The panels of this package, then those of others by name.

    Raises:
        ConfigError: two panels share a name, or a package offers something else.
    """
    found = {panel.name: panel for panel in PANELS}
    for point in sorted(entry_points(group="lamella.panels"), key=lambda point: point.name):
        kind = point.load()
        if not (isinstance(kind, type) and issubclass(kind, Panel)):
            raise ConfigError(f"The entry point {point.name!r} of lamella.panels is no Panel.")
        if kind.name in found:
            raise ConfigError(f"Two panels are called {kind.name!r}; uninstall one.")
        found[kind.name] = kind()
    return tuple(found.values())
