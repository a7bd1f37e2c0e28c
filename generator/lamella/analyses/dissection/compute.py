"""A dissection as the store keeps it: passes over both networks, detectors, pictures, a document.

Flow: passes + detectors + examples -> **compute** -> store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from lamella.analyses.dissection.detectors import Detections, detect, eligible, has_threshold
from lamella.analyses.dissection.examples import SHOWN, SIDE, detector_examples
from lamella.analyses.dissection.labels import LabelledImages, of_photographs, of_scenes
from lamella.analyses.dissection.passes import PASSES, LayerCounts, Passes
from lamella.analyses.dissection.scenes import find_scenes
from lamella.analyses.dissection.settings import Options
from lamella.analyses.dissection.stored import DOCUMENT, SCENES, has_map
from lamella.analyses.dissection.thresholds import SHARE
from lamella.engines.copies import copied
from lamella.errors import ModelError
from lamella.loading.weights import untrained
from lamella.network.units import Layer
from lamella.store.store import Shard, Sheet

if TYPE_CHECKING:
    from lamella.analyses.job import Job

Todo = Sequence[tuple[Layer, Sequence[int]]]


def labelled_images(job: Job) -> LabelledImages:
    """The images that a job dissects.

    Raises:
        ConceptsError: the scenes are not as they should be.
        ModelError: it is not known where the network sees them.
    """
    options: Options = job.settings
    if options.scenes is None:
        return of_photographs(job.images, options.side)
    if job.images.own or job.model.preprocessing.bands:
        raise ModelError(
            "[panels.dissection] scenes are photographs, whose masks are cut as "
            "[model.preprocessing] states it; where bands are read, or a function of your own "
            "cuts, that is not known.",
            "Leave scenes out: the images themselves are dissected by their colours.",
        )
    scenes = find_scenes(job.path(options.scenes))
    return of_scenes(scenes, job.model.preprocessing, options.side)


def shards(job: Job, todo: Todo) -> Iterator[tuple[Layer, Shard]]:
    """Dissect channels of layers, all at once; a shard for each layer."""
    options: Options = job.settings
    scenes = labelled_images(job)
    layers = [layer for layer, _ in todo if has_map(layer)]
    networks = [job.model.module]
    if options.baseline:
        networks.append(untrained(copied(job.model), job.seed))
    images = sum(len(half) for half in scenes.halves)
    units = sum(len(channels) for _, channels in todo)
    progress = _Progress(job.tick, units, PASSES * len(networks) * images)
    skipped: dict[int, str] = {}
    found: list[dict[str, tuple[LayerCounts, Detections]]] = []
    for module in networks if layers else ():
        counted = Passes(job.model, module, scenes, layers, progress.advance, skipped).run()
        found.append(
            {name: (own, _detections(scenes, own, options)) for name, own in counted.items()}
        )
    if layers:
        _describe(job, scenes, found[0][layers[0].name][0], skipped)
    pictures = _pictures(job, scenes, todo, found[0] if layers else {})
    made = {
        "side": options.side,
        "iou": options.iou,
        "images": images - len(skipped),
        "seed": job.seed,
        "torch": torch.__version__,
        "device": job.model.device.type,
    }
    for layer, channels in todo:
        rows = list(channels)
        numbers = _numbers([each[layer.name] for each in found]) if has_map(layer) else {}
        shard = Shard(
            tuple(rows),
            numbers={name: values[rows] for name, values in numbers.items()},
            pictures={SCENES: [pictures.get((layer.name, c), b"") for c in rows]},
            sheets={SCENES: Sheet(SIDE, SIDE, SHOWN, 1)},
            made=made,
        )
        yield layer, shard
    progress.finish()


def _pictures(
    job: Job,
    scenes: LabelledImages,
    todo: Todo,
    found: Mapping[str, tuple[LayerCounts, Detections]],
) -> dict[tuple[str, int], bytes]:
    """The sheets of the detectors among those channels, by layer and channel."""
    options: Options = job.settings
    wanted = []
    for layer, channels in todo:
        if layer.name in found:
            counted, detections = found[layer.name]
            detectors = {
                c: int(detections.detects[c]) for c in channels if detections.detects[c] >= 0
            }
            wanted.append((layer, detectors, counted.top, counted.thresholds))
    drawn = detector_examples(job.model, scenes, wanted, options.quality)
    return {(layer.name, channel): sheet for layer, channel, sheet in drawn}


def _describe(
    job: Job, scenes: LabelledImages, found: LayerCounts, skipped: Mapping[int, str]
) -> None:
    """Write down what was dissected, for the pages."""
    options: Options = job.settings
    first, second = found.choose, found.measure
    allowed = eligible(first, second, options.least)
    names = scenes.images.manifest.photographs
    job.remember(
        DOCUMENT,
        {
            "concepts": [
                {
                    "name": concept.name,
                    "kind": concept.kind,
                    "images": [int(first.images[at]), int(second.images[at])],
                    "allowed": bool(allowed[at]),
                }
                for at, concept in enumerate(scenes.concepts)
            ],
            "scenes": [len(set(half) - skipped.keys()) for half in scenes.halves],
            "skipped": [[names[n].name, why] for n, why in sorted(skipped.items())],
            "unlabelled": sum(mask is None for mask in scenes.masks),
            "masks": bool(scenes.masks),
            "apart": scenes.apart,
            "share": SHARE,
            "iou": options.iou,
            "side": options.side,
            "least": options.least,
            "baseline": options.baseline,
            "seed": job.seed,
        },
    )


def _detections(scenes: LabelledImages, found: LayerCounts, options: Options) -> Detections:
    return detect(
        found.choose,
        found.measure,
        scenes.kind_of,
        eligible(found.choose, found.measure, options.least),
        has_threshold(found.thresholds, found.share),
        options.iou,
    )


def _numbers(both: Sequence[tuple[LayerCounts, Detections]]) -> dict[str, NDArray[Any]]:
    """What is stored of a layer: of the trained network, and in short of the random one."""
    found, detections = both[0]
    numbers: dict[str, NDArray[Any]] = {
        "threshold": found.thresholds,
        "share": found.share.astype(np.float32),
        "live": detections.live.astype(np.uint8),
        "concept": detections.concept,
        "chosen": detections.chosen,
        "measured": detections.measured,
        "detects": detections.detects,
    }
    for _, other in both[1:]:
        numbers |= {
            "random_detects": other.detects,
            "random_concept": other.concept[:, 0],
            "random_iou": other.measured[:, 0],
            "random_live": other.live.astype(np.uint8),
        }
    return numbers


class _Progress:
    """Turns images done into units done, which is what the progress bar counts."""

    def __init__(self, tick: Callable[[int], None], units: int, images: int) -> None:
        self.tick, self.units, self.images = tick, units, max(1, images)
        self.done = self.ticked = 0

    def advance(self, images: int) -> None:
        self.done += images
        self._tick(min(self.units, self.units * self.done // self.images))

    def finish(self) -> None:
        self._tick(self.units)

    def _tick(self, units: int) -> None:
        if units > self.ticked:
            self.tick(units - self.ticked)
            self.ticked = units
