"""The survey's cost over a bare forward pass on the same decoded photographs, in one run.

With all collectors, those of labels included. Photographs, since noise has fewer zeros and other
activations. Prints the ratio; the aim is at most 1.6.
"""

import statistics
import time
from pathlib import Path

import torch

from lamella.config.config import load as load_config
from lamella.images.finding import find
from lamella.loading.load import load
from lamella.store.store import Store
from lamella.survey.run import Pass

BATCH, ROUNDS = 32, 7


def test_survey_over_a_bare_forward_pass(tmp_path: Path) -> None:
    config = load_config(Path(__file__).parents[2] / "site" / "atlas.toml")
    model = load(config, torch.device("cpu"))
    images = find(config, model.preprocessing, Store(tmp_path))
    batches = list(images.batches(BATCH, skipped={}))
    number = sum(len(batch.numbers) for batch in batches)

    def bare() -> None:
        with torch.inference_mode():
            for batch in batches:
                model.module(model.normalise(model.shown(batch.pixels)))

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
            seconds[name].append((time.perf_counter() - began) / number * 1e3)
    ratios = [b / a for a, b in zip(seconds["bare"], seconds["survey"], strict=True)]
    print(
        f"\nsurvey of {number} photographs: {statistics.median(seconds['survey']):.1f} ms each, "
        f"bare forward pass {statistics.median(seconds['bare']):.1f} ms, ratio "
        f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}; aim 1.6), "
        f"{torch.get_num_threads()} threads"
    )
