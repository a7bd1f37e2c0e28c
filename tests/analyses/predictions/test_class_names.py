"""Which classes a label names."""

import pytest

from lamella.analyses.predictions.class_names import named_by


@pytest.mark.parametrize(
    ("label", "found"),
    [
        ("tench", (0,)),
        ("Tinca_Tinca", (0,)),
        ("tench, tinca tinca", (0,)),
        ("great-white shark", (1,)),
        ("crane", (2, 3)),
        ("shark", ()),
        ("", ()),
    ],
)
def test_labels_that_name_classes(label: str, found: tuple[int, ...]) -> None:
    names = ("tench, Tinca tinca", "great white shark", "crane", "crane, crane bird", "")
    assert named_by(label, names) == found
