"""At which shares of the pixels a probability is measured, and what is made of it.

Flow: **shares** -> deletion, report. Imports no torch.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Most happens while few pixels are gone.
SHARES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0)
FLOORS = ("random pixels", "random squares", "from the centre")  # orders that know nothing


def area(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The area under curves over `SHARES`, `(..., share)`, by trapezoids: a mean probability."""
    middles = (values[..., 1:] + values[..., :-1]) / 2
    found: NDArray[np.float64] = (middles * np.diff(SHARES)).sum(-1)
    return found
