"""The survey's cost over a bare forward pass on the same decoded images, in one run.

Prints the ratio; with all collectors, those of labels included; the aim is at most 1.6.
"""

import statistics
import time
from pathlib import Path

import numpy as np
import torch

from lamella.facts import Manifest, Photograph
from lamella.images import Batch, Images
from lamella.model import load
from lamella.survey.run import Pass

IMAGES, BATCH, ROUNDS, LABELS = 256, 32, 5, 10


def test_survey_over_a_bare_forward_pass() -> None:
    from lamella.config import load as load_config

    config = load_config(Path(__file__).parents[2] / "site" / "atlas.toml")
    model = load(config, torch.device("cpu"))
    random = np.random.default_rng(0)
    height, width = model.facts.size
    photographs = tuple(
        Photograph(str(n), f"{n}.png", f"label {n % LABELS}") for n in range(IMAGES)
    )
    labels = tuple(f"label {n}" for n in range(LABELS))
    images = Images(
        Manifest("", photographs, labels=labels), [Path()] * IMAGES, model.preprocessing
    )
    batches = [
        Batch(
            tuple(range(first, first + BATCH)),
            random.integers(0, 256, (BATCH, height, width, 3), dtype=np.uint8),
        )
        for first in range(0, IMAGES, BATCH)
    ]

    def bare() -> None:
        with torch.inference_mode():
            for batch in batches:
                pixels = torch.from_numpy(batch.pixels).permute(0, 3, 1, 2).float().div_(255)
                model.module(model.normalise(pixels))

    def surveyed() -> None:
        state = Pass(model.facts.layers, images)
        for batch in batches:
            state.see(model, batch)

    bare(), surveyed()  # compiles, allocates
    seconds: dict[str, list[float]] = {"bare": [], "survey": []}
    for _ in range(ROUNDS):
        for name, run in (("bare", bare), ("survey", surveyed)):
            began = time.perf_counter()
            run()
            seconds[name].append((time.perf_counter() - began) / IMAGES * 1e3)
    ratios = [b / a for a, b in zip(seconds["bare"], seconds["survey"], strict=True)]
    print(
        f"\nsurvey: {statistics.median(seconds['survey']):.1f} ms an image, bare forward pass "
        f"{statistics.median(seconds['bare']):.1f} ms, ratio {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f}; aim 1.6), {torch.get_num_threads()} threads"
    )
