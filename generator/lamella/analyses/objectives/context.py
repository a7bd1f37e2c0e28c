"""What all demonstrations draw on: the network, the unit, the photographs' spectrum, a class.

Flow: model + survey + images -> preparation -> **context** -> objectives, regularization,
lecture_rules -> ascents. Made once per page; `at` is the same at another place of the machine.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from lamella.analyses.job import Job
from lamella.analyses.objectives.choice import Subject, before
from lamella.analyses.objectives.expressions import rounded
from lamella.analyses.objectives.preparation import decoded, last, picture_side, predicted, response
from lamella.network.activations import visit
from lamella.network.model import Model
from lamella.network.units import Layer, Unit
from lamella.optvis import Settings, magnitudes
from lamella.store.facts import EXAMPLES

SPECTRUM_OF = 96  # photographs that the mean spectrum is of, at most
REDIRECTED = 16  # first steps that pass by ReLUs which let nothing through


@dataclass(frozen=True)
class Context:
    """What is known of the network and the photographs where the pictures of one page are made.

    Attributes:
        subject: what the page is about.
        size: side of the pictures, in pixels.
        steps: of an ascent.
        seed: of the unit.
        spread: how much each channel of the unit's layer varies over the photographs.
        maxima: largest activations on any photograph, by layer, as far as layers are surveyed.
        spectrum: the mean magnitudes of photographs, see `optvis.magnitudes`; None for none.
        photograph: the one that pictures are made from, `(1, 3, size, size)`; None for none.
        response: the layer's values where a photograph excites the unit most, `(1, channel)`.
        output: number of the class.
    """

    model: Model
    subject: Subject
    size: int
    steps: int
    seed: int
    spread: Tensor
    maxima: Mapping[str, NDArray[Any]]
    spectrum: Tensor | None
    photograph: Tensor | None
    response: Tensor | None
    output: int

    @classmethod
    def of(cls, job: Job, subject: Subject, *, steps: int, size: int | None) -> "Context":
        """Look at the photographs, and let the network name the class.

        Raises:
            LamellaError: the network does not run at the size that is asked for.
        """
        model, images = job.model, job.images
        survey = job.atlas.layer(subject.layer).of("survey").numbers
        side = picture_side(model, (subject.layer, last(model)), size)
        some = sorted(set(np.linspace(0, len(images) - 1, SPECTRUM_OF).astype(int).tolist()))
        try:
            spectrum = magnitudes(decoded(model, images, some), side, model.planes.axes)
        except ValueError:
            spectrum = None
        own = next(decoded(model, images, [subject.image]), None)
        tops = list(
            decoded(model, images, survey["top_image"][subject.unit.channel, :EXAMPLES].tolist())
        )
        return cls(
            model,
            subject,
            side,
            steps,
            subject.unit.seed(job.seed),
            torch.as_tensor(survey["mean_deviation"]),
            {facts.layer.name: facts.of("survey")["maximum"] for facts in job.atlas.layers()},
            spectrum,
            None if own is None else _square(model, own, side),
            response(model, subject, tops),
            predicted(model, tops) if subject.output is None else subject.output,
        )

    def at(self, model: Model) -> "Context":
        """The same, where another copy of the network is."""
        return replace(self, model=model)

    @property
    def unit(self) -> Unit:
        return self.subject.unit

    @property
    def second(self) -> Unit:
        assert self.subject.second is not None  # what asks for it is left out where there is none
        return self.subject.second

    def strength_of(self, unit: Unit) -> float:
        """What a strong activation of a unit is, roughly: other terms are weighed against it.

        0 where that is not known.
        """
        if unit.layer not in self.maxima:
            return 0.0
        return rounded(abs(float(self.maxima[unit.layer][unit.channel])), 1)

    @property
    def base(self) -> Settings:
        """The settings of every picture that does without others of its own."""
        return self.settings_for(self.subject.layer)

    def settings_for(self, layer: Layer) -> Settings:
        """The settings for units of a layer."""
        settings = Settings(
            steps=self.steps,
            redirect=min(REDIRECTED, self.steps // 4),
            axes=self.model.planes.axes,
        )
        return settings.for_field(layer.field.size if layer.field else None)

    @property
    def output_layer(self) -> Layer:
        """The layer whose channels are the classes."""
        return last(self.model)

    def layer_before(self, name: str) -> Layer:
        """A layer in front of the unit's own, see `choice.before`."""
        return before(self.model.facts.layers, self.unit.layer)[name]

    def network(
        self, *layers: str, observed: bool = False
    ) -> Callable[[Tensor], Mapping[str, Tensor]]:
        """Pictures to the values of layers, by default of the unit's, before their activation.

        Args:
            observed: the layers' own values in place of those before the activation function.
        """
        traced = [self.model.traced[name] for name in layers or (self.unit.layer,)]
        addresses = {each.layer.name: each.observed if observed else each.target for each in traced}

        def seen(images: Tensor) -> dict[str, Tensor]:
            kept: dict[str, Tensor] = {}

            def keep(name: str) -> Callable[[Tensor], None]:
                return lambda value: kept.update({name: value})

            visitors = {address: keep(name) for name, address in addresses.items()}
            visit(self.model.module, self.model.normalise(images), visitors)
            return kept

        return seen

    def positions(self) -> tuple[int, int]:
        """Rows and columns of the unit's map for a picture."""
        blank = self.model.plain(0.5, self.size, self.size)
        with torch.no_grad():
            return tuple(self.network()(blank)[self.unit.layer].shape[2:])  # type: ignore[return-value]


def _square(model: Model, photograph: Tensor, side: int) -> Tensor:
    """A photograph as a square of that side; of a network of rectangles in a frame of grey."""
    if side == max(model.facts.size):
        return model.squared(photograph)
    return F.interpolate(photograph, (side, side), mode="area")
