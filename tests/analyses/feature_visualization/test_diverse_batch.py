"""Several pictures per unit: they differ, and no unit's depend on its neighbours'."""

import pytest
import torch

from lamella.analyses.feature_visualization.diverse_batch import groups
from lamella.analyses.feature_visualization.recipe import Recipe
from lamella.pipeline.pipeline import Analysis


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def pictures(analysis, channels, *, weight=0.5, places=1):
    model = analysis.model
    layer = model.facts.layers[1]
    recipes = {layer.name: Recipe.of(model, layer, {}, steps=8, size=32)}
    found = {}
    for group in groups(
        [model] * places,
        recipes,
        {layer.name: 8},
        [(layer.name, channels)],
        number=4,
        weight=weight,
        seed=0,
    ):
        for at, channel in enumerate(group.channels):
            found[channel] = group.batch.made.images[4 * at : 4 * at + 4]
    return found


def test_a_groups_bytes_do_not_depend_on_its_neighbours(tiny):
    analysis = Analysis.of(tiny.config())
    together = pictures(analysis, [0, 1, 2, 3, 4])
    assert sorted(together) == [0, 1, 2, 3, 4]
    for channels, places in (([3], 1), ([4, 3], 2), ([1, 0, 3], 2)):
        for channel, images in pictures(analysis, channels, places=places).items():
            assert torch.equal(images, together[channel]), (channels, places)


def test_variety_makes_pictures_differ_more(tiny):
    analysis = Analysis.of(tiny.config())

    def apart(weight):
        found = pictures(analysis, [0, 1, 2, 3], weight=weight)
        return sum(float(torch.pdist(images.flatten(1)).mean()) for images in found.values())

    assert apart(20.0) > apart(1e-6)
