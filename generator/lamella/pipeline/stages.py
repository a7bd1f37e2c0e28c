"""Who is told how far a run is.

Flow: pipeline -> **stages** -> progress, which shows it.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol


class Stages(Protocol):
    """How far a run is."""

    def stage(
        self, name: str, total: int, what: str
    ) -> AbstractContextManager[Callable[[int], None]]:
        """A stage of `total` things; yields what is to be called with the number just finished."""
        ...

    def say(self, text: str) -> None:
        """A plain line."""
        ...
