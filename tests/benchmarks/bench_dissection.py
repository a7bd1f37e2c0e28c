"""What the dissection's two passes cost over a bare forward pass on the same decoded scenes.

Prints both ratios, of one run; the floor is the forward pass.
"""

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from lamella.analyses.dissection.labels import of_scenes
from lamella.analyses.dissection.overlap import Areas
from lamella.analyses.dissection.passes import BATCH, Passes
from lamella.analyses.dissection.scenes import find_scenes
from lamella.config.config import load as load_config
from lamella.loading.load import load

SCENES, ROUNDS = 32, 5  # of each half


def write(folder: Path, side: int) -> None:
    """Scenes of noise at several scales, with blocks of labels."""
    random = np.random.default_rng(0)
    for half in ("choose", "measure"):
        (folder / half / "masks").mkdir(parents=True)
        for at in range(SCENES):
            shades = [
                np.kron(random.integers(0, 64, (side // n, side // n, 3)), np.ones((n, n, 1)))
                for n in (1, 4, 16, 32)
            ]
            pixels = sum(shades).astype(np.uint8)
            Image.fromarray(pixels).save(folder / half / f"{at}.png", compress_level=1)
            mask = np.kron(random.integers(0, 40, (7, 7)), np.ones((side // 7,) * 2))
            Image.fromarray(mask.astype(np.uint8)).save(folder / half / "masks" / f"{at}.png")
    lines = [f"{index},thing {index},object" for index in range(1, 40)]
    (folder / "concepts.csv").write_text("\n".join(["index,name,kind", *lines]))


def test_dissection_over_a_bare_forward_pass() -> None:
    config = load_config(Path(__file__).parents[2] / "site" / "atlas.toml")
    model = load(config, torch.device("cpu"))
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), model.facts.size[0])
        labelled = of_scenes(find_scenes(Path(folder)), model.preprocessing, 112)
        numbers = [number for half in labelled.halves for number in half]
        # Scenes and masks are read once and kept: decoding is no part of this.
        planes = {n: labelled.planes(n, labelled.images.pixels(n)) for n in numbers}
    object.__setattr__(labelled, "planes", lambda number, pixels: planes[number])
    passes = Passes(model, model.module, labelled, model.facts.layers, lambda done: None, {})
    sketches, _ = passes._thresholds()
    thresholds = {name: sketch.finish() for name, sketch in sketches.items()}

    def bare() -> None:
        with torch.inference_mode():
            for batch in labelled.images.batches(BATCH, only=numbers, skipped={}):
                pixels = torch.from_numpy(batch.pixels).permute(0, 3, 1, 2).float().div_(255)
                model.module(model.normalise(pixels))

    def overlaps() -> None:
        for half in (0, 1):
            passes._overlaps(half, thresholds, Areas(len(labelled.concepts)))

    runs = {"bare": bare, "thresholds": lambda: passes._thresholds(), "overlap": overlaps}
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():  # compiles, allocates
        run()
    for _ in range(ROUNDS):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            seconds[name].append((time.perf_counter() - began) / len(numbers) * 1e3)
    print(f"\ndissection, ms an image: bare forward pass {statistics.median(seconds['bare']):.1f}")
    for name in ("thresholds", "overlap"):
        pairs = zip(seconds["bare"], seconds[name], strict=True)
        ratios = [own / bare for bare, own in pairs]
        print(
            f"  pass for {name}: {statistics.median(seconds[name]):.1f}, ratio "
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), "
            f"{torch.get_num_threads()} threads"
        )
