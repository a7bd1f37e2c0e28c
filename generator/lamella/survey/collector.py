"""What a statistic of the survey is: something that can be updated, merged and finished.

`merge` is associative and commutative, and a new collector is its empty element: one process, many
GPUs and a cluster run the same code, and any split of the images gives the same result.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from lamella.survey.summary import Summary

Arrays = dict[str, NDArray[Any]]


class Collector(ABC):
    """One statistic of one layer.

    Attributes:
        fields: its arrays by name; they are all its state, so that it can be stored and resumed.
    """

    fields: ClassVar[tuple[str, ...]]

    @classmethod
    @abstractmethod
    def empty(cls, channels: int) -> Self:
        """Of no image."""

    @abstractmethod
    def update(self, summary: Summary, images: NDArray[np.int64], ids: tuple[str, ...]) -> None:
        """Take in one batch: its summary, its image numbers and their stable ids."""

    @abstractmethod
    def merge(self, other: Self) -> None:
        """Take in what another collector of the same layer saw of other images."""

    @abstractmethod
    def finish(self) -> Arrays:
        """The facts, as arrays whose first axis is the channels."""

    def state(self) -> Arrays:
        """Its arrays, to be stored."""
        return {name: getattr(self, name) for name in self.fields}

    @classmethod
    def restored(cls, channels: int, arrays: Arrays) -> Self:
        """The collector whose `state` was stored."""
        collector = cls.empty(channels)
        for name in cls.fields:
            setattr(collector, name, arrays[name])
        return collector
