"""What maps keep of their order, against scipy."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from lamella.analyses.sanity_checks.map_similarity import Reference


def test_signs_count_where_a_method_has_them() -> None:
    maps = np.random.default_rng(0).normal(size=(2, 4, 4)).astype(np.float32)
    reference = Reference.of({"occlusion": maps, "saliency": np.abs(maps)})
    kept = reference.similarity({"occlusion": -maps, "saliency": np.abs(maps)})
    assert kept.signed[:, 0] == pytest.approx([-1, -1]) and np.isnan(kept.signed[:, 1]).all()
    assert kept.absolute == pytest.approx(np.ones((2, 2)))
    gone = reference.similarity({"saliency": np.abs(maps)})  # a method that could not be computed
    assert np.isnan(gone.absolute[:, 0]).all() and gone.flat[:, 0].all()
    assert not gone.flat[:, 1].any()


def test_images_are_compared_with_each_other() -> None:
    random = np.random.default_rng(0)
    maps = random.normal(size=(3, 4, 4)).astype(np.float32)
    found = Reference.of({"saliency": maps}).between_images()
    flat = np.abs(maps).reshape(3, -1)
    wanted = [spearmanr(flat[0], flat[other]).statistic for other in (1, 2)]
    assert found[0, 0] == pytest.approx(np.mean(wanted))
    assert np.isnan(Reference.of({"saliency": maps[:1]}).between_images()).all()
