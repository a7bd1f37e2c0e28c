"""The strongest outputs, as they are stored."""

import numpy as np
import torch

from lamella.analyses.layer_activations.compute import strongest_outputs


def test_outputs_that_are_probabilities_stay_as_they_are() -> None:
    shares = torch.tensor([0.2, 0.7, 0.1]).double()
    stays = strongest_outputs(shares, 3)
    assert stays["output"].tolist() == [1, 0, 2, -1, -1] and bool(stays["named"])
    assert stays["value"].tolist() == np.float32([0.7, 0.2, 0.1, 0, 0]).tolist()
    raised = strongest_outputs(torch.tensor([1e4, -1e4, 0]).double(), 3)
    assert raised["value"].tolist() == [1, 0, 0, 0, 0]
    assert strongest_outputs(shares * 2, 4)["value"][0] == np.float32(1.4)  # classes have no names
