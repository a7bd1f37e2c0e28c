"""What a demonstration is, and what it asks of the engine.

Flow: context -> **specification** -> objectives, regularization, lecture_rules -> ascents. A
demonstration is one batch: pictures that are made together because they share everything but the
unit, the seed or a factor.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from lamella.analyses.objectives.context import Context
from lamella.analyses.objectives.expressions import Expression
from lamella.optvis import Parameterization, Settings


@dataclass(frozen=True)
class Specification:
    """What one ascent is to be.

    Attributes:
        expression: what is raised, for each picture of the batch.
        captions: a short name for each picture that is shown.
        network: see `optvis.ascend`.
        settings: of the ascent.
        parameterization: what is optimised.
        start: see `optvis.ascend`.
        seeds: one for each picture of the batch; without them all have the unit's.
        at: to show the single picture of the batch after so many steps each.
        faded: to show each picture a second time, with its opacity.
    """

    expression: Expression
    captions: tuple[str, ...]
    network: Callable[[Tensor], Mapping[str, Tensor]]
    settings: Settings
    parameterization: Parameterization
    start: Tensor | str = "noise"
    seeds: tuple[int, ...] = ()
    at: tuple[int, ...] = ()
    faded: bool = False


@dataclass(frozen=True)
class Demonstration:
    """Pictures that are made by one ascent.

    Attributes:
        key: its name in the text of the page, and in the store.
        make: what it asks of the engine.
        pictures: how many there are.
        needs: what it cannot be made without, see `compute.available`.
        photographic: whether the pictures show a photograph. They are made, and shown, only where
            photographs are published as a whole.
    """

    key: str
    make: Callable[[Context], Specification]
    pictures: int = 1
    needs: frozenset[str] = frozenset()
    photographic: bool = False


@dataclass
class Listing:
    """The demonstrations, in the order in which they are numbered."""

    demonstrations: list[Demonstration] = field(default_factory=list)

    def add(
        self, key: str, pictures: int = 1, needs: str = "", photographic: bool = False
    ) -> Callable[[Callable[[Context], Specification]], Callable[[Context], Specification]]:
        """A decorator: the function makes this demonstration. `needs` are words."""

        def noted(make: Callable[[Context], Specification]) -> Callable[[Context], Specification]:
            self.demonstrations.append(
                Demonstration(key, make, pictures, frozenset(needs.split()), photographic)
            )
            return make

        return noted
