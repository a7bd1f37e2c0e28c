"""How well the pictures of cells hit the vectors that they are to show.

Flow: pictures + stored -> **likeness** -> compute -> store. Imports no torch.
"""

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.activation_atlas.stored import Layout


def likeness(answers: NDArray[np.float32], layout: Layout) -> list[dict[str, float]]:
    """How well the pictures of each level hit their cells.

    Returns:
        For each level "cosine", the median cosine of the layer's mean values on a picture with the
        cell's mean vector, and "own", the share of pictures that are nearer to the vector of their
        own cell than to that of any other, by the same.
    """
    found, first = [], 0
    for level in layout.levels:
        run = slice(first, first + len(level.count))
        first = run.stop
        lengths = np.linalg.norm(answers[run], axis=1, keepdims=True)
        unit = answers[run] / np.maximum(lengths, 1e-12)
        wanted = level.mean / np.linalg.norm(level.mean, axis=1, keepdims=True)
        cosine = unit @ wanted.T
        own = cosine.diagonal()
        found.append(
            {
                "cosine": float(np.median(own)),
                "own": float((cosine.argmax(axis=1) == np.arange(len(own))).mean()),
            }
        )
    return found
