"""A second module like the network: for another device, or to be given other weights.

Flow: model -> **copies** -> local, dissection, sanity_checks. The user's own module is never
changed. One that holds what Python cannot copy (an open file, a lock, a weight that is computed)
is made again from where it came from, and given the weights of this one.
"""

import copy

import torch
from torch import Tensor, nn

from lamella.errors import ModelError, said
from lamella.network.model import Model

AGAIN = "It cannot be copied ({}): where a second one is needed, it is made again from its source."


def copied(model: Model) -> nn.Module:
    """A copy of the network, on the device and in the memory format of the first.

    Raises:
        ModelError: it can neither be copied nor be made again.
    """
    try:
        return copy.deepcopy(model.module)
    except Exception as error:  # the user's own objects may raise anything
        why, cause = said(error), error
    if model.again is None:
        raise _no_copy(why, "there is no source to make it again from") from cause
    try:
        with torch.random.fork_rng(devices=[]):
            made = model.again()
    except Exception as error:
        raise _no_copy(why, f"its source does not make it again: {said(error)}") from error
    own, theirs = _tensors(model.module), _tensors(made)
    if {name: value.shape for name, value in own.items()} != {
        name: value.shape for name, value in theirs.items()
    }:
        raise _no_copy(why, "its source makes another network the second time") from cause
    for name, value in theirs.items():
        value.data = own[name].detach().clone()
    told = AGAIN.format(why)
    if told not in model.remarks:
        model.remarks.append(told)
    return made.requires_grad_(False).eval()


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _no_copy(why: str, then: str) -> ModelError:
    return ModelError(
        f"The network cannot be copied ({why}), and {then}.",
        "Let the function that [model] source names return it without what cannot be copied (open "
        "files, locks, hooks that hold them), or build the same network each time.",
    )
