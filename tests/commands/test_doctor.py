"""`lamella doctor`: every analysis is tried, nothing is kept; the exit code counts failures."""

import sys

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
    """A network that cuts gradients off, which one analysis rests on."""
    file = tiny.folder / "network.py"
    file.write_text(
        file.read_text()
        .replace("nn.Flatten(),", "nn.Flatten(), Cut(),")
        .replace(
            "\n\n\ndef network",
            "\n\n\nclass Cut(nn.Module):\n"
            "    def forward(self, images):\n        return images.detach()\n\n\ndef network",
            1,
        )
    )
    tiny.change(analysis__panels=["weights", "feature_visualization", "unit_attribution"])
    result = tiny.run("doctor")
    assert result.exit_code == 1, result.output
    assert "1 failed; " in result.output and "FAILS" in result.output
    assert "unit_attribution: layer 7: No gradient comes back" in result.output


def test_where_memory_cannot_be_known_it_says_so(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows has no module of that name."""
    monkeypatch.setitem(sys.modules, "resource", None)
    said = tiny.change(analysis__panels=["weights"]).works("doctor")
    assert "how much memory is not known here" in said


def test_after_a_minute_the_rest_is_not_tried(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "MINUTE", 0.0)
    said = tiny.change(analysis__panels=["weights"]).works("doctor")
    assert "not tried: a minute is over" in said and "0 failed" in said
