"""How long the pictures of a layer would take on this machine, measured in a moment.

Flow: beside the pipeline, for `lamella layers`. A few forward and backward passes of the network,
cut at the layer and at the size that the panel would use, times the steps that are set.
"""

import time

import torch

from lamella.activations import cut
from lamella.optvis import fitted_size
from lamella.panels.base import Settings
from lamella.pipeline import Analysis
from lamella.units import Layer

PIXELS = 8 * 96 * 96  # of the batch that is measured: enough to count, few enough not to wait
REPETITIONS = 2


def seconds_per_unit(analysis: Analysis, layer: Layer, settings: Settings) -> float:
    """Seconds that the feature visualization of one unit takes, in a batch of many.

    Args:
        settings: of the panel `feature_visualization`.
    """
    model = analysis.model
    network = cut(model.module, model.traced[layer.name].target)
    side = _side(layer, model.facts.size, settings)
    batch = max(1, PIXELS // side**2)
    images = torch.rand(batch, 3, side, side, device=model.device, requires_grad=True)

    def step() -> float:
        began = time.monotonic()
        network(model.normalise(images)).mean().backward()  # type: ignore[no-untyped-call]
        if model.device.type == "cuda":
            torch.cuda.synchronize(model.device)
        return time.monotonic() - began

    step()
    # The least of them: whatever else the machine does only adds to it.
    fastest = min(step() for _ in range(REPETITIONS))
    return fastest / batch * float(getattr(settings, "steps", 1))


def _side(layer: Layer, native: tuple[int, int], settings: Settings) -> int:
    """The side of the panel's pictures of a layer, in pixels."""
    field = layer.field.size if layer.field else None
    return getattr(settings, "size", None) or fitted_size(field, native=min(native))
