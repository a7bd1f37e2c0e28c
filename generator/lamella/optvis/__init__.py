"""Feature visualization: images that excite units, by gradient ascent, many units in one batch.

Flow: activations.cut -> **optvis** -> panels. Four parts: `param` (what is optimised), `transform`
(what the picture must withstand), `objective` (what is wanted), `ascend` (the loop). The engine
knows nothing of models: it is given a function from images to the values of its target.
"""

from lamella.optvis.ascend import Ascent, Settings, ascend, fitted_size
from lamella.optvis.objective import Channel, Neuron, Objective, Sum
from lamella.optvis.transform import Transformation

__all__ = [
    "Ascent",
    "Channel",
    "Neuron",
    "Objective",
    "Settings",
    "Sum",
    "Transformation",
    "ascend",
    "fitted_size",
]
