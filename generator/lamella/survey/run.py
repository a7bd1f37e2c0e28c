"""The pass over the images: every layer at once, resumable, in memory that does not grow.

Flow: images, model -> activations -> summary -> collectors -> **run** -> store.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from lamella.errors import ImagesError, ModelError
from lamella.images.images import Batch, Images
from lamella.network.activations import AnotherPath, visit
from lamella.network.model import Model
from lamella.network.units import Layer
from lamella.store.checkpoint import load_state, save_state
from lamella.store.store import Shard, Store, document
from lamella.survey.collector import Arrays, Collector, Extent, Shown
from lamella.survey.covariance import Covariance, sampled
from lamella.survey.distribution import Distribution
from lamella.survey.extremes import Bottom, Lowest, Top
from lamella.survey.labels import Distinct, LabelMeans
from lamella.survey.moments import Moments
from lamella.survey.profile import Profile
from lamella.survey.spectrum import Spectrum
from lamella.survey.summary import summarise

COLLECTORS: tuple[type[Collector], ...] = (
    Top,
    Bottom,
    Lowest,
    Spectrum,
    Moments,
    Distribution,
    Profile,
    Covariance,
    Distinct,
    LabelMeans,
)
POSITIONS = ("top", "bottom", "lowest", "spectrum", "distinct")  # facts that name places
CHECKPOINT_SECONDS = 20.0
NOTE = "note"  # of a state, beside its arrays


class Pass:
    """The state of a survey: what was seen so far of which layers.

    Args:
        parts: what is collected: "survey", what rests on the images alone; "labels", what rests on
            their labels too.
    """

    def __init__(
        self, layers: Sequence[Layer], images: Images, parts: Sequence[str] = ("survey", "labels")
    ) -> None:
        self.layers = tuple(layers)
        self.following = 0  # the number of the first image that was not seen yet
        self.skipped: dict[int, str] = {}
        self.images = images
        words = images.manifest.labels
        number = {word: at for at, word in enumerate(words)}
        self._labels = np.array(
            [number.get(photograph.label, -1) for photograph in images.manifest.photographs],
            np.int64,
        )
        self._extents = {
            layer.name: Extent(layer.channels, layer.height * layer.width, len(words), layer.signed)
            for layer in self.layers
        }
        self.collectors: dict[str, tuple[Collector, ...]] = {
            name: tuple(
                kind.empty(extent)
                for kind in COLLECTORS
                if kind.suits(extent) and part_of(kind) in parts
            )
            for name, extent in self._extents.items()
        }

    def see(self, model: Model, batch: Batch) -> None:
        """Run the network on a batch and update every collector.

        Raises:
            ModelError: a layer yields NaN or an infinite activation, or did not run as traced.
        """
        numbers = np.array(batch.numbers, dtype=np.int64)
        photographs = self.images.manifest.photographs
        ids = tuple(photographs[number].id for number in batch.numbers)
        shown = Shown(numbers, ids, self._labels[numbers])

        def visitor(layer: Layer) -> Callable[[torch.Tensor], None]:
            collectors = self.collectors[layer.name]
            vectors = any(isinstance(collector, Covariance) for collector in collectors)

            def update(values: torch.Tensor) -> None:
                places = values.shape[2] * values.shape[3]
                at = sampled(ids, places) if vectors else None
                summary = summarise(values, low=layer.signed, at=at)
                if not np.isfinite(summary.total).all():
                    wrong, channel = np.argwhere(~np.isfinite(summary.total))[0].tolist()
                    name = photographs[batch.numbers[wrong]].name
                    raise ModelError(
                        f"Layer {layer.name!r} yields NaN or infinite activations on {name}, first "
                        f"in channel {channel}.",
                        "Check the weights and [model.preprocessing]; or leave the layer out: "
                        f'[analysis] layers = ["*", "!{layer.name}"].',
                    )
                for collector in collectors:
                    collector.update(summary, shown)

            return update

        visitors = {model.traced[layer.name].observed: visitor(layer) for layer in self.layers}
        with torch.inference_mode():
            try:
                visit(model.module, model.inputs(batch.values), visitors)
            except AnotherPath as error:
                lost = [
                    layer.name
                    for layer in self.layers
                    if model.traced[layer.name].observed in error.addresses
                ]
                names = [photographs[batch.numbers[at]].name for at in (0, -1)]
                left = ", ".join(f'"!{name}"' for name in lost)
                raise ModelError(
                    f"On the images from {names[0]} to {names[1]} these layers did not run as on "
                    f"those that were tried first: {', '.join(map(repr, lost))}. The network's "
                    "control flow depends on the image.",
                    f'Leave them out: [analysis] layers = ["*", {left}].',
                ) from error

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
        plain = np.frombuffer(json.dumps(note).encode(), np.uint8)
        save_state(path, {**tensors, NOTE: plain})

    def resume(self, path: Path) -> None:
        """Go on from the stored state, where it is of the same layers and collectors."""
        found = load_state(path)
        note = json.loads(found[NOTE].tobytes()) if found else {}
        if not found or note["layers"] != [layer.name for layer in self.layers]:
            return
        try:
            self.collectors = {
                name: tuple(
                    type(collector).restored(
                        self._extents[name],
                        {field: found[f"{name}/{at}/{field}"] for field in collector.fields},
                    )
                    for at, collector in enumerate(fresh)
                )
                for name, fresh in self.collectors.items()
            }
        except KeyError:  # of other collectors
            return
        self.following = note["following"]
        self.skipped = {int(number): why for number, why in note["skipped"].items()}


def part_of(kind: type[Collector]) -> str:
    """Under which name the facts of a collector are stored."""
    return "labels" if kind.labelled else "survey"


def survey(
    model: Model,
    images: Images,
    layers: Sequence[Layer],
    store: Store,
    keys: Mapping[str, str],
    *,
    batch: int = 32,
) -> Iterator[int]:
    """Survey layers over all images and store what was found; yields images done so far.

    Args:
        keys: of the parts that are wanted, "survey" or "labels" or both.
    Raises:
        ImagesError: none of the images can be decoded.
        ModelError: a layer yields NaN or an infinite activation.
    """
    first = next(iter(keys))
    partial = store.folder(first, keys[first]).path / f"partial-{'-'.join(keys)}.safetensors"
    state = Pass(layers, images, tuple(keys))
    state.resume(partial)
    saved = time.monotonic()
    for found in images.batches(batch, first=state.following, skipped=state.skipped):
        state.see(model, found)
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
    if "survey" in keys:
        store.write_json(
            document("survey", keys["survey"], "images"),
            {"seen": seen, "skipped": {str(number): why for number, why in state.skipped.items()}},
        )
    for layer in state.layers:
        for part, key in keys.items():
            folder = store.folder(part, key, layer.name)
            if len(folder.done()) == layer.channels:
                continue  # of a run that ended between the parts
            numbers: Arrays = {}
            for collector in state.collectors[layer.name]:
                if part_of(type(collector)) == part:
                    numbers |= collector.finish()
            for name in POSITIONS:
                if f"{name}_position" in numbers:
                    row, column = np.divmod(numbers.pop(f"{name}_position"), layer.width)
                    numbers[f"{name}_row"] = row.astype(np.int16)
                    numbers[f"{name}_column"] = column.astype(np.int16)
            folder.write(Shard(tuple(range(layer.channels)), numbers, made=made))
    partial.unlink(missing_ok=True)
    yield len(images)
