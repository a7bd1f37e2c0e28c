"""Lamella against torch-lucent 0.1.8: the same network, units, threads and ruler, in one run.

First each at its own defaults, as a user gets them: Lucent 512 steps of 128 px, shown to the
network at 224; Lamella 64 steps at the size that fits the layer, weak pictures made again. Then
both at the same size and steps, with no second attempts. Lucent shows pictures under 224 px to the
network at 224: here it is told not to, in two ways. Shown at the picture's own size, the picture
with its padding of 12 px a side is shrunk to fit, which is its fastest; shown with the padding on
top, it is seen at its own scale, as Lucent does from 224 px on, which is its strongest.

Lucent raises the plain mean of the channel (`layer:channel`), Lamella the mean against the layer;
both of the values before the ReLU. What Lucent is given to do its best: see lucent_worker.py.

Lucent's time is the median over the units of the sample, one after the other, as it works; with as
many threads as Lamella uses. Lamella's is per unit of full batches of the layer, the sample among
them, as a build works, before and after Lucent's; encoding pictures is in neither. The ruler gives
the peak activation over the photographs' maximum, and the rank in the layer; Lamella knows both
maxima and deviations beforehand, as it does from its survey, and Lucent has no use for them.

LAMELLA_BENCH_UNITS (4) is the number of units a layer, LAMELLA_BENCH_PHOTOGRAPHS (all) that of
photographs, LAMELLA_BENCH_STEPS ("64 128") the steps of the second part.
"""

import os
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from benchmarks.lucent_client import Lucent, NoLucent
from benchmarks.ruler import Read, Usual, photographs, read, usual
from lamella.analyses.feature_visualization.campaign import Campaign
from lamella.analyses.feature_visualization.recipe import Recipe
from lamella.config.config import load as load_config
from lamella.engines.local import places
from lamella.loading.load import device_of, load
from lamella.network.model import Model
from lamella.network.units import Layer

SITE = Path(__file__).parents[2] / "site"
LAYERS = ("features.6.expand3x3", "features.10.expand3x3", "features.12.expand1x1", "classifier.1")
UNITS = int(os.environ.get("LAMELLA_BENCH_UNITS", "4"))
PHOTOGRAPHS = int(os.environ.get("LAMELLA_BENCH_PHOTOGRAPHS", "0")) or None
EQUAL_STEPS = tuple(map(int, os.environ.get("LAMELLA_BENCH_STEPS", "64 128").split()))
EQUAL_SIZE = 96
PADDING = 24  # that Lucent's default transformations add, left and right together
BATCH = 16  # Lamella's default on a processor
# Where pictures of different sizes are measured; the last is what Lucent's defaults aim at.
SIDES = (64, 96, 128, 160, 192, 224)


@dataclass(frozen=True, slots=True)
class Case:
    """What is compared. None stands for an engine's own default.

    Attributes:
        seen: the side at which Lucent shows its picture to the network.
        again: whether Lamella may try again what a photograph beats.
    """

    title: str
    size: int | None = None
    steps: int | None = None
    seen: int | None = None
    again: bool = False


CASES = (
    Case("each at its own defaults", again=True),
    *(
        Case(f"{EQUAL_SIZE} px, {steps} steps; Lucent {how}", EQUAL_SIZE, steps, seen)
        for steps in EQUAL_STEPS
        for how, seen in (
            ("at its fastest", EQUAL_SIZE),
            ("at its strongest", EQUAL_SIZE + PADDING),
        )
    ),
)


def lamella_pictures(
    model: Model,
    layer: Layer,
    channels: Sequence[int],
    survey: dict[str, object],
    size: int | None,
    steps: int | None,
) -> tuple[dict[int, Tensor], float]:
    """Pictures by channel, `(3, size, size)`, and wall seconds, on the way that the panel takes."""
    began = time.perf_counter()
    recipe = Recipe.of(model, layer, survey, steps=steps or 64, size=size)
    campaign = Campaign(places(model), {layer.name: recipe}, {layer.name: BATCH}, seed=0)
    made = {
        picture.channel: picture.image
        for finished in campaign.run([(layer.name, channels)])
        for picture in finished.pictures
    }
    return made, time.perf_counter() - began


@dataclass(frozen=True, slots=True)
class Row:
    """One layer: seconds per unit and what the ruler says of the sample, Lucent's first."""

    layer: str
    seconds: tuple[float, float]
    reads: tuple[list[Read], list[Read]]

    @property
    def ratio(self) -> float:
        return self.seconds[0] / self.seconds[1]


@pytest.fixture(scope="module")
def model() -> Model:
    config = load_config(SITE / "atlas.toml")
    return load(config, device_of(config.analysis.device))


@pytest.fixture(scope="module")
def known(model: Model) -> dict[str, Usual]:
    images = photographs(SITE / "data" / "photographs", model, PHOTOGRAPHS)
    found = usual(model, [model.traced[name].layer for name in LAYERS], images)
    print(f"\nLucent: strength is over the maximum of {len(images)} photographs")
    return found


@pytest.fixture(scope="module")
def lucent(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lucent]:
    config = load_config(SITE / "atlas.toml")
    file, _, function = config.model.source.rpartition(":")
    network = {
        "network": f"{config.path(file)}:{function}",
        "weights": str(config.path(config.model.weights)),
        "preprocessing": model.preprocessing.model_dump(mode="json"),
    }
    try:
        with Lucent(network, tmp_path_factory.mktemp("lucent"), torch.get_num_threads()) as worker:
            yield worker
    except NoLucent as error:
        print(f"\nLucent: not measured, {error}")
        pytest.skip(str(error))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_against_lucent(case: Case, model: Model, known: dict[str, Usual], lucent: Lucent) -> None:
    rows = [measured(case, model, model.traced[name].layer, known[name], lucent) for name in LAYERS]
    show(case, rows)


def measured(case: Case, model: Model, layer: Layer, known: Usual, lucent: Lucent) -> Row:
    """One layer by both engines, Lamella before and after Lucent."""
    survey = known.as_survey()
    if not case.again:
        del survey["maximum"]  # with no photograph to beat, there is no second attempt
    full = BATCH * len(places(model)) * (2 if case.again else 1)
    order = np.random.default_rng(0).permutation(layer.channels).tolist()
    sample, company = order[:UNITS], order[: max(full, UNITS)]
    lamella_pictures(model, layer, company[:BATCH], survey, case.size, 2)  # warm-up
    ours, before = lamella_pictures(model, layer, company, survey, case.size, case.steps)
    theirs = lucent.pictures(layer.name, sample, size=case.size, seen=case.seen, steps=case.steps)
    _, after = lamella_pictures(model, layer, company, survey, case.size, case.steps)
    assert theirs.device == model.device.type
    sides = (case.size,) if case.size else SIDES
    return Row(
        layer.name,
        (statistics.median(theirs.seconds), (before + after) / 2 / len(company)),
        tuple(
            [
                read(model, layer, channel, image, known, sides)
                for channel, image in zip(sample, images, strict=True)
            ]
            for images in (theirs.images, [ours[channel] for channel in sample])
        ),
    )


def show(case: Case, rows: Sequence[Row]) -> None:
    """A table, Lucent's number first in each pair."""
    table = Table(title=f"Lucent | Lamella: {case.title}", title_justify="left")
    for name in ("layer", "s per unit", "ratio", "strength", "ours / theirs", "first in layer"):
        table.add_column(name, justify="left" if name == "layer" else "right", no_wrap=True)
    for row in rows:
        table.add_row(row.layer, *cells(row.seconds, row.reads))
    both = tuple([found for row in rows for found in row.reads[at]] for at in (0, 1))
    seconds = tuple(statistics.median(row.seconds[at] for row in rows) for at in (0, 1))
    table.add_section()
    table.add_row("median", *cells(seconds, both, statistics.median(row.ratio for row in rows)))
    print()
    Console(width=100).print(table)
    aim = "; aim: ratio 5" if case.size is None else ""
    print(f"{UNITS} units a layer, {torch.get_num_threads()} threads{aim}")


def cells(
    seconds: tuple[float, ...], reads: tuple[list[Read], ...], ratio: float | None = None
) -> Iterator[str]:
    """The columns behind the name."""
    yield " | ".join(f"{each:.3g}" for each in seconds)
    yield f"{ratio or seconds[0] / seconds[1]:.1f}"
    yield " | ".join(f"{np.nanmedian([found.strength for found in each]):.2f}" for each in reads)
    pairs = zip(*reads, strict=True)
    yield f"{np.median([b.peak / a.peak if a.peak > 0 else np.inf for a, b in pairs]):.2f}"
    yield " | ".join(f"{sum(found.rank == 1 for found in each)}/{len(each)}" for each in reads)
