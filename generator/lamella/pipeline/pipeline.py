"""From a config to a full store: what is wanted, what is missing, in which order.

config -> model + images -> units -> survey -> panels -> **store**. Nothing is computed twice:
every shard lies under the key of everything that it depends on.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from lamella import __version__
from lamella.analyses.job import Job
from lamella.analyses.panel import Panel, Settings
from lamella.config.config import Config
from lamella.config.selection import chosen
from lamella.engines.allocator import keep_freed_memory
from lamella.errors import ModelError, UnknownLayer
from lamella.images.decoding import BrokenImage
from lamella.images.finding import Digests, find
from lamella.images.images import Images
from lamella.images.measured import measured
from lamella.loading.load import device_of, load
from lamella.network.description import Network
from lamella.network.model import Model, with_planes
from lamella.network.paths import TRIED, followed
from lamella.network.units import Layer, among
from lamella.pipeline.plan import DOCUMENT, SURVEYED, keys_of, panels_of, store_of
from lamella.store.facts import Atlas
from lamella.survey.run import survey

if TYPE_CHECKING:
    from torch import Tensor

DIGESTS = "image-digests.json"  # in the store


class Stages(Protocol):
    """Who is told how far a run is; `commands.progress` shows it."""

    def stage(
        self, name: str, total: int, what: str
    ) -> AbstractContextManager[Callable[[int], None]]:
        """A stage of `total` things; yields what is to be called with the number just finished."""
        ...


@dataclass(frozen=True, slots=True)
class Selection:
    """What one run is restricted to; empty for everything that the config asks for."""

    layers: tuple[str, ...] = ()
    panels: tuple[str, ...] = ()
    channels: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was just completed: a panel, for a layer or ("") for the whole network."""

    panel: str
    layer: str = ""


@dataclass(frozen=True)
class Analysis:
    """Everything that is needed to fill a store.

    Attributes:
        unable: analyses that could not run for this network, each with what it said.
    """

    config: Config
    model: Model
    images: Images
    panels: Sequence[tuple[Panel, Settings]]
    atlas: Atlas
    unable: dict[str, ModelError] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Config) -> "Analysis":
        """Load the network and find the images; nothing is noted before `run`."""
        panels = panels_of(config)
        store = store_of(config)
        keep_freed_memory()
        model = load(config, device_of(config.analysis.device))
        digests = Digests(store.read_json(DIGESTS) or {})
        images = find(config, model.preprocessing, digests, model.own)
        if digests.fresh:
            store.write_json(DIGESTS, digests.known)
        model = _seeing(model, images)
        model = followed(model, _some(model, images))
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
        self.atlas.store.write_json(
            DOCUMENT,
            {
                "lamella": __version__,
                "network": {**_fields(network), "layers": layers},
                "manifest": asdict(self.images.manifest),
                "keys": dict(self.atlas.keys),
            },
        )

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
            missing = [need for need in panel.needs if need in self.unable]
            if missing:
                self.unable[panel.name] = ModelError(f"It needs {missing[0]}.")
                continue
            try:
                if panel.per == "network":
                    yield from self._whole(panel, settings, progress)
                else:
                    yield from self._by_layer(panel, settings, layers, selection, progress)
            except ModelError as error:  # of this network; the other analyses may well run
                self.unable[panel.name] = error

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
        folder = self.atlas.store.folder(panel.name, self.atlas.keys[panel.name])
        job = self.job(panel, settings)
        done = folder.done()
        missing = [entry for entry in panel.wanted(job) if entry not in done]
        if missing:
            with progress.stage(panel.name, len(missing), panel.entries) as tick:
                for shard in panel.compute_network(self.job(panel, settings, tick), missing):
                    folder.write(shard)
            yield Step(panel.name)

    def _by_layer(
        self,
        panel: Panel,
        settings: Settings,
        layers: Sequence[Layer],
        selection: Selection,
        progress: Stages,
    ) -> Iterator[Step]:
        todo = [(layer, self.missing(panel, layer, selection.channels)) for layer in layers]
        todo = [(layer, channels) for layer, channels in todo if channels]
        if not todo:
            return
        left = {layer.name: len(channels) for layer, channels in todo}
        with progress.stage(panel.name, sum(left.values()), "units") as tick:
            for layer, shard in panel.compute_layers(self.job(panel, settings, tick), todo):
                key = self.atlas.keys[panel.name]
                self.atlas.store.folder(panel.name, key, layer.name).write(shard)
                left[layer.name] -= len(shard.channels)
                if panel.slow and not left[layer.name]:
                    yield Step(panel.name, layer.name)
        if not panel.slow or any(left.values()):
            yield Step(panel.name)

    def job(self, panel: Panel, settings: Settings, tick: Any = lambda number: None) -> Job:
        """What a panel's `compute` is given."""
        seed = self.config.analysis.seed
        atlas, path = self.atlas, self.config.path
        return Job(self.model, self.images, atlas, panel.name, settings, seed, tick, path)


def _some(model: Model, images: Images) -> "list[Tensor]":
    """A few images, from all over the set, as the network takes them."""
    found = []
    for number in dict.fromkeys(at * len(images) // TRIED for at in range(TRIED if images else 0)):
        with suppress(BrokenImage):
            found.append(model.inputs(images.decoded(number)[None]))
    return found


def _seeing(model: Model, images: Images) -> Model:
    """A model that knows what the planes of these images are, as they do then."""
    images.planes = model.planes
    if model.preprocessing.bands or (model.own and not model.own.plain):
        images.planes = measured(images)
        return with_planes(model, images.planes)
    return model


def _fields(network: Network) -> dict[str, Any]:
    """A network's own fields, as they are."""
    return {name: getattr(network, name) for name in Network.__slots__}
