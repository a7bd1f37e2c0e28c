"""What the store knows of a layer, made by hand."""

from pathlib import Path
from typing import Any

import numpy as np

from lamella.images.manifest import Manifest
from lamella.network.description import Network
from lamella.network.units import Layer
from lamella.store.facts import Atlas, LayerFacts
from lamella.store.gathering import PanelFacts
from lamella.store.store import Store


def panel_facts(rows: int, numbers: dict[str, Any], pictures: Any = ()) -> PanelFacts:
    arrays = {name: np.asarray(values) for name, values in numbers.items()}
    present = np.full(rows, bool(numbers))
    return PanelFacts(present, arrays, {"picture": dict.fromkeys(pictures, b"x")}, {}, {})


def made_by_hand(
    made: dict[str, Any],
    survey: dict[str, Any],
    *,
    name: str = "conv",
    activation: str | None = "relu",
    pictures: Any = None,
    explanation: dict[str, Any] | None = None,
) -> LayerFacts:
    """A layer with as many channels as there are values."""
    rows = len(next(iter((made or survey).values())))
    layer = Layer(name, "convolution", rows, 4, 4, None, activation=activation)
    network = Network("net", "net.py:net", "0" * 64, "0" * 64, 1, (8, 8), {}, (layer,))
    manifest = Manifest("0" * 64, ())
    facts = LayerFacts(network, manifest, layer, {}, Atlas(network, manifest, Store(Path()), {}))
    shown = range(rows) if pictures is None else pictures
    facts._read["feature_visualization"] = panel_facts(rows, made, shown if made else ())
    facts._read["survey"] = panel_facts(rows, survey)
    facts._read["interpretability"] = panel_facts(rows, explanation or {})
    return facts
