"""How far a share that was counted on few images can be trusted.

Flow: **wilson** -> report. Imports nothing.
"""

import math


def interval(hits: float, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's score interval of a share, by default of 95 %; (0, 1) without a trial.

    Source: Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference".
    """
    if trials <= 0:
        return 0.0, 1.0
    share = hits / trials
    spread = z * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    middle, scale = share + z**2 / (2 * trials), 1 + z**2 / trials
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
