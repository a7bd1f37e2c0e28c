"""`lamella doctor`: every analysis is tried, nothing is kept; the exit code counts failures."""

import pytest

from helpers.tiny import Tiny
from lamella.commands import doctor

QUICK = ["dataset_examples", "statistics", "weights", "feature_visualization", "interpretability"]


def test_a_network_in_good_health(tiny: Tiny) -> None:
    said = tiny.change(analysis__panels=QUICK).works("doctor")
    assert "tried on 3 images" in said and "0 failed; " in said and "GB of memory" in said
    for name in ("convolution", *QUICK[2:]):
        assert name in said
    assert not (tiny.folder / "work").exists() and not (tiny.folder / "public").exists()


def test_what_fails_is_counted_and_said(tiny: Tiny) -> None:
    """A network that takes rectangles alone: two analyses compare squares."""
    (tiny.folder / "network.py").write_text(
        "from torch import nn\n\n\ndef network():\n"
        "    return nn.Sequential(nn.Conv2d(3, 4, 4, 4), nn.ReLU(), nn.Flatten(),\n"
        "                         nn.Linear(4 * 6 * 4, 3)).eval()\n"
    )
    tiny.change(
        analysis__panels=["weights", "feature_visualization", "interpretability"],
        model__preprocessing={"size": [24, 16]},
        model__classes="",
    )
    result = tiny.run("doctor")
    assert result.exit_code == 1, result.output
    assert "1 failed; " in result.output
    assert (
        "interpretability: layer 0: The network does not run on images of 16 x 16" in result.output
    )


def test_after_a_minute_the_rest_is_not_tried(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "MINUTE", 0.0)
    said = tiny.change(analysis__panels=["weights"]).works("doctor")
    assert "not tried: a minute is over" in said and "0 failed" in said
