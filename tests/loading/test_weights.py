"""Weights: files that fit and do not, what is never executed, the digest, the draw at random."""

import hashlib
import math
import os
import pickle
import socket
import zipfile
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from helpers.tiny import Tiny, network
from lamella.errors import ModelError
from lamella.loading.load import load
from lamella.loading.weights import load_weights, refuse_not_finite, untrained, weights_digest

CPU = torch.device("cpu")


def said(tiny: Tiny) -> str:
    """What `lamella layers` says of weights that it cannot use."""
    return tiny.fails("layers", "--no-time")


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt", "w.pth", "checkpoint.pt"])
def test_weights_of_a_file(tiny: Tiny, name: str) -> None:
    torch.manual_seed(7)
    state = {key: torch.randn_like(value) for key, value in network().state_dict().items()}
    path = tiny.folder / name
    if name == "w.safetensors":
        save_file(state, path)
    else:
        torch.save({"state_dict": state} if name == "checkpoint.pt" else state, path)
    model = load(tiny.change(model__weights=name).config(), CPU)
    assert torch.equal(model.module.state_dict()["6.bias"], state["6.bias"])
    assert model.facts.digest != weights_digest(network())


def misfit(tiny: Tiny, state: object) -> str:
    torch.save(state, tiny.folder / "w.pt")
    return said(tiny.change(model__weights="w.pt"))


def test_weights_that_do_not_fit(tiny: Tiny) -> None:
    state = network().state_dict()
    short = {key: value for key, value in state.items() if key != "6.bias"}
    assert "does not fit Sequential: missing: 6.bias." in misfit(tiny, short)
    more = state | {"7.bias": torch.zeros(3)}
    assert "unknown to the network: 7.bias." in misfit(tiny, more)
    bent = state | {"6.bias": torch.zeros(4)}
    message = misfit(tiny, bent)
    assert "6.bias is (4,), not (3,)." in message and "the very network" in message
    other = {f"l{at}": torch.zeros(1) for at in range(9)}
    message = misfit(tiny, other)
    assert "missing: 0.weight, 0.bias, 2.weight, 2.bias and 2 more;" in message
    assert "unknown to the network: l0, l1, l2, l3 and 5 more." in message
    message = misfit(tiny, {"epoch": 3, "model": short})
    assert "What lies under 'model' in" in message and "Sequential: missing: 6.bias." in message
    message = misfit(tiny, state | {"6.bias": 3})
    assert "6.bias is int, not (3,)" in message
    assert "holds a list, not a state dict" in misfit(tiny, [1])


def test_weights_that_are_not_there(tiny: Tiny) -> None:
    message = said(tiny.change(model__weights="nowhere.pt"))
    assert f"The weights file {tiny.folder / 'nowhere.pt'} does not exist." in message
    assert "relative to the folder of atlas.toml" in message
    (tiny.folder / "folder.pt").mkdir()
    assert "folder.pt is no file" in said(tiny.change(model__weights="folder.pt"))


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt"])
@pytest.mark.parametrize("content", ["empty", "text", "truncated", "html"])
def test_weights_that_cannot_be_read(tiny: Tiny, name: str, content: str) -> None:
    path = tiny.folder / name
    if name == "w.pt":
        torch.save(network().state_dict(), path)
    else:
        save_file(network().state_dict(), path)
    whole = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "text": b"0.1 0.2 0.3",
            "truncated": whole[: len(whole) // 2],
            "html": b"<!doctype html><title>404 Not Found</title>",
        }[content]
    )
    message = said(tiny.change(model__weights=name))
    assert f"The weights file {path} cannot be read: " in message
    assert "half downloaded" in message and len(message.splitlines()) == 2


class Trap:
    """A pickle that creates a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("how", ["pickle", "torch", "legacy", "inside"])
def test_pickled_objects_are_never_executed(tiny: Tiny, how: str) -> None:
    trap, path = tiny.folder / "sprung", tiny.folder / "w.pt"
    if how == "pickle":
        path.write_bytes(pickle.dumps(Trap(trap), protocol=2))
    elif how == "torch":
        torch.save(Trap(trap), path)
    elif how == "legacy":
        torch.save(Trap(trap), path, _use_new_zipfile_serialization=False)
    else:
        torch.save(network().state_dict() | {"note": Trap(trap)}, path)
    message = said(tiny.change(model__weights="w.pt"))
    assert "holds more than weights: posix.mkdir, which is not executed." in message.replace(
        "nt.mkdir", "posix.mkdir"
    )
    assert "torch.save(model.state_dict(), path)" in message
    assert not trap.exists()
    torch.load(path, weights_only=False) if how != "pickle" else pickle.loads(path.read_bytes())
    assert trap.exists(), "the trap would have sprung"


def odd(kind: str) -> torch.Tensor:
    """A tensor in place of the last bias, such as torch saves and no network computes with."""
    own = network().state_dict()["6.bias"]
    return {
        "meta": lambda: own.to("meta"),
        "sparse": own.to_sparse,
        "quantized": lambda: torch.quantize_per_tensor(own, 0.1, 0, torch.qint8),
        "int64": own.long,
        "bool": own.bool,
        "complex": lambda: own.to(torch.complex64),
        "nested": lambda: torch.nested.nested_tensor([own, own]),
        "half": own.half,
        "double": own.double,
    }[kind]()


ODD = {
    "meta": "6.bias has no values, being on the device meta",
    "sparse": "6.bias is sparse or nested",
    "nested": "6.bias is sparse or nested",
    "quantized": "6.bias is quantized",
    "int64": "6.bias is torch.int64, not torch.float32",
    "bool": "6.bias is torch.bool, not torch.float32",
    "complex": "6.bias is torch.complex64, not torch.float32",
}


@pytest.mark.filterwarnings("ignore")  # of torch, on what it will give up
@pytest.mark.parametrize("within", [False, True])
@pytest.mark.parametrize("kind", ODD)
def test_tensors_that_are_no_weights_are_named(tiny: Tiny, kind: str, within: bool) -> None:
    state = network().state_dict() | {"6.bias": odd(kind)}
    assert f"{ODD[kind]}." in misfit(tiny, {"model": state} if within else state)


@pytest.mark.parametrize("kind", ["half", "double"])
def test_floats_of_another_width_are_taken(tiny: Tiny, kind: str) -> None:
    torch.save(network().state_dict() | {"6.bias": odd(kind)}, tiny.folder / "w.pt")
    tiny.change(model__weights="w.pt").works("layers", "--no-time")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_weights_that_are_not_finite_are_named(tiny: Tiny, value: float) -> None:
    state = network().state_dict()
    state["2.weight"][1, 2, 0, 0] = value
    message = misfit(tiny, state)
    assert "weights are NaN or infinite: 2.weight (1 of 216 values)." in message


def test_weights_that_are_not_finite_without_a_file(tiny: Tiny) -> None:
    source = tiny.folder / "network.py"
    source.write_text(
        source.read_text().replace("return ", "layers[6].bias.data /= 0\n    return ")
    )
    assert "NaN or infinite: 6.bias (3 of 3 values)" in said(tiny)


def test_an_infinite_buffer_is_a_mask() -> None:
    module = nn.Module()
    module.register_buffer("mask", torch.tensor([0.0, -math.inf]))
    assert refuse_not_finite(module) == []
    module.mask[0] = math.nan
    (told,) = refuse_not_finite(module)
    assert "NaN: mask (1 of 2 values)" in told


def test_an_archive_that_unpacks_to_more_is_not_unpacked(tiny: Tiny) -> None:
    with zipfile.ZipFile(tiny.folder / "w.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10_000_000))
    message = said(tiny.change(model__weights="w.pt"))
    assert "cannot be read: its 9," in message and "bytes unpack to 10,000,000" in message


@pytest.mark.parametrize("kind", ["pipe", "zero", "socket"])
def test_weights_that_are_no_file(tiny: Tiny, kind: str) -> None:
    path = tiny.folder / "w.pt"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "zero":
        path.symlink_to("/dev/zero")
    else:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
    assert f"The weights file {path} is no file." in said(tiny.change(model__weights="w.pt"))


def test_torch_has_no_word_of_its_own_on_what_is_refused(tiny: Tiny) -> None:
    (tiny.folder / "w.pt").write_bytes(pickle.dumps(Trap(tiny.folder / "sprung")))
    done = tiny.change(model__weights="w.pt").process("layers", "--no-time")
    assert done.returncode == 1 and done.stderr.startswith("Error: "), done.stderr


def test_a_whole_pickled_module_is_refused(tiny: Tiny) -> None:
    torch.save(network(), tiny.folder / "w.pt")
    message = said(tiny.change(model__weights="w.pt"))
    assert "holds more than weights: torch.nn.modules.container.Sequential" in message


def test_digest_sees_names_types_shapes_and_values() -> None:
    plain = network()
    digests = {weights_digest(plain)}
    assert weights_digest(network()) in digests
    plain[6].bias.data[0] += 1e-3
    digests.add(weights_digest(plain))
    digests.add(weights_digest(network().half()))
    digests.add(weights_digest(nn.Sequential(network())))
    flat = network()
    flat[6].bias = nn.Parameter(flat[6].bias.data[None])
    digests.add(weights_digest(flat))
    counting = nn.Sequential(network(), nn.BatchNorm2d(1), nn.Embedding(0, 3))
    digests.add(weights_digest(counting))
    assert len(digests) == 6


def test_digest_is_what_it_says(tiny: Tiny) -> None:
    """So that others can compute it, without us."""
    layer = nn.Linear(1, 1)
    parts = [
        f"{name} torch.float32 {tuple(tensor.shape)}\n".encode() + tensor.detach().numpy().tobytes()
        for name, tensor in (("bias", layer.bias), ("weight", layer.weight))
    ]
    assert weights_digest(layer) == hashlib.sha256(b"".join(parts)).hexdigest()


def test_state_that_is_no_tensor_is_left_out() -> None:
    class Noting(nn.Linear):
        def get_extra_state(self) -> dict[str, int]:
            return {"epoch": 3}

        def set_extra_state(self, state: object) -> None:
            pass

    assert weights_digest(Noting(1, 1)) != weights_digest(nn.Linear(1, 1))


def test_half_a_weights_file_changes_nothing(tmp_path: Path) -> None:
    module = network()
    before = weights_digest(module)
    state = {key: value + 1 for key, value in module.state_dict().items() if key != "0.bias"}
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match=r"missing: 0\.bias"):
        load_weights(module, tmp_path / "w.safetensors")
    assert weights_digest(module) == before


def test_the_untrained_network_is_random_repeatable_and_a_copy():
    torch.manual_seed(1)
    network = nn.Sequential(
        nn.Conv2d(3, 64, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.Conv2d(64, 64, 3), nn.Flatten()
    ).eval()
    with torch.no_grad():
        network[1].running_mean.fill_(7)
        network[1].weight.fill_(3)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    one, again, other = (untrained(deepcopy(network), seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
    for first, second in zip(one.parameters(), again.parameters(), strict=True):
        assert torch.equal(first, second) and not first.requires_grad
    assert not torch.equal(one[0].weight, other[0].weight)
    assert not torch.equal(one[0].weight, network[0].weight)
    assert float(one[3].weight.std()) == pytest.approx(math.sqrt(2 / (64 * 9)), rel=0.05)
    assert not one[0].bias.any() and float(one[1].running_mean.abs().max()) == 0
    assert float(one[1].weight.min()) == 1 and not one.training


def test_modules_of_ones_own_that_reset_with_arguments_are_left_to_the_draw():
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel = nn.Parameter(torch.ones(4, 8))

        def reset_parameters(self, gain: float) -> None:
            nn.init.constant_(self.kernel, gain)

    made = untrained(nn.Sequential(Own()), 0)
    assert float(made[0].kernel.std()) > 0
