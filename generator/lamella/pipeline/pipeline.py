"""From a config to a full store: what is wanted, what is missing, in which order.

config -> model + images -> units -> survey -> panels -> **store**. Nothing is computed twice:
every shard lies under the key of everything that it depends on.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from lamella import __version__
from lamella.analyses.job import Job
from lamella.analyses.panel import Panel, Settings
from lamella.config.config import Config
from lamella.config.selection import chosen
from lamella.engines.allocator import keep_freed_memory
from lamella.errors import ModelError, UnknownLayer
from lamella.images.finding import Digests, find
from lamella.images.images import Images
from lamella.loading.load import device_of, load
from lamella.network.description import Network
from lamella.network.model import Model
from lamella.network.units import Layer, among
from lamella.pipeline.plan import DOCUMENT, SURVEYED, Step, keys_of, panels_of, store_of
from lamella.pipeline.stages import Stages
from lamella.pipeline.with_images import with_images
from lamella.store.facts import Atlas
from lamella.store.parts import Parts
from lamella.store.store import Shard, document
from lamella.survey.run import survey

DIGESTS = "image-digests.json"  # in the store


@dataclass(frozen=True, slots=True)
class Selection:
    """What one run is restricted to; empty for everything that the config asks for."""

    layers: tuple[str, ...] = ()
    panels: tuple[str, ...] = ()
    channels: tuple[int, ...] = ()


@dataclass(frozen=True)
class Analysis:
    """Everything that is needed to fill a store.

    Attributes:
        unable: what could not run for this network, an analysis or one layer of it, each with what
            was said.
    """

    config: Config
    model: Model
    images: Images
    panels: Sequence[tuple[Panel, Settings]]
    atlas: Atlas
    unable: dict[Step, ModelError] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Config) -> "Analysis":
        """Load the network and find the images; nothing is noted before `run`."""
        panels = panels_of(config)
        store = store_of(config)
        keep_freed_memory()
        model = load(config, device_of(config.analysis.device))
        digests = Digests(store.read_json(DIGESTS) or {})
        images = find(config, model.preprocessing, digests, model.own)
        if digests.fresh and store.writable:  # elsewhere they are only found again
            store.write_json(DIGESTS, digests.known)
        model = with_images(model, images)
        every = [layer.name for layer in model.facts.layers]
        names = set(
            chosen(config.analysis.layers, every, "layer", f"{config.file}: [analysis] layers")
        )
        layers = among(model.facts.layers, names)
        network = Network(**{**_fields(model.facts), "layers": layers})
        keys = keys_of(config, network, images.manifest)
        atlas = Atlas(network, images.manifest, store, keys, config.images.publish)
        return cls(config, model, images, panels, atlas)

    def note(self) -> None:
        """Write down what the store is of, so that pages can be rendered without the network."""
        network = self.atlas.network
        layers = [layer.as_dict() for layer in network.layers]
        plain = {
            "lamella": __version__,
            "network": {**_fields(network), "layers": layers},
            "manifest": asdict(self.images.manifest),
            "keys": dict(self.atlas.keys),
        }
        if self.atlas.store.read_json(DOCUMENT) != json.loads(json.dumps(plain)):
            self.atlas.store.write_json(DOCUMENT, plain)

    def missing(self, panel: Panel, layer: Layer, channels: Sequence[int] = ()) -> list[int]:
        """The channels of a layer that a panel has not done yet, of those asked for."""
        done = self.atlas.store.folder(panel.name, self.atlas.keys[panel.name], layer.name).done()
        asked = channels or range(layer.channels)
        return [channel for channel in asked if channel not in done and channel < layer.channels]

    def run(self, selection: Selection, progress: Stages) -> Iterator[Step]:
        """Compute what is missing; yields after each panel, the slow ones after each layer.

        Raises:
            UnknownLayer: the selection names a layer, panel or channel that is not there.
        """
        every = [layer.name for layer in self.atlas.network.layers]
        names = set(chosen(selection.layers or ("*",), every, "layer", "--layer"))
        layers = [layer for layer in self.atlas.network.layers if layer.name in names]
        of_all = [panel.name for panel, _ in self.panels]
        renamed = {old: panel.name for panel, _ in self.panels for old in panel.formerly}
        asked = set(chosen(selection.panels or ("*",), of_all, "panel", "--panel", renamed))
        most = max(layer.channels for layer in layers)
        if selection.channels and min(selection.channels) >= most:
            raise UnknownLayer(
                f"--channels: there is no channel {min(selection.channels)}.",
                f"The layers that were chosen have channels 0 to {most - 1} at most.",
            )
        computed = [pair for pair in self.panels if pair[0].name in asked and pair[0].per != "view"]
        for panel, settings in computed:
            panel.check(self.job(panel, settings))
        self.note()
        yield from self._survey(progress)
        for panel, settings in sorted(computed, key=lambda pair: pair[0].slow):
            if self._lacks(panel):
                continue
            try:
                if panel.per == "network":
                    yield from self._whole(panel, settings, progress)
                else:
                    yield from self._by_layer(panel, settings, layers, selection, progress)
            except ModelError as error:  # of this network; the other analyses may well run
                self.unable[Step(panel.name)] = error

    def _lacks(self, panel: Panel, layer: str = "") -> bool:
        """Whether something that an analysis needs could not run, which is noted."""
        lacking = [need for need in panel.needs if Step(need, layer) in self.unable]
        if lacking:
            self.unable[Step(panel.name, layer)] = ModelError(f"It needs {lacking[0]}.")
        return bool(lacking)

    def _survey(self, progress: Stages) -> Iterator[Step]:
        store, layers = self.atlas.store, self.atlas.network.layers
        keys = {name: self.atlas.keys[name] for name in SURVEYED if name in self.atlas.keys}
        left = {
            name: [
                layer
                for layer in layers
                if len(store.folder(name, key, layer.name).done()) < layer.channels
            ]
            for name, key in keys.items()
        }
        if store.read_json(document("survey", keys["survey"], "images")) is None:
            left["survey"] = list(layers)  # it tells which images were skipped
        keys = {name: key for name, key in keys.items() if left[name]}
        missing = [layer for layer in layers if any(layer in some for some in left.values())]
        if missing:
            with progress.stage("survey", len(self.images), "images") as tick:
                before = 0
                for done in survey(self.model, self.images, missing, store, keys):
                    tick(done - before)
                    before = done
            yield Step("survey")

    def _whole(self, panel: Panel, settings: Settings, progress: Stages) -> Iterator[Step]:
        key = self.atlas.keys[panel.name]
        folder, parts = (
            self.atlas.store.folder(panel.name, key),
            Parts(self.atlas.store, panel.name, key),
        )
        for again in (True, False):
            done = folder.done()
            wanted = panel.wanted(self.job(panel, settings, parts=parts))
            missing = [entry for entry in wanted if entry not in done]
            if missing:
                with progress.stage(panel.name, len(missing), panel.entries) as tick:
                    job = self.job(panel, settings, tick, parts)
                    for shard in panel.compute_network(job, missing):
                        if not done.issuperset(shard.channels):
                            parts.begin(f"network/{folder.name_of(shard)}.json")
                            folder.write(shard)
                yield Step(panel.name)
            parts.begin("")
            lost = parts.lost()
            if not (lost and again):
                return
            progress.say(f"{lost[0]} is missing: all of {panel.name} is made again.")
            parts.discard()

    def _by_layer(
        self,
        panel: Panel,
        settings: Settings,
        layers: Sequence[Layer],
        selection: Selection,
        progress: Stages,
    ) -> Iterator[Step]:
        todo = [(layer, self.missing(panel, layer, selection.channels)) for layer in layers]
        todo = [
            (layer, some) for layer, some in todo if some and not self._lacks(panel, layer.name)
        ]
        if not todo:
            return
        left = {layer.name: len(channels) for layer, channels in todo}
        with progress.stage(panel.name, sum(left.values()), "units") as tick:
            for layer, shard in self._shards(panel, self.job(panel, settings, tick), todo):
                key = self.atlas.keys[panel.name]
                self.atlas.store.folder(panel.name, key, layer.name).write(shard)
                left[layer.name] -= len(shard.channels)
                if panel.slow and not left[layer.name]:
                    yield Step(panel.name, layer.name)
        if not panel.slow or any(left.values()):
            yield Step(panel.name)
        failed = [step for step in self.unable if step.panel == panel.name and step.layer]
        if len(failed) == len(self.atlas.network.layers):  # it is the analysis that cannot run
            errors = [self.unable.pop(step) for step in failed]
            self.unable[Step(panel.name)] = errors[0]

    def _shards(
        self, panel: Panel, job: Job, todo: Sequence[tuple[Layer, Sequence[int]]]
    ) -> Iterator[tuple[Layer, Shard]]:
        """Shards of some layers at once; where one cannot run, of each by itself but that one."""
        try:
            yield from panel.compute_layers(job, todo)
        except ModelError as error:
            if len(todo) == 1:
                self.unable[Step(panel.name, todo[0][0].name)] = error
                return
            for layer, channels in todo:  # what was made is in the store by now
                if left := self.missing(panel, layer, channels):
                    yield from self._shards(panel, job, [(layer, left)])

    def job(
        self,
        panel: Panel,
        settings: Settings,
        tick: Any = lambda number: None,
        parts: Parts | None = None,
    ) -> Job:
        """What a panel's `compute` is given."""
        seed = self.config.analysis.seed
        atlas, path = self.atlas, self.config.path
        return Job(self.model, self.images, atlas, panel.name, settings, seed, tick, path, parts)


def _fields(network: Network) -> dict[str, Any]:
    """A network's own fields, as they are."""
    return {name: getattr(network, name) for name in Network.__slots__}
