"""What is counted of a network's answers: against a slow truth, in any batches."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lamella.analyses.predictions.stored import FIRST, KEPT
from lamella.analyses.predictions.tally import CONFUSED, Tally


def shares_of(images: int, classes: int, seed: int, steps: int = 0) -> NDArray[np.float32]:
    """Probabilities, with ties where there are few steps."""
    random = np.random.default_rng(seed)
    drawn = (
        random.integers(0, steps, (images, classes)) if steps else random.random((images, classes))
    )
    raised = np.exp(2.0 * drawn)
    return (raised / raised.sum(1, keepdims=True)).astype(np.float32)


def slow(shares: NDArray[np.float32]) -> dict[str, Any]:
    """The facts, one class and one image after the other."""
    images, classes = shares.shape
    count, second = [0] * classes, [0] * classes
    own: list[list[float]] = [[] for _ in range(classes)]
    beside: list[dict[int, float]] = [{} for _ in range(classes)]
    for row in shares.astype(float).tolist():
        ranked = sorted(range(classes), key=lambda c: (-row[c], c))
        count[ranked[0]] += 1
        second[ranked[1]] += 1
        own[ranked[0]].append(row[ranked[0]])
        for other in ranked[1:]:
            sums = beside[ranked[0]]
            sums[other] = sums.get(other, 0.0) + row[other]
    first = shares.argmax(1).tolist()
    top = [sorted(range(images), key=lambda i: (-shares[i, c], i))[:KEPT] for c in range(classes)]
    return {
        "count": count,
        "second_count": second,
        "own_probability": [sum(each) / len(each) if each else 0.0 for each in own],
        "mean_probability": shares.astype(float).mean(0).tolist(),
        "top_image": [each + [-1] * (KEPT - len(each)) for each in top],
        "first_image": [
            [
                *(
                    own := [
                        i
                        for i in sorted(range(images), key=lambda i: (-shares[i, c], i))
                        if first[i] == c
                    ][:FIRST]
                ),
                *[-1] * (FIRST - len(own)),
            ]
            for c in range(classes)
        ],
        "beside": beside,
    }


@given(
    images=st.integers(1, 120),
    classes=st.integers(2, 9),
    seed=st.integers(0, 99),
    steps=st.sampled_from([0, 3]),
    cuts=st.lists(st.integers(0, 120), max_size=5),
)
def test_any_split_gives_the_slow_truth(
    images: int, classes: int, seed: int, steps: int, cuts: list[int]
) -> None:
    shares = shares_of(images, classes, seed, steps)
    tally = Tally(classes, 0)
    stops = sorted({*(min(cut, images) for cut in cuts), 0, images})
    for first, stop in pairwise(stops):
        numbers = np.arange(first, stop)
        tally.update(numbers, np.full(len(numbers), -1), shares[first:stop])
    found, wanted = tally.finish(), slow(shares)
    for name in ("count", "second_count", "top_image", "first_image"):
        assert found[name].tolist() == wanted[name], name
    for name in ("own_probability", "mean_probability"):
        assert found[name] == pytest.approx(np.array(wanted[name]), abs=1e-6)
    for c in range(classes):
        places = [i for i in found["top_image"][c] if i >= 0]
        assert found["top_probability"][c, : len(places)].tolist() == shares[places, c].tolist()
        assert (found["top_probability"][c, len(places) :] == -1).all()
        others = {int(o) for o in found["confused"][c] if o >= 0}
        sums = wanted["beside"][c]
        assert len(others) == min(CONFUSED, len(sums)) and c not in others
        least = min((sums[o] for o in others), default=0.0)
        assert all(sums[o] <= least + 1e-9 for o in sums.keys() - others)
        for other, share in zip(
            found["confused"][c], found["confused_probability"][c], strict=True
        ):
            assert share == pytest.approx(sums.get(int(other), 0) / max(1, wanted["count"][c]))
    assert found["sure"].sum() == images == tally.images
    assert found["sure"].sum(1).tolist() == wanted["count"]


def test_memory_does_not_grow_with_the_images() -> None:
    tally = Tally(30, 4)

    def size() -> int:
        return sum(array.nbytes for array in tally.state().values())

    sizes = []
    for turn in range(40):
        numbers = np.arange(turn * 50, turn * 50 + 50)
        tally.update(numbers, numbers % 5 - 1, shares_of(50, 30, turn))
        sizes.append(size())
    assert set(sizes) == {sizes[0]} and tally.images == 2000


def test_many_classes_need_no_full_table() -> None:
    tally = Tally(21_841, 3)
    assert not tally.beside.exact
    assert sum(array.nbytes for array in tally.state().values()) < 60_000_000


def test_an_interrupted_pass_goes_on_where_it_was() -> None:
    shares = shares_of(20, 5, 1)
    labels = np.arange(20) % 3 - 1
    whole, before, after = Tally(5, 2), Tally(5, 2), Tally(5, 2)
    whole.update(np.arange(20), labels, shares)
    before.update(np.arange(9), labels[:9], shares[:9])
    assert after.restore({name: array.copy() for name, array in before.state().items()})
    after.update(np.arange(9, 20), labels[9:], shares[9:])
    for name, array in whole.state().items():
        assert after.state()[name] == pytest.approx(array), name
    assert after.label_answers() == whole.label_answers()
    assert not Tally(6, 2).restore(before.state()) and not Tally(5, 2).restore({})
