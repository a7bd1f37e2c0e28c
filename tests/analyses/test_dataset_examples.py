"""How many dataset examples a unit has, against those that its page shows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.fake_atlas import Fake
from lamella.analyses.dataset_examples.stored import examples, number_of_examples


@pytest.mark.parametrize("publish", ["whole", "patches", "none"])
@pytest.mark.parametrize("signed", [False, True])
def test_the_number_is_that_of_the_page(tmp_path: Path, publish: str, signed: bool) -> None:
    fake = Fake(layers=(("conv", 5), ("fc", 2)), side=32, photographs=6, publish=publish)
    atlas = fake.write(tmp_path)
    layer = replace(atlas.network.layers[0], activation=None if signed else "relu")
    facts = atlas.layer(layer)
    survey = facts.of("survey")
    survey["top_activation"][1, 2:] = 0  # two images activate it
    survey["top_activation"][2] = 0  # none does
    survey["top_image"][3, 4:] = -1  # only four were seen
    found = number_of_examples(facts)
    for channel in range(5):
        shown = examples(facts, channel)
        assert found[channel] == len(shown.shown) if shown else np.isnan(found[channel])
    if publish != "none":
        assert found.tolist() == ([6, 6, 6, 4, 6] if signed else [6, 2, 0, 4, 6])
