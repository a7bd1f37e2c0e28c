"""Feature visualization: images that excite units, by gradient ascent, many units in one batch.

Flow: activations.cut -> **optvis** -> feature_visualization, objectives, activation_atlas. Four
parts: `param` (what is optimised), `transform` (what the picture must withstand), `objective` (what
is wanted), `ascend` (the loop). The engine knows nothing of models: it is given a function from
images to the values of its target.
"""

from lamella.optvis.ascend import Ascent, NoGradient, NotFinite, ascend
from lamella.optvis.channel import Channel, Neuron
from lamella.optvis.further_objectives import (
    Caricature,
    DeepDream,
    Direction,
    Diversity,
    Logit,
    Probability,
)
from lamella.optvis.maco import Maco, magnitudes
from lamella.optvis.objective import Objective, Seen, Sum
from lamella.optvis.param import Fourier, Parameterization
from lamella.optvis.penalties import L1, L2, Blur, HighFrequencies, TotalVariation
from lamella.optvis.pixels import Pixels
from lamella.optvis.settings import MACO, Settings, fitted_size
from lamella.optvis.transform import Crops, Transformation

__all__ = [
    "L1",
    "L2",
    "MACO",
    "Ascent",
    "Blur",
    "Caricature",
    "Channel",
    "Crops",
    "DeepDream",
    "Direction",
    "Diversity",
    "Fourier",
    "HighFrequencies",
    "Logit",
    "Maco",
    "Neuron",
    "NoGradient",
    "NotFinite",
    "Objective",
    "Parameterization",
    "Pixels",
    "Probability",
    "Seen",
    "Settings",
    "Sum",
    "TotalVariation",
    "Transformation",
    "ascend",
    "fitted_size",
    "magnitudes",
]
