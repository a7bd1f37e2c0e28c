"""How a picture is made: sizes, rates, and which states are kept."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamella.optvis import MACO, Crops, Settings, fitted_size
from lamella.optvis.settings import Rule


@given(
    field=st.none() | st.integers(1, 2000),
    native=st.integers(1, 60).map(lambda number: 16 * number),
    smallest=st.sampled_from([32, 64]),
    largest=st.sampled_from([96, 128, 224]),
)
def test_sizes_fit_the_field(field: int | None, native: int, smallest: int, largest: int) -> None:
    size = fitted_size(field, native=native, smallest=smallest, largest=largest)
    assert size % 16 == 0
    assert size <= min(native, largest)
    assert size >= min(smallest, native)
    if field is not None:
        assert size >= min(1.5 * field, largest, native)
        assert size < max(1.5 * field + 16, smallest + 1)


def test_settings_fit_the_field() -> None:
    usual = Settings()
    assert usual.for_field(None) is usual
    small, large = usual.for_field(3), usual.for_field(207)
    assert small.wave == 24
    assert large.wave == 414
    assert small.learning_rate == 2 * large.learning_rate
    assert large.learning_rate == usual.learning_rate


@given(steps=st.integers(1, 600), snapshots=st.integers(1, 5))
def test_the_last_state_is_always_a_snapshot(steps: int, snapshots: int) -> None:
    settings = Settings(steps=steps, snapshots=snapshots)
    kept = [step for step in range(steps) if settings.keeps(step)]
    assert kept[-1] == steps - 1
    assert len(kept) == min(snapshots, steps)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Settings(steps=0)
    with pytest.raises(ValueError, match="at least 1"):
        Settings(snapshots=0)
    with pytest.raises(ValueError, match="at least 1"):
        Settings(views=0)


@given(steps=st.integers(2, 600), snapshots=st.integers(2, 5))
def test_snapshots_lie_a_sixteenth_apart(steps: int, snapshots: int) -> None:
    settings = Settings(steps=steps, snapshots=snapshots)
    kept = [step for step in range(steps) if settings.keeps(step)]
    apart = {later - earlier for earlier, later in pairwise(kept)}
    assert apart == {max(1, steps // 16)}


@pytest.mark.parametrize("steps", [1, 16, 64, 512])
def test_the_rate_falls_to_a_tenth(steps: int) -> None:
    settings = Settings(steps=steps, learning_rate=0.17)
    rates = [settings.rate(step) for step in range(steps)]
    assert rates[0] == pytest.approx(0.17 * (64 / steps) ** 0.75)
    assert rates == sorted(rates, reverse=True)
    assert settings.rate(steps) == pytest.approx(rates[0] / 10)
    if steps > 1:
        half = (rates[0] + settings.rate(steps)) / 2
        assert settings.rate(steps // 2) == pytest.approx(half)
    assert math.fsum(rates) > 0


@pytest.mark.parametrize("rule", ["nadam", "plain", "normalised"])
def test_the_rate_of_other_rules_is_constant(rule: Rule) -> None:
    settings = Settings(rule=rule, steps=512, learning_rate=0.3)
    assert {settings.rate(step) for step in range(512)} == {0.3}


def test_nothing_but_wave_and_rate_fits_the_field() -> None:
    usual = Settings(steps=7, decay=0.3, views=2)
    fitted = usual.for_field(11)
    assert replace(fitted, wave=None, learning_rate=usual.learning_rate) == usual


def test_maco_is_as_published_but_for_small_pictures() -> None:
    """NAdam, noise and centres are Fel et al.'s; crops that keep what a unit sees are not."""
    assert (MACO.steps, MACO.rule, MACO.learning_rate) == (256, "nadam", 0.2)
    assert MACO.transformation == Crops(first=1.0, last=0.6, spread=0.15, noise=0.08)
    assert MACO.opacity
