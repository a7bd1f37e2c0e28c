"""Cascading randomization: a network whose weights become random, from the output down.

Flow: model -> **randomization** -> map_similarity, compute. Stages are parametrised modules in the
order in which their parameters take part in a forward pass, not that of registration. Weights are
those of a network that learned nothing (`network/weights.py`): drawn as its layers are
initialised, so that activations keep their size, with normalizations at 1 and 0 and their
statistics too. The user's module is never touched.

Source: Adebayo, Gilmer, Muelly, Goodfellow, Hardt and Kim 2018, "Sanity Checks for Saliency Maps",
arXiv:1810.03292, section 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

import torch
from torch import Tensor, nn

from lamella.engines.copies import copied
from lamella.loading.weights import untrained
from lamella.network.activations import Watch
from lamella.network.model import Model

MOST = 6  # stages; of deeper networks several blocks become random at once
BLOCKS = 4  # so many members of the module tree, beside the last layer, are its blocks


@dataclass(frozen=True, slots=True)
class Stage:
    """What is randomised together.

    Attributes:
        name: of its lowest module, or of the block that it lies in: everything from there to the
            output is random then.
        modules: the paths of its modules.
    """

    name: str
    modules: tuple[str, ...]


def stages(model: Model, most: int = MOST) -> tuple[Stage, ...]:
    """The stages of a network, from the output down; () where nothing is learned.

    The first one is the last layer alone: what the class scores are read with.
    """
    ordered = _ordered(model)
    last = max((at for at, owner in enumerate(ordered) if owner.kernel), default=0)
    below, top = _blocks(ordered[:last]), _block("", ordered[last:])
    if len(below) >= most:
        cuts = [round(len(below) * at / (most - 1)) for at in range(most)]
        below = [_joined(below[first:stop]) for first, stop in pairwise(cuts)]
    found = [*below, top] if ordered else []
    return tuple(Stage(block.name, tuple(o.path for o in block.owners)) for block in found[::-1])


def cascade(model: Model, order: Sequence[Stage], seed: int) -> Iterator[Model]:
    """The network as it is, then with each stage random too, from the output down.

    The weights of a stage are the same in all networks that have it random, whatever comes before:
    they depend on the seed alone. One copy of the network is kept, beside the random one, and goes
    on from stage to stage: what is yielded is good until the next is asked for.
    """
    yield model
    random, made = untrained(copied(model), seed), copied(model)
    randomized = replace(model, module=made)
    for stage in order:
        with torch.no_grad():
            for path in stage.modules:
                _copy(random.get_submodule(path), made.get_submodule(path))
        # A new one each time: what is remembered of the network before no longer holds.
        yield replace(randomized)


@dataclass(frozen=True, slots=True)
class _Owner:
    """A module that has parameters of its own; whether one of them is a kernel or matrix."""

    path: str
    kernel: bool


@dataclass(frozen=True, slots=True)
class _Block:
    """Neighbouring owners, from the image on, and what they are called together."""

    name: str
    owners: tuple[_Owner, ...]

    @property
    def kernels(self) -> int:
        return sum(owner.kernel for owner in self.owners)


def _ordered(model: Model) -> list[_Owner]:
    """The owners of parameters in the order in which these take part in a pass.

    One that does so twice stands where it does so last: it can be randomised only once.
    """
    owners: dict[int, str] = {}
    kernel: dict[str, bool] = {}
    for path, module in model.module.named_modules():
        for parameter in module.parameters(recurse=False):
            own = owners.setdefault(id(parameter), path)
            wide = sum(extent > 1 for extent in parameter.shape) > 1
            kernel[own] = kernel.get(own, False) or wide
    last: dict[str, int] = {}
    clock = 0

    def see(name: str, ordinal: int, result: Any, args: Any, kwargs: Any) -> None:
        nonlocal clock
        clock += 1
        for value in (*args, *kwargs.values()):
            for tensor in value if isinstance(value, tuple | list) else (value,):
                if isinstance(tensor, Tensor) and id(tensor) in owners:
                    last[owners[id(tensor)]] = clock

    shape = (1, model.planes.number, *model.facts.size)
    image = torch.zeros(shape, device=model.device)
    with torch.inference_mode(), Watch(see):
        model.module(image)
    return [_Owner(path, kernel[path]) for path in sorted(last, key=lambda path: last[path])]


def _blocks(ordered: Sequence[_Owner]) -> list[_Block]:
    """The owners as the network's author grouped them, from the image on.

    The level of the module tree is the highest with several blocks, none of which holds most of
    the network.
    """
    deepest = max((owner.path.count(".") + 1 for owner in ordered), default=0)
    found: list[_Block] = []
    for depth in range(1, deepest + 1):
        names = [".".join(owner.path.split(".")[:depth]) for owner in ordered]
        runs = groupby(zip(names, ordered, strict=True), key=itemgetter(0))
        found = _with_kernels([_block(name, [each for _, each in run]) for name, run in runs])
        sizes = [block.kernels for block in found]
        if len(found) >= BLOCKS and 2 * max(sizes) <= sum(sizes):
            break
    return found


def _with_kernels(blocks: Sequence[_Block]) -> list[_Block]:
    """Blocks without a kernel, a normalization say, go with what comes before, the first with what
    comes behind."""
    found: list[_Block] = []
    for block in blocks:
        if found and not (block.kernels and found[-1].kernels):
            name = (block if block.kernels else found[-1]).name
            found[-1] = _Block(name, found[-1].owners + block.owners)
        else:
            found.append(block)
    return found


def _block(name: str, owners: Sequence[_Owner]) -> _Block:
    """A block by its own name, one of a single module by that module's; without one by its first
    kernel's."""
    kernels = [owner.path for owner in owners if owner.kernel] or [owners[0].path if owners else ""]
    plain = name if name and len(owners) > 1 else kernels[0]
    return _Block(plain or "parameters", tuple(owners))


def _joined(blocks: Sequence[_Block]) -> _Block:
    return _Block(blocks[0].name, tuple(owner for block in blocks for owner in block.owners))


def _copy(source: nn.Module, target: nn.Module) -> None:
    """A module's own parameters and statistics, without those of the modules inside it."""
    theirs = dict(source.named_parameters(recurse=False)) | dict(
        source.named_buffers(recurse=False)
    )
    own = dict(target.named_parameters(recurse=False)) | dict(target.named_buffers(recurse=False))
    for name, value in own.items():
        value.copy_(theirs[name])
