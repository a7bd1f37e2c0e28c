"""All analyses. The order of the tuple is the order of the sections on a unit's page.

Adding one: write its file, add it here. Other packages offer theirs as entry points of the group
`lamella.panels`, each naming a subclass of `Panel`.
"""

from importlib.metadata import entry_points

from lamella.analyses.activation_atlas import ActivationAtlas
from lamella.analyses.activation_spectrum import ActivationSpectrum
from lamella.analyses.activation_statistics import ActivationStatistics
from lamella.analyses.attribution_maps import AttributionMaps
from lamella.analyses.classes import Classes, LogitContributions
from lamella.analyses.dataset_examples import DatasetExamples
from lamella.analyses.dissection import Dissection
from lamella.analyses.embedding import Embedding
from lamella.analyses.facets import Facets
from lamella.analyses.feature_visualization import Diversity, FeatureVisualization, Minimizing
from lamella.analyses.image_embeddings import ImageEmbeddings
from lamella.analyses.interpretability import Interpretability
from lamella.analyses.label_selectivity import LabelSelectivity
from lamella.analyses.layer_activations import LayerActivations
from lamella.analyses.objectives import Objectives
from lamella.analyses.panel import Panel
from lamella.analyses.photographs import Photographs
from lamella.analyses.predictions import Predictions
from lamella.analyses.sanity_checks import SanityChecks
from lamella.analyses.statistics import Statistics
from lamella.analyses.tuning_curves import Stimuli, TuningCurves
from lamella.analyses.unit_attribution import UnitAttribution
from lamella.analyses.visualization_quality import VisualizationQuality
from lamella.analyses.weights import Weights
from lamella.errors import ConfigError

PANELS: tuple[Panel, ...] = (
    FeatureVisualization(),
    VisualizationQuality(),
    Diversity(),
    Minimizing(),
    DatasetExamples(),
    ActivationSpectrum(),
    Facets(),
    UnitAttribution(),
    LabelSelectivity(),
    Interpretability(),
    Statistics(),
    Stimuli(),
    TuningCurves(),
    Dissection(),
    Weights(),
    LogitContributions(),
    Embedding(),
    Photographs(),
    Predictions(),
    Classes(),
    AttributionMaps(),
    SanityChecks(),
    ImageEmbeddings(),
    Objectives(),
    ActivationAtlas(),
    ActivationStatistics(),
    LayerActivations(),
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
        if not hasattr(kind, "shows_photographs"):
            raise ConfigError(
                f"The panel {kind.name!r} does not say what it shows of images.",
                "Set its shows_photographs, which decides what a private atlas publishes.",
            )
        if kind.name in found:
            raise ConfigError(f"Two panels are called {kind.name!r}; uninstall one.")
        found[kind.name] = kind()
    return tuple(found.values())
