"""Which value of a unit masks lower."""

import numpy as np
import torch
from torch import nn

from lamella.analyses.unit_attribution.occlusion import after_activation, attributed_address
from lamella.config.preprocessing import Preprocessing
from lamella.network.description import Network
from lamella.network.model import Model
from lamella.network.trace import trace
from lamella.network.units import Layer

SIZE = (48, 56)


def model_of(network: nn.Module, size: tuple[int, int] = SIZE) -> Model:
    network.eval().requires_grad_(False)
    traced = {one.layer.name: one for one in trace(network, size)}
    facts = Network("a", "", "", "", 0, size, {}, tuple(one.layer for one in traced.values()))
    plain = Preprocessing(size=48, resize=48, mean=(0, 0, 0), std=(1, 1, 1))
    return Model(network, plain, traced, facts, torch.device("cpu"))


def test_what_is_explained_where_an_activation_has_a_ceiling():
    torch.manual_seed(0)
    model = model_of(nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU6(), nn.Conv2d(2, 2, 3), nn.ReLU()))
    assert attributed_address(model, "0") == model.traced["0"].target != model.traced["0"].observed
    assert attributed_address(model, "2") == model.traced["2"].observed
    values = np.array([-1.0, 3.0, 9.0], np.float32)
    capped, plain = (
        Layer("a", "convolution", 1, 1, 1, None, activation=name) for name in ("relu6", "relu")
    )
    assert after_activation(capped, values).tolist() == [0, 3, 6]
    assert after_activation(plain, values) is values
