"""Objectives together with the code that writes them: what is printed is what was raised.

Flow: optvis -> **expressions** -> objectives, regularization, lecture_rules. The two add up, and
take factors, by the same operations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from lamella.optvis import Objective


@dataclass(frozen=True)
class Expression:
    """An objective, and what to write to have it, picture by picture.

    Attributes:
        objective: the objective of a batch.
        texts: an expression for each picture of the batch.
        terms: what each of its terms means, by the term's own expression.
    """

    objective: Objective
    texts: tuple[str, ...]
    terms: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, objective: Objective, *texts: str) -> "Expression":
        """A single term."""
        return cls(objective, texts, dict.fromkeys(texts, objective.description))

    def __add__(self, other: "Expression") -> "Expression":
        both = {**self.terms, **other.terms}
        return Expression(self.objective + other.objective, self._joined(" + ", other), both)

    def __sub__(self, other: "Expression") -> "Expression":
        both = {**self.terms, **other.terms}
        return Expression(self.objective - other.objective, self._joined(" - ", other), both)

    def __rmul__(self, factor: "float | Tensor") -> "Expression":
        """One factor for all, or one for each picture; terms that it takes away are not written."""
        each = factor.tolist() if isinstance(factor, Tensor) else [factor] * len(self.texts)
        texts = tuple(map(_times, each, self.texts))
        return Expression(self.objective * factor, texts, self.terms)

    def _joined(self, sign: str, other: "Expression") -> tuple[str, ...]:
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
