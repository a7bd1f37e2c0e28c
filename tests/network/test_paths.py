"""Control flow that depends on the image: never another layer's values, and it is told."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.numpy import load_file
from torch import Tensor, nn

from helpers.attributed import model_of
from helpers.tiny import Tiny
from lamella.errors import ModelError
from lamella.network.activations import visit
from lamella.network.paths import SHARED, UNSTEADY, followed

NETWORK = """
import torch
from torch import nn

class Branched(nn.Module):
    def __init__(self, skips):
        super().__init__()
        torch.manual_seed(25)
        self.skips = skips
        self.first = nn.Conv2d(3, 4, 5, stride=2)
        self.dark, self.bright = nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 3)
        self.last = nn.Linear(4, 3)

    def forward(self, images):
        maps = self.first(images).relu()
        if images.std() > 0.05:
            maps = self.bright(maps)
        elif not self.skips:
            maps = self.dark(maps)
        return self.last(maps.mean((2, 3)))

def swapped():
    return Branched(False).eval()

def skipped():
    return Branched(True).eval()
"""


@pytest.mark.parametrize("kind", ["swapped", "skipped"])
def test_the_path_of_the_images_is_followed(tiny: Tiny, kind: str) -> None:
    (tiny.folder / "network.py").write_text(NETWORK)
    tiny.change(
        model__source=f"network.py:{kind}", model__classes="", analysis__panels=["statistics"]
    )
    said = tiny.works("layers", "--no-time")
    assert "bright" in said
    assert ("dark: control flow: it ran for 0 of" in said) == (kind == "swapped")
    tiny.works("build")
    surveyed = {path.parent.name for path in Path(tiny.folder).glob("work/survey-*/*/*")}
    assert surveyed == {"first", "bright", "last"}
    for path in Path(tiny.folder).glob("work/survey-*/bright/*.safetensors"):
        assert abs(load_file(path)["maximum"]).max() > 0


class Branched(nn.Module):
    """One of two convolutions of the same shape, by how bright the images are."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)
        self.last = nn.Linear(4, 3)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.one(images) if images.mean() > 0.5 else self.two(images)
        found: Tensor = self.last(maps.relu().mean((2, 3)))
        return found


DARK, LIGHT = torch.full((1, 3, 8, 8), 0.2), torch.full((1, 3, 8, 8), 0.8)


def test_another_layers_values_are_never_shown() -> None:
    model = model_of(Branched(), 8)
    assert list(model.traced) == ["two", "last"]
    kept: list[Tensor] = []
    visit(model.module, DARK, {model.traced["two"].observed: kept.append})
    with pytest.raises(ModelError, match=r"another path than when it was traced: 'two\.weight'"):
        visit(model.module, LIGHT, {model.traced["two"].observed: kept.append})
    assert len(kept) == 1


def test_layers_that_run_for_some_images_are_left_out() -> None:
    model = model_of(Branched(), 8)
    assert followed(model, [DARK, DARK]) is model
    some = followed(model, [DARK, LIGHT, LIGHT])
    assert list(some.traced) == ["last"] == [layer.name for layer in some.facts.layers]
    assert dict(some.facts.left_out) == {
        "one": "control flow: 2 of 3 images tried took its path",
        "two": "control flow: it ran for 1 of 3 images tried",
    }
    bright = followed(model, [LIGHT, LIGHT])
    assert list(bright.traced) == ["one", "last"]
    assert dict(bright.facts.left_out) == {"two": "control flow: it ran for 0 of 2 images tried"}
    kept: list[Tensor] = []
    visit(bright.module, LIGHT, {bright.traced["one"].observed: kept.append})
    assert torch.equal(kept[0], bright.module.one(LIGHT).relu())


def test_layers_behind_a_path_of_another_length_are_found_where_they_are() -> None:
    """An activation that is not the layer's, though it is the first one of its name."""

    class Longer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.last = nn.Conv2d(3, 4, 3), nn.Linear(4, 3)

        def forward(self, images: Tensor) -> Tensor:
            if images.mean() > 0.5:
                images = images.relu()
            found: Tensor = self.last(self.conv(images).relu().mean((2, 3)))
            return found

    model = model_of(Longer(), 8)
    with pytest.raises(ModelError, match="call 0 of 'relu' is another"):
        visit(model.module, LIGHT, {model.traced["conv"].observed: lambda values: None})
    assert list(followed(model, [DARK, LIGHT]).traced) == ["last"]


def test_what_fails_on_images_alone_is_told() -> None:
    class Choosy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.last = nn.Conv2d(3, 4, 3), nn.Linear(4, 3)

        def forward(self, images: Tensor) -> Tensor:
            if images.mean() > 0.5:
                raise ValueError("too bright")
            if images.mean() > 0.1:
                images = -images.relu()
            found: Tensor = self.last(self.conv(images).relu().mean((2, 3)))
            return found

    model = model_of(Choosy(), 8)
    with pytest.raises(ModelError, match="not on one of the set: ValueError: too bright"):
        followed(model, [DARK, LIGHT])


def test_a_network_without_a_common_path_is_told() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(192, 3), nn.Linear(192, 3)

        def forward(self, images: Tensor) -> Tensor:
            found: Tensor = (self.one if images.mean() > 0.5 else self.two)(images.flatten(1))
            return found

    with pytest.raises(ModelError, match="No layer of the network runs on the same path"):
        followed(model_of(Two(), 8), [DARK, LIGHT])


class Normed(nn.Module):
    """A convolution, something behind it, a head."""

    def __init__(self, middle: nn.Module) -> None:
        super().__init__()
        self.conv, self.middle, self.last = nn.Conv2d(3, 4, 3), middle, nn.Linear(4, 3)

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = self.last(self.middle(self.conv(images)).relu().mean((2, 3)))
        return found


class Batch(nn.Module):
    def forward(self, maps: Tensor) -> Tensor:
        return F.batch_norm(maps, None, None, training=True)


class Counting(nn.Module):
    """Keeps how often it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, maps: Tensor) -> Tensor:
        self.calls += 1
        return maps * self.calls


NOISE = [torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(at)) for at in range(3)]


@pytest.mark.parametrize(
    ("middle", "words"),
    [
        (nn.BatchNorm2d(4, track_running_stats=False), SHARED),
        (Batch(), SHARED),
        (Counting(), UNSTEADY),
        (nn.BatchNorm2d(4), ""),
        (nn.InstanceNorm2d(4), ""),
        (nn.GroupNorm(2, 4), ""),
    ],
)
def test_values_that_are_not_the_images_alone_are_told(middle: nn.Module, words: str) -> None:
    model = model_of(Normed(middle), 8, seed=None)
    notes = followed(model, NOISE).facts.notes
    assert notes == ((words.format("conv"),) if words else ())


def test_one_image_is_compared_with_itself() -> None:
    model = model_of(Normed(Batch()), 8)
    assert followed(model, []) is followed(model, NOISE[:1]) is model
