"""A copy of a network, or the network made again: the same values, and the first left as it was."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import lamella
from helpers.tiny import Tiny
from lamella.engines.copies import copied
from lamella.errors import ModelError
from lamella.loading.load import load
from lamella.network.model import Model

CPU = torch.device("cpu")
HINDRANCES = {
    "a lock": "layers.lock = threading.Lock()",
    "an open file": "layers.log = open(__file__)",
    "a generator": "layers.steps = (at for at in range(3))",
    "a hook that holds a lock": "layers[0].register_forward_hook(Hook())",
    "a weight that is computed": "nn.utils.weight_norm(layers[2])",
}
HOOK = """

class Hook:
    def __init__(self):
        self.lock = threading.Lock()

    def __call__(self, module, given, result):
        with self.lock:
            return result
"""


def hindered(tiny: Tiny, statement: str) -> Tiny:
    file = tiny.folder / "network.py"
    text = file.read_text().replace("return layers", f"{statement}\n    return layers")
    file.write_text(
        text.replace("from torch import nn\n", f"import threading\nfrom torch import nn\n{HOOK}")
    )
    return tiny


def values(module: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        found: Tensor = module(images)
    return found


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("what", HINDRANCES)
def test_what_cannot_be_copied_is_made_again(tiny: Tiny, what: str) -> None:
    model = load(hindered(tiny, HINDRANCES[what]).config(), CPU)
    with torch.no_grad():
        for parameter in model.module.parameters():  # others than those that the source makes
            parameter.mul_(1.5)
    images = torch.rand(2, 3, 16, 16)
    before = values(model.module, images)
    state = torch.get_rng_state()
    one, two = copied(model), copied(model)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(values(one, images), before)
    with torch.no_grad():
        for parameter in one.parameters():
            assert not parameter.requires_grad
            parameter.zero_()
    assert torch.equal(values(model.module, images), before)
    assert torch.equal(values(two, images), before)
    if what != "a weight that is computed":  # it can be copied once a pass without a graph is over
        assert len(model.remarks) == 1 and "made again from its source" in model.remarks[0]


def test_a_narrow_network_of_several_results_is_made_again_as_it_runs(tiny: Tiny) -> None:
    """The second one is widened, and gives its class scores alone, as the first does."""
    hindered(tiny, HINDRANCES["a lock"])
    file = tiny.folder / "network.py"
    text = file.read_text().replace("return layers.eval()", "return Named(*layers).half().eval()")
    file.write_text(
        text + "\n\nclass Named(nn.Sequential):\n    def __init__(self, *layers):\n"
        "        super().__init__(*layers)\n        self.lock = threading.Lock()\n\n"
        "    def forward(self, images):\n"
        "        return {'logits': super().forward(images), 'images': images}\n"
    )
    model = load(tiny.config(), CPU)
    images = torch.rand(2, 3, 16, 16)
    assert torch.equal(values(copied(model), images), values(model.module, images))
    assert model.remarks


def again(make: Callable[[], nn.Module] | None) -> Model:
    module = nn.Sequential(nn.Linear(2, 3))
    module.lock = threading.Lock()  # type: ignore[assignment]
    return Model(module, None, {}, None, CPU, again=make)  # type: ignore[arg-type]


def fails() -> nn.Module:
    raise OSError("gone")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (None, "no source to make it again from"),
        (fails, "does not make it again: gone"),
        (lambda: nn.Sequential(nn.Linear(2, 4)), "makes another network the second time"),
    ],
)
def test_what_can_neither_be_copied_nor_made_again_is_told(
    make: Callable[[], nn.Module] | None, why: str
) -> None:
    with pytest.raises(ModelError, match=why) as caught:
        copied(again(make))
    assert "cannot pickle" in caught.value.problem and caught.value.remedy


def test_what_can_be_copied_is_and_nothing_is_said() -> None:
    model = Model(nn.Linear(2, 3), None, {}, None, CPU, again=fails)  # type: ignore[arg-type]
    made = copied(model)
    assert made is not model.module and not model.remarks


def test_all_copies_of_networks_go_through_one_door() -> None:
    package = Path(lamella.__file__).parent
    files = [file for file in package.rglob("*.py") if "deepcopy(" in file.read_text("utf-8")]
    assert [file.relative_to(package).as_posix() for file in files] == ["engines/copies.py"]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_analyses_that_copy_run_for_a_network_that_cannot_be(tiny: Tiny) -> None:
    hindered(tiny, HINDRANCES["a lock"]).change(
        analysis__panels=["sanity_checks", "dissection"], model__classes=""
    )
    result = tiny.run("build")
    assert result.exit_code == 0, result.output
    assert result.stderr.count("made again from its source") == 1
