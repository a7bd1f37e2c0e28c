"""Objectives beyond a unit's own: a layer, a class, a direction, a caricature, diversity.

Flow: objective -> **further_objectives** -> ascend. Joint objectives are sums of two, and
interpolations are sums with one share per image: see `Sum`.

Source: Olah, Mordvintsev and Schubert, Distill 2017, doi:10.23915/distill.00007, sections
"Optimization Objectives", "Diversity" and "Interaction between Neurons"; caricatures and the
cosine weight: Carter et al., "Activation Atlas", Distill 2019, doi:10.23915/distill.00015.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from lamella.optvis.objective import (
    ONLY,
    OnLayer,
    numbered,
    position,
    require_channels,
    require_position,
)


class DeepDream(OnLayer):
    """A whole layer: the mean of its squares over channels and positions (Mordvintsev 2015)."""

    def __init__(self, layer: str = ONLY) -> None:
        super().__init__(layer)
        self.description = self.named("mean square of all channels")

    def of(self, activations: Tensor) -> Tensor:
        return activations.float().square().mean((1, 2, 3))


class Logit(OnLayer):
    """A class before the softmax: the mean of its channel over the positions of the scores."""

    def __init__(self, classes: Tensor, layer: str = ONLY) -> None:
        super().__init__(layer)
        self.classes = numbered(classes)
        self.description = self.named("class logit")

    def check_shape(self, shape: Sequence[int]) -> None:
        require_channels(self.classes, shape)

    def of(self, activations: Tensor) -> Tensor:
        logits = activations.float().mean((2, 3))
        return logits.gather(1, self.classes.to(logits.device)[:, None])[:, 0]


class Probability(Logit):
    """A class after the softmax, as its logarithm: `logit - logsumexp of all logits`.

    The logarithm, since the gradient of the probability itself vanishes where it is small: at the
    start of every ascent.
    """

    def __init__(self, classes: Tensor, layer: str = ONLY) -> None:
        super().__init__(classes, layer)
        self.description = self.named("class probability (its logarithm)")

    def of(self, activations: Tensor) -> Tensor:
        return super().of(activations) - activations.float().mean((2, 3)).logsumexp(1)


class Direction(OnLayer):
    """A direction in the layer's channel space: the mean over positions of `v . a`.

    With `power` above 0, `(v . a) * max(cos(v, a), 0.1) ** power`, which keeps the picture from
    raising the length of the activations in place of their direction.

    Args:
        vectors: `(image, channel)`; scaled to unit length.
        power: of the cosine.
        row, column: of one position; without them all positions count, with one of them missing
            the middle of that axis is meant.
    """

    def __init__(
        self,
        vectors: Tensor,
        *,
        power: float = 0.0,
        row: int | None = None,
        column: int | None = None,
        layer: str = ONLY,
    ) -> None:
        super().__init__(layer)
        if vectors.dim() != 2 or not bool((vectors.norm(dim=1) > 0).all()):
            raise ValueError("vectors: give one direction per image, none of them zero.")
        self.vectors = F.normalize(vectors.float(), dim=1)
        self.power, self.row, self.column = power, row, column
        where = position(row, column)
        said = self.named("direction in channel space" + (f" at {where}" if where else ""))
        self.description = said + (f", cosine to the power {power:g}" if power else "")

    def check_shape(self, shape: Sequence[int]) -> None:
        if tuple(self.vectors.shape) != tuple(shape[:2]):
            raise ValueError(
                f"Directions of shape {tuple(self.vectors.shape)} for values of {shape[0]} images "
                f"and {shape[1]} channels."
            )
        require_position(self.row, self.column, shape)

    def of(self, activations: Tensor) -> Tensor:
        values = activations.float()
        if self.row is not None or self.column is not None:
            row = values.shape[2] // 2 if self.row is None else self.row
            column = values.shape[3] // 2 if self.column is None else self.column
            values = values[:, :, row : row + 1, column : column + 1]
        along = torch.einsum("ichw,ic->ihw", values, self.vectors.to(values.device))
        if self.power:
            cosine = along / values.norm(dim=1).clamp(min=1e-12)
            along = along * cosine.clamp(min=0.1) ** self.power
        return along.mean((1, 2))


class Caricature(OnLayer):
    """Another image's activations, exaggerated: `(a . t) * max(cos(a, t), 0.1) ** power`.

    `a` and `t` are all the activations of the layer, for this picture and for the other image, as
    one long vector each.

    Args:
        activations: of the other images, `(image, channel, row, column)`, for a picture of the
            same size.
        power: of the cosine; without it the picture may raise whatever is easy.
    """

    def __init__(self, activations: Tensor, *, power: float = 1.0, layer: str = ONLY) -> None:
        super().__init__(layer)
        self.wanted = F.normalize(activations.detach().float().flatten(1), dim=1)
        self.shape = tuple(activations.shape)
        self.power = power
        self.description = self.named("caricature of an image: its activations, exaggerated")

    def check_shape(self, shape: Sequence[int]) -> None:
        if tuple(shape) != self.shape:
            raise ValueError(
                f"A caricature of values of shape {self.shape} was asked of {tuple(shape)}: take "
                "the other image at the size of the picture."
            )

    def of(self, activations: Tensor) -> Tensor:
        values = activations.float().flatten(1)
        along: Tensor = (values * self.wanted.to(values.device)).sum(1)
        length: Tensor = torch.linalg.vector_norm(values, dim=1)
        cosine = (along / length.clamp(min=1e-12)).clamp(min=0.1)
        return along * cosine.pow(self.power)


class Diversity(OnLayer):
    """Variety within a group of pictures: minus the mean cosine of their Gram matrices.

    For picture i of a group of n, `-sum over j != i of cos(G_i, G_j) / (n - 1)`, with
    `G = a a^T` over the positions of the layer's values. Half of each pair's gradient comes from
    each of the two, so that the group as a whole climbs the mean over pairs.

    Args:
        group: how many pictures in a row belong together.
    """

    def __init__(self, group: int, layer: str = ONLY) -> None:
        super().__init__(layer)
        if group < 2:
            raise ValueError(f"group={group}: variety needs at least 2 pictures.")
        self.group = group
        self.description = self.named(f"variety among {group} pictures")

    def check_shape(self, shape: Sequence[int]) -> None:
        if shape[0] % self.group:
            raise ValueError(f"{shape[0]} images do not divide into groups of {self.group}.")

    def of(self, activations: Tensor) -> Tensor:
        maps = activations.float().flatten(2)
        channels, places = maps.shape[1:]
        cosines = self._by_gram(maps) if channels <= self.group * places else self._by_place(maps)
        others = cosines.sum(2) - cosines.diagonal(dim1=1, dim2=2)
        return -others.flatten() / (self.group - 1)

    def _by_gram(self, maps: Tensor) -> Tensor:
        """Cosines of the Gram matrices within each group, (group, picture, picture)."""
        grams = F.normalize(torch.bmm(maps, maps.transpose(1, 2)).flatten(1), dim=1)
        grouped = grams.view(-1, self.group, grams.shape[1])
        return torch.bmm(grouped, grouped.transpose(1, 2))

    def _by_place(self, maps: Tensor) -> Tensor:
        """The same for more channels than places: the dot product of two Gram matrices is the
        squared length of `a_i^T a_j`, which is as large as the places."""
        _, channels, places = maps.shape
        side = self.group * places
        columns = maps.view(-1, self.group, channels, places).transpose(1, 2)
        columns = columns.reshape(-1, channels, side)  # (group, channel, picture and place)
        products = torch.bmm(columns.transpose(1, 2), columns).square()
        shape = (-1, self.group, places, self.group, places)
        dots = products.view(shape).sum(dim=(2, 4))
        lengths = dots.diagonal(dim1=1, dim2=2).clamp_min(1e-24).sqrt()
        return dots / (lengths[:, :, None] * lengths[:, None, :])
