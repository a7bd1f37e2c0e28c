"""Colour scales that several analyses draw with."""

import numpy as np
from numpy.typing import NDArray

# Blue, white, red (ColorBrewer's RdBu): even steps of lightness on both sides, safe for the
# colour-blind; white is zero.
_ANCHORS = np.array(
    [[5, 48, 97], [67, 147, 195], [247, 247, 247], [214, 96, 77], [103, 0, 31]], dtype=np.float64
)


def diverging(values: NDArray[np.float64], limit: float) -> NDArray[np.uint8]:
    """Values from -limit to limit as colours, (..., 3); beyond it they saturate."""
    at = (np.clip(values / limit, -1, 1) + 1) * 2
    channels = [np.interp(at, range(5), _ANCHORS[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)
