"""The pass over the images: every layer at once, resumable, in memory that does not grow.

Flow: images -> model -> activations -> summary -> collectors -> store.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from lamella.activations import visit
from lamella.errors import ImagesError, ModelError
from lamella.images import Batch, Images
from lamella.model import Model
from lamella.store import Shard, Store, write_whole
from lamella.survey.bottom import Bottom
from lamella.survey.collector import Arrays, Collector
from lamella.survey.distribution import Distribution
from lamella.survey.moments import Moments
from lamella.survey.profile import Profile
from lamella.survey.summary import summarise
from lamella.survey.top import Top
from lamella.units import Layer

COLLECTORS: tuple[type[Collector], ...] = (Top, Bottom, Moments, Distribution, Profile)
CHECKPOINT_SECONDS = 20.0


class Pass:
    """The state of a survey: what was seen so far of which layers."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = tuple(layers)
        self.following = 0  # the number of the first image that was not seen yet
        self.skipped: dict[int, str] = {}
        self.collectors: dict[str, tuple[Collector, ...]] = {
            layer.name: tuple(kind.empty(layer.channels) for kind in COLLECTORS)
            for layer in self.layers
        }

    def see(self, model: Model, images: Images, batch: Batch) -> None:
        """Run the network on a batch and update every collector.

        Raises:
            ModelError: a layer yields NaN or an infinite activation.
        """
        numbers = np.array(batch.numbers, dtype=np.int64)
        ids = tuple(images.manifest.photographs[number].id for number in batch.numbers)

        def visitor(layer: Layer) -> Callable[[torch.Tensor], None]:
            def update(values: torch.Tensor) -> None:
                summary = summarise(values)
                if not np.isfinite(summary.total).all():
                    at = int(np.flatnonzero(~np.isfinite(summary.total).all(axis=1))[0])
                    name = images.manifest.photographs[batch.numbers[at]].name
                    raise ModelError(
                        f"Layer {layer.name!r} yields NaN or infinite activations on {name}.",
                        "Check the weights and [model.preprocessing]; or leave the layer out: "
                        f'[analysis] layers = ["*", "!{layer.name}"].',
                    )
                for collector in self.collectors[layer.name]:
                    collector.update(summary, numbers, ids)

            return update

        visitors = {model.traced[layer.name].observed: visitor(layer) for layer in self.layers}
        pixels = torch.from_numpy(batch.pixels).to(model.device)
        shown = pixels.permute(0, 3, 1, 2).float().div_(255)
        with torch.inference_mode():
            visit(model.module, model.normalise(shown), visitors)

    def save(self, path: Path) -> None:
        """Store the state, whole or not at all."""
        tensors = {
            f"{layer}/{at}/{name}": np.ascontiguousarray(array)
            for layer, collectors in self.collectors.items()
            for at, collector in enumerate(collectors)
            for name, array in collector.state().items()
        }
        note = {
            "layers": [layer.name for layer in self.layers],
            "following": self.following,
            "skipped": self.skipped,
        }
        write_whole(path, save(tensors, metadata={"note": json.dumps(note)}))

    @classmethod
    def resumed(cls, path: Path, layers: Sequence[Layer]) -> "Pass":
        """The stored state where it is of the same layers, else a new one."""
        fresh = cls(layers)
        try:
            with safe_open(path, framework="np") as file:
                note = json.loads(file.metadata()["note"])
                if note["layers"] != [layer.name for layer in layers]:
                    return fresh
                for layer in layers:
                    fresh.collectors[layer.name] = tuple(
                        kind.restored(
                            layer.channels,
                            {
                                name: file.get_tensor(f"{layer.name}/{at}/{name}")
                                for name in kind.fields
                            },
                        )
                        for at, kind in enumerate(COLLECTORS)
                    )
        except (OSError, SafetensorError):
            return cls(layers)
        fresh.following = note["following"]
        fresh.skipped = {int(number): why for number, why in note["skipped"].items()}
        return fresh


def survey(
    model: Model,
    images: Images,
    layers: Sequence[Layer],
    store: Store,
    key: str,
    *,
    batch: int = 32,
) -> Iterator[int]:
    """Survey layers over all images and store what was found; yields images done so far.

    Raises:
        ImagesError: none of the images can be decoded.
        ModelError: a layer yields NaN or an infinite activation.
    """
    partial = store.folder("survey", key).path / "partial.safetensors"
    state = Pass.resumed(partial, layers)
    saved = time.monotonic()
    for found in images.batches(batch, first=state.following, skipped=state.skipped):
        state.see(model, images, found)
        state.following = found.numbers[-1] + 1
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            state.save(partial)
            saved = time.monotonic()
        yield state.following
    seen = len(images) - len(state.skipped)
    if not seen:
        name, why = images.manifest.photographs[0].name, next(iter(state.skipped.values()))
        raise ImagesError(
            f"None of the {len(images)} images can be decoded; {name}: {why}.",
            "Look at the files: are they photographs?",
        )
    made = {"images": seen, "batch": batch, "torch": torch.__version__, "device": model.device.type}
    store.write_json(
        f"survey-{key[:16]}/images.json",
        {"seen": seen, "skipped": {str(number): why for number, why in state.skipped.items()}},
    )
    for layer in state.layers:
        numbers: Arrays = {}
        for collector in state.collectors[layer.name]:
            numbers |= collector.finish()
        for end in ("top", "bottom"):
            row, column = np.divmod(numbers.pop(f"{end}_position"), layer.width)
            numbers[f"{end}_row"] = row.astype(np.int16)
            numbers[f"{end}_column"] = column.astype(np.int16)
        store.folder("survey", key, layer.name).write(
            Shard(tuple(range(layer.channels)), numbers, made=made)
        )
    partial.unlink(missing_ok=True)
    yield len(images)
