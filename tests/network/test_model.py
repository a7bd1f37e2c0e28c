"""The network: where it comes from, and what can be wrong with it."""

import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import lamella
from helpers.tiny import NETWORK, Tiny, network
from lamella.config.preprocessing import Preprocessing
from lamella.loading.load import _examined, device_of, load
from lamella.loading.weights import weights_digest
from lamella.network.activations import visit
from lamella.network.model import Model

CPU = torch.device("cpu")


def said(tiny: Tiny) -> str:
    """What `lamella layers` says of a network that it cannot use."""
    return tiny.fails("layers", "--no-time")


def test_a_network_of_a_file(tiny: Tiny) -> None:
    model = load(tiny.config(), CPU)
    assert [layer.name for layer in model.facts.layers] == ["0", "2", "6"]
    assert model.facts.size == (16, 16) and model.facts.units == 13
    assert model.facts.parameters == sum(p.numel() for p in network().parameters())
    assert model.facts.digest == weights_digest(network())
    assert not any(parameter.requires_grad for parameter in model.module.parameters())


def test_neighbours_of_the_file_can_be_imported(tiny: Tiny) -> None:
    (tiny.folder / "my_parts.py").write_text(NETWORK)
    (tiny.folder / "network.py").write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "from my_parts import network as inner\n"
        "@dataclass\n"
        "class Options:\n"
        "    width: int = 4\n"
        "def network():\n"
        "    assert Options().width == 4\n"
        "    return inner()\n"
    )
    before = list(sys.path)
    assert load(tiny.config(), CPU).facts.units == 13
    assert sys.path == before


SOURCES = {
    "network.py": (
        "which names no network",
        "Write torchvision:NAME, timm:NAME or FILE.py:FUNCTION.",
    ),
    "network.py:": ("which names no network", "torchvision:NAME"),
    "resnet18": ("which names no network", "torchvision:NAME"),
    "torchvison:resnet18": ("which names no network", "torchvision:NAME"),
    "nowhere.py:network": ("nowhere.py, which does not exist", "relative to the folder"),
    "network.py:netwrok": ("no function 'netwrok'", "Did you mean 'network'?"),
    "network.py:qqq": ("no function 'qqq'", "It has network."),
    "torchvision:resnet81": ("no classifier 'resnet81'", "Did you mean 'resnet18'"),
    "torchvision:qqqqqq": ("no classifier 'qqqqqq'", "It has alexnet, convnext_base,"),
    "torchvision:fasterrcnn_resnet50_fpn": ("no classifier", "It has"),
}


@pytest.mark.parametrize("source", SOURCES)
def test_sources_that_name_nothing(tiny: Tiny, source: str) -> None:
    problem, remedy = SOURCES[source]
    message = said(tiny.change(model__source=source))
    assert problem in message.splitlines()[0] and remedy in message


BODIES = {
    "return 3": ("returned int, not a torch.nn.Module", "return model.eval()"),
    "return nn.Linear(3, 3)": ("a network in training mode (the network)", "return model.eval()"),
    "raise KeyError('boom')": ("fails in line 3: KeyError: 'boom'", "in a Python of its own"),
    "raise SystemExit(3)": ("fails in line 3: SystemExit: 3", "in a Python of its own"),
    "return nn.Linear(3, 3, wdith=3)": ("in line 3: TypeError", "in a Python of its own"),
    "return nn.Linear(7, 3).eval()": (
        "does not run on an image of 16 x 16 pixels",
        "size to what it was",
    ),
    "return nn.ReLU().eval()": ("no convolution or linear layer", "plain nn.Module"),
}


@pytest.mark.parametrize("body", BODIES)
def test_functions_that_return_no_network(tiny: Tiny, body: str) -> None:
    (tiny.folder / "network.py").write_text(f"from torch import nn\ndef network():\n    {body}\n")
    problem, remedy = BODIES[body]
    message = said(tiny)
    assert problem in message and remedy in message


def test_one_part_in_training_mode_is_named(tiny: Tiny) -> None:
    text = NETWORK.replace("return layers.eval()", "layers.eval()[1].train()\n    return layers")
    (tiny.folder / "network.py").write_text(text)
    assert "returned a network in training mode (1)." in said(tiny)


FILES = {
    "def network(:": "fails: SyntaxError",
    "import no_such_package_at_all": "line 1: ModuleNotFoundError: No module named 'no_such",
    "\n\n1 / 0": "fails in line 3: ZeroDivisionError: division by zero.",
    "network = 3": "has no function 'network'",
}


@pytest.mark.parametrize("text", FILES)
def test_files_that_cannot_be_run(tiny: Tiny, text: str) -> None:
    (tiny.folder / "network.py").write_text(text)
    assert FILES[text] in said(tiny)


def test_classes(tiny: Tiny) -> None:
    (tiny.folder / "classes.txt").write_text("cat\ndög\nbee\n", encoding="utf-8")
    tiny.change(model__classes="classes.txt")
    assert load(tiny.config(), CPU).facts.classes == ("cat", "dög", "bee")
    assert "cannot read" in said(tiny.change(model__classes="nowhere.txt"))


def test_torchvision_with_a_weights_file(tiny: Tiny) -> None:
    from torchvision.models import squeezenet1_1

    torch.manual_seed(0)
    save_file(squeezenet1_1().state_dict(), tiny.folder / "w.safetensors")
    tiny.change(
        model__source="torchvision:squeezenet1_1",
        model__weights="w.safetensors",
        model__preprocessing={"resize": 64, "size": 64},
    )
    model = load(tiny.config(), CPU)
    assert model.facts.units == 3944 and len(model.facts.layers) == 26
    message = said(tiny.change(model__source="torchvision:alexnet"))
    assert "does not fit AlexNet" in message


def test_torchvision_weights_by_name(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:

    asked = []

    def offline(url: str, *args: object, **kwargs: object) -> None:
        asked.append(url)
        raise OSError(f"<urlopen error [Errno -2] Name or service not known: {url}>")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", offline)
    tiny.change(model__source="torchvision:squeezenet1_1")
    message = said(tiny.change(model__weights="IMAGENET1K_V9"))
    assert "no weights 'IMAGENET1K_V9' for squeezenet1_1." in message
    assert "Did you mean 'IMAGENET1K_V1'" in message and not asked
    for name in ("DEFAULT", "IMAGENET1K_V1", ""):
        message = said(tiny.change(model__weights=name))
        assert "The weights of squeezenet1_1 could not be downloaded" in message
        assert 'Give a file instead: [model] weights = "squeezenet1_1.safetensors".' in message
    assert len(asked) == 3


def test_torchvision_states_preprocessing_and_classes(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision.models import squeezenet1_1

    state = squeezenet1_1().state_dict()
    monkeypatch.setattr(
        "torchvision.models._api.load_state_dict_from_url", lambda *args, **kwargs: state
    )
    tiny.change(model__source="torchvision:squeezenet1_1", model__preprocessing=None)
    model = load(tiny.config(), CPU)
    assert model.preprocessing == Preprocessing(resize=256, size=224)
    assert model.facts.classes[0] == "tench" and len(model.facts.classes) == 1000


@pytest.mark.parametrize("name", ["cuda:99", "toaster", "meta", "cpu:x"])
def test_devices_that_do_not_exist(tiny: Tiny, name: str) -> None:
    message = tiny.fails("layers", "--no-time", "--device", name)
    assert f"torch cannot compute on '{name}': " in message
    assert "cpu always works" in message and len(message.splitlines()) == 2


def test_devices() -> None:
    assert device_of("cpu").type == "cpu"
    assert device_of("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("channels", ["RGB", "BGR"])
def test_normalise(channels: str) -> None:
    preprocessing = Preprocessing(
        channels=channels, scale=255.0, mean=(10.0, 20.0, 30.0), std=(1.0, 2.0, 4.0)
    )
    model = Model(nn.Identity(), preprocessing, {}, None, CPU)  # type: ignore[arg-type]
    image = torch.rand(2, 3, 4, 5)
    own = image if channels == "RGB" else image[:, [2, 1, 0]]
    mean, std = torch.tensor([10.0, 20, 30]), torch.tensor([1.0, 2, 4])
    expected = (own * 255 - mean[:, None, None]) / std[:, None, None]
    torch.testing.assert_close(model.normalise(image), expected)


DECLARE = """
LIBRARY = torch.library.Library("torchvision", "FRAGMENT")
LIBRARY.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""
BROKEN = """
if not hasattr(torch.ops.torchvision, "nms"):
    raise RuntimeError("operator torchvision::nms does not exist")
"""


@pytest.mark.parametrize("build", [DECLARE, BROKEN], ids=["matching", "of another build"])
def test_torchvision_beside_a_torch_of_any_build(tmp_path: Path, build: str) -> None:
    """Declaring an operator twice is an error in Python, and the end of the process in C++."""
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text(f"import torch\nfrom . import ops\n{build}")
    (package / "ops.py").touch()
    code = (
        "from lamella.loading.torchvision_models import mend_torchvision\n"
        "mend_torchvision(); mend_torchvision()\n"
        "import torchvision, torch\n"
        "print(torchvision.__file__, torch.ops.torchvision.nms)"
    )
    path = os.pathsep.join([str(tmp_path), str(Path(lamella.__file__).parents[1])])
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == [str(package / "__init__.py"), "torchvision.nms"]


def test_torchvisions_weights_state_their_preprocessing(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision.models import EfficientNet_B0_Weights, efficientnet_b0

    torch.manual_seed(0)
    monkeypatch.setattr(
        "torchvision.models._api.load_state_dict_from_url",
        lambda *args, **kwargs: efficientnet_b0().state_dict(),
    )
    model = load(
        tiny.change(
            model__source="torchvision:efficientnet_b0", model__preprocessing=None
        ).config(),
        CPU,
    )
    stated = EfficientNet_B0_Weights.DEFAULT.transforms()
    own = model.preprocessing
    assert (own.resize, own.size) == (stated.resize_size[0], stated.crop_size[0])
    assert own.interpolation == "bicubic" == stated.interpolation.value and own.antialias
    assert model.facts.classes[:2] == ("tench", "goldfish")


VIEWS = {
    "flat": "self.last(maps.view(maps.size(0), -1))",
    "fixed": "self.last(maps.view(-1, 8 * 5 * 5))",
    "heads": "self.last(maps.view(-1, 2, 4, 5, 5).transpose(1, 2).reshape(-1, 200))",
}


class Viewing(nn.Module):
    """Takes maps apart by their places in memory, as torch's tutorial does."""

    def __init__(self, how: str) -> None:
        super().__init__()
        torch.manual_seed(23)
        self.first, self.second = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 8, 5)
        self.pool, self.last, self.how = nn.MaxPool2d(2), nn.Linear(200, 4), how

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.pool(self.first(images).relu())
        maps = self.pool(self.second(maps).relu())
        return eval(VIEWS[self.how], {"self": self, "maps": maps})  # type: ignore[no-any-return]


@pytest.mark.parametrize("how", VIEWS)
def test_a_network_that_views_maps_runs_in_torchs_usual_format(how: str) -> None:
    network = Viewing(how).eval().requires_grad_(False)
    images = torch.rand(2, 3, 32, 32)
    wanted = network(images)
    seen, memory_format = _examined(network, (32, 32))
    assert [each.layer.name for each in seen.traced] == ["first", "second", "last"]
    model = Model(
        network, Preprocessing(mean=(0, 0, 0), std=(1, 1, 1)), {}, None, CPU, memory_format
    )  # type: ignore[arg-type]
    shown = images.contiguous(memory_format=torch.channels_last)
    assert torch.allclose(network(model.normalise(shown)), wanted, atol=1e-6)


def test_kernels_of_other_dimensions_have_no_format() -> None:
    class Volume(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.plane, self.volume = nn.Conv2d(3, 4, 3), nn.Conv3d(1, 2, 3, padding=1)
            self.last = nn.Linear(8, 3)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            maps = self.volume(self.plane(images)[:, None]).mean((3, 4))
            return self.last(maps.flatten(1))  # type: ignore[no-any-return]

    seen, _ = _examined(Volume().eval(), (8, 8))
    assert [each.layer.name for each in seen.traced] == ["plane", "last"]
    assert dict(seen.left_out) == {
        "volume.weight": "a parameter that conv3d reads, which is no layer here",
        "volume.bias": "a parameter that conv3d reads, which is no layer here",
    }


def test_parameters_that_no_layer_reads_are_named() -> None:
    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(3, 8, 4, stride=4)
            self.position = nn.Parameter(torch.zeros(1, 16, 8))
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
            self.norm, self.last = nn.LayerNorm(8), nn.Linear(8, 3)
            self.scaled = nn.utils.parametrizations.weight_norm(nn.Linear(8, 8))
            self.unused = nn.Linear(8, 8)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            tokens = self.patches(images).flatten(2).transpose(1, 2) + self.position
            tokens = tokens + self.attention(tokens, tokens, tokens)[0]
            return self.last(self.scaled(self.norm(tokens).mean(1)))  # type: ignore[no-any-return]

    seen, _ = _examined(Attending().eval(), (16, 16))
    assert [each.layer.name for each in seen.traced] == [
        *("patches", "attention.in_proj", "attention.out_proj", "scaled", "last")
    ]
    assert set(seen.outside) == {"position"}
    assert "that add reads" in dict(seen.left_out)["position"]


def test_layers_whose_first_axis_is_not_the_image_are_left_out() -> None:
    class Windows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.inside, self.last = (
                nn.Conv2d(3, 4, 2, 2),
                nn.Linear(4, 5),
                nn.Linear(4, 3),
            )

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            maps = self.stem(images)
            windows = maps.unfold(2, 2, 2).unfold(3, 2, 2).permute(0, 2, 3, 4, 5, 1)
            mixed = self.inside(windows.reshape(-1, 4, 4))
            return self.last(maps.mean((2, 3))) + mixed.mean()  # type: ignore[no-any-return]

    seen, _ = _examined(Windows().eval(), (16, 16))
    inside = next(each.layer for each in seen.traced if each.layer.name == "inside")
    assert (inside.height, inside.width, inside.placed) == (8, 8, True)
    assert [each.layer.name for each in seen.traced] == ["stem", "inside", "last"]


def test_a_network_for_one_image_is_given_one_after_the_other() -> None:
    class One(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.last = nn.Conv2d(3, 4, 3), nn.Linear(4 * 36, 3)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.last(self.conv(images).reshape(1, -1))  # type: ignore[no-any-return]

    network, images = One().eval(), torch.rand(3, 3, 8, 8)
    wanted = torch.cat([network(one) for one in torch.split(images, 1)])
    seen, _ = _examined(network, (8, 8))
    assert [found.layer.name for found in seen.traced] == ["conv", "last"]
    assert torch.equal(network(images), wanted)
    shown: list[torch.Tensor] = []
    visit(network, images, {found.observed: shown.append for found in seen.traced})
    assert shown[0].shape == (3, 4, 6, 6) and torch.equal(shown[1][:, :, 0, 0], wanted)
    assert torch.equal(deepcopy(network)(images), wanted)  # the copy's own pass


REFUSED = {
    "grey": ("nn.Sequential(nn.Conv2d(1, 3, 3))", 'channels = "L"'),
    "half inside": (
        "type('N', (nn.Conv2d,), {'forward': lambda self, x: nn.Conv2d.forward(self, x.half())})"
        "(3, 3, 3)",
        "model.float().eval()",
    ),
    "two inputs": ("nn.Bilinear(3, 3, 3)", "It takes more than images: 'input2'"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_remedy_is_that_of_the_cause(tiny: Tiny, what: str) -> None:
    code, wanted = REFUSED[what]
    (tiny.folder / "network.py").write_text(
        f"from torch import nn\n\n\ndef network():\n    return {code}.eval()\n"
    )
    said = tiny.fails("build")
    assert wanted in said and "trained with" not in said


def test_what_is_left_out_is_said_in_the_log_and_on_the_page(tiny: Tiny) -> None:
    text = (tiny.folder / "network.py").read_text()
    text = text.replace("    return layers.eval()", "    return Placed(*layers).eval()")
    (tiny.folder / "network.py").write_text(
        text + "\n\nclass Placed(nn.Sequential):\n"
        "    def __init__(self, *layers):\n"
        "        super().__init__(*layers)\n"
        "        self.place = nn.Parameter(torch.ones(1, 3, 16, 16))\n\n"
        "    def forward(self, images):\n"
        "        return super().forward(images * self.place)\n"
    )
    result = tiny.run("build")
    assert result.exit_code == 0, result.output
    said = "place: a parameter that mul reads, which is no layer here"
    assert said in result.stderr and said in tiny.works("layers", "--no-time")
    page = (tiny.folder / "public" / "tiny" / "index.html").read_text()
    assert "Not in this atlas" in page and "<bdi>place</bdi>" in page


CLASSES = {
    "plain": (b"ant\nbee\ncat\n", ""),
    "a byte order mark": (b"\xef\xbb\xbfant\nbee\ncat", ""),
    "line ends of Windows": (b"ant\r\nbee\r\ncat\r\n\r\n\r\n", ""),
    "an empty line": (b"ant\n\nbee\ncat\n", "has 1 empty lines among its names (2)"),
    "too few": (b"ant\nbee\n", "has 2 names, and the network 3 outputs"),
    "too many": (b"ant\nbee\ncat\ndog\n", "has 4 names, and the network 3 outputs"),
    "another coding": ("ant\nbée\ncat".encode("utf-16"), "cannot read"),
}


@pytest.mark.parametrize("what", CLASSES)
def test_names_of_classes_are_read_or_refused(tiny: Tiny, what: str) -> None:
    content, wanted = CLASSES[what]
    (tiny.folder / "classes.txt").write_bytes(content)
    tiny.change(model__classes="classes.txt")
    if wanted:
        assert wanted in tiny.fails("layers", "--no-time")
    else:
        assert load(tiny.config(), CPU).facts.classes == ("ant", "bee", "cat")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_another_precision_are_computed_in_single_precision(
    tiny: Tiny, dtype: torch.dtype
) -> None:
    text = (tiny.folder / "network.py").read_text()
    text = text.replace("return layers.eval()", f"return layers.to({dtype}).eval()")
    (tiny.folder / "network.py").write_text(text)
    model = load(tiny.config(), CPU)
    assert model.facts.notes == (f"Its weights are {str(dtype)[6:]}; it is computed in float32.",)
    assert model.facts.digest == weights_digest(network().to(dtype))
    result = tiny.run("build")
    assert result.exit_code == 0 and model.facts.notes[0] in result.stderr
    page = (tiny.folder / "public" / "tiny" / "index.html").read_text()
    assert model.facts.notes[0] in page


def test_a_network_with_autocast_inside_has_all_analyses(tiny: Tiny) -> None:
    text = (tiny.folder / "network.py").read_text()
    text = text.replace("    return layers.eval()", "    return Narrow(*layers).eval()")
    (tiny.folder / "network.py").write_text(
        text + "\n\nclass Narrow(nn.Sequential):\n"
        "    def forward(self, images):\n"
        "        with torch.autocast('cpu', torch.bfloat16):\n"
        "            return super().forward(images)\n"
    )
    panels = ["*", "!embedding", "!activation_atlas", "!objectives", "!image_embeddings"]
    tiny.change(analysis__panels=panels, panels__feature_visualization__steps=2).works("build")


def built_of(tiny: Tiny, forward: str, more: str = "") -> Tiny:
    """The tiny network with another forward pass."""
    text = (tiny.folder / "network.py").read_text()
    text = text.replace("    return layers.eval()", "    return Other(*layers).eval()")
    (tiny.folder / "network.py").write_text(
        f"{text}\n\n{more}\nclass Other(nn.Sequential):\n    def forward(self, images):\n{forward}"
    )
    return tiny


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_compiled_parts_run_eagerly_under_their_own_names(tiny: Tiny) -> None:
    text = (tiny.folder / "network.py").read_text()
    text = text.replace(
        "    return layers", "    layers[2] = torch.compile(layers[2])\n    return layers"
    )
    text = text.replace("return layers.eval()", "return torch.compile(layers.eval())")
    (tiny.folder / "network.py").write_text(text)
    model = load(tiny.config(), CPU)
    assert list(model.traced) == ["0", "2", "6"]
    assert model.facts.notes == ("Its compiled parts run as they were before.",)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is:DeprecationWarning")
def test_layers_behind_what_cannot_be_seen_are_found(tiny: Tiny) -> None:
    text = (tiny.folder / "network.py").read_text()
    scripted = "layers[2] = torch.jit.script(layers[2])\n    return layers"
    (tiny.folder / "network.py").write_text(text.replace("return layers", scripted))
    model = load(tiny.config(), CPU)
    assert list(model.traced) == ["0", "6"]
    assert dict(model.facts.left_out)["2"].startswith("scripted")
    message = "scripted module, which hides its operations"
    whole = "return torch.jit.script(layers.eval())"
    (tiny.folder / "network.py").write_text(text.replace("return layers.eval()", whole))
    assert message in said(tiny)


def test_what_reads_constants_alone_is_no_layer(tiny: Tiny) -> None:
    """A table of positions through a small network of its own, as Swin's second version has it."""
    forward = (
        "        bias = nn.functional.linear(torch.ones(2, 3), torch.ones(3, 3)).mean()\n"
        "        return super().forward(images) + bias\n"
    )
    model = load(built_of(tiny, forward).config(), CPU)
    assert list(model.traced) == ["0", "2", "6"]


def test_an_analysis_that_cannot_run_ends_no_other(tiny: Tiny) -> None:
    forward = "        with torch.no_grad():\n            return super().forward(images)\n"
    panels = ["*", "!embedding", "!image_embeddings"]
    built_of(tiny, forward).change(analysis__panels=panels, panels__feature_visualization__steps=2)
    said = tiny.fails("build")
    assert "could not run for this network; all else is there" in said
    assert "unit_attribution: " in said and "No gradient" in said
    assert 'panels = ["*", ' in said and '"!unit_attribution"' in said
    page = (tiny.folder / "public" / "tiny" / "0" / "0.html").read_text()
    assert "No gradient comes back" in page and 'id="dataset_examples"' in page


def test_a_quantized_network_is_refused(tiny: Tiny) -> None:
    file = tiny.folder / "network.py"
    file.write_text(
        "import warnings\n"
        + NETWORK.replace(
            "return layers.eval()",
            "warnings.simplefilter('ignore')\n"
            "    return torch.ao.quantization.quantize_dynamic(layers.eval(), {nn.Linear})",
        )
    )
    assert "returned a quantized network (6)" in said(tiny)


def test_a_network_that_draws_random_numbers_is_told(tiny: Tiny) -> None:
    assert load(tiny.config(), CPU).facts.notes == ()
    built_of(tiny, "        return nn.functional.dropout(super().forward(images), 0.5)\n")
    (note,) = load(tiny.config(), CPU).facts.notes
    assert "draws random numbers in every pass" in note
