"""The activations of units under masks so far: in memory, and on disk until all of it is drawn.

Flow: occlusion -> **checkpoint** -> compute. A crop of an image serves units of many layers, whose
shards are written long after; a run that is killed in between finds its numbers here.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lamella.network.units import Layer
from lamella.store.checkpoint import load_state, save_state

SECONDS = 20.0  # between two states on disk
FILE = "partial.safetensors"


class Checkpoint:
    """A row of numbers for each example of each unit.

    Args:
        layers: whose units.
        examples: of a unit.
        masks: that lie over an example, one after another.

    Attributes:
        values: by layer, (channel, example, 1 + mask): the activation without and under each mask;
            NaN where it is not known.
        whole: by layer, (channel, example): whether the example needs its whole image.
    """

    def __init__(self, layers: Iterable[Layer], examples: int, masks: int) -> None:
        self.values: dict[str, NDArray[np.float32]] = {}
        self.whole: dict[str, NDArray[np.bool_]] = {}
        for layer in layers:
            shape = (layer.channels, examples)
            self.values[layer.name] = np.full((*shape, 1 + masks), np.nan, np.float32)
            self.whole[layer.name] = np.zeros(shape, np.bool_)
        self._saved = time.monotonic()

    def complete(self, layer: str, channel: int, place: int) -> bool:
        """Whether an example was seen under all masks."""
        return bool(np.isfinite(self.values[layer][channel, place]).all())

    def redo_whole(self, layer: str, channel: int, place: int) -> None:
        """Ask for an example again, and for its whole image."""
        self.values[layer][channel, place] = np.nan
        self.whole[layer][channel, place] = True

    def save(self, path: Path, *, now: bool = False) -> None:
        """Store the state, whole or not at all, if the last one is old enough."""
        if now or time.monotonic() - self._saved > SECONDS:
            tensors = {f"values/{name}": values for name, values in self.values.items()}
            flags = {f"whole/{name}": flags for name, flags in self.whole.items()}
            save_state(path, {**tensors, **flags})
            self._saved = time.monotonic()

    def resume(self, path: Path) -> None:
        """Go on from the stored state of those layers that it has."""
        found = load_state(path)
        if found is None:
            return
        for name, values in self.values.items():
            before, flags = found.get(f"values/{name}"), found.get(f"whole/{name}")
            if before is not None and flags is not None and before.shape == values.shape:
                self.values[name], self.whole[name] = before, flags
