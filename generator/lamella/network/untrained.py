"""The same network with random weights: what is found by chance and by architecture alone.

Flow: model -> **untrained** -> dissection, sanity_checks. Every module is reset as its own
`reset_parameters` says (normalizations to 1 and 0, and to running statistics of 0 and 1), then
every kernel and matrix of more than one axis is drawn from a normal distribution of variance 2 /
inputs, and the biases beside them are set to 0 (He et al. 2015, arXiv:1502.01852): PyTorch's own
reset shrinks activations layer by layer until only the biases are left, which no position differs
in.
"""

import copy
import math
from contextlib import suppress

import torch
from torch import nn


def untrained(module: nn.Module, seed: int) -> nn.Module:
    """A copy of a network with random weights, on the same device; the same for the same seed."""
    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    made = copy.deepcopy(module).cpu()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for part in made.modules():
            reset = getattr(part, "reset_parameters", None)
            if callable(reset):
                with suppress(TypeError):  # one of the user's own, which wants arguments
                    reset()
            own = dict(part.named_parameters(recurse=False))
            drawn = [parameter for parameter in own.values() if parameter.dim() > 1]
            for parameter in drawn:
                inputs = max(1, parameter[0].numel())
                parameter.normal_(0, math.sqrt(2 / inputs))
            if drawn and (bias := own.get("bias")) is not None:
                bias.zero_()
    return made.requires_grad_(False).eval().to(device)
