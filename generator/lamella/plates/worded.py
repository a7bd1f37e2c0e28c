"""Objectives together with the code that writes them: what is printed is what was raised.

Flow: optvis -> **worded** -> recipes. The two add up, and take factors, by the same operations.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from lamella.optvis import Objective


@dataclass(frozen=True)
class Worded:
    """An objective, and what to write to have it, picture by picture.

    Attributes:
        objective: the objective of a batch.
        texts: an expression for each picture of the batch.
    """

    objective: Objective
    texts: tuple[str, ...]

    def __add__(self, other: "Worded") -> "Worded":
        return Worded(self.objective + other.objective, self._joined(" + ", other))

    def __sub__(self, other: "Worded") -> "Worded":
        return Worded(self.objective - other.objective, self._joined(" - ", other))

    def __rmul__(self, factor: "float | Tensor") -> "Worded":
        """One factor for all, or one for each picture; terms that it takes away are not written."""
        each = factor.tolist() if isinstance(factor, Tensor) else [factor] * len(self.texts)
        return Worded(self.objective * factor, tuple(map(_times, each, self.texts)))

    def _joined(self, sign: str, other: "Worded") -> tuple[str, ...]:
        return tuple(
            sign.join(term for term in terms if term)
            for terms in zip(self.texts, other.texts, strict=True)
        )


def _times(factor: float, text: str) -> str:
    if not factor:
        return ""
    return text if factor == 1 else f"{rounded(factor):g} * {text}"


def rounded(number: float, digits: int = 2) -> float:
    """A number to so many digits: what is printed, and used, in its place."""
    return float(f"{number:.{digits}g}")


def numbers(values: Sequence[float]) -> list[float]:
    """Numbers, each `rounded`."""
    return [rounded(value) for value in values]
