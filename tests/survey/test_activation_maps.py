"""Maps of chosen units on chosen images, and what is laid over the photographs because of them."""

import io
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.nn import functional

from lamella.figures.encoding import lossless
from lamella.figures.overlays import LEVELS, OPAQUE, SHADE, blocks, grid, heat, sheet, views
from lamella.network.activations import cut
from lamella.network.units import Layer
from lamella.numbers.upsampling import upsampled, weights
from lamella.pipeline.pipeline import Analysis
from lamella.places.field import Field, ReceptiveField
from lamella.survey.activation_maps import BATCH, UNITS, Wanted, maps_of, parts

SIZE = (48, 48)


def plain(height: int, width: int, field: Field | None = None, channels: int = 1) -> Layer:
    return Layer("a", "convolution", channels, height, width, field)


# The pass


@pytest.mark.parametrize("held", [1, 3_000, 10**9])
def test_maps_are_those_of_a_direct_forward_pass(tiny, held):
    analysis = Analysis.of(tiny.config())
    model, images = analysis.model, analysis.images
    random = np.random.default_rng(0)
    wanted = []
    for layer in model.facts.layers:
        channels = tuple(range(0, layer.channels, 2))
        asked = random.integers(-1, len(images), (len(channels), 5))
        wanted.append(Wanted(layer, channels, asked))
    seen = {layer.name: [] for layer in model.facts.layers}
    for part, maps in maps_of(model, images, wanted, held):
        see = cut(model.module, model.traced[part.layer.name].observed)
        seen[part.layer.name] += part.channels
        assert maps.shape == (*part.images.shape, part.layer.height, part.layer.width)
        for unit, place in np.ndindex(part.images.shape):
            image = int(part.images[unit, place])
            if image < 0:
                assert np.isnan(maps[unit, place]).all()
                continue
            pixels = torch.tensor(images.pixels(image)).permute(2, 0, 1)[None].float() / 255
            expected = see(model.normalise(pixels))[0, part.channels[unit]]
            torch.testing.assert_close(torch.from_numpy(maps[unit, place]), expected)
    assert seen == {one.layer.name: list(one.channels) for one in wanted}


def test_maps_depend_on_no_other_wish(tiny):
    analysis = Analysis.of(tiny.config())
    layer = analysis.model.facts.layers[0]
    few = Wanted(layer, (2,), np.array([[1]]))
    many = Wanted(layer, (0, 2, 3), np.array([[0, 1], [2, 1], [1, 0]]))
    ((_, alone),) = maps_of(analysis.model, analysis.images, [few])
    ((_, among),) = maps_of(analysis.model, analysis.images, [many])
    assert alone[0, 0].tobytes() == among[1, 1].tobytes()


def test_an_image_that_broke_since_the_survey_has_no_map(tiny):
    analysis = Analysis.of(tiny.config())
    layer = analysis.model.facts.layers[0]
    analysis.images.files[1].write_bytes(b"no image any more")
    wanted = Wanted(layer, (0,), np.array([[0, 1, 2]]))
    ((_, maps),) = maps_of(analysis.model, analysis.images, [wanted])
    assert np.isnan(maps[0, 1]).all() and np.isfinite(maps[0, [0, 2]]).all()


@given(
    st.lists(st.tuples(st.integers(1, 150), st.integers(1, 9), st.integers(1, 9)), max_size=5),
    st.integers(1, 20_000),
)
def test_groups_hold_every_unit_once_and_no_more_bytes_than_stated(layers, held):
    wanted = [
        Wanted(plain(side, side, channels=n), tuple(range(n)), np.zeros((n, places), np.int64))
        for n, side, places in layers
    ]
    groups = list(parts(wanted, held))
    for group in groups:
        alone = len(group) == 1 and len(group[0].channels) == 1
        assert sum(part.bytes for part in group) <= held or alone
        assert all(0 < len(part.channels) <= UNITS for part in group)
    # As few groups as that: what begins a group did not fit into the one before.
    for before, after in pairwise(groups):
        assert sum(part.bytes for part in before) + after[0].bytes > held
    found = [channel for group in groups for part in group for channel in part.channels]
    assert found == [channel for one in wanted for channel in one.channels]
    assert BATCH > 1


# Upsampling


def sampled(maps: torch.Tensor, field: Field, pixels: int) -> torch.Tensor:
    """Bilinear interpolation between the centres of the receptive fields, by torch."""

    def places(axis: ReceptiveField, extent: int, positions: int) -> torch.Tensor:
        centres = (torch.arange(pixels) + 0.5) * extent / pixels
        position = (centres - (axis.start + axis.size / 2)) / axis.stride
        return position / (positions - 1) * 2 - 1  # as grid_sample counts

    rows = places(field.rows, SIZE[0], maps.shape[1])
    columns = places(field.columns, SIZE[1], maps.shape[2])
    where = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)
    return functional.grid_sample(
        maps[:, None],
        where.expand(len(maps), -1, -1, -1),
        padding_mode="border",
        align_corners=True,
    )[:, 0]


field = st.builds(
    ReceptiveField, st.integers(1, 60), st.sampled_from([1, 2, 4, 8]), st.integers(-30, 5)
)


@settings(max_examples=40)
@given(
    st.integers(2, 9),
    st.integers(2, 9),
    field,
    field,
    st.sampled_from([16, 24, 48, 96, 100]),
    st.integers(0, 99),
)
def test_upsampling_is_torchs_between_the_centres_of_the_fields(
    rows, columns, down, across, pixels, seed
):
    maps = torch.randn((3, rows, columns), generator=torch.Generator().manual_seed(seed))
    seen = Field(down, across)
    found = upsampled(maps.numpy(), plain(rows, columns, seen), SIZE, pixels)
    torch.testing.assert_close(
        torch.from_numpy(found), sampled(maps, seen, pixels), atol=2e-5, rtol=2e-5
    )


@pytest.mark.parametrize("positions", [1, 2, 7, 13])
def test_without_a_field_the_map_is_stretched(positions):
    maps = torch.randn((2, positions, positions), generator=torch.Generator().manual_seed(1))
    found = upsampled(maps.numpy(), plain(positions, positions), SIZE, 32)
    expected = functional.interpolate(
        maps[:, None], size=(32, 32), mode="bilinear", align_corners=False
    )[:, 0]
    torch.testing.assert_close(torch.from_numpy(found), expected)
    assert np.allclose(weights(None, positions, 48, 32).sum(axis=1), 1)


# Heat and masks


@settings(max_examples=30)
@given(st.integers(1, 40), st.floats(-1, 2), st.integers(0, 999))
def test_the_mask_is_torchs_interpolation_and_a_threshold(positions, threshold, seed):
    side = 16
    maps = torch.randn((3, positions, positions), generator=torch.Generator().manual_seed(seed))
    layer = plain(positions, positions)
    _, shades, shares = views(maps.numpy(), layer, SIZE, side, 3.0, threshold)
    fine = grid(positions, side)
    assert fine % side == 0 and fine >= 2 * max(positions, side)
    large = functional.interpolate(
        maps[:, None], size=(fine, fine), mode="bilinear", align_corners=False
    )
    clear = (large > threshold).float()
    near = ((large - threshold).abs() < 1e-5).any(dim=(1, 2, 3))  # rounding may decide
    expected = 255 * SHADE * (1 - functional.avg_pool2d(clear, fine // side)[:, 0])
    for at in range(3):
        if not near[at]:
            np.testing.assert_allclose(shades[at, ..., 3], expected[at], atol=0.51)
            assert shares[at] == pytest.approx(float(clear[at].mean()), abs=1e-6)
    assert not shades[..., :3].any()


def test_bytes_decode_to_alpha_that_is_proportional_to_the_activation():
    random = np.random.default_rng(0)
    maps = random.gamma(1, 2, (8, 13, 13)).astype(np.float32)
    scale, side = float(maps.max()), 32
    warm, _, _ = views(maps, plain(13, 13), SIZE, side, scale, 1.0)
    decoded = Image.open(io.BytesIO(lossless(sheet(warm, 4)))).convert("RGBA")
    assert decoded.size == (4 * side, 2 * side)
    strongest = blocks(upsampled(maps, plain(13, 13), SIZE, grid(13, side)), side).max(-1)
    for cell in range(8):
        row, column = divmod(cell, 4)
        shown = np.asarray(decoded)[row * side :, column * side :][:side, :side]
        expected = 255 * OPAQUE * strongest[cell] / scale
        np.testing.assert_allclose(shown[..., 3], expected, atol=255 * OPAQUE / LEVELS / 2 + 1)
        assert (shown[..., 3] == 0).any() or strongest[cell].min() > scale / LEVELS / 2


def test_no_place_of_a_large_map_is_lost():
    maps = np.zeros((1, 111, 111), np.float32)
    maps[0, 40, 70] = 5
    seen = ReceptiveField(3, 2, 0)
    warm, shades, shares = views(maps, plain(111, 111, Field(seen, seen)), (224, 224), 64, 5.0, 2.5)
    assert warm[..., 3].max() > 0.6 * 255 * OPAQUE  # stretched to 64 pixels it would be gone
    assert shares[0] > 0 and shades[..., 3].min() < 255 * SHADE


def test_both_signs_share_one_scale_and_zero_is_nothing():
    colours = heat(np.array([-4.0, -2.0, 0.0, 2.0, 4.0, 9.0], np.float32), 4.0)
    assert colours[:, 3].tolist() == [217, 108, 0, 108, 217, 217]
    assert colours[0, 2] > colours[0, 0] and colours[4, 0] > colours[4, 2]
    assert not heat(np.array([0.0, 1.0], np.float32), 0.0).any()  # all-equal: no scale


def test_where_there_is_no_map_there_is_nothing():
    maps = np.full((2, 4, 4), np.nan, np.float32)
    maps[1] = 3.0
    warm, shades, shares = views(maps, plain(4, 4), SIZE, 16, 3.0, 3.0)
    assert not warm[0].any() and not shades[0].any() and np.isnan(shares[0])
    assert (warm[1, ..., 3] == round(255 * OPAQUE)).all()  # all-equal activations
    assert shares[1] == 0 and (shades[1, ..., 3] == round(255 * SHADE)).all()
