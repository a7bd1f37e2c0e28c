"""The survey's collectors against slow truths, and their merging against every split."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from lamella.survey.bins import BINS, ZERO, edges, table
from lamella.survey.bottom import Bottom
from lamella.survey.distribution import QUANTILES, Distribution, quantiles
from lamella.survey.extremes import KEPT
from lamella.survey.moments import Moments
from lamella.survey.profile import WIDTH, Profile, directions
from lamella.survey.run import COLLECTORS
from lamella.survey.summary import _summarise_on_device, summarise
from lamella.survey.top import Top

CHANNELS = 3

# Few distinct values, so that ties and zeros are common; a few of any size.
activations = npst.arrays(
    np.float32,
    st.tuples(st.integers(1, 30), st.just(CHANNELS), st.integers(1, 3), st.integers(1, 3)),
    elements=st.one_of(
        st.sampled_from([0.0, 1.0, -1.0, 2.5]),
        st.floats(-1000, 1000, width=32, allow_subnormal=False),
    ),
)


def collected(kind, values, numbers):
    """A collector that saw these images in one batch."""
    collector = kind.empty(CHANNELS)
    if len(values):
        ids = tuple(f"image {number}" for number in numbers)
        collector.update(summarise(torch.from_numpy(values)), np.asarray(numbers), ids)
    return collector


def assert_same(one, other):
    for name, array in one.finish().items():
        if array.dtype.kind == "f" and not name.endswith("_activation"):
            np.testing.assert_allclose(array, other.finish()[name], rtol=1e-4, atol=1e-4)
        else:
            np.testing.assert_array_equal(array, other.finish()[name])


@pytest.mark.parametrize("kind", COLLECTORS)
@settings(deadline=None, max_examples=60)
@given(values=activations, data=st.data())
def test_any_split_in_any_order_gives_the_same(kind, values, data):
    order = data.draw(st.permutations(range(len(values))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(values)), max_size=4)))
    whole = collected(kind, values, range(len(values)))
    parts = [
        collected(kind, values[part], part)
        for part in (
            list(order[a:b]) for a, b in zip([0, *cuts], [*cuts, len(values)], strict=True)
        )
    ]
    merged = kind.empty(CHANNELS)  # the empty element
    for part in data.draw(st.permutations(parts)):
        merged.merge(part)
    assert_same(whole, merged)
    restored = kind.restored(CHANNELS, merged.state())
    assert_same(whole, restored)


@pytest.mark.parametrize(("kind", "end", "sign"), [(Top, "top", 1), (Bottom, "bottom", -1)])
@settings(deadline=None, max_examples=60)
@given(values=activations)
def test_both_ends_are_brute_force(kind, end, sign, values):
    found = collected(kind, values, range(len(values))).finish()
    flat = values.reshape(len(values), CHANNELS, -1)
    for channel in range(CHANNELS):
        peaks = sorted((-sign * float(flat[i, channel].max()), i) for i in range(len(values)))
        for place, (activation, image) in enumerate(peaks[:KEPT]):
            assert found[f"{end}_image"][channel, place] == image
            assert found[f"{end}_activation"][channel, place] == -sign * activation
            assert found[f"{end}_position"][channel, place] == flat[image, channel].argmax()
        assert (found[f"{end}_image"][channel, len(peaks) :] == -1).all()
        assert (found[f"{end}_activation"][channel, len(peaks) :] == -sign * np.inf).all()


@pytest.mark.parametrize("kind", [Top, Bottom])
def test_ties_that_change_nothing_are_not_sorted(kind, monkeypatch):
    """A silent channel ties on every image; only the first ones are kept, and sorted."""
    collector, joined = kind.empty(CHANNELS), []
    join = kind._join
    monkeypatch.setattr(kind, "_join", lambda self, *args: (joined.append(1), join(self, *args)))
    for first in range(0, 80, 20):
        numbers = np.arange(first, first + 20)
        summary = summarise(torch.zeros(20, CHANNELS, 2, 2))
        collector.update(summary, numbers, tuple(map(str, numbers)))
    assert len(joined) == 1
    assert (collector.image == np.arange(KEPT)).all()


@settings(deadline=None, max_examples=60)
@given(values=activations)
def test_moments_are_numpys(values):
    found = collected(Moments, values, range(len(values))).finish()
    flat = values.astype(np.float64).transpose(1, 0, 2, 3).reshape(CHANNELS, -1)
    np.testing.assert_allclose(found["mean"], flat.mean(1), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found["deviation"], flat.std(1), rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(found["maximum"], values.max((0, 2, 3)))
    means = values.astype(np.float64).mean((2, 3))
    np.testing.assert_allclose(found["mean_deviation"], means.std(0), rtol=1e-3, atol=1e-3)


def test_a_channel_that_never_varies_has_no_deviation_between_images():
    values = np.empty((20, CHANNELS, 3, 3), np.float32)
    values[:] = np.array([0.1, 777.7, 0])[:, None, None]
    found = collected(Moments, values, range(20)).finish()
    assert not found["mean_deviation"].any()


@settings(deadline=None, max_examples=60)
@given(values=activations)
def test_counts_are_numpys(values):
    summary = summarise(torch.from_numpy(values))
    bounds = edges()
    for channel in range(CHANNELS):
        flat = values[:, channel].ravel()
        assert summary.counts[channel, ZERO] == (flat == 0).sum()
        # numpy's bins are closed on the left; on the negative side ours mirror the positive ones.
        for sign, side in ((1, slice(ZERO + 1, None)), (-1, slice(ZERO - 1, None, -1))):
            part = np.abs(flat[np.sign(flat) == sign])
            expected = np.histogram(np.clip(part, 0, bounds[-1]), bounds[ZERO + 1 :])[0]
            np.testing.assert_array_equal(summary.counts[channel, side], expected)


@settings(deadline=None, max_examples=60)
@given(values=activations, share=st.sampled_from(list(QUANTILES.values())))
def test_quantiles_are_within_their_stated_error(values, share):
    counts = collected(Distribution, values, range(len(values))).counts
    found = quantiles(counts, share)
    for channel in range(CHANNELS):
        flat = np.sort(values[:, channel].ravel().astype(np.float64))
        exact = flat[max(1, int(np.ceil(share * flat.size))) - 1]
        assert abs(found[channel] - exact) <= max(abs(exact) / 32, 2.0**-14)


def test_bins_cover_every_float():
    bounds, found = edges(), table()
    assert len(bounds) == BINS + 1 and (np.diff(bounds) >= 0).all()
    random = np.random.default_rng(0).standard_normal(2000).astype(np.float32) * 100
    bins = found[random.view(np.uint32) >> 19]
    assert (bounds[bins] <= random).all() and (random <= bounds[bins + 1]).all()
    assert found[np.float32(1e30).view(np.uint32) >> 19] == BINS - 1
    assert found[np.float32(-1e30).view(np.uint32) >> 19] == 0


def test_sketches_keep_correlations():
    random = np.random.default_rng(0)
    images = 400
    base = random.standard_normal((images, CHANNELS))
    base[:, 1] = base[:, 0] * 3 + 5  # the same answer on another scale
    values = base.astype(np.float32)[:, :, None, None]
    sketch = collected(Profile, values, range(images)).finish()["profile"]
    assert sketch.shape == (CHANNELS, WIDTH)
    exact = np.corrcoef(base.T)
    assert np.abs(sketch @ sketch.T - exact).max() < 4 / np.sqrt(WIDTH)
    np.testing.assert_allclose(sketch[0], sketch[1], atol=1e-4)


def test_a_flat_channel_has_no_profile():
    values = np.full((20, CHANNELS, 1, 1), 7, np.float32)
    assert not collected(Profile, values, range(20)).finish()["profile"].any()


def test_directions_depend_on_the_image_alone():
    assert (directions("a") == directions("a")).all()
    assert abs(np.dot(directions("a"), directions("b"))) / WIDTH < 0.3


def test_summary_shows_what_is_not_finite():
    values = torch.zeros(1, 2, 3, 3)
    values[0, 1, 2, 2] = torch.nan
    assert np.isfinite(summarise(values).total).tolist() == [[True, False]]


@settings(deadline=None, max_examples=30)
@given(values=activations)
def test_a_gpus_summary_is_the_same(values):
    """Its torch code, run on the processor."""
    one = summarise(torch.from_numpy(values))
    other = _summarise_on_device(torch.from_numpy(values).flatten(2))
    np.testing.assert_array_equal(one.counts, other.counts)
    np.testing.assert_array_equal(one.peak, other.peak)
    np.testing.assert_array_equal(one.position, other.position)
    np.testing.assert_allclose(one.total, other.total, rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(one.square, other.square, rtol=1e-5, atol=1e-3)
