"""What a statistic of the survey is: something that can be updated, merged and finished.

Flow: summary -> **collector** -> run -> store.

`merge` is associative and commutative, and a new collector is its empty element: one process, many
GPUs and a cluster run the same code, and any split of the images gives the same result.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from lamella.survey.summary import Summary

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Extent:
    """What a collector is made for.

    Attributes:
        channels: of the layer.
        places: positions of the layer, rows times columns.
        labels: how many different labels the images have; 0 for none.
        signed: whether the layer's activations can be clearly negative.
    """

    channels: int
    places: int = 1
    labels: int = 0
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """The images of a batch: their numbers, stable ids, and labels by number, -1 for none."""

    numbers: NDArray[np.int64]
    ids: tuple[str, ...]
    labels: NDArray[np.int64]


class Collector(ABC):
    """One statistic of one layer.

    Attributes:
        fields: its arrays by name; they are all its state, so that it can be stored and resumed.
        labelled: whether it depends on the images' labels.
    """

    fields: ClassVar[tuple[str, ...]]
    labelled: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def empty(cls, extent: Extent) -> Self:
        """Of no image."""

    @classmethod
    def suits(cls, extent: Extent) -> bool:
        """Whether there is anything to collect."""
        return not cls.labelled or extent.labels > 0

    @abstractmethod
    def update(self, summary: Summary, shown: Shown) -> None:
        """Take in one batch: its summary, and which images it is of."""

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
    def restored(cls, extent: Extent, arrays: Arrays) -> Self:
        """The collector whose `state` was stored."""
        collector = cls.empty(extent)
        for name in cls.fields:
            setattr(collector, name, arrays[name])
        return collector
