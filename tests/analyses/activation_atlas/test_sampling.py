"""Which places of which images are taken."""

import numpy as np

from lamella.analyses.activation_atlas.sampling import chosen, inner, places_of


def test_places_are_drawn_by_image_and_seed_alone() -> None:
    one = places_of("abc", 9, 7, 10, 0)
    assert np.array_equal(one, places_of("abc", 9, 7, 10, 0))
    assert not np.array_equal(one, places_of("abd", 9, 7, 10, 0))
    assert not np.array_equal(one, places_of("abc", 9, 7, 10, 1))
    assert len(np.unique(one, axis=0)) == 10
    assert one.min() == 1 and one[:, 0].max() <= 7 and one[:, 1].max() <= 5
    assert len(inner(9, 7)) == 35 and len(inner(4, 9)) == 36 and len(inner(197, 1)) == 197


def test_few_of_many_images_or_many_of_few() -> None:
    ids = [f"{at:03d}" for at in range(40)]
    assert chosen(ids, 25, 1000, 0) == (list(range(40)), 25)
    assert chosen(ids, 25, 100, 0) == (list(range(40)), 2)
    some, each = chosen(ids, 25, 10, 0)
    assert len(some) == 10 and each == 1 and some == sorted(some)
    turned, _ = chosen(ids[::-1], 25, 10, 0)
    assert {ids[::-1][at] for at in turned} == {ids[at] for at in some}
