"""How long the pictures of a layer would take on this machine, measured in a moment.

Flow: job + recipe -> **estimate** -> `lamella layers`. A few forward and backward passes of the
network, cut at the layer and at the size that the analysis would use, times the steps that are set.
"""

import math
import time

import torch

from lamella.analyses.feature_visualization.recipe import picture_side
from lamella.analyses.job import Job
from lamella.engines.local import places
from lamella.errors import LamellaError
from lamella.network.activations import cut
from lamella.network.model import Model
from lamella.network.units import Layer

# Pixels of the batch that is measured: enough to count, few enough not to wait.
PIXELS = {"cpu": 8 * 96 * 96, "cuda": 128 * 96 * 96}
REPETITIONS = 2


def seconds_per_unit(job: Job, layer: Layer) -> float:
    """Seconds that the feature visualization of one unit takes, in a batch of many.

    Returns:
        NaN where the network does not run at the size of the pictures.
    """
    workers = len(places(job.model))
    threads = torch.get_num_threads()
    try:
        side = picture_side(job.model, layer, job.settings.size)
        torch.set_num_threads(1 if job.model.device.type == "cpu" else threads)
        each = _seconds_per_image(job.model, layer, side)
    except (RuntimeError, ValueError, AssertionError, LamellaError):
        return math.nan
    finally:
        torch.set_num_threads(threads)
    return each * int(job.settings.steps) / workers


def _seconds_per_image(model: Model, layer: Layer, side: int) -> float:
    """Seconds that one image takes, forward to the layer and back."""
    network = cut(model.module, model.traced[layer.name].target)
    batch = max(1, PIXELS.get(model.device.type, PIXELS["cpu"]) // side**2)
    images = torch.rand(
        batch, model.planes.number, side, side, device=model.device, requires_grad=True
    )

    def step() -> float:
        began = time.monotonic()
        network(model.normalise(images)).mean().backward()  # type: ignore[no-untyped-call]
        if model.device.type == "cuda":
            torch.cuda.synchronize(model.device)
        return time.monotonic() - began

    step()
    # The least of them: whatever else the machine does only adds to it.
    return min(step() for _ in range(REPETITIONS)) / batch
