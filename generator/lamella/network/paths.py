"""Whether images take the path through a network on which it was traced, and have values of their
own on it.

Flow: model, activations -> **paths** -> pipeline. Control flow may depend on the image. Then layers
run for some images and not for others, and nothing can be said of them over all images. Values may
depend on the other images of the batch, or on earlier passes: that is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from lamella.errors import ModelError, said
from lamella.network.activations import Address, Watch, visit
from lamella.network.model import Model, with_layers
from lamella.network.passes import path_of, weight_of
from lamella.network.remedies import remedy
from lamella.network.trace import Traced, examined

TRIED = 4  # images
ALIKE = 0.02  # of a layer's largest value: what half precision makes of other batches stays below
DRAWS = (
    "It draws random numbers in every pass (dropout by function, say, which eval() does not switch "
    "off): its activations differ from pass to pass, and so do the numbers and pictures here."
)
SHARED = (
    "Its values for an image depend on the other images of its batch, first in {}: it normalizes "
    "by the statistics of the batch, say (BatchNorm without running ones). In other batches the "
    "numbers and pictures here would be others."
)
UNSTEADY = (
    "Its values for one image differ from pass to pass, first in {}: it keeps something from one "
    "call to the next, or draws random numbers of its own. So do the numbers and pictures here."
)


@dataclass(frozen=True, slots=True)
class Path:
    """The torch functions of one pass, in their order.

    Attributes:
        calls: of each its name, and the parameter that it reads as a kernel, "" for none.
        places: where each call stands, by name and ordinal.
    """

    calls: tuple[tuple[str, str], ...]
    places: dict[tuple[str, int], int] = field(compare=False)

    def meets(self, address: Address) -> bool:
        """Whether a layer's value is where it was when the network was traced."""
        anchor = address.anchor
        if anchor is None:
            return (address.function, address.ordinal) in self.places
        at = self.places.get((anchor.function, anchor.ordinal))
        if at is None or self.calls[at][1] != anchor.parameter:
            return False
        return self.places.get((address.function, address.ordinal)) == at + anchor.calls

    @property
    def parameters(self) -> set[str]:
        return {parameter for _, parameter in self.calls} - {""}


def path_through(model: Model, inputs: Tensor) -> Path:
    """The path of one pass.

    Args:
        inputs: as the network takes them, (image, channel, row, column).
    Raises:
        ModelError: the network does not run on them.
    """
    names = {id(parameter): name for name, parameter in model.module.named_parameters()}
    calls: list[tuple[str, str]] = []
    places: dict[tuple[str, int], int] = {}

    def see(name: str, ordinal: int, result: Any, args: Any, kwargs: Any) -> None:
        places[name, ordinal] = len(calls)
        calls.append((name, names.get(id(weight_of(name, args, kwargs)), "")))

    try:
        with torch.inference_mode(), Watch(see):
            model.module(inputs)
    except Exception as error:  # the user's own code may raise anything
        raise ModelError(
            "The network runs on a black image, but not on one of the set: "
            f"{type(error).__name__}: {said(error)}",
            remedy(error),
        ) from error
    return Path(tuple(calls), places)


def followed(model: Model, inputs: Sequence[Tensor]) -> Model:
    """A model with the layers that run for all of some images, on the path that most of them take.

    Args:
        inputs: some images as the network takes them, (1, channel, row, column) each.
    Returns:
        The model itself where every image takes the path on which it was traced.
    Raises:
        ModelError: it does not run on one of them, or no layer runs for all.
    """
    paths = [path_through(model, one) for one in inputs]
    blank = path_through(model, model.plain(0, *model.facts.size))
    if all(path == blank for path in paths):
        return _with_notes(model, inputs)
    usual = Counter(paths).most_common(1)[0][0]
    example = inputs[paths.index(usual)]
    seen = examined(
        model.module,
        model.facts.size,
        model.planes.number,
        memory_format=model.memory_format,
        example=example,
    )
    kept = [one for one in seen.traced if _met(paths, one) == len(paths)]
    left_out = (*seen.left_out, *_unsteady(paths, blank, seen.traced))
    if not kept:
        raise ModelError(
            f"No layer of the network runs on the same path for all of {len(paths)} images: "
            f"{left_out[-1][0]}: {left_out[-1][1]}."
        )
    found = with_layers(model, replace(seen, traced=tuple(kept), left_out=left_out), example)
    return _with_notes(found, inputs)


def _with_notes(model: Model, inputs: Sequence[Tensor]) -> Model:
    """A model that says where its values for an image are not those of the image alone; itself
    where they are."""
    if not inputs or DRAWS in model.facts.notes:
        return model
    one = inputs[0]
    others = [each for each in inputs if not torch.equal(each, one)][:1]
    try:
        alone, again, beside = (
            _means(model, each) for each in (one, one, torch.cat([one, *others]))
        )
    except ModelError:  # told where it matters: on another path in a batch, say
        return model
    for values, words in ((again, UNSTEADY), (beside, SHARED)):
        for name, value in values.items():
            if (value - alone[name]).abs().max() > ALIKE * alone[name].abs().max():
                notes = (*model.facts.notes, words.format(name))
                return replace(model, facts=replace(model.facts, notes=notes))
    return model


@torch.inference_mode()
def _means(model: Model, inputs: Tensor) -> dict[str, Tensor]:
    """Of the first image, the mean and the largest value of each channel of each layer."""
    found: dict[str, Tensor] = {}

    def visitor(name: str) -> Callable[[Tensor], None]:
        def keep(values: Tensor) -> None:
            found[name] = torch.stack([values[0].mean((1, 2)), values[0].amax((1, 2))])

        return keep

    visitors = {traced.observed: visitor(name) for name, traced in model.traced.items()}
    visit(model.module, inputs, visitors)
    return {name: found[name] for name in model.traced}


def _met(paths: Sequence[Path], traced: Traced) -> int:
    """On how many paths a layer is where it was traced."""
    return sum(path.meets(traced.observed) and path.meets(traced.target) for path in paths)


def _unsteady(
    paths: Sequence[Path], blank: Path, traced: Sequence[Traced]
) -> Iterator[tuple[str, str]]:
    """What runs for some images, or stands elsewhere in their passes: by name, with the reason."""
    for one in traced:
        if (met := _met(paths, one)) < len(paths):
            yield one.layer.name, f"control flow: {met} of {len(paths)} images tried took its path"
    layers = {one.observed.anchor.parameter for one in traced if one.observed.anchor}
    others = [*paths, blank]
    for parameter in sorted(set().union(*(path.parameters for path in others)) - layers):
        ran = sum(parameter in path.parameters for path in paths)
        yield path_of(parameter), f"control flow: it ran for {ran} of {len(paths)} images tried"
