"""The network with its upper part random: what it had learned there is gone, the rest is kept.

Flow: stages -> **randomised** -> sanity. Weights are those of a network that learned nothing
(`dissecting/untrained.py`): drawn as its layers are initialised, so that activations keep their
size, with normalizations at 1 and 0 and their statistics too. The user's module is never touched.

Source: Adebayo, Gilmer, Muelly, Goodfellow, Hardt and Kim 2018, "Sanity Checks for Saliency Maps",
arXiv:1810.03292, section 3: cascading randomization.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import nn

from lamella.analyses.sanity_checks.stages import Stage
from lamella.network.model import Model
from lamella.network.untrained import untrained


def cascade(model: Model, order: Sequence[Stage], seed: int) -> Iterator[Model]:
    """The network as it is, then with each stage random too, from the output down.

    The weights of a stage are the same in all networks that have it random, whatever comes before:
    they depend on the seed alone. One copy of the network is kept, beside the random one, and goes
    on from stage to stage: what is yielded is good until the next is asked for.
    """
    yield model
    random = untrained(model.module, seed)
    made = copy.deepcopy(model.module)
    forgotten = replace(model, module=made)
    for stage in order:
        with torch.no_grad():
            for path in stage.modules:
                _copy(random.get_submodule(path), made.get_submodule(path))
        # A new one each time: what is remembered of the network before no longer holds.
        yield replace(forgotten)


def _copy(source: nn.Module, target: nn.Module) -> None:
    """A module's own parameters and statistics, without those of the modules inside it."""
    theirs = dict(source.named_parameters(recurse=False)) | dict(
        source.named_buffers(recurse=False)
    )
    own = dict(target.named_parameters(recurse=False)) | dict(target.named_buffers(recurse=False))
    for name, value in own.items():
        value.copy_(theirs[name])
