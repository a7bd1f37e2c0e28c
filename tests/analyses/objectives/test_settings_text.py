"""Settings in words."""

from lamella import optvis
from lamella.analyses.objectives.settings_text import parameterization_text, transformation_text


def test_settings_in_words() -> None:
    assert parameterization_text(optvis.Pixels(8)) == "pixels"
    flat = optvis.Fourier(16, decay=0, decorrelated=False)
    assert parameterization_text(flat) == "Fourier, flat (decay 0), RGB"
    waves = optvis.Fourier(64, decay=1.2, wave=24)
    assert parameterization_text(waves) == (
        "Fourier, decay 1.2 from waves of 24 px on, decorrelated colours"
    )
    assert transformation_text(optvis.Transformation(0, 1, 1, 0), 64, 1) == "not transformed"
    assert (
        transformation_text(optvis.Transformation(), 64, 1)
        == "jitter 4 px, scale 0.9 to 1.1, rotation 10°"
    )
    assert "2 crops a step of 100% to 60%" in transformation_text(optvis.MACO.transformation, 64, 2)
