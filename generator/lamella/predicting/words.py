"""Probabilities and shares, as pages say them.

Flow: answers -> **words** -> panels' `view`.
"""


def probability(share: float) -> str:
    """In percent; never rounded to nothing or to all."""
    if share < 0.0005:
        return "< 0.1 %"
    return "> 99.9 %" if share > 0.9995 else f"{100 * share:.1f} %"


def share_of(part: int, whole: int) -> str:
    """A part of something that was counted, in whole percent; never rounded to none or all."""
    share = part / max(1, whole)
    if 0 < share < 0.01:
        return "< 1 %"
    return "> 99 %" if 0.99 < share < 1 else f"{round(100 * share)} %"
