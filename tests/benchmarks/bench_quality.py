"""How good the pictures are: a sample of both networks' units, through the pipeline as it is.

Prints what `lamella report` prints: strength, selectivity, grey and dead pictures layer by layer,
and the gates, each with the units that miss it; those beyond the first ten stand in report.json.
A gate that is missed fails nothing here. What does: a unit of the sample that has neither a
picture nor a failure to its name, and a picture whose measures are not numbers.

Survey and pictures lie in .bench/quality/<network> and stay, so that a run goes on where the last
one stopped, and a larger sample reuses a smaller one's pictures where both hold a unit. Shares are
of the sample; a gate that is met by it may be missed by the whole.

LAMELLA_UNITS (16, a full batch on a processor: fewer would take as long) is the number of units a
layer, evenly spread, or "all";
LAMELLA_BENCH_PHOTOGRAPHS (all) that of photographs, LAMELLA_BENCH_LAYERS ("*") which layers.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from lamella.analyses.panel import Panel
from lamella.analyses.visualization_quality.stored import Quality, quality_of
from lamella.commands.progress import Progress
from lamella.commands.report import quality_report
from lamella.config.config import Config
from lamella.config.config import load as load_config
from lamella.network.units import Layer
from lamella.pipeline.pipeline import Analysis, Selection

ROOT = Path(__file__).parents[2]
NETWORKS = {"squeezenet1_1": "atlas.toml", "efficientnet_lite0": "efficientnet_lite0.toml"}
UNITS = os.environ.get("LAMELLA_UNITS", "16")
PHOTOGRAPHS = os.environ.get("LAMELLA_BENCH_PHOTOGRAPHS")
LAYERS = tuple(os.environ.get("LAMELLA_BENCH_LAYERS", "*").split())
PANEL = "feature_visualization"


def evenly(channels: int, number: int | None) -> list[int]:
    """So many channels of a layer, evenly spread, both ends among them; None for all."""
    if number is None or number >= channels:
        return list(range(channels))
    return [int(at) for at in np.linspace(0, channels - 1, number).round()]


@dataclass(frozen=True)
class Sampled(Analysis):
    """An analysis to which the units of a sample are all that a layer has.

    What is missing is all that tells the pipeline what to do: the survey, one queue for all layers
    and the store are those of every build.
    """

    number: int | None = None

    def sample(self, layer: Layer) -> list[int]:
        return evenly(layer.channels, self.number)

    def missing(self, panel: Panel, layer: Layer, channels: Sequence[int] = ()) -> list[int]:
        return super().missing(panel, layer, channels or self.sample(layer))


def config_of(network: str) -> Config:
    """The network's own atlas.toml, with pictures alone, in a work folder of the benchmark."""
    work = ROOT / ".bench" / "quality" / network
    changed = {"images": {"limit": int(PHOTOGRAPHS)}} if PHOTOGRAPHS else {}
    return load_config(
        ROOT / "site" / NETWORKS[network],
        output={"work": str(work)},
        analysis={"panels": [PANEL], "layers": list(LAYERS)},
        **changed,
    )


def check(own: Quality, sample: Sequence[int]) -> None:
    """Every unit of the sample has a picture that was measured, or is known to have failed."""
    lost = [at for at in sample if not own.picture[at] and not own.failed[at]]
    assert not lost, f"{own.layer}: neither picture nor failure of {lost}"
    for name in ("activation", "contrast"):
        odd = np.flatnonzero(own.picture & ~np.isfinite(getattr(own, name)))
        assert not odd.size, f"{own.layer}: {name} of {odd.tolist()} is no number"
    unranked = np.flatnonzero(own.picture & ((own.rank < 1) | (own.rank > own.rank.size)))
    assert not unranked.size, f"{own.layer}: {unranked.tolist()} have no rank"


@pytest.mark.parametrize("network", NETWORKS)
def test_quality_of_pictures(network: str) -> None:
    config = config_of(network)
    if not config.path(config.model.weights).is_file():
        pytest.skip("run: python site/fetch.py efficientnet_lite0")
    number = None if UNITS == "all" else int(UNITS)
    analysis = Sampled(**vars(Analysis.of(config)), number=number)
    panel = next(panel for panel, _ in analysis.panels if panel.name == PANEL)
    layers, every = analysis.atlas.network.layers, analysis.atlas.network.units
    made = sum(len(analysis.missing(panel, layer)) for layer in layers)
    asked = sum(len(analysis.sample(layer)) for layer in layers)
    progress = Progress()
    print(
        f"\n{network}: {asked} of {every} units, {asked - made} of them there already", flush=True
    )
    for _ in analysis.run(Selection(panels=(PANEL,)), progress):
        pass

    file = config.path(config.output.work) / "report.json"
    quality_report(config, (), str(file))
    found = [quality_of(analysis.atlas.layer(layer)) for layer in layers]
    there = sum(int((own.picture | own.failed).sum()) for own in found)
    seconds = progress.seconds.get(PANEL, 0.0)
    print(
        f"{network}: the report is of {there} of {every} units, {there / every:.1%}; {made} made "
        f"now in {seconds:.0f} s on {analysis.model.device}, {seconds / max(made, 1):.2f} s each; "
        f"survey of {len(analysis.images)} photographs {progress.seconds.get('survey', 0.0):.0f} s;"
        f" all misses: {file}"
    )
    for layer, own in zip(layers, found, strict=True):
        check(own, analysis.sample(layer))
