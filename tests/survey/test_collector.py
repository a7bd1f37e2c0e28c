"""The survey's collectors against slow truths, and their merging against every split."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from lamella.survey.bins import BAND_SAMPLE, BANDS, BINS, PER_BAND, ZERO, edges, table
from lamella.survey.collector import Extent, Shown
from lamella.survey.covariance import PER_IMAGE, Covariance, drawn_positions, sampled
from lamella.survey.distribution import QUANTILES, Distribution, quantiles
from lamella.survey.extremes import Bottom, Lowest, Top
from lamella.survey.labels import Distinct, LabelMeans
from lamella.survey.moments import Moments
from lamella.survey.profile import WIDTH, Profile, directions
from lamella.survey.run import COLLECTORS
from lamella.survey.spectrum import Spectrum, lot
from lamella.survey.summary import _summarise_on_device, summarise

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


LABELS = 4


def label_of(number):
    """Some have none."""
    return number * 7 % (LABELS + 1) - 1


def collected(kind, values, numbers):
    """A collector that saw these images in one batch."""
    places_ = values.shape[2] * values.shape[3]
    collector = kind.empty(Extent(values.shape[1], places_, LABELS, signed=True))
    if len(values):
        ids = tuple(f"image {number}" for number in numbers)
        labels = np.array([label_of(number) for number in numbers], np.int64)
        summary = summarise(torch.from_numpy(values), low=True, at=sampled(ids, places_))
        collector.update(summary, Shown(np.asarray(numbers, np.int64), ids, labels))
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
    extent = Extent(CHANNELS, values.shape[2] * values.shape[3], LABELS, signed=True)
    merged = kind.empty(extent)  # the empty element
    for part in data.draw(st.permutations(parts)):
        merged.merge(part)
    assert_same(whole, merged)
    restored = kind.restored(extent, merged.state())
    assert_same(whole, restored)


@pytest.mark.parametrize(
    ("kind", "end", "sign", "least"),
    [(Top, "top", 1, False), (Bottom, "bottom", -1, False), (Lowest, "lowest", -1, True)],
)
@settings(deadline=None, max_examples=60)
@given(values=activations)
def test_the_ends_are_brute_force(kind, end, sign, least, values):
    found = collected(kind, values, range(len(values))).finish()
    flat = values.reshape(len(values), CHANNELS, -1)
    pick = np.min if least else np.max
    for channel in range(CHANNELS):
        ends = sorted((-sign * float(pick(flat[i, channel])), i) for i in range(len(values)))
        for place, (activation, image) in enumerate(ends[: kind.kept]):
            of = flat[image, channel]
            assert found[f"{end}_image"][channel, place] == image
            assert found[f"{end}_activation"][channel, place] == -sign * activation
            at = of.argmin() if least else of.argmax()
            assert found[f"{end}_position"][channel, place] == at
        assert (found[f"{end}_image"][channel, len(ends) :] == -1).all()
        assert (found[f"{end}_activation"][channel, len(ends) :] == -sign * np.inf).all()


@settings(deadline=None, max_examples=60)
@given(values=activations)
def test_the_best_of_each_label_is_brute_force(values):
    found = collected(Distinct, values, range(len(values))).finish()
    peaks = values.max((2, 3))
    for channel in range(CHANNELS):
        best = {}
        for image in range(len(values)):
            label, key = label_of(image), (-float(peaks[image, channel]), image)
            if label >= 0:
                best[label] = min(best.get(label, key), key)
        expected = sorted(best.values())[: Distinct.kept]
        kept = found["distinct_image"][channel]
        assert kept[kept >= 0].tolist() == [image for _, image in expected]


def test_twelve_of_many_labels_survive_any_split():
    """More labels than are kept: what is pushed out of a part is pushed out of the whole."""
    random = np.random.default_rng(0)
    extent = Extent(2, 1, 40)
    values = random.integers(0, 9, (300, 2, 1, 1)).astype(np.float32)
    labels = random.integers(-1, 40, 300)

    def seen(numbers):
        collector = Distinct.empty(extent)
        shown = Shown(np.asarray(numbers), tuple(map(str, numbers)), labels[numbers])
        collector.update(summarise(torch.from_numpy(values[numbers])), shown)
        return collector

    whole = seen(np.arange(300))
    merged = Distinct.empty(extent)
    for part in np.array_split(random.permutation(300), 7):
        merged.merge(seen(part))
    assert_same(whole, merged)
    assert all(len(set(row)) == Distinct.kept for row in labels[whole.image].tolist())


@settings(deadline=None, max_examples=60)
@given(values=activations)
def test_label_means_are_numpys(values):
    found = collected(LabelMeans, values, range(len(values))).finish()["label_mean"]
    labels = np.array([label_of(number) for number in range(len(values))])
    for label in range(LABELS):
        of = values[labels == label].astype(np.float64)
        if not len(of):
            assert np.isnan(found[:, label]).all()
        else:
            np.testing.assert_allclose(
                found[:, label], of.mean((2, 3)).mean(0), rtol=1e-4, atol=1e-4
            )


def test_without_labels_nothing_is_collected_by_them():
    assert not Distinct.suits(Extent(3)) and not LabelMeans.suits(Extent(3))
    assert not Lowest.suits(Extent(3)) and Lowest.suits(Extent(3, signed=True))


@settings(deadline=None, max_examples=60)
@given(values=activations)
def test_bands_are_ranks_among_all_where_there_are_few_images(values):
    found = collected(Spectrum, values, range(len(values))).finish()
    peaks = values.max((2, 3))
    for band, (low, high) in enumerate(BANDS):
        for channel in range(CHANNELS):
            images = found["spectrum_image"][channel, band]
            images = images[images >= 0]
            assert len(set(images.tolist())) == len(images)
            for at, image in enumerate(images):
                rank = found["spectrum_rank"][channel, band, at]
                assert low - 1e-6 <= rank < high
                peak = peaks[image, channel]
                assert found["spectrum_activation"][channel, band, at] == peak
                place = found["spectrum_position"][channel, band, at]
                assert place == values[image, channel].argmax()
                below = (peaks[:, channel] < peak).mean()
                upto = (peaks[:, channel] <= peak).mean()
                assert below - 1e-6 <= rank <= upto  # between them where peaks tie
            activations_ = found["spectrum_activation"][channel, band, : len(images)]
            assert (np.diff(activations_) <= 0).all()


def test_of_many_images_a_sample_is_kept():
    random = np.random.default_rng(0)
    values = random.random((1000, 2, 1, 1)).astype(np.float32)
    collector = collected(Spectrum, values, range(1000))
    assert (collector.image >= 0).all() and len(collector.image) == BAND_SAMPLE
    smallest = sorted(range(1000), key=lambda number: lot(f"image {number}"))[:BAND_SAMPLE]
    assert sorted(collector.image.tolist()) == sorted(smallest)
    found = collector.finish()
    exact = (values[:, 0, 0, 0] < found["spectrum_activation"][0, :, :, None]).mean(-1)
    assert np.abs(exact - found["spectrum_rank"][0]).max() < 4 / (2 * np.sqrt(BAND_SAMPLE))
    assert found["spectrum_image"].shape == (2, len(BANDS), PER_BAND)


def test_the_spectrum_is_that_of_the_covariance():
    random = np.random.default_rng(0)
    values = (random.standard_normal((50, 6, 3, 3)) * np.arange(1, 7)[:, None, None]).astype("f4")
    collector = collected(Covariance, values, range(50))
    chosen = np.array([drawn_positions(f"image {number}", 9) for number in range(50)])
    flat = values.reshape(50, 6, 9)
    vectors = np.concatenate([flat[i][:, chosen[i]].T for i in range(50)])
    assert vectors.shape == (50 * PER_IMAGE, 6)
    expected = np.linalg.eigvalsh(np.cov(vectors.T, bias=True))[::-1]
    found = collector.finish()
    np.testing.assert_allclose(found["spectrum"], expected, rtol=1e-4)
    assert (found["spectrum_vectors"] == 50 * PER_IMAGE).all()


def test_a_small_variance_beside_a_large_one_survives_any_split():
    random = np.random.default_rng(0)
    values = (random.standard_normal((64, 3, 1, 1)) * [[[[1000]], [[1]], [[1]]]]).astype("f4")
    values[:, 0] += 1000
    whole = collected(Covariance, values, range(64))
    merged = Covariance.empty(Extent(3))
    for part in np.array_split(np.arange(64), 7):
        merged.merge(collected(Covariance, values[part], part))
    np.testing.assert_allclose(merged.finish()["spectrum"], whole.finish()["spectrum"], rtol=1e-6)
    expected = np.linalg.eigvalsh(np.cov(values[:, :, 0, 0].T.astype(np.float64), bias=True))
    np.testing.assert_allclose(whole.finish()["spectrum"], expected[::-1], rtol=1e-5)


def test_places_are_different_and_belong_to_the_image():
    assert drawn_positions("a", 100) == drawn_positions("a", 100) != drawn_positions("b", 100)
    assert len(set(drawn_positions("a", 5))) == PER_IMAGE and drawn_positions("a", 3) == (0, 1, 2)


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
    np.testing.assert_allclose(found["active"], (values.max((2, 3)) > 0).mean(0), rtol=1e-6)


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
    one = summarise(torch.from_numpy(values), low=True)
    other = _summarise_on_device(torch.from_numpy(values).flatten(2), low=True)
    np.testing.assert_array_equal(one.counts, other.counts)
    np.testing.assert_array_equal(one.peak, other.peak)
    np.testing.assert_array_equal(one.position, other.position)
    np.testing.assert_array_equal(one.low, other.low)
    np.testing.assert_array_equal(one.low_position, other.low_position)
    np.testing.assert_allclose(one.total, other.total, rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(one.square, other.square, rtol=1e-5, atol=1e-3)


@settings(deadline=None, max_examples=30)
@given(values=activations)
def test_the_layout_of_memory_does_not_matter(values):
    plain = torch.from_numpy(values)
    one = summarise(plain, low=True)
    other = summarise(plain.contiguous(memory_format=torch.channels_last), low=True)
    for name in ("peak", "position", "low", "low_position", "total", "square", "counts"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_vectors_are_the_values_at_places():
    values = torch.arange(2 * 3 * 2 * 2, dtype=torch.float32).reshape(2, 3, 2, 2)
    at = np.array([[0, 3], [2, 1]])
    found = summarise(values, at=at).vectors
    expected = [values[i].flatten(1)[:, p].tolist() for i in range(2) for p in at[i]]
    assert found.tolist() == expected
