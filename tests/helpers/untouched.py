"""Whether a network is as it was: state, modes, hooks, what is frozen, and what it says."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


def _hooks(module: nn.Module) -> dict[str, list[Any]]:
    """All hooks of one module and what hangs on its tensors, by the dictionary's name."""
    found = {
        name: list(value.items())
        for name, value in vars(module).items()
        if name.endswith("_hooks") or name.endswith("_hooks_with_kwargs")
    }
    tensors = (*module.parameters(recurse=False), *module.buffers(recurse=False))
    found["of tensors"] = [list((tensor._backward_hooks or {}).items()) for tensor in tensors]
    return found


def _described(network: nn.Module) -> dict[str, Any]:
    """What must not change, apart from numbers."""
    return {
        "modules": [(name, id(module), type(module)) for name, module in network.named_modules()],
        "modes": [module.training for module in network.modules()],
        "hooks": [_hooks(module) for module in network.modules()],
        "attributes": [sorted(vars(module)) for module in network.modules()],
        "parameters": [
            (name, id(one), one.requires_grad, one._version)
            for name, one in network.named_parameters()
        ],
        "buffers": [(name, id(one), one._version) for name, one in network.named_buffers()],
    }


@contextmanager
def untouched(module: nn.Module, inputs: Tensor) -> Iterator[None]:
    """Fails where what runs inside leaves a trace in a network.

    Args:
        module: the user's network. Modes may differ between its parts.
        inputs: on which its outputs must be the same bits afterwards; they must stay as they are
            too.
    """
    given = inputs.clone()
    with torch.no_grad():
        outputs = module(inputs.clone())
    # Only now: a network that counts its own passes in training mode may have done so above.
    state = {name: value.clone() for name, value in module.state_dict().items()}
    chance = torch.get_rng_state()
    gradients = [parameter.grad for parameter in module.parameters()]
    before = _described(module)
    yield
    assert torch.equal(torch.get_rng_state(), chance), (
        "numbers were drawn from the global generator"
    )
    after = _described(module)
    for key, value in before.items():
        assert after[key] == value, f"{key} of the network changed"
    assert state.keys() == module.state_dict().keys()
    for name, value in module.state_dict().items():
        assert torch.equal(value, state[name]), f"{name} changed"
    for parameter, gradient in zip(module.parameters(), gradients, strict=True):
        assert parameter.grad is gradient, "a gradient was left at a parameter"
    with torch.no_grad():
        assert torch.equal(module(inputs.clone()), outputs), "the network says something else"
    assert torch.equal(inputs, given) and not inputs.requires_grad, "the images changed"
