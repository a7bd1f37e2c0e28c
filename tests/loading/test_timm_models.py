"""Networks of timm: by name, with a file for weights, untrained, and what can be wrong."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torchvision import transforms

from helpers.tiny import Tiny
from lamella.config.preprocessing import Preprocessing
from lamella.errors import ModelError
from lamella.loading.load import load
from lamella.loading.timm_models import from_timm

timm = pytest.importorskip("timm")
CPU = torch.device("cpu")


def source(tiny: Tiny, name: str, weights: str = "random") -> Tiny:
    return tiny.change(
        model__source=name, model__weights=weights, model__classes="", model__preprocessing=None
    )


def test_a_vision_transformer_by_name(tiny: Tiny) -> None:
    model = load(source(tiny, "timm:test_vit").config(), CPU)
    layers = {layer.name: layer for layer in model.facts.layers}
    assert (layers["blocks.0.mlp.fc1"].height, layers["blocks.0.mlp.fc1"].apart) == (10, 1)
    assert model.facts.notes == ("Its weights are random: it is not trained.",)
    assert model.facts.classes[0].startswith("tench")


def test_weights_from_a_file_are_the_same_network(tiny: Tiny) -> None:
    torch.manual_seed(3)
    plain = timm.create_model("test_vit").eval()
    save_file(plain.state_dict(), tiny.folder / "vit.safetensors")
    model = load(source(tiny, "timm:test_vit", "vit.safetensors").config(), CPU)
    image = torch.rand(2, 3, 160, 160)
    with torch.no_grad():
        torch.testing.assert_close(model.module(image), plain(image))


@pytest.mark.parametrize("name", ["test_vit", "vit_base_patch16_clip_224", "resnet18", "test_vit2"])
def test_preprocessing_is_timms_own(name: str) -> None:
    module, stated = from_timm(name, "random")
    own = Preprocessing(**stated["preprocessing"])
    config = timm.data.resolve_model_data_config(module)
    steps = timm.data.create_transform(**config, is_training=False).transforms
    resize = next(step for step in steps if isinstance(step, transforms.Resize))
    crop = next(step for step in steps if isinstance(step, transforms.CenterCrop))
    assert resize.size == (list(own.resize) if isinstance(own.resize, tuple) else own.resize)
    assert tuple(crop.size) == own.shape
    assert resize.interpolation.value == own.interpolation
    assert (own.mean, own.std) == (config["mean"], config["std"])


WRONG = {
    "timm:resnet19": ("random", "no model 'resnet19'", "Did you mean 'resnet18'"),
    "timm:test_vit": ("augreg", "part of the name", 'source = "timm:test_vit.augreg"'),
    "hf-hub:nobody/nothing": ("", "could not be downloaded", '"random" to try without'),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_had_says_why(
    tiny: Tiny, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refused(*args: object, **more: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("timm.create_model", refused)
    weights, problem, remedy = WRONG[name]
    with pytest.raises(ModelError) as error:
        load(source(tiny, name, weights).config(), CPU)
    assert problem in error.value.problem and remedy in error.value.remedy


def test_without_timm_it_is_told(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "timm", None)
    with pytest.raises(ModelError, match="needs timm, which is not installed") as error:
        load(source(tiny, "timm:resnet18").config(), CPU)
    assert "lamella[timm]" in error.value.remedy
