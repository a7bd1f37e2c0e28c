"""Networks after public reports: all that they compute is stored under its own name, and what is
left out, widened or drawn by chance is told."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from cases.atlas import case
from cases.networks import made
from helpers.tiny import Tiny
from lamella.attribution.rollout import rollout
from lamella.images.finding import Digests, find
from lamella.images.images import Images
from lamella.loading.load import load
from lamella.network.activations import ONE_BY_ONE
from lamella.network.model import Model
from lamella.network.paths import TRIED
from lamella.network.units import Layer
from lamella.pipeline.plan import open_atlas

CPU = torch.device("cpu")
NET = "first second last"
AS_TORCH = "It takes maps apart by their places in memory, so they lie as torch's do."
EAGER = "Its compiled parts run as they were before."
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*(jit|ao.quantization|quantiz).*"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@dataclass(frozen=True)
class Right:
    """What should become of a network.

    Attributes:
        layers: those in the atlas.
        told: in the log, and on the page of the network.
        left_out: told to be no part of the atlas.
        unable: the layer that has no feature visualization, which is told.
    """

    layers: str = NET
    told: str = ""
    left_out: str = ""
    unable: str = ""


RIGHT = {
    "02 half": Right(told="Its weights are float16; it is computed in float32."),
    "02 bfloat16": Right(told="Its weights are bfloat16; it is computed in float32."),
    "02 autocast": Right(),
    "03 dict": Right(told="Of its 2 results `logits` counts as its class scores."),
    "03 pair": Right(told="Of its 2 results `0` counts as its class scores."),
    "03 maps": Right("first second pixels helper"),
    "05 block": Right("0 4 8", left_out="2: scripted"),
    "05 function": Right("0 2 4 8"),
    "06 depthwise": Right("first up second last"),
    "06 grouped": Right("first up second last"),
    "07 flattened": Right(told=ONE_BY_ONE),
    "07 remembering": Right(told=ONE_BY_ONE),
    "08 plain": Right("0 2 4 8"),
    "08 whole": Right("0 2 4 8", told=EAGER),
    "08 block": Right("0 2 4 8", told=EAGER),
    "11 frozen": Right(),
    "11 inference": Right(),
    "11 partly": Right(),
    "12 in place": Right(),
    "12 apart": Right(),
    "13 module": Right("patches mix.in_proj mix.out_proj last"),
    "13 encoder": Right(
        "patches mix.self_attn.in_proj mix.self_attn.out_proj mix.linear1 mix.linear2 last"
    ),
    "15 before": Right(
        "patches value value.call2 last", left_out="registers, start: a parameter that cat reads"
    ),
    "15 behind": Right(
        "patches value value.call2 last", left_out="registers, start: a parameter that cat reads"
    ),
    "15 unfolded": Right(
        "patches value value.call2 last", left_out="registers, start: a parameter that cat reads"
    ),
    "21 real": Right(left_out="filter: a parameter that mul reads"),
    "21 inverse": Right(left_out="filter"),
    "21 property": Right(left_out="filter"),
    "22 dropout on": Right(told="It draws random numbers in every pass"),
    "23 flat": Right(told=AS_TORCH),
    "23 fixed": Right(told=AS_TORCH),
    "23 heads": Right(),
    "23 parameter": Right(told=AS_TORCH, left_out="place: a parameter that add reads"),
    "25 swapped": Right(
        left_out="dark: control flow: it ran for 0 of 4 images tried", unable="second"
    ),
    "25 skipped": Right(unable="second"),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Tiny, str]]:
    """The atlas of a network, built once, and what was said of it."""
    done: dict[str, tuple[Tiny, str]] = {}

    def of(name: str) -> tuple[Tiny, str]:
        if name not in done:
            tiny = case(tmp_path_factory.mktemp("case"), name)
            result = tiny.run("build")
            assert result.exit_code == bool(RIGHT[name].unable), result.output
            done[name] = tiny, result.stderr
        return done[name]

    return of


def page(tiny: Tiny, name: str) -> str:
    return (tiny.folder / "public" / "tiny" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", RIGHT)
def test_a_network_is_built_and_what_is_to_say_is_told(
    built: Callable[[str], tuple[Tiny, str]], name: str
) -> None:
    right, (tiny, said) = RIGHT[name], built(name)
    atlas = open_atlas(tiny.config())
    assert [layer.name for layer in atlas.network.layers] == right.layers.split()
    assert right.told in said and right.left_out in said
    shown = unescape(page(tiny, "index.html"))
    assert right.told in shown
    assert bool(right.left_out) == ("Not in this atlas" in shown)
    for facts in atlas.layers():
        assert facts.of("survey").present.all()
        unable = facts.layer.name == right.unable
        assert facts.of("feature_visualization").present.any() != unable
    if right.unable:
        assert f"feature_visualization, layer {right.unable}: Layer" in said
        assert "did not run on a black picture as on photographs" in said


@contextmanager
def heard(module: nn.Module, found: dict[str, Tensor]) -> Iterator[None]:
    """Keeps what every module returns."""

    def keep(name: str) -> Callable[..., None]:
        def hook(part: object, given: object, result: Any) -> None:
            if isinstance(result, Tensor):
                found[name] = result.detach().float().clone()

        return hook

    hooks = [
        part.register_forward_hook(keep(name))
        for name, part in module.named_modules()
        if not isinstance(part, torch.jit.ScriptModule)
    ]
    yield
    for hook in hooks:
        hook.remove()


def images_in(tiny: Tiny) -> Images:
    return find(tiny.config(), load(tiny.config(), CPU).preprocessing, Digests({}))


def images_of(tiny: Tiny, model: Model) -> Tensor:
    images = images_in(tiny)
    pixels = np.stack([images.decoded(at) for at in range(len(images))])
    return model.normalise(model.shown(pixels))


def peaks(values: Tensor, layer: Layer) -> NDArray[np.float32]:
    """The largest value of every channel over all images and places."""
    channel = 1 if values.dim() == 4 else values.dim() - 1
    rest = [axis for axis in range(values.dim()) if axis != channel]
    found: NDArray[np.float32] = values.amax(rest).numpy()
    return found


def swish(values: Tensor) -> Tensor:
    return values * values.sigmoid()


@pytest.mark.parametrize("name", [name for name in RIGHT if name[:2] not in {"15", "22"}])
def test_what_is_stored_of_a_layer_is_its_own(
    built: Callable[[str], tuple[Tiny, str]], name: str
) -> None:
    """Against the modules' own results, heard by hooks in plain torch."""
    tiny, _ = built(name)
    model = load(tiny.config(), CPU)
    module = made(
        name.replace("whole", "plain").replace("block", "plain") if "08" in name else name
    )
    images = images_of(tiny, model)
    passes: list[dict[str, Tensor]] = []
    for run in torch.split(images, 1 if "07" in name else len(images)):
        passes.append({})
        with torch.no_grad(), heard(module.float(), passes[-1]):
            module(run)
    found = {part: torch.cat([each[part] for each in passes]) for part in passes[0]}
    close = 0.05 if "autocast" in name else 1e-4
    checked = 0
    for facts in open_atlas(tiny.config()).layers():
        own = found.get(facts.layer.name)
        if own is None:
            continue
        stored = facts.of("survey")["maximum"]
        ways = (lambda values: values, F.relu, swish, F.gelu)
        assert any(np.allclose(peaks(way(own), facts.layer), stored, atol=close) for way in ways)
        checked += 1
    assert checked >= (2 if name == "13 module" else 3)  # projections of its own are no modules


@pytest.mark.parametrize(
    ("one", "other"),
    [("08 whole", "08 plain"), ("08 block", "08 plain"), ("12 in place", "12 apart")],
)
def test_two_forms_of_a_network_have_the_same_numbers(
    built: Callable[[str], tuple[Tiny, str]], one: str, other: str
) -> None:
    atlases = [open_atlas(built(name)[0].config()) for name in (one, other)]
    for first, second in zip(*(atlas.layers() for atlas in atlases), strict=True):
        for panel in ("survey", "weights", "dataset_examples", "feature_visualization"):
            mine, theirs = first.of(panel), second.of(panel)
            assert mine.pictures == theirs.pictures
            assert mine.numbers.keys() == theirs.numbers.keys()
            for name, values in mine.numbers.items():
                assert np.array_equal(values, theirs[name], equal_nan=values.dtype.kind == "f")


def test_units_of_grouped_transposed_convolutions_read_their_own_inputs(
    built: Callable[[str], tuple[Tiny, str]],
) -> None:
    for name, kind in (("06 depthwise", "depthwise"), ("06 grouped", "grouped")):
        atlas = open_atlas(built(name)[0].config())
        up = next(layer for layer in atlas.network.layers if layer.name == "up")
        assert up.kind == f"{kind} transposed convolution"


def test_layers_without_a_path_for_gradients_say_so(
    built: Callable[[str], tuple[Tiny, str]],
) -> None:
    for name, cut in (("11 frozen", NET), ("11 inference", NET), ("11 partly", "second last")):
        for facts in open_atlas(built(name)[0].config()).layers():
            pictures = facts.of("feature_visualization")
            lost = facts.layer.name in cut.split()
            assert pictures["failed"].all() if lost else not pictures["failed"].any()
            assert ("No gradient" in str(pictures.made)) == lost


@pytest.mark.parametrize("name", ["15 before", "15 behind", "15 unfolded"])
def test_patches_lie_where_they_are_beside_registers(
    built: Callable[[str], tuple[Tiny, str]], name: str
) -> None:
    """All attention goes to the patch in the lower right corner."""
    model = load(built(name)[0].config(), CPU)
    (shares,) = rollout(model, torch.rand(1, 3, 32, 32))
    assert shares.shape == (4, 4) and int(shares.argmax()) == 15
    for layer in model.facts.layers[:3]:
        assert (layer.height, layer.width) == (4, 4)


def test_outputs_that_are_no_scores_say_what_to_do(
    built: Callable[[str], tuple[Tiny, str]],
) -> None:
    tiny, _ = built("03 maps")
    tiny.change(analysis__panels=["predictions"])
    tiny.run("build")
    assert "no list of class scores" in page(tiny, "index.html")


REFUSED = {
    "01 grey": 'set [model.preprocessing] channels = "L"',
    "05 whole": "returned a scripted module, which hides its operations",
    "20 not square": "or [height, width]",
    "26 dynamic": "returned a quantized network (last)",
    "26 static": "returned a quantized network (0)",
    "27 NaN in a norm": "Layer 'second' yields NaN",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_with_a_remedy(tmp_path: Path, name: str) -> None:
    tiny = case(tmp_path, name)
    assert REFUSED[name] in tiny.fails("analyse")


CHANGED: dict[str, dict[str, Any]] = {
    "01 grey": {"model__preprocessing__channels": "L"},
    "20 not square": {
        "model__preprocessing__size": [48, 24],
        "panels__feature_visualization": {"steps": 4},
    },
    "27 NaN in a norm": {"analysis__layers": ["first"]},
}


@pytest.mark.parametrize("name", CHANGED)
def test_what_the_remedy_says_helps(tmp_path: Path, name: str) -> None:
    tiny = case(tmp_path, name, **CHANGED[name])
    tiny.works("build")
    assert all(facts.of("survey").present.all() for facts in open_atlas(tiny.config()).layers())


def test_images_on_another_path_than_those_tried_name_the_layers(tmp_path: Path) -> None:
    """Of six images four are tried; the dark one is the last, which is none of these."""
    tiny = case(tmp_path, "25 swapped", images=5)
    Image.new("RGB", (40, 40)).save(tiny.folder / "images" / "dark.png")
    names = [one.name for one in images_in(tiny).manifest.photographs]
    assert names[5] == "dark.png" and TRIED == 4
    said = tiny.fails("analyse")
    assert (
        "did not run as on those that were tried first: 'second'." in said and '"!second"' in said
    )
    tiny.change(analysis__layers=["*", "!second"]).works("analyse")


SLOW = "objectives activation_atlas embedding image_embeddings sanity_checks attribution_maps"


@pytest.mark.parametrize("images", ["one", "plain"])
def test_few_or_plain_images_end_no_analysis(tmp_path: Path, images: str) -> None:
    """Those that are left out have tests of their own, see `test_all`."""
    panels = ["*", *(f"!{name}" for name in f"{SLOW} dissection tuning_curves stimuli".split())]
    tiny = case(tmp_path, "14 few", images=1, analysis__panels=panels)
    for at in range(3 if images == "plain" else 0):
        picture = Image.new("RGB", (40 + at, 40), (90, 120, 60))
        picture.save(tiny.folder / "images" / "cup" / f"{at}.png")
    tiny.works("build")
    for file in (tiny.folder / "public").rglob("*.html"):
        assert not re.search(r"\bnan\b", file.read_text(encoding="utf-8"), re.IGNORECASE), file
