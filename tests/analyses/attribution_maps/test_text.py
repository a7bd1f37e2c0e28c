"""Numbers as the pages of attribution maps say them."""

import pytest

from lamella.analyses.attribution_maps.text import number, percent, under_mask


@pytest.mark.parametrize(
    ("share", "said"),
    [(1, "> 99.9 %"), (0.8127, "81.3 %"), (0.0005, "0.1 %"), (0.00049, "0.049 %"),
     (0.000094, "0.0094 %"), (1.234e-6, "0.00012 %"), (0, "< 0.00001 %")],
)  # fmt: skip
def test_small_probabilities_are_told_apart(share: float, said: str) -> None:
    assert percent(share) == said


def test_numbers_of_any_size() -> None:
    shown = [number(value) for value in (0, 0.25, 1234.5, 0.0000287, -2e-7, 3e8)]
    assert shown == ["0", "0.25", "1,234", "2.87 × 10⁻⁵", "-2 × 10⁻⁷", "3 × 10⁸"]


def test_the_probability_under_a_mask_has_as_many_digits_as_can_be_read() -> None:
    assert under_mask(0.745, 0.1, 0.9) == "{} % with this patch covered, 74 % without"
    said = under_mask(0.9999123, 0.9998, 0.99999)
    assert said == "{} % with this patch covered, 99.9912 % without"
    assert under_mask(0.5, 0.5, 0.5) == "{} % with this patch covered, 50.000 % without"
