"""What a layer says at a place is what a forward pass of that image says there."""

import numpy as np
import pytest
import torch

from lamella.network.activations import cut
from lamella.pipeline.pipeline import Analysis
from lamella.survey.activation_vectors import WIDTH, Positions, projected_vectors, projection


@pytest.mark.parametrize("at", [1, 2])  # never negative; signed
def test_sketches_are_the_layers_values_there(tiny, at):
    analysis = Analysis.of(tiny.config())
    model, images = analysis.model, analysis.images
    layer = model.facts.layers[at]
    assert layer.signed == (at == 2)
    random = np.random.default_rng(0)
    wanted = Positions(
        random.integers(-1, len(images), (layer.channels, 5)),
        random.integers(0, layer.height, (layer.channels, 5)),
        random.integers(0, layer.width, (layer.channels, 5)),
    )
    found = projected_vectors(model, images, {layer.name: wanted})[layer.name]
    assert found.shape == (layer.channels, 5, WIDTH)
    see = cut(model.module, model.traced[layer.name].observed)
    for unit, place in np.ndindex(layer.channels, 5):
        image = int(wanted.image[unit, place])
        expected = torch.zeros(WIDTH)
        if image >= 0:
            pixels = torch.tensor(images.pixels(image)).permute(2, 0, 1)[None].float() / 255
            values = see(model.normalise(pixels))[0]
            at = values[:, wanted.row[unit, place], wanted.column[unit, place]].clone()
            at[unit] = 0  # the unit's own
            rooted = at.sign() * at.abs().sqrt()
            expected = rooted @ projection(layer.channels)
        torch.testing.assert_close(torch.from_numpy(found[unit, place]), expected)


def test_projections_keep_angles():
    random = torch.Generator().manual_seed(0)
    one, other = torch.randn((2, 40, 512), generator=random)
    other = one + other * torch.rand((40, 1), generator=random)
    sketched = torch.cosine_similarity(one @ projection(512), other @ projection(512))
    assert (sketched - torch.cosine_similarity(one, other)).abs().mean() < 1.5 / WIDTH**0.5
    assert torch.equal(projection(3), torch.eye(3, WIDTH))


def test_nothing_is_asked_of_no_image(tiny):
    analysis = Analysis.of(tiny.config())
    layer = analysis.model.facts.layers[0]
    nowhere = np.full((layer.channels, 3), -1)
    wanted = Positions(nowhere, nowhere, nowhere)
    found = projected_vectors(analysis.model, analysis.images, {layer.name: wanted})[layer.name]
    assert found.shape == (layer.channels, 3, WIDTH) and not found.any()
