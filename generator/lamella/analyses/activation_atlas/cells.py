"""All of an atlas but its pictures: vectors sampled, laid out, divided into cells, these named.

Flow: sampling -> projection -> grid -> class_names -> **cells** -> compute -> store.
"""

from typing import Any

import numpy as np

from lamella.analyses.activation_atlas.class_names import effects, named, strongest_classes
from lamella.analyses.activation_atlas.grid import levels
from lamella.analyses.activation_atlas.projection import plane, spread
from lamella.analyses.activation_atlas.sampling import sample
from lamella.analyses.activation_atlas.spaces import Space
from lamella.analyses.activation_atlas.stored import Layout, Numbering
from lamella.analyses.job import Job
from lamella.engines.interrupts import interruptible


def laid_out(job: Job, space: Space, numbering: Numbering) -> tuple[Layout, dict[str, Any]]:
    """Sample, lay out, divide, name: the layout, and what the page says of it, as plain values."""
    options = job.settings
    taken = sample(job.model, job.images, space, most=options.vectors, seed=job.seed)
    points = spread(interruptible(lambda: plane(taken.vectors, job.seed)))
    grids = levels(points, taken.vectors, numbering.sides, options.fewest)
    usual, deviation = taken.spread()
    means = np.concatenate([np.zeros((0, space.channels), np.float32), *(g.mean for g in grids)])
    gains = None
    if named(job.model):
        gains = effects(job.model, space, means, usual, numbering.size)
    layout = Layout(tuple(grids), usual, deviation, *strongest_classes(gains, len(means)))
    images = len(set(taken.image.tolist()))
    return layout, {
        "name": space.name,
        "layers": [layer.name for layer in space.layers],
        "channels": space.channels,
        "place": numbering.place,
        "several": len(options.layers) > 1,
        "sides": list(numbering.sides),
        "levels": len(grids),
        "vectors": len(taken.vectors),
        "images": images,
        "each": int(np.bincount(taken.image).max()) if images else 0,
        "silent": taken.silent,
        "fewest": options.fewest,
        "steps": options.steps,
        "cells": layout.cell_records(space),
    }
